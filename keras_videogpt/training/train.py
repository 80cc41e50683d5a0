from collections.abc import Iterator
from functools import partial
from typing import Any

import keras

from keras_videogpt.callbacks.run_callbacks import of_run
from keras_videogpt.callbacks.run_checkpoint import RunCheckpoint
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.pipeline import dataset
from keras_videogpt.data.stream import batch_places, stream
from keras_videogpt.data.timed_batches import TimedBatches
from keras_videogpt.distribution.strategy import Distribution
from keras_videogpt.tokens.stored_tokens import StoredTokens
from keras_videogpt.training.run_folder import RunFolder

VALIDATION_BATCHES = 16


def train(
    model: keras.Model,
    run: RunFolder,
    clips: Clips | StoredTokens,
    held_out: Clips | StoredTokens,
    distribution: Distribution,
    batch_size: int,
    steps: int,
    save_every: int,
    seed: int,
    workers: int,
    make_pictures: Any,
    verbose: int | str = "auto",
) -> None:
    """Trains a compiled model up to `steps`, from the step the run has reached; closes the run.

    Args:
        model: the model, as the run's newest checkpoint has it, or new.
        run: where checkpoints, logs and pictures go.
        clips: training clips.
        held_out: clips for validation.
        distribution: the devices.
        batch_size: clips per batch.
        steps: training steps of the whole run; a multiple of `save_every`.
        save_every: steps between checkpoints, validations and pictures.
        seed: seed of the order of the data.
        workers: reading threads.
        make_pictures: called with the `TensorBoard` callback; gives a callback that writes GIFs.
        verbose: as in `keras.Model.fit`.
    """
    done = run.latest_step()

    def clip_names(step: int) -> list[str]:
        places = batch_places(len(clips), batch_size, seed, step)
        return [clips.name(index) for index, _ in places]

    make_stream = partial(stream, clips, seed=seed, workers=workers)
    try:
        batches = distribution.batches(make_stream, batch_size, first_step=done)
        if isinstance(batches, Iterator):
            batches = TimedBatches(batches)
        validation = dataset(
            held_out,
            distribution.divisible(min(batch_size, len(held_out))),
            drop_remainder=distribution.num_replicas > 1,
            workers=workers,
        )
        held_out_batches = min(len(validation), VALIDATION_BATCHES)
        together = model.steps_per_execution
        if together > held_out_batches:
            raise ValueError(
                f"--steps-per-execution must be at most {held_out_batches}, the batches of "
                f"validation; got {together}."
            )
        model.fit(
            batches,
            steps_per_epoch=save_every,
            initial_epoch=done // save_every,
            epochs=steps // save_every,
            validation_data=validation,
            validation_steps=held_out_batches - held_out_batches % together,
            callbacks=of_run(
                model,
                run,
                RunCheckpoint(run, done, clip_names),
                make_pictures,
                batches if isinstance(batches, TimedBatches) else None,
                validation,
                batch_size,
                held_out_batches,
                first_step=done,
                steps=steps,
                save_every=save_every,
                verbose=verbose,
            ),
            verbose=verbose,
        )
    finally:
        run.close()
