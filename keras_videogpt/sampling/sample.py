import secrets
import warnings

import numpy as np
from keras import ops
from tqdm import tqdm

from keras_videogpt.layers.packed_linear import packed
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.models.batches import as_numpy
from keras_videogpt.models.checks import check_positive
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.cache import empty_cache, grow, run_length
from keras_videogpt.sampling.decoding_loop import compiled_decode_run, is_compiled
from keras_videogpt.sampling.decoding_model import decoding_model, fitting_batch_size
from keras_videogpt.sampling.draw import uniform_numbers
from keras_videogpt.sampling.guidance import check_guidance
from keras_videogpt.sampling.step import encode_conditions


def sample(
    model: VideoGPT,
    n: int = 8,
    frames=None,
    labels=None,
    actions=None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    return_codes: bool = False,
    dtype: str | None = None,
    batch_size: int | None = None,
    progress: bool = True,
    embeddings=None,
    embedding_mask=None,
    guidance: float = 1.0,
    keep_frames: bool = False,
):
    """Samples clips from a prior.

    Every code is drawn once, in order, from the prior's distribution given those before it, with a
    cache of keys and values. Clip i of a seed is the same whatever `n` and `batch_size`.

    Args:
        model: a trained `VideoGPT`.
        n: number of clips.
        frames: first frames of every clip, uint8 or float in [-0.5, 0.5], `(n, F, H, W, C)`; for
            priors conditioned on frames. The clips go on from them, and begin with the model's own
            version of them, unless there is `keep_frames`.
        labels: class of every clip, integers `(n,)`; for priors conditioned on classes.
        actions: actions of every clip, floats `(n, T, A)`, or integers `(n, T, A)` or `(n, T)`
            where they are discrete; for priors conditioned on actions.
        temperature: above 0; below 1 for likelier clips, above 1 for more varied ones.
        top_k: draw from the `top_k` likeliest codes only, in [1, num_codes].
        top_p: draw from the likeliest codes that together have this probability, in (0, 1].
        seed: non-negative integer; `None` takes a new one each time.
        return_codes: whether to return the codes too.
        dtype: `"float32"`, `"bfloat16"` or `"float16"`, of weights and cache while sampling; `None`
            for the model's compute dtype. Half the bytes are up to twice the speed.
        batch_size: clips sampled at once; `None` for as many as a cache of 2 GiB holds, up to 64.
        progress: whether to show a progress bar.
        embeddings: a sequence of embeddings for every clip, floats `(n, L, D)`; for priors
            conditioned on them.
        embedding_mask: bool `(n, L)`, `True` for embeddings that are there; `None` for all.
        guidance: w, 0 or more: codes are drawn from the logits `without + w (with - without)` the
            conditions. Above 1, clips follow them more closely, at twice the cost; for priors
            trained with `condition_dropout`. 1 is none.
        keep_frames: whether to put the given frames in the place of the model's version of them.

    Returns:
        uint8 clips `(n, T, H, W, C)`, fewer if interrupted after some batches; with `return_codes`,
        a pair of these and the int32 codes
        `(n, t, h, w)`, or `(n, t, h, w, G)`.

    Raises:
        ValueError: an argument is out of range; a condition is not taken, or missing, but for
            priors trained with `condition_dropout`, which may do without.

    Example:
        >>> from keras_videogpt import VQVAE, VideoGPT
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> gpt = VideoGPT(vqvae, num_layers=2, num_heads=2, hidden_dim=32)
        >>> sample(gpt, n=2, seed=0, progress=False).shape
        (2, 4, 16, 16, 3)
    """
    check_positive(n=n)
    if batch_size is not None:
        check_positive(batch_size=batch_size)
    conditions = {
        "frames": frames,
        "labels": labels,
        "actions": actions,
        "embeddings": embeddings,
        "embedding_mask": embedding_mask,
    }
    conditions = {k: None if v is None else as_numpy(v) for k, v in conditions.items()}
    model.conditions.given(n, **conditions)
    if keep_frames and frames is None:
        raise ValueError("keep_frames=True needs frames; got None.")
    check_guidance(model, guidance)
    _check_controls(temperature, top_k, top_p, model.tokenizer.num_codes)
    seed = _check_seed(seed)
    decoder = decoding_model(model, dtype)
    if batch_size is None:
        sequences = 1 if guidance == 1 else 2
        batch_size = max(1, fitting_batch_size(decoder, sequences * n) // sequences)
    clips, codes = [], []
    description = "sampling" if is_compiled(decoder, top_k) else "compiling, sampling"
    with tqdm(total=n * model.length, unit=" codes", disable=not progress, desc=description) as bar:
        for start in range(0, n, batch_size):
            # The last batch is filled up: another size would be compiled anew.
            places = np.minimum(np.arange(start, start + batch_size), n - 1)
            part = {k: v if v is None else v[places] for k, v in conditions.items()}
            wanted = min(batch_size, n - start)
            try:
                batch = sample_codes(
                    decoder,
                    uniform_numbers(seed, start, batch_size, model.length),
                    temperature,
                    top_k,
                    top_p,
                    lambda steps, wanted=wanted: bar.update(steps * wanted),
                    encode_conditions(decoder, batch_size, model, guidance, **part),
                )[:wanted]
            except KeyboardInterrupt:
                if not start:
                    raise
                warnings.warn(f"Interrupted: {start} of {n} clips are finished.", stacklevel=2)
                break
            codes.append(batch)
            clips.append(to_uint8(model.tokenizer.decode(batch)))
            if keep_frames:
                kept = conditions["frames"][start : start + wanted]
                kept = kept if kept.dtype == np.uint8 else to_uint8(kept)
                clips[-1][:, : kept.shape[1]] = kept
    clips, codes = np.concatenate(clips), np.concatenate(codes)
    return (clips, codes) if return_codes else clips


def sample_codes(
    model: VideoGPT,
    uniforms: np.ndarray,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    on_progress=lambda steps: None,
    context: dict | None = None,
) -> np.ndarray:
    """Samples one batch of codes, a run of them per compiled call.

    Args:
        model: a `VideoGPT` whose weights have its compute dtype; see `decoding_model`.
        uniforms: float32 `(L, B)` in [0, 1): the random number behind every code.
        temperature, top_k, top_p: as in `sample`.
        on_progress: called with the number of steps, one code of every clip, since the last call.
        context: what `encode_conditions` gives; needed where the prior is conditioned.

    Returns:
        int32 codes `(B, t, h, w)`, or `(B, t, h, w, G)`.
    """
    length, batch = uniforms.shape
    run = run_length(model)
    decode = compiled_decode_run(model, top_k)
    context = encode_conditions(model) if context is None else context
    sequences = 2 * batch if "guidance" in context else batch
    cache = empty_cache(model, sequences)
    previous = ops.zeros((batch,), "int32")
    rows = []
    with packed([model.embed, *model.blocks, model.unembed], sequences):
        for first in range(0, length, run):
            grow(model, cache, first + run)
            numbers = ops.convert_to_tensor(uniforms[first : first + run])
            drawn, cache = decode(previous, cache, context, numbers, first, temperature, top_p)
            previous = drawn[-1]
            rows.append(drawn)
            on_progress(run)
    codes = ops.convert_to_numpy(ops.concatenate(rows, axis=0)).T
    return np.ascontiguousarray(codes).reshape(batch, *model.codes_shape)


def _check_controls(temperature, top_k, top_p, num_codes):
    if not temperature > 0:
        raise ValueError(
            f"temperature must be above 0; got {temperature}. For the likeliest code use top_k=1."
        )
    if top_k is not None and (int(top_k) != top_k or not 1 <= top_k <= num_codes):
        raise ValueError(f"top_k must be in [1, {num_codes}], the number of codes; got {top_k}.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must be in (0, 1]; got {top_p}.")


def _check_seed(seed):
    if seed is None:
        return secrets.randbits(63)
    if isinstance(seed, bool) or int(seed) != seed or seed < 0:
        raise ValueError(f"seed must be a non-negative integer or None; got {seed!r}.")
    return int(seed)
