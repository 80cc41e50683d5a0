"""Kills training runs at random moments, and compares them with a run never stopped; see --help."""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
from benchmark import json_file, machine
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
from tqdm import tqdm

from keras_videogpt.data import write_mkv_lossless
from keras_videogpt.training.run_folder import is_intact

STEPS, SAVE_EVERY, KEEP = 80, 4, 2
COMMON = (
    f"--preset demo --steps {STEPS} --save-every {SAVE_EVERY} --keep {KEEP} --batch-size 2 --flip "
    "--workers 2 --warm-up 3 --clip-norm 1 --ema 0.9"
)
SMALL = {
    "vqvae": "--frames 4 --size 16 --downsample 2 4 4 --num-codes 32 --code-dim 8 "
    "--hidden-units 16 --residual-units 8 --num-residual-layers 1",
    "prior": "--num-layers 2 --num-heads 2 --hidden-dim 20 --dropout 0.2",
}
MODELS = {"vqvae": "vqvae.keras", "prior": "videogpt.keras"}


def write_data(folder: Path) -> Path:
    """Six small videos of noise to train on, and two more."""
    rng = np.random.default_rng(0)
    for index in range(8):
        path = folder / ("train" if index < 6 else "test") / f"{index}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_mkv_lossless(path, rng.integers(0, 256, (10, 16, 16, 3), "uint8"))
    return folder


def command(stage: str, data: Path, tokenizer: Path | None, run: Path) -> list[str]:
    """The command that trains, or goes on."""
    given = ["--tokenizer", str(tokenizer)] if stage == "prior" else []
    options = [*COMMON.split(), *SMALL[stage].split(), *given]
    module = [sys.executable, "-m", "keras_videogpt", "train", stage]
    return [*module, str(data), "--out", str(run), *options]


def train(arguments: list[str], backend: str, seconds: float | None = None) -> tuple[bool, float]:
    """Trains to the end, or for some seconds until SIGKILL; whether it ended, and its seconds."""
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments,
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False, time.perf_counter() - start
    finally:
        process.kill()  # SIGKILL
        process.wait()
    if process.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{errors[-2000:]}")
    return True, time.perf_counter() - start


def checkpoints(run: Path) -> list[int]:
    """Steps of the checkpoints that are whole."""
    files = (run / "checkpoints").glob("step-*.keras")
    return sorted(int(file.stem.split("-")[1]) for file in files if is_intact(file))


def lost(run: Path, before: list[int]) -> list[int]:
    """Checkpoints of which one is missing, after a kill: none goes but for a newer one."""
    newest = max([*before, *checkpoints(run)], default=0)
    expected = range(newest, 0, -SAVE_EVERY)[:KEEP]
    return sorted(set(expected) - set(checkpoints(run)))


def arrays(file: Path) -> dict[str, np.ndarray]:
    """All variables of a `.keras` file: the model's, the optimizer's, seeds."""
    found = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with zipfile.ZipFile(file) as archive, io.BytesIO(archive.read("model.weights.h5")) as weights:
        h5py.File(weights).visititems(note)
    return found


def scalars(run: Path) -> dict[str, list[tuple[int, float]]]:
    """The curves that TensorBoard shows, but for those that tell the time."""
    curves = {}
    for folder in sorted({file.parent for file in (run / "logs").rglob("*tfevents*")}):
        events = EventAccumulator(str(folder), {SCALARS: 0}).Reload()
        for tag in events.Tags()[SCALARS]:
            if "second" not in tag:
                points = [(event.step, event.value) for event in events.Scalars(tag)]
                curves[f"{folder.name}/{tag}"] = points
    return curves


def differences(run: Path, unbroken: Path, model: str) -> list[str]:
    """Names of what is not the same, bit for bit, in two finished runs."""
    newest = Path("checkpoints") / f"step-{STEPS:08d}.keras"
    found = []
    for file in (newest, Path(model)):
        one, other = arrays(run / file), arrays(unbroken / file)
        same = [n for n in one if n in other and one[n].tobytes() == other[n].tobytes()]
        found += [f"{file}: {name}" for name in sorted({*one, *other} - {*same})]
    one, other = scalars(run), scalars(unbroken)
    found += [f"logs: {n}" for n in sorted({*one, *other}) if one.get(n) != other.get(n)]
    pictures = sorted(file.relative_to(unbroken) for file in unbroken.rglob("*.gif"))
    for file in (Path("losses.json"), *pictures):
        if not (run / file).exists() or (run / file).read_bytes() != (unbroken / file).read_bytes():
            found.append(str(file))
    return found


