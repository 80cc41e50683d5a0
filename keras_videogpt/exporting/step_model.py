"""One decoding step of a prior as a Keras model, with its cache as input and output.

For formats without a loop of their own: a program in any language calls the step once per code. In
place of a cache that grows there is one of all positions, of which those to come are masked.
"""

from typing import Any

import keras
from keras import ops

from keras_videogpt.layers.key_value_cache import attend_to_parts
from keras_videogpt.layers.sparse_attention import StridedSparseSelfAttention
from keras_videogpt.layers.step_operations import linear, normalize, quick_gelu
from keras_videogpt.models.videogpt import VideoGPT


def cache_shape(model: VideoGPT) -> tuple[int, int, int]:
    """Shape of one clip's cache: keys of all heads, then values, block by block.

    Args:
        model: a `VideoGPT`.

    Returns:
        `(2 * num_layers * num_heads, L, hidden_dim / num_heads)`.
    """
    heads = 2 * model.num_layers * model.num_heads
    return heads, model.length, model.hidden_dim // model.num_heads


def build_step_model(model: VideoGPT, conditions: keras.Model | None = None) -> keras.Model:
    """The functional model of one decoding step.

    Args:
        model: a `VideoGPT` of float32.
        conditions: what `build_condition_model` gives.

    Returns:
        A model from a dictionary to a dictionary. It takes `previous`, int32 `(B,)`, the code
        before, ignored at position 0; `position`, an int32 scalar; `cache`, float32
        `(B, *cache_shape(model))`, zeros at first; and the outputs of `conditions`. It gives
        `logits`, float32 `(B, num_codes)`, and `next_cache`, the cache with the position in it.

    Example:
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> gpt = VideoGPT(vqvae, num_layers=2, num_heads=2, hidden_dim=32)
        >>> build_step_model(gpt).output["logits"].shape
        (None, 32)
    """
    inputs = {
        "previous": keras.Input((), dtype="int32", name="previous"),
        "position": keras.Input(batch_shape=(), dtype="int32", name="position"),
        "cache": keras.Input(cache_shape(model), name="cache"),
    }
    for name, tensor in ({} if conditions is None else conditions.output).items():
        inputs[name] = keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
    return keras.Model(inputs, PriorStep(model, name="prior_step")(inputs), name="prior_step")


