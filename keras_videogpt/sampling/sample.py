import warnings
from typing import Any

import numpy as np

from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.sample_batches import sample_batches
from keras_videogpt.typing import Tensor


def sample(
    model: VideoGPT,
    n: int = 8,
    frames: Tensor | None = None,
    labels: Tensor | None = None,
    actions: Tensor | None = None,
    prefix: Tensor | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    return_codes: bool = False,
    dtype: str | None = None,
    batch_size: int | None = None,
    progress: bool = True,
    embeddings: Tensor | None = None,
    embedding_mask: Tensor | None = None,
    guidance: float = 1.0,
    keep_frames: bool = False,
) -> np.ndarray | Any:
    """Samples clips from a prior.

    Every code is drawn once, in order, from the prior's distribution given those before it, with a
    cache of keys and values. Clip i of a seed is the same whatever `n` and `batch_size`.

    Args:
        model: a trained `VideoGPT`.
        n: number of clips.
        frames: first frames of every clip, uint8 or float in [-0.5, 0.5], `(n, F, H, W, C)`; for
            priors conditioned on frames. The clips go on from them, and begin with the model's own
            version of them, unless there is `keep_frames`.
        labels: class of every clip, integers or names `(n,)`; for priors conditioned on classes.
        actions: actions of every clip, floats `(n, T, A)`, or integers `(n, T, A)` or `(n, T)`
            where they are discrete; for priors conditioned on actions.
        prefix: codes that the clips begin with, integers `(n, t', h, w[, G])` with fewer latent
            frames than a clip has, such as `vqvae.encode(videos)[:, :2]`: any prior continues them.
        temperature: above 0; below 1 for likelier clips, above 1 for more varied ones.
        top_k: draw from the `top_k` likeliest codes only, in [1, num_codes].
        top_p: draw from the likeliest codes that together have this probability, in (0, 1].
        seed: non-negative integer; `None` takes a new one each time.
        return_codes: whether to return the codes too.
        dtype: `"float32"`, `"bfloat16"` or `"float16"`, of weights and cache while sampling; `None`
            for the model's compute dtype. Half the bytes are up to twice the speed.
        batch_size: clips sampled at once; `None` for as many as a cache of 2 GiB holds, up to 64.
        progress: whether to show a progress bar, with codes per second and the time left.
        embeddings: a sequence of embeddings for every clip, floats `(n, L, D)`; for priors
            conditioned on them.
        embedding_mask: bool `(n, L)`, `True` for embeddings that are there; `None` for all.
        guidance: w, 0 or more: codes are drawn from the logits `without + w (with - without)` the
            conditions. Above 1, clips follow them more closely, at twice the cost; for priors
            trained with `condition_dropout`. 1 is none.
        keep_frames: whether to put the given frames in the place of the model's version of them.

    Returns:
        uint8 clips `(n, T, H, W, C)`, fewer if interrupted after some batches; with `return_codes`,
        a pair of these and the int32 codes `(n, t, h, w)`, or `(n, t, h, w, G)`.

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
    batches = []
    sampled = sample_batches(
        model,
        n,
        frames=frames,
        labels=labels,
        actions=actions,
        prefix=prefix,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        dtype=dtype,
        batch_size=batch_size,
        progress=progress,
        embeddings=embeddings,
        embedding_mask=embedding_mask,
        guidance=guidance,
        keep_frames=keep_frames,
    )
    try:
        for batch in sampled:
            batches.append(batch)
    except KeyboardInterrupt:
        if not batches:
            raise
        finished = sum(len(clips) for clips, _ in batches)
        warnings.warn(f"Interrupted: {finished} of {n} clips are finished.", stacklevel=2)
    clips, codes = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return (clips, codes) if return_codes else clips
