"""One measurement of tools/bench_train, in a process of its own: prints a line of JSON.

KERAS_BACKEND=jax python tools/bench_train_process.py '{"stage": "prior", "preset": "original",
    "shape": [4, 16, 16], "batch": 2, "precision": "float32", "steps": 3, "remat": false}'
"""

import importlib
import inspect
import itertools
import json
import sys
import time

import keras
import numpy as np
from benchmark import process_memory
from keras import ops
from model_flops import prior_flops, vqvae_flops

from keras_videogpt import VQVAE, VideoGPT
from keras_videogpt.presets.settings import settings
from keras_videogpt.training.optimizer import make_optimizer

PRODUCT_SIZE = {"cpu": 2048, "gpu": 8192}  # of the matrices whose product is timed
PRODUCTS = 5  # timed; the fastest counts


def build(stage: str, preset: str, shape: list[int], remat: bool) -> VQVAE | VideoGPT:
    """The model of a preset, for clips or for codes of some shape, without conditions."""
    options = settings(stage, preset)
    options |= {"seed": 0, "remat": remat}
    if stage == "vqvae":
        options |= {"video_shape": (*shape, 3), "data_variance": options["data_variance"] or 0.06}
        return VQVAE(**accepted(VQVAE, options))
    tokenizer = VQVAE(
        video_shape=(*shape, 1),
        downsample=(1, 1, 1),
        num_codes=1024,
        code_dim=256,
        hidden_units=2,
        num_residual_layers=1,
        axial_attention=False,
    )
    for name in ("frame_cond", "action_shape", "action_conditioning"):
        options.pop(name, None)
    return VideoGPT(tokenizer, **accepted(VideoGPT, options))


def accepted(model: type, options: dict) -> dict:
    """Those of a preset's settings that are arguments of the model."""
    names = inspect.signature(model).parameters
    return {name: value for name, value in options.items() if name in names}


def random_batch(model: VQVAE | VideoGPT, batch: int) -> dict:
    """Noise, as `fit` takes it."""
    rng = np.random.default_rng(0)
    if isinstance(model, VQVAE):
        return {"video": rng.integers(0, 256, (batch, *model.video_shape), "uint8")}
    return {"codes": rng.integers(0, 1024, (batch, *model.codes_shape), "int32")}


class EpochTimer(keras.callbacks.Callback):
    """Seconds of an epoch, which ends with the losses on the host, so that all is done.

    What comes after is left out: TensorFlow's tf.data sleeps at the end of an iterator until its
    autotuning wakes up, for as long as the iterator lived.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self.start


def seconds_of(model: VQVAE | VideoGPT, batch: dict, steps: int) -> float:
    """Seconds that some steps of `fit` take."""
    timer = EpochTimer()
    model.fit(itertools.repeat(batch), steps_per_epoch=steps, callbacks=[timer], verbose=0)
    return timer.seconds


def device_kind() -> str:
    """`"cpu"`, or `"gpu"` if the backend computes on one."""
    backend = keras.backend.backend()
    if backend == "torch":
        return "cpu" if ops.zeros(()).device.type == "cpu" else "gpu"
    if backend == "jax":
        import jax

        return jax.default_backend()
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


def peak_mib() -> float:
    """The most memory that was taken: of a GPU, or else of the whole process."""
    backend = keras.backend.backend()
    if device_kind() == "cpu":
        return process_memory("VmHWM")
    if backend == "torch":
        import torch

        return torch.cuda.max_memory_allocated() / 2**20
    if backend == "jax":
        import jax

        return jax.local_devices()[0].memory_stats()["peak_bytes_in_use"] / 2**20
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20


def matrix_speed(dtype: str) -> float:
    """Operations per second of a large matrix product in a dtype, by this backend."""
    size = PRODUCT_SIZE[device_kind()]
    matrix = ops.cast(keras.random.normal((size, size), seed=0), dtype)
    seconds = []
    for _ in range(PRODUCTS + 1):
        start = time.perf_counter()
        float(ops.cast(ops.matmul(matrix, matrix)[0, 0], "float32"))
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def measure(stage, preset, shape, batch, precision, steps, remat) -> dict:
    """Time and memory of training steps."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(precision)
    model = build(stage, preset, shape, remat)
    model.compile(optimizer=make_optimizer(3e-4, "constant", 1))
    data = random_batch(model, batch)
    before = process_memory("VmRSS")
    first = seconds_of(model, data, 1)
    seconds = seconds_of(model, data, steps) / steps
    peak = peak_mib()
    flops = batch * (vqvae_flops(model) if stage == "vqvae" else prior_flops(model))
    units = batch * (shape[0] if stage == "vqvae" else model.length)
    speed = matrix_speed(keras.dtype_policies.get(precision).compute_dtype)
    modules = ("keras", "numpy", keras.backend.backend())
    return {
        "first_seconds": first,
        "seconds": seconds,
        "steps_per_second": 1 / seconds,
        "units_per_second": units / seconds,
        "tflops": flops / seconds / 1e12,
        "matrix_tflops": speed / 1e12,
        "peak_mib": peak,
        "mib_before": before,
        "flops_per_step": flops,
        "device": device_kind(),
        "versions": {module: importlib.import_module(module).__version__ for module in modules},
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
