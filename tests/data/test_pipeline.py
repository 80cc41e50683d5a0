import keras
import numpy as np
import pytest

from keras_videogpt.data import ArrayVideos, Clips, dataset


@pytest.fixture
def clips(clip):
    videos = [clip(20 + i, 8, 10, seed=i) for i in range(7)]
    actions = [np.arange(len(v) * 2, dtype="float32").reshape(-1, 2) for v in videos]
    store = ArrayVideos(videos, labels=range(7), actions=actions)
    return Clips(store, num_frames=4, size=8, crop="random", seed=5)


def passes(batches, number):
    return [
        {name: np.asarray(value) for name, value in batch.items()}
        for _ in range(number)
        for batch in batches
    ]


def assert_equal(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].dtype == b[name].dtype
            np.testing.assert_array_equal(a[name], b[name])


@pytest.mark.parametrize("drop_remainder", [False, True])
def test_both_pipelines_give_equal_batches(clips, drop_remainder):
    pytest.importorskip("tensorflow", reason="compares with tf.data")
    options = dict(batch_size=3, shuffle=True, seed=1, drop_remainder=drop_remainder)
    with_tf = dataset(clips, pipeline="tf.data", **options)
    without = dataset(clips, pipeline="pydataset", **options)
    assert len(with_tf) == len(without) == (2 if drop_remainder else 3)
    assert_equal(passes(with_tf, 2), passes(without, 2))
    assert with_tf.element_spec["video"].shape[1:] == (4, 8, 8, 3)


@pytest.mark.parametrize("pipeline", ["tf.data", "pydataset"])
def test_a_resumed_run_sees_what_an_uninterrupted_one_would(clips, pipeline):
    if pipeline == "tf.data":
        pytest.importorskip("tensorflow", reason="tests tf.data")
    whole = passes(dataset(clips, 3, shuffle=True, pipeline=pipeline), 3)
    resumed = passes(dataset(clips, 3, shuffle=True, pipeline=pipeline, first_epoch=1), 2)
    assert_equal(whole[3:], resumed)
    assert not np.array_equal(whole[0]["video"], whole[3]["video"])


@pytest.mark.parametrize("pipeline", ["tf.data", "pydataset"])
def test_a_look_at_the_first_batch_uses_up_no_epoch(clips, pipeline):
    if pipeline == "tf.data":
        pytest.importorskip("tensorflow", reason="tests tf.data")
    batches = dataset(clips, 3, shuffle=True, pipeline=pipeline)
    next(iter(batches))
    assert_equal(passes(batches, 1), passes(dataset(clips, 3, shuffle=True, pipeline=pipeline), 1))


def test_fit_trains_on_one_epoch_after_the_other_in_their_own_order(clips):
    seen = []

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.scale = keras.layers.Dense(1)

        def call(self, inputs):
            return self.scale(keras.ops.cast(inputs["label"], "float32")[:, None])

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            if training:
                seen.append([int(label) for label in keras.ops.convert_to_numpy(x["label"])])
            return keras.ops.mean(keras.ops.square(y_pred))

    model = Model()
    model.compile("sgd", run_eagerly=True, jit_compile=False)
    batches = dataset(clips, 3, shuffle=True)
    model.fit(batches, epochs=2, verbose=0)
    model.evaluate(dataset(clips, 3), verbose=0)
    model.fit(batches, epochs=1, verbose=0)
    wanted = passes(dataset(clips, 3, shuffle=True, pipeline="pydataset"), 3)
    assert seen == [batch["label"].tolist() for batch in wanted]


def test_too_few_clips_for_a_full_batch_are_refused(clips):
    with pytest.raises(ValueError, match="There are 7 clips"):
        dataset(clips, batch_size=8, drop_remainder=True)
    with pytest.raises(ValueError, match="pipeline"):
        dataset(clips, batch_size=2, pipeline="grain")
