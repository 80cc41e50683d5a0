import weakref

from keras_videogpt.models.checks import check_choice
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.cache import cache_bytes

DTYPES = ("float32", "bfloat16", "float16")
QUANTIZED_DTYPES = ("float32", "bfloat16")

_COPIES = weakref.WeakKeyDictionary()


def decoding_model(model: VideoGPT, dtype: str | None = None) -> VideoGPT:
    """The model to decode with: weights, cache and arithmetic of one dtype.

    That is the model itself if its weights have the dtype, and otherwise a copy, which is made once
    and gets the model's weights at every call.

    Args:
        model: a `VideoGPT`.
        dtype: `"float32"`, `"bfloat16"` or `"float16"`, which a model quantized to int8 does not
            take; `None` for the model's compute dtype.

    Returns:
        A `VideoGPT` whose weights have its compute dtype, quantized if the model is.

    Raises:
        ValueError: `dtype` is none of these.
    """
    dtype = dtype or model.layers_policy.compute_dtype
    if model.quantization is None:
        check_choice("dtype", dtype, DTYPES)
    else:
        check_choice(f"dtype of a model quantized to {model.quantization}", dtype, QUANTIZED_DTYPES)
    if model.layers_policy.compute_dtype == model.layers_policy.variable_dtype == dtype:
        return model
    copies = _COPIES.setdefault(model, {})
    if dtype not in copies or copies[dtype].quantization != model.quantization:
        copies[dtype] = VideoGPT.from_config({**model.get_config(), "dtype": dtype})
    copies[dtype].set_weights(model.get_weights())
    return copies[dtype]


def fitting_batch_size(model: VideoGPT, n: int, most_bytes: int = 2**31) -> int:
    """How many clips to sample at once: at most 64, and what a cache of 2 GiB holds.

    Args:
        model: the model to decode with.
        n: number of clips wanted.
        most_bytes: of keys and values.

    Returns:
        At least 1.
    """
    return max(1, min(n, 64, most_bytes // cache_bytes(model, 1)))
