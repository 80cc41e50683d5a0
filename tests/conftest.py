import gc
import os
import tempfile

# Tests compile the same small models again and again. JAX reads these when it is first imported.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", tempfile.mkdtemp(prefix="compiled-"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# Most are run for a moment: a third of JAX's time here would go into making them faster.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402


@pytest.fixture(autouse=True, scope="session")
def cache_of_tests(tmp_path_factory):
    """What is remembered between runs is kept here, and not in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_VIDEOGPT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="module")
def frozen_memory():
    """What other modules left is not looked through, again and again, for what may be deleted.

    TensorFlow keeps every graph that was compiled in `fit`: millions of objects in the end.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def float32_policy():
    """Undoes what a test, or a command it runs, sets for the whole process."""
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def videos():
    """Eight uint8 clips of moving colours, `(8, 4, 16, 16, 3)`, all different."""
    rng = np.random.default_rng(0)
    t, y, x = np.mgrid[:4, :16, :16]
    clips = []
    for _ in range(8):
        a, b, c, phase = rng.uniform(0.2, 1.2, 4)
        planes = [np.sin(a * x + b * t + k + phase) + np.cos(c * y - t + 2 * k) for k in range(3)]
        clips.append(np.stack(planes, axis=-1))
    return np.round((np.stack(clips) + 2) * 63).astype("uint8")
