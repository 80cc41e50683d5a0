"""Tables 1 to 7 of the paper (arXiv 2104.10157), as they are printed."""

import dataclasses

PAPER = "arXiv 2104.10157"
QUOTED = "quoted from other papers' tables, not checked"

# As the presets call them.
BAIR, UCF101 = "bair", "ucf101"


@dataclasses.dataclass(frozen=True)
class Published:
    """A published result.

    Args:
        table: number of its table in the paper; `None` for one from elsewhere.
        data: name of the data set's preset.
        method: name of what was measured.
        metric: name of the measure.
        value: as printed.
        std: as printed behind +-.
        setting: what sets it apart from others of the same table.
        source: where it is printed.
        note: what one should know before comparing.

    Example:
        >>> print(Published(4, "bair", "VideoGPT", "FVD", 103.3, 2.2, setting="8 layers"))
        FVD on bair: VideoGPT, 8 layers 103.3 +- 2.2 (arXiv 2104.10157, table 4)
    """

    table: int | None
    data: str
    method: str
    metric: str
    value: float
    std: float | None = None
    setting: str = ""
    source: str = PAPER
    note: str = ""

    def __str__(self) -> str:
        place = self.source if self.table is None else f"{self.source}, table {self.table}"
        return f"{self.metric} on {self.data}: {self.name} {self.figure} ({place})"

    @property
    def name(self) -> str:
        """The method and its setting."""
        return f"{self.method}, {self.setting}" if self.setting else self.method

    @property
    def figure(self) -> str:
        """The value and its deviation."""
        return str(self.value) if self.std is None else f"{self.value} +- {self.std}"


def _methods(table, data, metric, figures, source=PAPER):
    for method, figure in figures.items():
        value, std = figure if isinstance(figure, tuple) else (figure, None)
        yield Published(table, data, method, metric, value, std, source=source)


def _settings(table, metrics, figures, note=""):
    for setting, row in figures.items():
        for metric, figure in zip(metrics, row, strict=True):
            value, std = figure if isinstance(figure, tuple) else (figure, None)
            yield Published(table, BAIR, "VideoGPT", metric, value, std, setting, note=note)


PUBLISHED = (
    *_methods(
        1,
        BAIR,
        "FVD",
        {
            "SV2P": 262.5,
            "LVT": 125.8,
            "SAVP": 116.4,
            "DVD-GAN-FP": 109.8,
            "TrIVD-GAN-FP": 103.3,
            "Video Transformer": (94, 2),
        },
    ),
    Published(
        1,
        BAIR,
        "VideoGPT",
        "FVD",
        103.3,
        note="VideoGPT's 103.3 is that of a prior of 8 layers (table 4). The text and table 9 have "
        "16 layers, whose FVD is 103.6.",
    ),
    Published(
        1,
        BAIR,
        "VideoGPT",
        "FVD*",
        94,
        note="Table 5 has 94.6 +- 1.5 for the same latents, with a prior of 16 layers.",
    ),
    *_methods(
        None,
        BAIR,
        "FVD",
        {
            "Transframer": 100,
            "HARP": 99.3,
            "CCVS": 99,
            "Phenaki": 97,
            "FitVid": 93.6,
            "MCVD": 89.5,
            "NUWA": 86.9,
            "RaMViD": 84.2,
            "Video Diffusion": 66.9,
            "MAGVIT-L": 62,
        },
        source=QUOTED,
    ),
    *_methods(
        2,
        UCF101,
        "IS",
        {
            "VGAN": (8.31, 0.09),
            "TGAN": (11.85, 0.07),
            "MoCoGAN": (12.42, 0.03),
            "Progressive VGAN": (14.56, 0.05),
            "TGAN-F": (22.91, 0.19),
            "TGANv2": (28.87, 0.67),
            "DVD-GAN": (32.97, 1.7),
        },
    ),
    Published(2, UCF101, "VideoGPT", "IS", 24.69, 0.3, "unconditional, 128x128"),
    *_settings(
        3,
        ("NMSE", "R-FVD"),
        {"no attention": (0.0041, 15.3), "attention": (0.0033, 14.9)},
        note="The tokenizer without attention has more residual blocks, for as many parameters.",
    ),
    *_settings(
        4,
        ("bits/dim", "FVD"),
        {
            "2 layers": (2.84, (120.4, 6.0)),
            "4 layers": (2.52, (110.0, 2.4)),
            "8 layers": (2.39, (103.3, 2.2)),
            "16 layers": (2.05, (103.6, 2.0)),
        },
        note="The latents are 8x32x32, of 1,024 codes.",
    ),
    *_settings(
        5,
        ("R-FVD", "FVD", "FVD*"),
        {
            "latents 4x16x16": (82.1, (135.4, 3.7), (81.8, 2.3)),
            "latents 16x8x8": (108.1, (166.9, 3.1), (81.6, 2.2)),
            "latents 8x16x16": (49.9, (124.7, 2.7), (90.2, 2.4)),
            "latents 1x64x64": (41.6, (126.7, 3.1), (98.1, 3.6)),
            "latents 4x32x32": (28.3, (104.6, 2.7), (90.6, 2.7)),
            "latents 16x16x16": (32.8, (113.4, 2.5), (94.9, 1.7)),
            "latents 2x64x64": (22.4, (124.3, 1.4), (104.4, 2.5)),
            "latents 8x32x32": (14.9, (103.6, 2.0), (94.6, 1.5)),
            "latents 4x64x64": (15.7, (109.4, 2.1), (102.3, 2.8)),
            "latents 16x32x32": (10.1, (118.4, 3.2), (113.8, 3.3)),
        },
    ),
    *_settings(
        6,
        ("R-FVD", "FVD", "bits/dim"),
        {
            "256 codes": (18.2, (103.8, 3.7), 1.55),
            "1024 codes": (14.9, (103.6, 2.0), 2.05),
            "4096 codes": (11.3, (103.9, 5.1), 2.6),
        },
        note="The latents are 8x32x32.",
    ),
    *_settings(
        7,
        ("R-FVD", "FVD", "bits/dim"),
        {
            "latents 8x32x32x1": (14.9, (103.6, 2.0), 2.05),
            "latents 16x16x16x2": (17.2, (106.3, 1.7), 2.41),
            "latents 8x16x16x4": (17.7, (131.4, 2.9), 2.68),
            "latents 4x16x16x8": (23.1, (135.7, 3.3), 2.97),
        },
        note="The last number of the latents' size is that of the codebooks.",
    ),
)
