from typing import Any

import keras
from keras import ops

from keras_videogpt.typing import Tensor

EPSILON_PLACEMENTS = ("inside", "outside")
GAINS = ("learned", "original")
# A variance below it counts as zero: the gradient of 1 / sqrt(variance) would overflow float32.
SMALLEST_VARIANCE = 1e-24


@keras.saving.register_keras_serializable("keras_videogpt")
class LayerNormalization(keras.layers.Layer):
    """Layer normalisation over the last axis, whose gain and bias may depend on a condition.

    The layer is conditional if it is built with a condition: one for all positions, or one for each
    of some groups of consecutive positions. Whatever its dtype policy, it computes in float32.

    Args:
        epsilon: keeps the factor of a constant vector finite.
        epsilon_placement: `"inside"` the root, `(x - mean) / sqrt(variance + epsilon)`; or
            `"outside"`, as the original code, `(x - mean) * (epsilon + 1 / sqrt(variance))`, where
            a constant vector, not a number in the original, gets the factor `epsilon`.
        gains: how gain and bias depend on a condition c: `"learned"`: `g + c W` and `b + c V`, all
            learned, at first 1 and 0 whatever c is; `"original"`: `1 + c W` and `c V`, as the
            original code, where a one-hot c gives a gain of `1 + 1 / sqrt(len(c))` at first.

    Call arguments:
        x: float `(B, ..., channels)`.
        condition: float `(B, condition_dim)`; or `(B, groups, condition_dim)` for x of
            `(B, L, channels)`, whose first `L / groups` positions have the first condition, and so
            on; or `None` for a layer that is not conditional.

    Returns:
        Tensor of the shape of `x`, in the layer's compute dtype.

    Raises:
        ValueError: `epsilon_placement` or `gains` is not accepted; or, when called, a condition is
            missing, or given to a layer built without, or its groups don't divide the positions.

    Example:
        >>> LayerNormalization()(keras.ops.zeros((2, 10, 32))).shape
        (2, 10, 32)
        >>> actions = keras.ops.ones((2, 60))
        >>> LayerNormalization(gains="original")(keras.ops.zeros((2, 10, 32)), actions).shape
        (2, 10, 32)
        >>> LayerNormalization()(keras.ops.zeros((2, 10, 32)), keras.ops.ones((2, 5, 8))).shape
        (2, 10, 32)

    Reference: arXiv 2104.10157, section 3 (conditional norms); arXiv 1607.06450.
    """

    def __init__(
        self,
        epsilon: float = 1e-5,
        epsilon_placement: str = "inside",
        gains: str = "learned",
        **kwargs: Any,
    ):
        if epsilon_placement not in EPSILON_PLACEMENTS:
            raise ValueError(
                f"epsilon_placement must be one of {EPSILON_PLACEMENTS}; got {epsilon_placement!r}."
            )
        if gains not in GAINS:
            raise ValueError(f"gains must be one of {GAINS}; got {gains!r}.")
        # The inputs are cast to float32 here, a condition not rounded to bfloat16 before.
        super().__init__(autocast=False, **kwargs)
        self.epsilon = epsilon
        self.epsilon_placement = epsilon_placement
        self.gains = gains

    def build(self, x_shape, condition_shape=None):
        channels = x_shape[-1]
        self.conditional = condition_shape is not None
        if self.conditional and len(condition_shape) == 3 and x_shape[1] % condition_shape[1]:
            raise ValueError(
                f"The groups of condition must divide the {x_shape[1]} positions of x; "
                f"got {condition_shape[1]} groups."
            )
        original = self.gains == "original"
        if not (self.conditional and original):
            self.gain = self._weight("gain", (channels,), "ones")
            self.bias = self._weight("bias", (channels,), "zeros")
        if self.conditional:
            shape = (condition_shape[-1], channels)
            start = keras.initializers.Constant(shape[0] ** -0.5 if original else 0)
            self.gain_kernel = self._weight("gain_kernel", shape, start)
            self.bias_kernel = self._weight("bias_kernel", shape, "zeros")

    def _weight(self, name, shape, initializer):
        return self.add_weight(name=name, shape=shape, initializer=initializer, autocast=False)

    def gain_and_bias(self, condition: Tensor | None = None) -> tuple:
        """Gain and bias, which a loop over positions needs to compute only once.

        Args:
            condition: float `(B, condition_dim)` or `(B, groups, condition_dim)`, or `None`.

        Returns:
            Two float32 tensors, `(B, channels)` or `(B, groups, channels)` with a condition and
            `(channels,)` without.
        """
        if (condition is not None) != self.conditional:
            raise ValueError(
                "condition must be given, as to build the layer."
                if self.conditional
                else "condition must be None: the layer was built without."
            )
        if not self.conditional:
            return ops.cast(self.gain, "float32"), ops.cast(self.bias, "float32")
        condition = ops.cast(condition, "float32")
        gain, bias = (1, 0) if self.gains == "original" else (self.gain, self.bias)
        return (
            gain + ops.matmul(condition, self.gain_kernel),
            bias + ops.matmul(condition, self.bias_kernel),
        )

    def step_gain_and_bias(self, condition: Tensor | None = None) -> tuple:
        """`gain_and_bias` for steps: groups come first, `(groups, B, channels)`."""
        return tuple(
            ops.transpose(array, (1, 0, 2)) if len(array.shape) == 3 else array
            for array in self.gain_and_bias(condition)
        )

    def normalize(self, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        """`x` normalised, times the gain, plus the bias.

        Args:
            x: float `(B, ..., channels)`.
            gain, bias: as `gain_and_bias` gives.

        Returns:
            Tensor of the shape of `x`, in the layer's compute dtype.
        """
        x = ops.cast(x, "float32")
        whole = ops.shape(x)
        if len(gain.shape) == 3:
            groups, channels = gain.shape[1:]
            x = ops.reshape(x, (-1, groups, x.shape[1] // groups, channels))
        if len(gain.shape) > 1:
            shape = (-1, *gain.shape[1:-1], *[1] * (len(x.shape) - len(gain.shape)), x.shape[-1])
            gain, bias = ops.reshape(gain, shape), ops.reshape(bias, shape)
        if self.epsilon_placement == "outside":
            x = self._normalize_with_epsilon_outside(x) * gain + bias
        elif self.conditional:
            x = ops.layer_normalization(x, epsilon=self.epsilon) * gain + bias
        else:
            x = ops.layer_normalization(x, gain, bias, epsilon=self.epsilon)
        if len(x.shape) != len(whole):
            x = ops.reshape(x, whole)
        return ops.cast(x, self.compute_dtype)

    def _normalize_with_epsilon_outside(self, x):
        # Not ops.moments, whose difference of large squares is imprecise on PyTorch.
        x = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(x), axis=-1, keepdims=True)
        varies = variance > SMALLEST_VARIANCE
        # The inner where keeps the gradient of the branch that is not taken finite.
        factor = ops.where(varies, ops.rsqrt(ops.where(varies, variance, 1.0)), 0.0)
        return x * (self.epsilon + factor)

    def call(self, x, condition=None):
        return self.normalize(x, *self.gain_and_bias(condition))

    def compute_output_shape(self, x_shape, condition_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "epsilon_placement": self.epsilon_placement,
            "gains": self.gains,
        }
