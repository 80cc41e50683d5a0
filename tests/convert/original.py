"""Checkpoints in the original's format, and what the original code computes with them.

The project ships without these files; tests that need them are skipped where they are not.
"""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

PARITY = Path(__file__).resolve().parents[3] / "shared" / "parity"
TOKENIZERS = ("vqvae_4x2x2", "vqvae_4x4x4", "vqvae_2x4x4")
PRIORS = ("gpt_full", "gpt_class", "gpt_frame", "gpt_sparse")


def builder():
    """The module that builds checkpoints; skips the test where it or PyTorch is not there."""
    if not PARITY.exists():
        pytest.skip("the outputs of the original code are not beside this checkout")
    pytest.importorskip("torch", reason="the builder of checkpoints needs PyTorch")
    spec = importlib.util.spec_from_file_location("checkpoints", PARITY / "checkpoints.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_checkpoint(case: str, path: Path, change=lambda checkpoint: None) -> Path:
    """Writes a case's checkpoint, after `change` was called with the dictionary to be saved."""
    checkpoints = builder()
    import torch

    tensors = checkpoints.state_dict(case)
    checkpoint = {
        "epoch": 0,
        "state_dict": {name: torch.from_numpy(np.array(v)) for name, v in tensors.items()},
        "hyper_parameters": {"args": checkpoints.hyper_parameters(case)},
    }
    change(checkpoint)
    torch.save(checkpoint, path)
    return path


def outputs(case: str) -> dict[str, np.ndarray]:
    """What the original computes."""
    return dict(np.load(PARITY / "cases" / f"{case}.npz"))


def training_arguments(case: str) -> dict:
    return json.loads((PARITY / "cases" / f"{case}.json").read_text())["args"]


def conditions(case: str, expected: dict) -> dict:
    """Arguments `frames` and `labels` of a prior's case."""
    frame_cond = training_arguments(case)["n_cond_frames"]
    given = {"frames": expected["video"][:, :frame_cond]} if frame_cond else {}
    return given | ({"labels": expected["label"]} if "label" in expected else {})
