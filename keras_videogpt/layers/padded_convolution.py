from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_videogpt.layers.block_convolution import strided_convolution, strides_are_slow


@keras.saving.register_keras_serializable("keras_videogpt")
class PaddedConv3D(keras.layers.Conv3D):
    """A 3-D convolution whose output is its input's size over the strides, padded explicitly.

    Padding in front of the convolution, in place of the backend's own "same", fixes on which side
    an odd number of zeros goes, on every backend. It also keeps clear of a defect of oneDNN: the
    bfloat16 weight gradient of a padded 3x3x3 convolution over two frames is garbage on CPUs. Where
    neither matters the backend pads, which is faster.

    Args:
        filters: output channels.
        kernel_size: one size, or `(t, h, w)`.
        strides: one stride, or `(t, h, w)`; each must divide its axis.
        extra_padding: side that takes the odd zero: `"after"`, as Keras's "same", or `"before"`, as
            the original code (it matters for kernel 4 with stride 1).
        **kwargs: options of `keras.layers.Conv3D`, but for `padding`.

    Call arguments:
        x: float `(B, T, H, W, C)`.

    Returns:
        Tensor `(B, T / t, H / h, W / w, filters)`.

    Example:
        >>> PaddedConv3D(8, 4, strides=(1, 2, 2))(keras.ops.zeros((1, 4, 8, 8, 3))).shape
        (1, 4, 4, 4, 8)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        extra_padding: str = "after",
        **kwargs: Any,
    ):
        if extra_padding not in ("after", "before"):
            raise ValueError(f"extra_padding must be 'after' or 'before'; got {extra_padding!r}.")
        kwargs.pop("padding", None)
        super().__init__(filters, kernel_size, strides=strides, padding="valid", **kwargs)
        self.extra_padding = extra_padding

    def _paddings(self):
        paddings = []
        for kernel, stride in zip(self.kernel_size, self.strides, strict=True):
            total = max(kernel - stride, 0)
            less, more = total // 2, total - total // 2
            paddings.append((less, more) if self.extra_padding == "after" else (more, less))
        return paddings

    def convolution_op(self, inputs, kernel):
        paddings = self._paddings()
        for axis, (stride, (before, _)) in enumerate(zip(self.strides, paddings, strict=True)):
            if inputs.shape[axis + 1] == stride == 1:
                # All but one place of the kernel would meet zeros only.
                kernel = ops.take(kernel, [before], axis=axis)
                paddings[axis] = (0, 0)
        plain = self.groups > 1 or max(self.dilation_rate) > 1
        if any(sum(pair) for pair in paddings):
            even = all(before == after for before, after in paddings) and max(self.strides) == 1
            if even and not plain and self.compute_dtype == "float32":
                return ops.conv(inputs, kernel, padding="same")
            inputs = ops.pad(inputs, [(0, 0), *paddings, (0, 0)])
        if plain or max(self.strides) == 1 or not strides_are_slow():
            return super().convolution_op(inputs, kernel)
        return strided_convolution(inputs, kernel, self.strides)

    def compute_output_shape(self, input_shape):
        batch, *grid, _ = input_shape
        grid = [size // stride for size, stride in zip(grid, self.strides, strict=True)]
        return (batch, *grid, self.filters)

    def get_config(self):
        return {**super().get_config(), "extra_padding": self.extra_padding}
