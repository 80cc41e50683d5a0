"""A simulated robot arm that pushes objects about in a tray: a data set anyone can make."""

from keras_videogpt.data.pushing.recording import record_pushing, replay_pushing
from keras_videogpt.data.pushing.scene import PushingScene

__all__ = ["PushingScene", "record_pushing", "replay_pushing"]
