"""The training steps of the original PyTorch code, reimplemented to be timed, and nothing else.

    python tools/original_training.py --stage vqvae --shape 16x64x64 --batch 2
    python tools/original_training.py --stage prior --shape 4x16x16 --batch 2

prints `seconds per step: X`. A step does what the original's does. Tokenizer: every convolution
pads by itself, axial attention moves each axis to the end and multiplies elementary products, the
codebook counts and sums by a one-hot matrix, and codes restart from a shuffled batch. Prior: layer
norms are elementary operations, queries, keys and values three products, and the mask is a matrix
of float32 in each layer; it gets codes, not video. Then Adam. Data is noise, and logging is left
out. The tokenizer has the original's 240 channels and codes 4x2x2 times smaller than clips, the
prior 576 channels and 8 layers.
"""

import argparse
import math
import statistics
import time

import torch
from original_loop import (
    CODE_DIM,
    DROPOUT,
    HEADS,
    HIDDEN,
    LAYERS,
    NUM_CODES,
    FullMask,
    Norm,
    QuickGELU,
)
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

UNITS, RESIDUAL_LAYERS, AXIAL_HEADS, STRIDES = 240, 4, 2, [(2, 2, 2), (2, 1, 1)]
DECAY, VARIANCE, COMMITMENT = 0.99, 0.06, 0.25
LEARNING_RATE = 3e-4
ENOUGH_SECONDS = 10.0  # of timed steps; two are always made


