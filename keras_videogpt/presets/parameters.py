"""Numbers in the models of the untrained presets; tests build the models and count again.

To build them takes seconds each, and a list of presets should not.
"""

# By class and name; a prior with its tokenizer.
PARAMETERS = {
    ("VQVAE", "moving_mnist"): 12_566_645,
    ("VideoGPT", "moving_mnist"): 50_372_080,
    ("VQVAE", "bair"): 14_740_309,
    ("VideoGPT", "bair"): 146_087_560,
    ("VQVAE", "robonet"): 14_740_309,
    ("VideoGPT", "robonet"): 146_087_560,
    ("VQVAE", "vizdoom_hgs"): 14_740_309,
    ("VideoGPT", "vizdoom_hgs"): 67_850_573,
    ("VQVAE", "vizdoom_battle"): 14_740_309,
    ("VideoGPT", "vizdoom_battle"): 74_946_893,
    ("VQVAE", "ucf101"): 22_113_269,
    ("VideoGPT", "ucf101"): 275_313_293,
    ("VQVAE", "tgif"): 22_113_269,
    ("VideoGPT", "tgif"): 275_313_293,
    ("VQVAE", "paper"): 14_740_309,
    ("VideoGPT", "paper"): 65_823_053,
    ("VQVAE", "paper_ucf101"): 22_113_269,
    ("VideoGPT", "paper_ucf101"): 275_313_293,
    ("VQVAE", "paper_moving_mnist"): 12_566_645,
    ("VideoGPT", "paper_moving_mnist"): 15_051_701,
    ("VQVAE", "original"): 22_202_805,
    ("VideoGPT", "original"): 55_441_269,
    ("VQVAE", "demo"): 928_613,
    ("VideoGPT", "demo"): 1_791_713,
    ("VideoGPT", "paper_tgif"): 275_313_293,
}
