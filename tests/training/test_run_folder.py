"""The folder of a run: what is written when, what is kept, and what a kill can leave."""

import os

import keras
import pytest
from checks import assert_same_weights, small_vqvae, weights_of

import keras_videogpt as kvg
from keras_videogpt.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def model():
    return small_vqvae(data_variance=0.06)


@pytest.fixture
def open_run(tmp_path):
    opened = []

    def arrange(**options):
        opened.append(RunFolder(tmp_path / "run", {"kind": "vqvae"}, "vqvae", **options))
        return opened[-1]

    yield arrange
    for run in opened:
        run.close()


def steps(run):
    return sorted(int(path.stem[-8:]) for path in run.checkpoints.glob("step-*.keras"))


def test_the_newest_checkpoints_and_the_best_are_kept(open_run, model):
    run = open_run(keep=2)
    for step, loss in enumerate([0.5, 0.2, 0.4, float("nan"), 0.3], start=1):
        run.save(model, step, loss)
    assert steps(run) == [2, 4, 5] and run.best_step() == 2
    assert run.losses() == {1: 0.5, 2: 0.2, 3: 0.4, 5: 0.3}
    run.close()
    run = open_run(keep=1)
    assert run.best_step() == 2
    run.save(model, 6, 0.1)
    assert steps(run) == [6] and run.best_step() == 6


def test_a_run_without_losses_keeps_the_newest(open_run, model):
    run = open_run(keep=1)
    for step in (1, 2):
        run.save(model, step)
    assert steps(run) == [2] and run.best_step() is None


@pytest.mark.parametrize("killed_in", ["losses.json", "vqvae.keras", "step-00000004.keras"])
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_while_saving_leaves_a_run_with_a_model(
    open_run, model, monkeypatch, killed_in, after
):
    run = open_run()
    run.save(model, 2, 0.5)
    replace = os.replace

    def killed(source, target):
        if target.name != killed_in:
            return replace(source, target)
        if after:
            replace(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_videogpt.paths.os.replace", killed)
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: None)  # no one cleans up
    with pytest.raises(KeyboardInterrupt):
        run.save(model, 4, 0.1)
    monkeypatch.undo()
    run.close()
    run = open_run()
    complete = after and killed_in.startswith("step")
    assert run.latest_step() == (4 if complete else 2) and run.best_step() == run.latest_step()
    assert not list(run.folder.rglob(".writing-*"))
    assert_same_weights(weights_of(kvg.load(run.folder)), weights_of(model))
    run.save(model, 4, 0.1)
    assert steps(run) == [2, 4] and run.best_step() == 4


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_checkpoint_is_passed_over_and_kept(open_run, model, damage):
    run = open_run()
    run.save(model, 2)
    run.save(model, 4)
    run.close()
    newest = run.checkpoint(4)
    content = newest.read_bytes()
    newest.unlink()  # so that the model file, the same one, stays as it is
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    newest.write_bytes(content[:middle] if damage == "cut" else changed)
    with pytest.warns(UserWarning, match="step-00000004.keras is damaged and passed over"):
        run = open_run()
    assert run.latest_step() == 2 and steps(run) == [2]
    assert len((run.checkpoints / "damaged-step-00000004.keras").read_bytes()) > 0
    assert_same_weights(weights_of(run.load_latest()), weights_of(model))
    run.save(model, 4)
    assert steps(run) == [2, 4]


def test_a_run_is_written_by_one_process_at_a_time(open_run):
    run = open_run()
    with pytest.raises(ValueError, match="Another process trains the run"):
        open_run()
    run.close()
    open_run()


def test_a_run_killed_before_its_configuration_was_written_begins_anew(tmp_path, open_run):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".writing-7-config.json").write_text("{")
    assert open_run().latest_step() == 0


def test_an_optimizer_that_could_not_be_loaded_is_an_error(open_run):
    run, model = open_run(), small_vqvae(data_variance=0.06)
    model.optimizer.build(model.trainable_variables)
    # As if it were another optimizer's: the file lists other variables than its config makes.
    model._compile_config.config["optimizer"] = keras.optimizers.SGD(0.1)
    run.save(model, 2)
    with pytest.raises(ValueError, match="step-00000002.keras could not be loaded"):
        run.load_latest()
