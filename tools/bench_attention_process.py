"""One measurement of tools/bench_attention, in a process of its own: prints a line of JSON.

    KERAS_BACKEND=jax python tools/bench_attention_process.py sparse 4x32x32 5

for the time and memory of a variant, with at most 5 runs; `compare` in the place of the variant
tells how far the numbers of `sparse` and `dense` are apart.
"""

import importlib
import json
import math
import statistics
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
from benchmark import process_memory
from keras import ops

from keras_videogpt.layers import strided_layout
from keras_videogpt.layers.block_sparse_attention import block_sparse_attention
from keras_videogpt.layers.causal_attention import causal_attention

HEADS, CHANNELS = 4, 144  # the original's prior: 576 channels
ENOUGH_SECONDS = 2.0  # of timed runs; one is always made
TOLERANCE = 1e-4  # of sparse against dense, relative to the largest number


def attention(variant: str, grid: tuple[int, ...]) -> Callable:
    """A function of query, key and value, `(B, L, heads, channels)` each and in return."""
    if variant == "full":
        return causal_attention
    layout = strided_layout(grid)
    if variant == "sparse":
        return lambda query, key, value: block_sparse_attention(query, key, value, layout)
    length = math.prod(grid)
    size = length // len(layout)
    mask = np.kron(layout, np.ones((size, size), bool)) & np.tri(length, dtype=bool)
    mask = ops.convert_to_tensor(mask)

    def dense(query, key, value):
        scores = ops.einsum("binc,bjnc->bnij", query, key) * CHANNELS**-0.5
        scores = ops.where(mask, scores, -1e9)
        return ops.einsum("bnij,bjnc->binc", ops.softmax(scores, axis=-1), value)

    return dense


def random_inputs(grid: tuple[int, ...]) -> list:
    """Query, key and value for one example, always the same ones."""
    rng = np.random.default_rng(0)
    shape = (1, math.prod(grid), HEADS, CHANNELS)
    return [ops.convert_to_tensor(rng.standard_normal(shape, "float32")) for _ in range(3)]


def forward_and_backward(attend: Callable, inputs: list) -> Callable[[], tuple]:
    """A function that gives the output of `attend`, and the gradients of its sum of squares.

    It's compiled as training compiles it.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=True)
        def run(*inputs):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                output = attend(*inputs)
                loss = tf.reduce_sum(output**2)
            return output, *tape.gradient(loss, inputs)

        return lambda: run(*inputs)

    if backend == "jax":
        import jax

        def loss(inputs):
            output = attend(*inputs)
            return (output**2).sum(), output

        differentiate = jax.jit(jax.grad(loss, has_aux=True))

        def run():
            gradients, output = jax.block_until_ready(differentiate(inputs))
            return output, *gradients

        return run

    import torch

    inputs = [x.requires_grad_(True) for x in inputs]

    def run():
        output = attend(*inputs)
        return output.detach(), *torch.autograd.grad((output**2).sum(), inputs)

    return run


def measure(variant: str, grid: tuple[int, ...], runs: int) -> dict[str, float]:
    """Time and memory of one variant."""
    run = forward_and_backward(attention(variant, grid), random_inputs(grid))
    before = process_memory("VmRSS")
    run()
    seconds = []
    while len(seconds) < runs and sum(seconds) < ENOUGH_SECONDS:
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return {"seconds": statistics.median(seconds), "peak_mib": process_memory("VmHWM") - before}


def compare(grid: tuple[int, ...]) -> dict:
    """The largest differences between sparse and dense attention, and the versions."""
    inputs = random_inputs(grid)
    sparse, dense = (
        [ops.convert_to_numpy(x) for x in forward_and_backward(attention(variant, grid), inputs)()]
        for variant in ("sparse", "dense")
    )
    for one, other in zip(sparse, dense, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE * np.abs(other).max())
    output, *gradients = (
        float(np.abs(one - other).max()) for one, other in zip(sparse, dense, strict=True)
    )
    modules = ("keras", "numpy", keras.backend.backend())
    versions = {module: importlib.import_module(module).__version__ for module in modules}
    return {"output": output, "gradients": max(gradients), "versions": versions}


if __name__ == "__main__":
    task, codes, runs = sys.argv[1:]
    grid = tuple(int(size) for size in codes.split("x"))
    print(json.dumps(compare(grid) if task == "compare" else measure(task, grid, int(runs))))
