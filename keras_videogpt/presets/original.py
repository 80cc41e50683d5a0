"""What makes our models compute as the original PyTorch code (github.com/wilson1yan/VideoGPT)."""

from typing import Any

# Zeros before rather than after where their number is odd; no positions in the axial attention;
# one divisor of the reconstruction error for every data set.
ORIGINAL_VQVAE: dict[str, Any] = {
    "axial_attention": True,
    "axial_positions": False,
    "num_heads": 2,
    "extra_padding": "before",
    "norm": "batch",
    "commitment_cost": 0.25,
    "data_variance": 0.06,
    "ema_decay": 0.99,
    "restart_threshold": 1.0,
}

# Epsilon outside the root of layer norms, conditional gains 1 + W c, and a ResNet-34 of 240
# channels with a ReLU before its additions.
ORIGINAL_VIDEOGPT: dict[str, Any] = {
    "feed_forward_ratio": 4,
    "epsilon_placement": "outside",
    "gains": "original",
    "frame_encoder_depth": 34,
    "frame_encoder_width": 240,
    "relu_before_addition": True,
}


def original_cross_value_dim(num_heads: int) -> int:
    """Channels of a value in each head of the original's attention to frames."""
    return ORIGINAL_VIDEOGPT["frame_encoder_width"] // num_heads