class PaddedConvolution(nn.Module):
    def __init__(self, inputs, outputs, kernel, strides=(1, 1, 1), bias=True, transposed=False):
        super().__init__()
        padding = [kernel - stride for stride in reversed(strides)]
        self.padding = [side for p in padding for side in (p // 2 + p % 2, p // 2)]
        kind, options = nn.Conv3d, {}
        if transposed:
            kind, options = nn.ConvTranspose3d, {"padding": kernel - 1}
        self.convolution = kind(inputs, outputs, kernel, stride=strides, bias=bias, **options)

    def forward(self, x):
        return self.convolution(functional.pad(x, self.padding))


class AxialAttention(nn.Module):
    """Of channels-last clips along one axis, `axis` counted without batch and heads."""

    def __init__(self, axis):
        super().__init__()
        self.axis = axis
        self.query, self.key, self.value = (nn.Linear(UNITS, UNITS, bias=False) for _ in "qkv")
        self.output = nn.Linear(UNITS, UNITS)

    def heads(self, x):
        x = x.view(*x.shape[:-1], AXIAL_HEADS, -1).movedim(-2, 1)
        return x.transpose(self.axis + 2, -2).contiguous()

    def forward(self, x):
        query, key, value = (self.heads(layer(x)) for layer in (self.query, self.key, self.value))
        shape = query.shape
        query, key, value = (y.flatten(end_dim=-3) for y in (query, key, value))
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(query.shape[-1])
        attended = torch.matmul(functional.softmax(scores, dim=-1), value)
        attended = attended.view(shape).transpose(self.axis + 2, -2)
        return self.output(attended.movedim(1, -2).contiguous().flatten(-2))


class AxialBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.attentions = nn.ModuleList(AxialAttention(axis) for axis in (2, 1, 0))

    def forward(self, x):
        x = x.movedim(1, -1).contiguous()
        return sum(attention(x) for attention in self.attentions).movedim(-1, 1)


class ResidualBlock(nn.Sequential):
    def __init__(self):
        super().__init__(
            *(nn.BatchNorm3d(UNITS), nn.ReLU()),
            PaddedConvolution(UNITS, UNITS // 2, 3, bias=False),
            *(nn.BatchNorm3d(UNITS // 2), nn.ReLU()),
            PaddedConvolution(UNITS // 2, UNITS, 1, bias=False),
            *(nn.BatchNorm3d(UNITS), nn.ReLU()),
            AxialBlock(),
        )

    def forward(self, x):
        return x + super().forward(x)


def residual_stack():
    return [*(ResidualBlock() for _ in range(RESIDUAL_LAYERS)), nn.BatchNorm3d(UNITS), nn.ReLU()]


class Codebook(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("codes", torch.randn(NUM_CODES, CODE_DIM))
        self.register_buffer("counts", torch.ones(NUM_CODES))
        self.register_buffer("sums", self.codes.clone())

    def forward(self, latents):
        flat = latents.movedim(1, -1).flatten(end_dim=-2).float()
        distances = (flat**2).sum(dim=1, keepdim=True) - 2 * flat @ self.codes.t()
        distances = distances + (self.codes.t() ** 2).sum(dim=0, keepdim=True)
        ids = torch.argmin(distances, dim=1)
        one_hot = functional.one_hot(ids, NUM_CODES).type_as(flat)
        ids = ids.view(len(latents), *latents.shape[2:])
        embedded = functional.embedding(ids, self.codes).movedim(-1, 1)
        commitment = COMMITMENT * functional.mse_loss(latents, embedded.detach())
        with torch.no_grad():
            self.update(flat, one_hot)
        shares = one_hot.mean(dim=0)
        perplexity = torch.exp(-torch.sum(shares * torch.log(shares + 1e-10)))
        return (embedded - latents).detach() + latents, commitment, perplexity

    def update(self, flat, one_hot):
        self.counts.mul_(DECAY).add_(one_hot.sum(dim=0), alpha=1 - DECAY)
        self.sums.mul_(DECAY).add_((flat.t() @ one_hot).t(), alpha=1 - DECAY)
        total = self.counts.sum()
        counts = (self.counts + 1e-7) / (total + NUM_CODES * 1e-7) * total
        repeated = flat.repeat(-(-NUM_CODES // len(flat)), 1)
        fresh = repeated[torch.randperm(len(repeated), device=flat.device)][:NUM_CODES]
        used = (self.counts.view(-1, 1) >= 1).float()
        self.codes.copy_(self.sums / counts.unsqueeze(1) * used + fresh * (1 - used))


class Tokenizer(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [3] + [UNITS] * len(STRIDES)
        down, up = [], []
        for i, strides in enumerate(STRIDES):
            down += [PaddedConvolution(widths[i], UNITS, 4, strides), nn.ReLU()]
            out = 3 if i == len(STRIDES) - 1 else UNITS
            up += [PaddedConvolution(UNITS, out, 4, strides, transposed=True), nn.ReLU()]
        self.encoder = nn.Sequential(
            *down,
            PaddedConvolution(UNITS, UNITS, 3),
            *residual_stack(),
            PaddedConvolution(UNITS, CODE_DIM, 1),
        )
        self.codebook = Codebook()
        self.decoder = nn.Sequential(
            PaddedConvolution(CODE_DIM, UNITS, 1), *residual_stack(), *up[:-1]
        )

    def loss(self, video):
        embedded, commitment, _ = self.codebook(self.encoder(video))
        return functional.mse_loss(self.decoder(embedded), video) / VARIANCE + commitment


class Attention(nn.Module):
    def __init__(self, grid):
        super().__init__()
        self.mask = FullMask(grid)
        self.query, self.key, self.value = (nn.Linear(HIDDEN, HIDDEN, bias=False) for _ in "qkv")
        self.output = nn.Linear(HIDDEN, HIDDEN)

    def heads(self, x):
        return x.view(*x.shape[:-1], HEADS, -1).movedim(-2, 1).contiguous()

    def forward(self, x):
        query, key, value = (self.heads(layer(x)) for layer in (self.query, self.key, self.value))
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(query.shape[-1])
        scores = scores.masked_fill(self.mask.mask == 0, -math.inf)
        weights = functional.dropout(functional.softmax(scores, dim=-1), 0.0)
        return self.output(torch.matmul(weights, value).movedim(1, -2).contiguous().flatten(-2))


class Block(nn.Module):
    def __init__(self, grid):
        super().__init__()
        self.attention_norm, self.feed_forward_norm = Norm(), Norm()
        self.attention = Attention(grid)
        self.feed_forward = nn.Sequential(
            nn.Linear(HIDDEN, 4 * HIDDEN), QuickGELU(), nn.Linear(4 * HIDDEN, HIDDEN)
        )
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x):
        for function, norm in (
            (self.attention, self.attention_norm),
            (self.feed_forward, self.feed_forward_norm),
        ):
            x = x + self.dropout(checkpoint(function, norm(x), use_reentrant=True))
        return x


class Prior(nn.Module):
    def __init__(self, grid):
        super().__init__()
        self.register_buffer("codebook", torch.randn(NUM_CODES, CODE_DIM))
        self.embed = nn.Linear(CODE_DIM, HIDDEN, bias=False)
        self.start = nn.Parameter(0.02 * torch.randn(HIDDEN))
        self.tables = nn.ParameterList(0.01 * torch.randn(n, HIDDEN // len(grid)) for n in grid)
        self.blocks = nn.Sequential(*(Block(grid) for _ in range(LAYERS)), Norm())
        self.unembed = nn.Linear(HIDDEN, NUM_CODES, bias=False)

    def positions(self):
        grid = [len(table) for table in self.tables]
        parts = []
        for axis, table in enumerate(self.tables):
            shape = [n if i == axis else 1 for i, n in enumerate(grid)]
            parts.append(table.view(*shape, -1).expand(*grid, -1))
        return torch.cat(parts, dim=-1).flatten(end_dim=-2)

    def loss(self, codes):
        codes = codes.flatten(1)
        x = self.embed(functional.embedding(codes, self.codebook))
        x = torch.cat([self.start.expand(len(x), 1, -1).type_as(x), x[:, :-1]], dim=1)
        logits = self.unembed(self.blocks(x + self.positions()))
        return functional.cross_entropy(logits.movedim(-1, 1).contiguous(), codes)


def step_times(args: argparse.Namespace, shape: tuple[int, int, int]) -> list[float]:
    """Seconds of some training steps after the first two."""
    device = {"cpu": "cpu", "gpu": "cuda"}[args.device]
    if args.stage == "vqvae":
        model = Tokenizer().to(device)
        data = torch.rand(args.batch, 3, *shape, device=device) - 0.5
    else:
        model = Prior(shape).to(device)
        data = torch.randint(0, NUM_CODES, (args.batch, *shape), device=device)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    half = torch.autocast(device, torch.bfloat16, enabled=args.precision != "float32")
    seconds = []
    while len(seconds) < 4 or sum(seconds[2:]) < ENOUGH_SECONDS:
        start = time.perf_counter()
        with half:
            loss = model.loss(data)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # waits
        seconds.append(time.perf_counter() - start)
    return seconds[2:]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", choices=("vqvae", "prior"), required=True)
    parser.add_argument("--shape", required=True, metavar="TxHxW", help="of clips, or of codes")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--precision", choices=("float32", "mixed_bfloat16"), default="float32")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    seconds = step_times(args, tuple(int(size) for size in args.shape.split("x")))
    print(
        f"original's step, PyTorch {torch.__version__}, {args.precision}, {args.stage}, batch of "
        f"{args.batch} times {args.shape}, {args.threads} threads, median of {len(seconds)}"
    )
    print(f"seconds per step: {statistics.median(seconds):.5f}")


if __name__ == "__main__":
    main()
