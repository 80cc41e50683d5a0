"""What is refused of original checkpoints, and why."""

import argparse

import numpy as np
import pytest
from original import write_checkpoint

import keras_videogpt as kvg


def refused(case, path, change, *words):
    """The conversion of a changed checkpoint ends in one line with the path and `words`."""
    write_checkpoint(case, path, change)
    with pytest.raises(ValueError) as caught:
        kvg.convert.from_pytorch(path)
    message = str(caught.value)
    assert message.startswith(f"{path} can't be converted: ") and "\n" not in message
    for word in words:
        assert word in message


def change_arguments(**values):
    """Sets training arguments; `None` removes one."""

    def change(checkpoint):
        arguments = vars(checkpoint["hyper_parameters"]["args"])
        for name, value in values.items():
            del arguments[name]
            if value is not None:
                arguments[name] = value

    return change


def rename(old, new):
    def change(checkpoint):
        tensors = checkpoint["state_dict"]
        tensors[new] = tensors.pop(old)

    return change


def reshape(name, shape):
    def change(checkpoint):
        checkpoint["state_dict"][name] = checkpoint["state_dict"][name].new_zeros(shape)

    return change


@pytest.mark.parametrize(
    "case, name",
    [
        ("vqvae_4x4x4", "encoder.res_stack.0.block.8.attn_h.w_ks.weight"),
        ("vqvae_4x4x4", "encoder.convs.1.conv.weight"),
        ("vqvae_4x4x4", "codebook.embeddings"),
        ("gpt_full", "attn_stack.attn_nets.1.fc_block.0.weight"),
        ("gpt_full", "attn_stack.pos_embd.emb.d_1"),
        ("gpt_full", "vqvae.codebook.embeddings"),
        ("gpt_class", "norm.wb.weight"),
    ],
)
def test_a_renamed_tensor_is_missing_under_one_name_and_unexpected_under_the_other(
    case, name, tmp_path
):
    new = name.replace(".weight", ".kernel").replace(".emb", ".table")
    words = (f"missing tensors: {name}; unexpected tensors: {new}.",)
    refused(case, tmp_path / "x.ckpt", rename(name, new), *words)


@pytest.mark.parametrize(
    "case, name, shape, expected",
    [
        ("vqvae_4x4x4", "codebook.N", (32,), "codebook.N (32,), not (64,)"),
        ("vqvae_4x4x4", "pre_vq_conv.conv.bias", (4, 4), "(4, 4), not (16,)"),
        ("vqvae_4x4x4", "encoder.res_stack.0.block.8.attn_w.w_vs.weight", (12, 24), "not (24, 24)"),
        ("gpt_full", "fc_out.weight", (64, 32), "fc_out.weight (64, 32), not (64, 48)"),
        ("gpt_full", "vqvae.codebook.embeddings", (32, 8), "(32, 8), not (64, 16)"),
        ("gpt_full", "vqvae.codebook.z_avg", (), "z_avg (), not (64, 16)"),
    ],
)
def test_a_misshapen_tensor_is_named_with_both_shapes(case, name, shape, expected, tmp_path):
    change = reshape(name, shape)
    refused(case, tmp_path / "x.ckpt", change, f"misshapen tensors: {name} ", expected)


def test_many_missing_tensors_are_counted_and_the_first_named(tmp_path):
    def change(checkpoint):
        for name in [n for n in checkpoint["state_dict"] if n.startswith("decoder.")]:
            del checkpoint["state_dict"][name]

    words = ("missing tensors: decoder.convts.0.convt.bias, ", ", ... (37 in all).")
    refused("vqvae_4x4x4", tmp_path / "x.ckpt", change, *words)


def test_a_prior_from_before_the_start_of_sequence_vector_is_refused(tmp_path):
    def change(checkpoint):
        del checkpoint["state_dict"]["attn_stack.right_shift.sos"]

    words = ("no start-of-sequence vector", "426009a (2021-06-23)")
    refused("gpt_full", tmp_path / "x.ckpt", change, *words)


def test_a_prior_with_batch_norms_in_its_resnet_is_refused(tmp_path):
    def change(checkpoint):
        tensors = checkpoint["state_dict"]
        tensors["resnet.stem.1.norm.running_mean"] = tensors["norm.g"]

    words = ("ResNet over frames has batch norms", "c6655e8 (2021-06-02)")
    refused("gpt_full", tmp_path / "x.ckpt", change, *words)


def test_other_models_are_refused(tmp_path):
    def change(checkpoint):
        checkpoint["state_dict"] = {"fc.weight": checkpoint["state_dict"]["codebook.N"]}

    refused("vqvae_4x4x4", tmp_path / "x.ckpt", change, "neither a VQVAE nor a VideoGPT")


@pytest.mark.parametrize(
    "case, values, words",
    [
        ("vqvae_4x4x4", {"n_codes": None}, "lack the training argument n_codes; they have"),
        ("vqvae_4x4x4", {"n_codes": 10**12}, "n_codes must be an integer in [1, 65536]; got 1000"),
        ("vqvae_4x4x4", {"n_res_layers": "1"}, "n_res_layers must be an integer"),
        ("vqvae_4x4x4", {"downsample": (4, 4)}, "downsample must be three factors; got (4, 4)"),
        ("vqvae_4x4x4", {"downsample": (4, 0, 4)}, "downsample[1] must be an integer in [1, 256]"),
        ("vqvae_4x4x4", {"resolution": 30}, "must be a power of two that divides its size 30"),
        ("gpt_full", {"attn_type": "axial"}, "attn_type must be one of ('full', 'sparse')"),
        ("gpt_full", {"dropout": 1}, "dropout must lie in [0, 1); got 1"),
        ("gpt_full", {"resolution": 20}, "can't be of clips of (8, 20, 20)"),
        ("gpt_full", {"heads": 5}, "num_heads must divide hidden_dim"),
        ("gpt_full", {"layers": 3}, "missing tensors: attn_stack.attn_nets.2."),
    ],
)
def test_training_arguments_are_checked(case, values, words, tmp_path):
    refused(case, tmp_path / "x.ckpt", change_arguments(**values), words)


def test_half_precision_weights_are_taken(tmp_path):
    def change(checkpoint):
        tensors = checkpoint["state_dict"]
        for name, tensor in tensors.items():
            tensors[name] = tensor.half() if tensor.is_floating_point() else tensor

    path = write_checkpoint("vqvae_4x4x4", tmp_path / "half.ckpt", change)
    whole = write_checkpoint("vqvae_4x4x4", tmp_path / "whole.ckpt")
    for half, full in zip(
        kvg.convert.from_pytorch(path).get_weights(),
        kvg.convert.from_pytorch(whole).get_weights(),
        strict=True,
    ):
        np.testing.assert_allclose(half, full, rtol=1e-3, atol=1e-4)


def test_factors_of_downsampling_are_rounded_down_to_powers_of_two_as_the_original_does(tmp_path):
    change = change_arguments(downsample=(5, 6, 7))
    path = write_checkpoint("vqvae_4x4x4", tmp_path / "x.ckpt", change)
    assert kvg.convert.from_pytorch(path).downsample == (4, 4, 4)


def test_flat_hyper_parameters_are_taken_too(tmp_path):
    def change(checkpoint):
        arguments = checkpoint["hyper_parameters"]["args"]
        assert isinstance(arguments, argparse.Namespace)
        checkpoint["hyper_parameters"] = vars(arguments)

    path = write_checkpoint("vqvae_4x4x4", tmp_path / "x.ckpt", change)
    assert kvg.convert.from_pytorch(path).num_codes == 64
