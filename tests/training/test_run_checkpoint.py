"""The callback that saves a run: it counts steps and finds the one that diverged."""

import numpy as np
import pytest

from keras_videogpt.callbacks import RunCheckpoint


class Saved:
    """Stands for a run folder: notes what is saved."""

    def __init__(self):
        self.steps = []

    def save(self, model, step, loss):
        self.steps.append((step, loss))

    def latest_step(self):
        return 4


@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_steps_are_counted_with_several_in_an_execution(steps_per_execution):
    run = Saved()
    callback = RunCheckpoint(run, first_step=4)
    for epoch in (1, 2):
        callback.on_epoch_begin(epoch)
        for first in range(0, 4, steps_per_execution):
            callback.on_train_batch_end(first + steps_per_execution - 1, {"loss": 0.5})
        callback.on_epoch_end(epoch, {"val_loss": epoch / 10})
    assert run.steps == [(8, 0.1), (12, 0.2)]


@pytest.mark.parametrize("every", [1, 3, 50])
def test_the_step_that_diverged_is_named_with_its_clips(every):
    names = [[f"{step}.mp4", "all.mp4"] for step in range(20)]
    callback = RunCheckpoint(Saved(), 4, names.__getitem__, every)
    callback.on_epoch_begin(1)
    message = r"became nan by step 6, with the clips 5.mp4, all.mp4\. The checkpoint of step 4 is"
    with pytest.raises(FloatingPointError, match=message):
        for batch, loss in enumerate([0.5, np.nan, np.nan, np.nan]):
            callback.on_train_batch_end(batch, {"loss": np.float32(loss)})
        callback.on_epoch_end(1, {})
    assert callback.run.steps == []


def test_few_of_many_clips_are_named():
    callback = RunCheckpoint(Saved(), 0, lambda step: [str(clip) for clip in range(32)], every=1)
    with pytest.raises(FloatingPointError, match=r"clips 0, 1, 2, 3, 4, 5, 6, 7, \.\.\.\. The"):
        callback.on_train_batch_end(1, {"loss": np.inf})
