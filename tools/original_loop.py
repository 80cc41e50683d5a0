"""The sampling loop of the original PyTorch code, reimplemented to be timed, and nothing else.

    python tools/original_loop.py --codes 4x16x16 --batch 8

prints `codes per second: X`. It does per code what the original does: looks up the vectors of the
whole grid of codes, makes the whole table of positions, attends to the whole cache, filled or not,
under a mask, and computes a loss that nothing uses; layer norms are elementary operations, queries,
keys and values three products. Weights are random, in float32; the tokenizer is left out.

The cost of a step does not depend on its position: `--steps` of them, spread over the positions,
are timed after three others.
"""

import argparse
import itertools
import math
import os
import time

import torch
from torch import nn
from torch.nn import functional

HIDDEN, LAYERS, HEADS, NUM_CODES, CODE_DIM = 576, 8, 4, 1024, 256
DROPOUT, BLOCK, LOCAL_BLOCKS = 0.2, 32, 4
WARM_UP = 3


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(HIDDEN))
        self.bias = nn.Parameter(torch.zeros(HIDDEN))

    def forward(self, x):
        centred = x.float() - x.float().mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        return (centred * (1e-5 + variance.rsqrt()) * self.gain + self.bias).type_as(x)


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class FullMask(nn.Module):
    def __init__(self, grid):
        super().__init__()
        length = math.prod(grid)
        self.register_buffer("mask", torch.tril(torch.ones(length, length)))

    def forward(self, step):
        return self.mask[[step]]