class PriorStep(keras.layers.Layer):
    """Computes what `sampling.step.step` does, of a position that may be a tensor anywhere.

    Args:
        model: the `VideoGPT` whose layers it shares.

    Call arguments:
        inputs: what the model of `build_step_model` takes.

    Returns:
        What that model gives.
    """

    def __init__(self, model: VideoGPT, **kwargs: Any):
        super().__init__(dtype="float32", **kwargs)
        self.quantizer = model.tokenizer.quantizer
        self.embed = model.embed
        self.start_of_sequence = model.start
        self.positions = model.positions
        self.blocks = model.blocks
        self.norm = model.norm
        self.unembed = model.unembed
        self.length = model.length
        self.group_length = model.group_length

    def call(self, inputs):
        position, cache = inputs["position"], inputs["cache"]
        norms = self._gains_and_biases(inputs)
        heads = cache.shape[1] // (2 * len(self.blocks))
        past = _split(cache, heads)
        entries = []
        x = self._embedded(inputs["previous"], position)
        for index, block in enumerate(self.blocks):
            keys, values = past[2 * index : 2 * index + 2]
            seen = self._seen(block.attention, position)
            normed = normalize(block.attention_norm, x, *next(norms))
            attended, key, value = _attend_causally(block.attention, normed, keys, values, seen)
            x = x + attended
            if block.cross_attention is not None:
                memory = [_split(inputs[n], heads)[index] for n in ("memory_keys", "memory_values")]
                normed = normalize(block.cross_norm, x, *next(norms))
                mask = inputs.get("memory_mask")
                x = x + _attend_to_memory(block.cross_attention, normed, *memory, mask)
            normed = normalize(block.feed_forward_norm, x, *next(norms))
            x = x + linear(block.contract, quick_gelu(linear(block.expand, normed)))
            entries += [key, value]
        logits = linear(self.unembed, normalize(self.norm, x, *next(norms)))
        entries = ops.concatenate(entries, axis=1)[:, :, None]
        here = ops.equal(ops.arange(self.length), position)[:, None]
        return {"logits": logits, "next_cache": ops.where(here, entries, cache)}

    def _embedded(self, previous, position):
        books = self.quantizer.num_codebooks
        x = linear(self.embed, self.quantizer.lookup_in_book(previous, (position - 1) % books))
        start = ops.convert_to_tensor(self.start_of_sequence.vector)
        x = ops.where(ops.equal(position, 0), start, x)
        table = ops.reshape(self.positions.table(), (self.length, x.shape[-1]))
        return x + ops.take(table, position, axis=0)

    def _gains_and_biases(self, inputs):
        """Gain and bias of every norm at this position, in the order that they come in."""
        if "gains_and_biases" not in inputs:
            for norm in norms_in_order(self.blocks, self.norm):
                yield norm.gain_and_bias()
            return
        arrays = inputs["gains_and_biases"]
        if self.group_length is not None:
            arrays = ops.take(arrays, inputs["position"] // self.group_length, axis=2)
        for index in range(0, arrays.shape[1], 2):
            yield arrays[:, index], arrays[:, index + 1]

    def _seen(self, attention, position):
        """Which positions of the cache an attention sees: bool `(L,)`."""
        positions = ops.arange(self.length)
        seen = positions < position
        if isinstance(attention, StridedSparseSelfAttention):
            size = attention.block_size
            row = ops.take(ops.convert_to_tensor(attention.layout), position // size, axis=0)
            seen = ops.logical_and(seen, ops.take(row, positions // size, axis=0))
        return seen

    def compute_output_spec(self, inputs):
        batch = inputs["cache"].shape[0]
        return {
            "logits": keras.KerasTensor((batch, self.unembed.units), "float32"),
            "next_cache": keras.KerasTensor(inputs["cache"].shape, "float32"),
        }


def norms_in_order(blocks: list, norm: keras.layers.Layer) -> list:
    """All norms of a prior, in the order that a code passes through them."""
    norms = []
    for block in blocks:
        cross = [] if block.cross_attention is None else [block.cross_norm]
        norms += [block.attention_norm, *cross, block.feed_forward_norm]
    return [*norms, norm]


def _split(array, heads):
    """`(B, parts * heads, P, channels)` as its parts, heads as more sequences."""
    shape = (-1, *array.shape[2:])
    starts = range(0, array.shape[1], heads)
    return [ops.reshape(array[:, start : start + heads], shape) for start in starts]


def _attend_causally(attention, x, keys, values, seen):
    """Attention of a position to those seen and itself; its own key and value `(B, heads, ...)`."""
    shape = (-1, 3, attention.num_heads, attention.head_dim)
    projected = ops.reshape(linear(attention.query_key_value, x), shape)
    flat = [ops.reshape(projected[:, i], (-1, attention.head_dim)) for i in range(3)]
    query, key, value = flat
    itself = (key[:, None], value[:, None], True)
    attended = attend_to_parts(query, [(keys, values, seen), itself])
    attended = ops.reshape(attended, (-1, attention.num_heads * attention.head_dim))
    return linear(attention.output_projection, attended), projected[:, 1], projected[:, 2]


def _attend_to_memory(attention, x, keys, values, mask):
    query = ops.reshape(linear(attention.query, x), (-1, attention.head_dim))
    mask = True if mask is None else ops.repeat(mask, attention.num_heads, axis=0)
    attended = attend_to_parts(query, [(keys, values, mask)])
    attended = ops.reshape(attended, (-1, attention.num_heads * attended.shape[-1]))
    return linear(attention.output_projection, attended)