def kill(stage: str, backend: str, folder: Path, data: Path, args: argparse.Namespace) -> dict:
    """Runs of one stage on one backend, killed so often, and how they differ from one unbroken."""
    tokenizer = folder / "vqvae-unbroken" / MODELS["vqvae"] if stage == "prior" else None
    model = MODELS[stage]
    unbroken, again = folder / f"{stage}-unbroken", folder / f"{stage}-again"
    for run in (unbroken, again):
        began = time.time()
        _, seconds = train(command(stage, data, tokenizer, run), backend)
    # Most of a run this small is its start: kills fall on the training, and on a bit before.
    first = min(file.stat().st_mtime for file in again.rglob("*.gif")) - began
    report = {
        "stage": stage,
        "backend": backend,
        "seconds": round(seconds, 1),
        "seconds_to_first_checkpoint": round(first, 1),
        "unbroken_runs_differ_in": differences(again, unbroken, model),
        "kills": [],
        "runs": [],
    }
    rng = np.random.default_rng(args.seed)
    bar = tqdm(total=args.kills, desc=f"{stage} on {backend}", unit="kill")
    while len(report["kills"]) < args.kills or report["kills"][-1]["run"] == len(report["runs"]):
        run = folder / f"{stage}-{len(report['runs'])}"
        before = checkpoints(run)
        moment = rng.uniform(0.9 * first, seconds) if len(report["kills"]) < args.kills else None
        finished, took = train(command(stage, data, tokenizer, run), backend, moment)
        if finished:
            if not before:  # the machine is not as fast as it was
                first, seconds = first * took / seconds, took
            found = differences(run, unbroken, model)
            report["runs"].append(found)
            tqdm.write(f"run {len(report['runs'])} ended: " + (", ".join(found) or "all the same"))
            continue
        report["kills"].append(
            {
                "run": len(report["runs"]),
                "seconds": round(moment, 2),
                "checkpoints": checkpoints(run),
                "lost": lost(run, before),
            }
        )
        bar.update()
        tqdm.write(json.dumps(report["kills"][-1]))
    bar.close()
    return report


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Kills training runs (SIGKILL) at random moments, has them go on until they "
        "end, and compares weights, optimizer, losses, logs and pictures with those of a run that "
        "was never stopped. Exit status 1 where anything differs, or a checkpoint was lost."
    )
    parser.add_argument("--backend", nargs="+", default=["tensorflow", "jax"])
    parser.add_argument("--stage", nargs="+", choices=tuple(SMALL), default=list(SMALL))
    parser.add_argument(
        "--kills", type=int, default=20, metavar="N", help="per stage and backend (default: 20)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    parser.add_argument("--json", type=json_file, metavar="FILE", help="where to write the report")
    return parser.parse_args()


def main() -> None:
    args = parse()
    reports = []
    for backend in args.backend:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            data = write_data(place / "data")
            if "vqvae" not in args.stage:  # a prior needs one
                train(command("vqvae", data, None, place / "vqvae-unbroken"), backend)
            for stage in sorted(args.stage, reverse=True):
                reports.append(kill(stage, backend, place, data, args))
                if args.json:
                    text = json.dumps({"machine": machine(), "reports": reports}, indent=2)
                    args.json.write_text(text + "\n")
    failed = False
    for report in reports:
        unlike = [run for run in report["runs"] if run]
        losses = [one for one in report["kills"] if one["lost"]]
        failed |= bool(unlike or losses)
        print(
            f"{report['stage']} on {report['backend']}: {len(report['kills'])} kills, "
            f"{len(report['runs'])} runs ended, {len(unlike)} of them not as the unbroken one; "
            f"{len(losses)} kills lost a checkpoint; two unbroken runs differ in "
            f"{len(report['unbroken_runs_differ_in'])} places."
        )
    if args.json:
        print(f"Wrote {args.json}.")
    sys.exit(failed)


if __name__ == "__main__":
    main()
