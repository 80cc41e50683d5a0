"""The data presets against the paper's tables 8 and 9."""

import pytest

import keras_videogpt as kvg
from keras_videogpt.presets import DATA_SETS, settings
from keras_videogpt.presets.prepare import prepare

# Table 8: latent grid, residual layers, attention, codes, their channels, steps.
ROBOTS = ((8, 32, 32), 4, True, 1024, 256, 100_000)
WILD = ((4, 32, 32), 4, True, 1024, 256, 100_000)
TABLE_8 = {
    "moving_mnist": ((4, 16, 16), 2, False, 512, 64, 20_000),
    "bair": ROBOTS,
    "robonet": ROBOTS,
    "vizdoom_hgs": ROBOTS,
    "vizdoom_battle": ROBOTS,
    "ucf101": WILD,
    "tgif": WILD,
}
# Table 9: heads, layers, embedding, feed-forward units, dropout, steps, given frames, ResNet depth.
TABLE_9 = {
    "moving_mnist": (4, 8, 192, 384, 0.1, 80_000, 1, 18),
    "bair": (4, 16, 512, 2048, 0.2, 150_000, 1, 34),
    "robonet": (4, 16, 512, 2048, 0.2, 150_000, 1, 34),
    "vizdoom_hgs": (4, 16, 512, 2048, 0.2, 150_000, 0, None),
    "vizdoom_battle": (4, 16, 512, 2048, 0.2, 150_000, 0, None),
    "ucf101": (8, 20, 1024, 4096, 0.2, 200_000, 0, None),
    "tgif": (8, 20, 1024, 4096, 0.2, 600_000, 0, None),
}
TRAINING = ("batch_size", "learning_rate", "schedule", "steps", "save_every")


def test_priors_are_given_what_the_paper_s_are():
    given = {}
    for name in DATA_SETS:
        prior = settings("prior", name)
        given[name] = (prior["frame_cond"], prior.get("action_conditioning"))
    viz_doom = dict.fromkeys(ACTIONS, (0, "clip"))
    frames = dict.fromkeys(("moving_mnist", "bair", "robonet"), (1, None))
    assert given == {**frames, **viz_doom, **dict.fromkeys(("ucf101", "tgif"), (0, None))}


def test_there_is_a_preset_of_every_data_set():
    assert set(DATA_SETS) == set(TABLE_8) == set(TABLE_9)
    assert all(name == data_set.name for name, data_set in DATA_SETS.items())


@pytest.mark.parametrize("name", DATA_SETS)
def test_the_settings_are_those_of_the_tables(name):
    tokenizer, prior = settings("vqvae", name), settings("prior", name)
    _, layers, attention, codes, code_dim, steps = TABLE_8[name]
    assert (tokenizer["num_residual_layers"], tokenizer["axial_attention"]) == (layers, attention)
    assert (tokenizer["num_codes"], tokenizer["code_dim"]) == (codes, code_dim)
    assert (tokenizer["hidden_units"], tokenizer["residual_units"]) == (240, 128)
    assert (tokenizer["batch_size"], tokenizer["learning_rate"]) == (32, 7e-4)
    assert tokenizer["steps"] == steps
    assert (tokenizer["frames"], tokenizer["size"]) == (16, DATA_SETS[name].size)
    assert tokenizer["data_variance"] == DATA_SETS[name].variance
    heads, layers, width, units, dropout, steps, frames, depth = TABLE_9[name]
    assert (prior["num_heads"], prior["num_layers"], prior["hidden_dim"]) == (heads, layers, width)
    assert prior["feed_forward_ratio"] * width == units
    assert (prior["dropout"], prior["steps"], prior["frame_cond"]) == (dropout, steps, frames)
    assert (prior["batch_size"], prior["learning_rate"]) == (32, 3e-4)
    if depth:
        assert (prior["frame_encoder_depth"], prior["frame_encoder_width"]) == (depth, 512)


# Table 9: numbers of the vector that the prior's norms are given. Battle2 has 315, on another map.
ACTIONS = {"vizdoom_hgs": 60, "vizdoom_battle": 15 * 18}


@pytest.mark.parametrize("name", ["moving_mnist", "bair", "ucf101", *ACTIONS])
def test_models_of_the_settings_have_the_grids_of_the_tables(name):
    # One layer each, thin, without the ResNet: the grids are what is looked at.
    options = {k: v for k, v in settings("vqvae", name).items() if k not in TRAINING}
    frames, size = options.pop("frames"), options.pop("size")
    options |= {"hidden_units": 8, "residual_units": 4, "num_residual_layers": 1, "code_dim": 4}
    vqvae = kvg.VQVAE(video_shape=(frames, size, size, 3), **options)
    assert vqvae.video_shape == (16, 64, 64, 3)
    assert vqvae.codes_shape == TABLE_8[name][0] and vqvae.num_codes == TABLE_8[name][3]
    options = {k: v for k, v in settings("prior", name).items() if k not in TRAINING}
    options |= {"num_layers": 1, "hidden_dim": 16, "frame_cond": 0}
    gpt = kvg.VideoGPT(vqvae, **options)
    assert gpt.output["logits"].shape[1:] == (*TABLE_8[name][0], TABLE_8[name][3])
    norm = gpt.blocks[0].attention_norm
    assert norm.conditional == (name in ACTIONS)
    if name in ACTIONS:
        assert gpt.action_conditioning == "clip" and norm.gain_kernel.shape == (ACTIONS[name], 16)


def test_settings_of_unknown_presets_list_those_there_are():
    with pytest.raises(ValueError, match="'bair'.*'paper'.*got 'kinetics'"):
        settings("vqvae", "kinetics")


def test_what_a_preset_does_not_take_is_refused(tmp_path):
    out = tmp_path / "out"
    for arguments, words in {
        ("kinetics",): "must be one of moving_mnist",
        ("ucf101",): "ucf101 needs more: .*--splits",
        ("ucf101", "videos"): "ucf101 needs more",
        ("tgif",): "tgif needs more: .*--source FILE",
        ("vizdoom_hgs", "my.cfg"): "no other source; got 'my.cfg'",
        ("vizdoom_hgs", "tfds"): "does not come from TensorFlow Datasets",
        ("bair", None, "lists"): "bair takes no split files",
    }.items():
        name, *rest = arguments
        with pytest.raises(ValueError, match=words):
            prepare(name, out, *rest)
    with pytest.raises(ValueError, match="got 0 and 0"):
        prepare("moving_mnist", out, videos=0)
    with pytest.raises(FileNotFoundError, match="no scenario file"):
        prepare("vizdoom_battle", out, tmp_path / "D4_battle2.cfg")
    assert not out.exists()
