"""One measurement of tools/bench_sampling, in a process of its own: prints a line of JSON.

    KERAS_BACKEND=jax python tools/bench_sampling_process.py 4x16x16 full 8 float32 1

for the codes, the attention, the batch size, the dtype and the part of the runs that are timed.
"""

import importlib
import json
import math
import statistics
import sys
import time

import keras
from benchmark import process_memory
from keras import ops
from model_flops import visible_positions

from keras_videogpt import VQVAE, VideoGPT
from keras_videogpt.layers.packed_linear import packed
from keras_videogpt.sampling.cache import empty_cache, grow, run_length
from keras_videogpt.sampling.decoding_loop import compiled_decode_run
from keras_videogpt.sampling.decoding_model import decoding_model
from keras_videogpt.sampling.draw import uniform_numbers
from keras_videogpt.sampling.sample_codes import sample_codes
from keras_videogpt.sampling.step import encode_conditions

ENOUGH_SECONDS = 5.0  # of timed calls after the first; one is always made
MOST_CALLS = 3


def random_prior(grid: tuple[int, ...], attention: str) -> VideoGPT:
    """The original's prior with random weights, over codes of the smallest tokenizer there is."""
    keras.utils.set_random_seed(0)
    tokenizer = VQVAE(
        video_shape=(*grid, 1),
        downsample=(1, 1, 1),
        num_codes=1024,
        code_dim=256,
        hidden_units=2,
        num_residual_layers=1,
        axial_attention=False,
    )
    model = VideoGPT(tokenizer, num_layers=8, num_heads=4, hidden_dim=576, attention=attention)
    # It starts at zero, where every code is as likely as any other.
    kernel = model.unembed.kernel
    kernel.assign(keras.random.normal(kernel.shape, stddev=0.02, seed=0))
    return model


def weights_read(model: VideoGPT) -> int:
    """Bytes of the weights that every step reads."""
    layers = [model.embed, *model.blocks, model.norm, model.unembed]
    weights = sum(math.prod(weight.shape) for layer in layers for weight in layer.weights)
    return weights * bytes_of(model)


def cache_size(model: VideoGPT, batch: int, positions: float) -> float:
    """Bytes of the keys and values of some positions."""
    return batch * 2 * model.num_layers * model.hidden_dim * positions * bytes_of(model)


def bytes_of(model: VideoGPT) -> int:
    return 4 if model.embed.compute_dtype == "float32" else 2


def bytes_per_step(model: VideoGPT, batch: int) -> float:
    """The least that a step reads: weights once, keys and values of what a position attends to.

    The latter is the mean over all positions.
    """
    visible = visible_positions(model)
    return weights_read(model) + cache_size(model, batch, visible)


def time_calls(model: VideoGPT, dtype: str, batch: int) -> tuple[float, float]:
    """Seconds of the first call of `sample_codes`, and of a later one."""
    seconds = []
    while len(seconds) < 2 or (len(seconds) <= MOST_CALLS and sum(seconds[1:]) < ENOUGH_SECONDS):
        start = time.perf_counter()
        sample_codes(decoding_model(model, dtype), uniform_numbers(0, 0, batch, model.length))
        seconds.append(time.perf_counter() - start)
    return seconds[0], statistics.median(seconds[1:])


def time_part(model: VideoGPT, dtype: str, batch: int, part: int) -> tuple[float, float]:
    """The same, from every `part`-th compiled run.

    What is not timed is not run: the cache is zero there, which takes the same time. What a first
    pass through the runs, the very first one too, takes more than a second pass is the compilation.
    """
    length = run_length(model)
    runs = model.length // length
    timed = list(range(min(part, runs) // 2, runs, part))
    first, later = (time_runs(model, dtype, batch, sorted({0, *timed, runs - 1})) for _ in range(2))
    whole = later["preparation"] + sum(later[run] for run in timed) * runs / len(timed)
    return whole + sum(first.values()) - sum(later.values()), whole


def time_runs(model: VideoGPT, dtype: str, batch: int, runs: list[int]) -> dict:
    """Seconds of some runs by their number, and of `"preparation"`, where the cache grows too."""
    start = time.perf_counter()
    length, decoder = run_length(model), decoding_model(model, dtype)
    decode = compiled_decode_run(decoder, batch)
    context, cache = encode_conditions(decoder), empty_cache(decoder, batch)
    previous = ops.zeros((batch,), "int32")
    drawn = -ops.ones((length, batch), "int32")
    uniforms = uniform_numbers(0, 0, batch, model.length)
    with packed([decoder.embed, *decoder.blocks, decoder.unembed], batch):
        seconds = {"preparation": time.perf_counter() - start}
        for run in runs:
            start = time.perf_counter()
            grow(decoder, cache, (run + 1) * length)
            for array in keras.tree.flatten(cache):
                ops.convert_to_numpy(array[:1, :1])  # JAX does not wait by itself
            seconds["preparation"] += time.perf_counter() - start
            start = time.perf_counter()
            numbers = ops.convert_to_tensor(uniforms[run * length : (run + 1) * length])
            codes, cache = decode(previous, cache, context, numbers, drawn, run * length, 1.0, None)
            ops.convert_to_numpy(codes)
            seconds[run] = time.perf_counter() - start
            previous = codes[-1]
    return seconds


def measure(grid: tuple[int, ...], attention: str, batch: int, dtype: str, part: int) -> dict:
    """Time and memory of sampling."""
    model = random_prior(grid, attention)
    before = process_memory("VmRSS")
    if part == 1:
        first, seconds = time_calls(model, dtype, batch)
    else:
        first, seconds = time_part(model, dtype, batch, part)
    decoder = decoding_model(model, dtype)
    least = weights_read(decoder) + cache_size(decoder, batch, model.length)
    peak = process_memory("VmHWM")
    modules = ("keras", "numpy", keras.backend.backend())
    return {
        "first_seconds": first,
        "seconds": seconds,
        "codes_per_second": batch * model.length / seconds,
        "videos_per_second": batch / seconds,
        "milliseconds_per_step": 1000 * seconds / model.length,
        "bytes_per_step": bytes_per_step(decoder, batch),
        "peak_mib": peak,
        "mib_before": before,
        "peak_percent": 100 * ((peak - before) * 2**20 + weights_read(model)) / least,
        "versions": {module: importlib.import_module(module).__version__ for module in modules},
    }


if __name__ == "__main__":
    codes, attention, batch, dtype, part = sys.argv[1:]
    grid = tuple(int(size) for size in codes.split("x"))
    print(json.dumps(measure(grid, attention, int(batch), dtype, int(part))))
