"""What `train vqvae` and `train prior` do alike, once each has its settings."""

import argparse
from collections.abc import Callable
from pathlib import Path

import keras

from keras_videogpt.commands.arguments import training_clips
from keras_videogpt.data.clips import Clips
from keras_videogpt.training.run_folder import RunFolder
from keras_videogpt.training.train import make_optimizer, train

TRAINING_SETTINGS = ("batch_size", "learning_rate", "schedule", "steps", "save_every")
DATA_SETTINGS = ("stride", "crop", "flip", "precision", "seed")


def run_training(
    args: argparse.Namespace,
    options: dict,
    config: dict,
    model_name: str,
    video_shape: tuple[int, int, int, int],
    build: Callable[[Clips], keras.Model],
    pictures: str,
    make_pictures: Callable,
) -> None:
    """Trains a new model, or goes on with the run in `--out`, and says what was written.

    Args:
        args: arguments of the command.
        options: the preset's settings, with what was given in their place.
        config: what tells this run from others, beside data and training settings.
        model_name: name of the model file.
        video_shape: `(T, H, W, C)` of a clip.
        build: makes the model of a new run; called with the training clips.
        pictures: what the run's pictures show; the name of their folder.
        make_pictures: called with that folder, the held-out clips and the
            `TensorBoard` callback; gives a callback that writes GIFs.
    """
    config = {
        **config,
        "data": str(Path(args.data).resolve()),
        **{name: getattr(args, name) for name in DATA_SETTINGS},
        **{name: options[name] for name in TRAINING_SETTINGS},
    }
    clips, held_out = training_clips(args, video_shape)
    folder = RunFolder(args.out, config, model_name)
    done, steps = folder.latest_step(), options["steps"]
    if done >= steps:
        print(f"{folder.folder} has all its {steps} steps; its model is {folder.model_path}.")
        return
    if done:
        print(f"Going on with {folder.folder} at step {done} of {steps}.")
        model = folder.load_latest()
    else:
        keras.utils.set_random_seed(args.seed)
        keras.config.set_dtype_policy(args.precision)
        model = build(clips)
        model.compile(
            optimizer=make_optimizer(options["learning_rate"], options["schedule"], steps)
        )
    print(
        f"{len(clips)} training videos, {len(held_out)} held out; clips of {video_shape}; "
        f"{model.count_params():,} parameters; backend {keras.backend.backend()}."
    )
    shown = folder.folder / pictures
    train(
        model,
        folder,
        clips,
        held_out,
        batch_size=options["batch_size"],
        steps=steps,
        save_every=options["save_every"],
        seed=args.seed,
        workers=args.workers,
        make_pictures=lambda tensorboard: make_pictures(shown, held_out, tensorboard),
        verbose=args.verbose,
    )
    print(
        f"Wrote {folder.model_path}, GIFs to {shown}, and {folder.logs} "
        f"(tensorboard --logdir {folder.folder})."
    )
