"""A transposed 3-D convolution, with code of its own for JAX and PyTorch."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_videogpt.layers.block_convolution import strides_are_slow, transposed_convolution


@keras.saving.register_keras_serializable("keras_videogpt")
class Conv3DTranspose(keras.layers.Conv3DTranspose):
    """A transposed 3-D convolution whose output is its input's size times the strides.

    The numbers are those of `keras.layers.Conv3DTranspose` with padding "same"; JAX computes it on
    CPUs without strides, which is far faster there, and PyTorch does not make a larger output to
    crop. It has the name of Keras's layer because files of models find weights by it.

    Args:
        filters: output channels.
        kernel_size: one size, or `(t, h, w)`; nowhere smaller than the stride.
        strides: one stride, or `(t, h, w)`.
        **kwargs: options of `keras.layers.Conv3DTranspose`, but for `padding`.

    Call arguments:
        inputs: float `(B, T, H, W, C)`.

    Returns:
        Tensor `(B, T t, H h, W w, filters)`.

    Example:
        >>> Conv3DTranspose(8, 4, strides=(1, 2, 2))(keras.ops.zeros((1, 4, 8, 8, 3))).shape
        (1, 4, 16, 16, 8)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        **kwargs: Any,
    ):
        kwargs.pop("padding", None)
        super().__init__(filters, kernel_size, strides=strides, padding="same", **kwargs)
        if any(k < s for k, s in zip(self.kernel_size, self.strides, strict=True)):
            raise ValueError(
                "kernel_size must be nowhere smaller than strides; "
                f"got kernel_size={self.kernel_size} and strides={self.strides}."
            )

    def call(self, inputs):
        if self.output_padding is not None or max(self.dilation_rate) > 1:
            return super().call(inputs)
        if strides_are_slow():
            outputs = transposed_convolution(inputs, self.kernel, self.strides)
            outputs = outputs + self.bias if self.use_bias else outputs
        elif keras.backend.backend() == "torch":
            outputs = _padded_by_torch(inputs, self.kernel, self.bias, self.strides)
        else:
            return super().call(inputs)
        return outputs if self.activation is None else self.activation(outputs)


def _padded_by_torch(x, kernel, bias, strides):
    import torch

    kernel = keras.ops.convert_to_tensor(kernel)
    bias = None if bias is None else keras.ops.convert_to_tensor(bias)
    padding = [(k - s) // 2 for k, s in zip(kernel.shape, strides, strict=False)]
    sizes = [size * stride for size, stride in zip(x.shape[1:], strides, strict=False)]
    x = torch.nn.functional.conv_transpose3d(
        x.movedim(-1, 1), kernel.permute(4, 3, 0, 1, 2), bias, stride=strides, padding=padding
    )
    # One more at the end of an axis where kernel and stride differ by an odd number.
    return x.movedim(1, -1)[:, : sizes[0], : sizes[1], : sizes[2]]
