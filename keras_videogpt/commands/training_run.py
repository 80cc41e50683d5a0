"""What `train vqvae` and `train prior` do alike, once each has its settings."""

import argparse
from collections.abc import Callable

import keras

from keras_videogpt.data.clips import Clips
from keras_videogpt.data.open_videos import resolve_source
from keras_videogpt.distribution.strategy import Distribution
from keras_videogpt.paths import as_path
from keras_videogpt.presets.settings import TRAINING_SETTINGS
from keras_videogpt.tokens.stored_tokens import StoredTokens
from keras_videogpt.training.optimizer import make_optimizer
from keras_videogpt.training.run_folder import RunFolder
from keras_videogpt.training.train import train

# In a run's configuration where they are not these: runs of earlier versions go on.
OPTIMIZER_SETTINGS = {"warm_up": 0, "clip_norm": None, "accumulate": 1, "ema": None}
DATA_SETTINGS = ("stride", "crop", "flip", "augment", "precision", "seed")


def run_training(
    args: argparse.Namespace,
    distribution: Distribution,
    options: dict,
    config: dict,
    model_name: str,
    clips: Clips | StoredTokens,
    held_out: Clips | StoredTokens,
    build: Callable[[], keras.Model],
    pictures: str,
    make_pictures: Callable,
) -> None:
    """Trains a new model, or goes on with the run in `--out`, and says what was written.

    Args:
        args: arguments of the command.
        distribution: the devices.
        options: the preset's settings, with what was given in their place.
        config: what tells this run from others, beside data and training settings.
        model_name: name of the model file.
        clips: training clips.
        held_out: clips for validation.
        build: makes the model of a new run.
        pictures: what the run's pictures show; the name of their folder.
        make_pictures: called with that folder and the `TensorBoard` callback; gives a callback
            that writes GIFs.
    """
    config = {
        **config,
        "data": resolve_source(args.data),
        **{name: getattr(args, name) for name in DATA_SETTINGS},
        **{name: options[name] for name in TRAINING_SETTINGS},
    }
    optimizer = {name: getattr(args, name) for name in OPTIMIZER_SETTINGS}
    config |= {k: value for k, value in optimizer.items() if value != OPTIMIZER_SETTINGS[k]}
    steps = options["steps"]

    def new_model() -> keras.Model:
        keras.utils.set_random_seed(args.seed)
        rate, schedule = options["learning_rate"], options["schedule"]
        with distribution.scope():
            model = build()
            model.compile(optimizer=make_optimizer(rate, schedule, steps, **optimizer))
        return model

    def say(line: str) -> None:
        if distribution.is_chief:
            print(line)

    # Before the folder is made, so that settings no model can have leave none behind.
    model = None if (as_path(args.out) / "config.json").exists() else new_model()
    folder = RunFolder(args.out, config, model_name, args.keep, writes=distribution.is_chief)
    done, place = folder.latest_step(), folder.address
    if done >= steps:
        folder.close()
        say(f"{place} has all its {steps} steps; its model is {place / folder.model_path.name}.")
        return
    if done:
        say(f"Going on with {place} at step {done} of {steps}.")
        with distribution.scope():
            model = folder.load_latest()
    elif model is None:
        model = new_model()
    model.steps_per_execution = args.steps_per_execution
    if args.jit is not None:
        model.jit_compile = args.jit
    say(
        f"{len(clips)} training videos, {len(held_out)} held out; "
        f"clips of {(clips.num_frames, *clips.size, 3)}; "
        f"{model.count_params():,} parameters; backend {keras.backend.backend()}."
    )
    shown = folder.folder / pictures
    train(
        model,
        folder,
        clips,
        held_out,
        distribution,
        batch_size=options["batch_size"],
        steps=steps,
        save_every=options["save_every"],
        seed=args.seed,
        workers=args.workers,
        make_pictures=lambda tensorboard: make_pictures(shown, tensorboard),
        verbose=args.verbose if distribution.is_chief else 0,
    )
    best = folder.best_step() if distribution.is_chief else None
    if best:
        file = f"{folder.checkpoints.name}/{folder.checkpoint(best).name}"
        say(f"The lowest validation loss is {folder.losses()[best]:.5g}, of {file}.")
    say(
        f"Wrote {place / folder.model_path.name}, GIFs to {place / pictures}, and "
        f"{place / folder.logs.name} (tensorboard --logdir {place})."
    )
