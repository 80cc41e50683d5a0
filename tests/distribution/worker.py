"""Trains a tokenizer and a prior on the devices of this process; for test_equal_to_one_device.py.

`python worker.py DISTRIBUTE DEVICES STAGES OUT.npz` writes weights, codebook and metrics by epoch;
STAGES are `vqvae`, `prior` or `vqvae,prior`.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from keras_videogpt import VQVAE, VideoGPT
from keras_videogpt.distribution.strategy import set_up
from keras_videogpt.training.training_optimizer import TrainingOptimizer

BATCH, EPOCHS, STEPS = 8, 2, 10
RNG = np.random.default_rng(0)
VIDEOS = RNG.integers(0, 256, (STEPS * BATCH, 2, 4, 4, 3)).astype("uint8")
LABELS = RNG.integers(0, 3, STEPS * BATCH).astype("int32")


def make_stream(batch_size, first_step, shard):
    process, processes = shard
    step = first_step * processes + process
    while True:
        rows = np.arange(step * batch_size, (step + 1) * batch_size) % len(VIDEOS)
        yield {"video": VIDEOS[rows], "label": LABELS[rows]}
        step += processes


def make_devices(count: int) -> None:
    """Several CPU devices in one process."""
    if keras.backend.backend() == "tensorflow" and count > 1:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        logical = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, logical)
    if keras.backend.backend() == "jax" and count > 1:
        import jax

        jax.config.update("jax_num_cpu_devices", count)


def trained(model, distribution) -> dict:
    """What a model is after its training, by name."""
    start = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_weights]
    history = model.fit(
        distribution.batches(make_stream, BATCH),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        validation_data={"video": VIDEOS[:BATCH], "label": LABELS[:BATCH]},
        validation_batch_size=BATCH,
        verbose=0,
    ).history
    results = {f"log {name}": np.array(values) for name, values in history.items()}
    results["gradient norm"] = keras.ops.convert_to_numpy(model.optimizer.gradient_norm)
    # Encoder and decoder have layers of equal names.
    for index, variable in enumerate(model.weights):
        results[f"weight {index} {variable.path}"] = keras.ops.convert_to_numpy(variable)
    for index, before in enumerate(start):
        after = keras.ops.convert_to_numpy(model.trainable_weights[index])
        results[f"moved {index}"] = np.abs(after - before).max()
    return results


def main(name: str, devices: int, stages: str, out: Path) -> None:
    make_devices(devices)
    distribution = set_up(name)
    keras.utils.set_random_seed(0)
    with distribution.scope():
        vqvae = VQVAE(
            video_shape=(2, 4, 4, 3),
            downsample=(1, 2, 2),
            num_codes=8,
            code_dim=4,
            hidden_units=16,
            num_residual_layers=1,
            axial_attention=False,
            # PyTorch has no statistics of a batch over several processes.
            norm="layer" if keras.backend.backend() == "torch" else "batch",
            data_variance=0.06,
            ema_decay=0.8,
            restart_threshold=2.0,
            seed=0,
        )
        options = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "dropout": 0.0}
        gpt = VideoGPT(vqvae, **options, num_classes=3, seed=0)
        for model in (vqvae, gpt):
            # Not Adam: it makes steps of rounding errors where the true gradient is zero.
            sgd = keras.optimizers.SGD(0.01, global_clipnorm=1.0)
            model.compile(optimizer=TrainingOptimizer(sgd))
    results = {}
    if "prior" in stages:
        results |= {f"prior {k}": v for k, v in trained(gpt, distribution).items()}
        results["bits"] = gpt.bits_per_dim(VIDEOS[:6], labels=LABELS[:6], batch_size=4)
    if "vqvae" in stages:
        results |= {f"vqvae {k}": v for k, v in trained(vqvae, distribution).items()}
        results["codes"] = vqvae.encode(VIDEOS[:6], batch_size=4)
        kind = ".keras" if distribution.is_chief else ".other.keras"
        vqvae.save(out.with_suffix(kind))
    if distribution.is_chief:
        np.savez(out, **results)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
