"""Sampling from a GPT-2 of the size of the original's prior by Hugging Face transformers.

    python tools/transformers_generate.py --codes 4x16x16 --batch 8 --dtype bfloat16

prints `codes per second: X`. Weights are random; codes are looked up in a learned table, not in a
codebook, and a further token begins the sequence. `generate` samples without top-k and top-p, after
a warm-up of a few codes, with each kind of cache: which of them is faster depends on the batch and
the dtype, and the faster one counts. A step's cost grows with its position, so that all codes are
sampled; `--steps` stops early, which flatters it.
"""

import argparse
import math
import os
import time

import torch
import transformers

HIDDEN, LAYERS, HEADS, NUM_CODES = 576, 8, 4, 1024
WARM_UP = 4


def build_model(length: int, dtype: str, kernel: str) -> transformers.GPT2LMHeadModel:
    config = transformers.GPT2Config(
        vocab_size=NUM_CODES + 1,
        n_positions=length + 1,
        n_embd=HIDDEN,
        n_layer=LAYERS,
        n_head=HEADS,
        n_inner=4 * HIDDEN,
        activation_function="quick_gelu",
        bos_token_id=NUM_CODES,
        eos_token_id=None,
        attn_implementation=kernel,
    )
    return transformers.GPT2LMHeadModel(config).to(getattr(torch, dtype)).eval()


def seconds_of_generate(model, batch: int, steps: int, cache: str) -> float:
    start_tokens = torch.full((batch, 1), NUM_CODES)

    def generate(new_tokens):
        codes = model.generate(
            start_tokens,
            attention_mask=torch.ones_like(start_tokens),
            do_sample=True,
            top_k=0,
            max_new_tokens=new_tokens,
            min_new_tokens=new_tokens,
            use_cache=True,
            cache_implementation=cache,
        )
        if codes.shape != (batch, 1 + new_tokens):
            raise RuntimeError(f"generate gave {tuple(codes.shape)} tokens.")

    generate(min(WARM_UP, steps))
    start = time.perf_counter()
    generate(steps)
    return time.perf_counter() - start


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codes", default="4x16x16", metavar="TxHxW")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument(
        "--attention", default="full", help="for tools/bench_sampling; it is full in any case"
    )
    parser.add_argument(
        "--cache", nargs="+", choices=["dynamic", "static"], default=["dynamic", "static"]
    )
    parser.add_argument("--kernel", choices=["sdpa", "eager"], default="sdpa")
    parser.add_argument("--steps", type=int, help="codes to sample; all by default")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def main() -> None:
    args = arguments()
    length = math.prod(int(size) for size in args.codes.split("x"))
    steps = min(args.steps or length, length)
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = build_model(length, args.dtype, args.kernel)
    print(
        f"transformers {transformers.__version__}, PyTorch {torch.__version__}, {args.dtype}, "
        f"full attention ({args.kernel}), {args.threads} threads, "
        f"the first {steps} steps of {length}"
    )
    seconds = {cache: seconds_of_generate(model, args.batch, steps, cache) for cache in args.cache}
    for cache, total in seconds.items():
        print(f"seconds per step with a {cache} cache: {total / steps:.5f}")
    print(f"codes per second: {args.batch * steps / min(seconds.values()):.3f}")


if __name__ == "__main__":
    main()