class SparseMask(nn.Module):
    """A row of the strided layout, repeated from blocks to positions at every step."""

    def __init__(self, grid):
        super().__init__()
        frame, remainder = divmod(grid[1] * grid[2], BLOCK)
        if remainder:
            raise SystemExit(f"--attention sparse needs frames of a multiple of {BLOCK} codes.")
        number = torch.arange(grid[0] * frame)
        distance = number[:, None] - number[None]
        layout = (distance >= 0) & ((distance <= LOCAL_BLOCKS) | (distance % frame == 0))
        self.register_buffer("layout", layout.float().expand(HEADS, -1, -1).contiguous())

    def forward(self, step):
        row = self.layout[:, [step // BLOCK]].repeat_interleave(BLOCK, dim=-1)
        row[:, :, step + 1 :] = 0
        return row


class Attention(nn.Module):
    def __init__(self, grid, mask):
        super().__init__()
        self.grid, self.mask = grid, mask
        self.query, self.key, self.value = (nn.Linear(HIDDEN, HIDDEN, bias=False) for _ in "qkv")
        self.output = nn.Linear(HIDDEN, HIDDEN)
        self.caches = None

    def heads(self, x):
        """`(B, t, h, w, channels)` to `(B, heads, t, h, w, channels of a head)`."""
        return x.view(*x.shape[:-1], HEADS, -1).movedim(-2, 1).contiguous()

    def forward(self, x, step, index):
        query, key, value = (self.heads(layer(x)) for layer in (self.query, self.key, self.value))
        if step == 0 or self.caches is None:
            shape = (len(x), HEADS, *self.grid, HIDDEN // HEADS)
            self.caches = torch.zeros(shape), torch.zeros(shape)
        place = (slice(None), slice(None), *(slice(i, i + 1) for i in index))
        for cache, entry in zip(self.caches, (key, value), strict=True):
            cache[place] = entry
        query, key, value = (y.flatten(2, -2) for y in (query, *self.caches))
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(query.shape[-1])
        scores = scores.masked_fill(self.mask(step) == 0, -math.inf)
        weights = functional.dropout(functional.softmax(scores, dim=-1), 0.0, training=False)
        attended = torch.matmul(weights, value).view(len(x), HEADS, 1, 1, 1, -1)
        return self.output(attended.movedim(1, -2).contiguous().flatten(-2))


class Block(nn.Module):
    def __init__(self, grid, mask):
        super().__init__()
        self.attention_norm, self.feed_forward_norm = Norm(), Norm()
        self.attention = Attention(grid, mask)
        self.feed_forward = nn.Sequential(
            nn.Linear(HIDDEN, 4 * HIDDEN), QuickGELU(), nn.Linear(4 * HIDDEN, HIDDEN)
        )
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x, step, index):
        x = x + self.dropout(self.attention(self.attention_norm(x), step, index))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class Prior(nn.Module):
    def __init__(self, grid: tuple[int, int, int], attention: str):
        super().__init__()
        self.grid = grid
        self.codebook = nn.Parameter(torch.randn(NUM_CODES, CODE_DIM))
        self.embed = nn.Linear(CODE_DIM, HIDDEN, bias=False)
        self.start = nn.Parameter(0.02 * torch.randn(HIDDEN))
        self.tables = nn.ParameterList(0.01 * torch.randn(n, HIDDEN // len(grid)) for n in grid)
        mask = {"full": FullMask, "sparse": SparseMask}[attention]
        self.blocks = nn.ModuleList(Block(grid, mask(grid)) for _ in range(LAYERS))
        self.norm = Norm()
        self.unembed = nn.Linear(HIDDEN, NUM_CODES, bias=False)
        nn.init.normal_(self.unembed.weight, std=0.02)

    def positions(self, index):
        """The whole table of positions, and of it the row of one."""
        parts = []
        for axis, table in enumerate(self.tables):
            shape = [1] * len(self.grid) + [table.shape[-1]]
            shape[axis] = len(table)
            parts.append(table.view(1, *shape).expand(1, *self.grid, -1))
        whole = torch.cat(parts, dim=-1)
        return whole[(slice(None), *(slice(i, i + 1) for i in index))]

    def forward(self, vectors, targets, step, index):
        x = self.embed(vectors)
        if step == 0:
            x = torch.ones(len(x), 1, 1, 1, 1) * self.start
        x = x + self.positions(index)
        for block in self.blocks:
            x = block(x, step, index)
        logits = self.unembed(self.norm(x))
        loss = functional.cross_entropy(logits.movedim(-1, 1).contiguous(), targets)
        return loss, logits

    @torch.no_grad()
    def sample_step(self, codes, step, indices):
        """Draws the codes `(B, t, h, w)` at one position."""
        previous = tuple(slice(i, i + 1) for i in indices[max(step - 1, 0)])
        vectors = functional.embedding(codes, self.codebook)
        vectors, targets = vectors[:, *previous], codes[:, *previous]
        _, logits = self(vectors, targets, step, indices[step])
        probabilities = functional.softmax(logits.view(len(codes), -1), dim=-1)
        codes[:, *indices[step]] = torch.multinomial(probabilities, 1).squeeze(-1)


def seconds_per_step(grid: tuple[int, int, int], attention: str, batch: int, steps: int) -> float:
    prior = Prior(grid, attention).eval()
    indices = list(itertools.product(*map(range, grid)))
    codes = torch.zeros(batch, *grid, dtype=torch.long)
    for step in range(WARM_UP):
        prior.sample_step(codes, step, indices)
    start = time.perf_counter()
    for i in range(steps):
        prior.sample_step(codes, (2 * i + 1) * len(indices) // (2 * steps), indices)
    return (time.perf_counter() - start) / steps


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codes", default="4x16x16", metavar="TxHxW")
    parser.add_argument("--attention", choices=["full", "sparse"], default="full")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument(
        "--dtype", default="float32", help="for tools/bench_sampling; it is float32 in any case"
    )
    parser.add_argument("--steps", type=int, default=64, help="timed; 64 by default")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def main() -> None:
    args = arguments()
    grid = tuple(int(size) for size in args.codes.split("x"))
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    seconds = seconds_per_step(grid, args.attention, args.batch, args.steps)
    print(
        f"original's loop, PyTorch {torch.__version__}, float32, {args.attention} attention, "
        f"{args.threads} threads, {args.steps} steps of {math.prod(grid)}"
    )
    print(f"seconds per step: {seconds:.5f}")
    print(f"codes per second: {args.batch / seconds:.3f}")


if __name__ == "__main__":
    main()
