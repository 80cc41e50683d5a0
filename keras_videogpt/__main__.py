import sys

from keras_videogpt.cli import main

sys.exit(main())
