from collections.abc import Callable
from typing import Any

import keras

from keras_videogpt.callbacks.averaged_validation import AveragedValidation
from keras_videogpt.callbacks.callback_list import CallbackList
from keras_videogpt.callbacks.codebook_histograms import CodebookHistograms
from keras_videogpt.callbacks.run_checkpoint import RunCheckpoint
from keras_videogpt.callbacks.run_progress import RunProgress
from keras_videogpt.callbacks.run_status import RunStatus
from keras_videogpt.callbacks.run_upload import RunUpload
from keras_videogpt.callbacks.tensorboard import TensorBoard
from keras_videogpt.callbacks.throughput import Throughput
from keras_videogpt.callbacks.validation_frames import ValidationFrames
from keras_videogpt.data.timed_batches import TimedBatches
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.training.run_folder import RunFolder

TENSORBOARD_EVERY = 20


def of_run(
    model: keras.Model,
    run: RunFolder,
    checkpoint: RunCheckpoint,
    make_pictures: Callable[[TensorBoard], keras.callbacks.Callback],
    batches: TimedBatches | None,
    validation: Any,
    batch_size: int,
    validation_batches: int,
    first_step: int,
    steps: int,
    save_every: int,
    verbose: int | str = "auto",
) -> CallbackList:
    """What happens while a run trains, for `fit(callbacks=...)`.

    What belongs to a checkpoint, logs and pictures, is written before it, so that a run that is
    killed in between writes it again.

    Args:
        model: the model that is trained.
        run: where checkpoints, logs and pictures go.
        checkpoint: saves them.
        make_pictures: called with the `TensorBoard` callback; gives a callback that writes GIFs.
        batches: the training batches, where waiting for them is known.
        validation: held-out batches.
        batch_size: clips per training batch.
        validation_batches: most batches to validate on.
        first_step: training steps done before this part of the run.
        steps: training steps of the whole run.
        save_every: steps between checkpoints.
        verbose: 0 for silence, 1 or `"auto"` for a bar, 2 for a line after each checkpoint.

    Returns:
        The callbacks, in their order.
    """

    def throughput() -> Throughput:
        return Throughput(work_per_step(model, batch_size), batches)

    tensorboard = TensorBoard(
        run.logs, first_step, min(TENSORBOARD_EVERY, save_every), throughput()
    )
    measured = []
    if isinstance(model, VQVAE):
        measured = [
            CodebookHistograms(tensorboard),
            ValidationFrames(tensorboard, validation, validation_batches),
        ]
    status = RunStatus(run, steps, first_step, throughput())
    progress = [RunProgress(status, bar=verbose in (1, "auto"))] if verbose else []
    return CallbackList(
        [
            AveragedValidation(),
            tensorboard,
            *measured,
            make_pictures(tensorboard),
            checkpoint,
            status,
            *progress,
            RunUpload(run),
        ],
        add_history=True,
        model=model,
        verbose=verbose,
        epochs=steps // save_every,
        steps=save_every,
    )


def work_per_step(model: keras.Model, batch_size: int) -> dict[str, int]:
    """The frames of a training step, and the codes that a prior learns.

    Args:
        model: a `VQVAE` or a `VideoGPT`.
        batch_size: clips per training batch.

    Returns:
        Counts by unit.

    Example:
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> work_per_step(vqvae, batch_size=8)
        {'frames': 32}
    """
    frames = getattr(model, "tokenizer", model).video_shape[0]
    per_clip = {"frames": frames} | ({"codes": model.length} if hasattr(model, "length") else {})
    return {unit: batch_size * count for unit, count in per_clip.items()}
