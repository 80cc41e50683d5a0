"""What annotations call the arrays of whatever backend there is."""

from typing import Any, TypeAlias

#: An array of TensorFlow, JAX, PyTorch or NumPy, or a symbolic one of Keras, which have no common
#: class. Shapes and dtypes are in the docstrings.
Tensor: TypeAlias = Any
