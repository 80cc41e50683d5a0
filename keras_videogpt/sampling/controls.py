import secrets


def check_controls(
    temperature: float, top_k: int | None, top_p: float | None, num_codes: int
) -> None:
    """Raises `ValueError` unless codes can be drawn so.

    Args:
        temperature, top_k, top_p: as in `sample`.
        num_codes: codes to draw from.
    """
    if not temperature > 0:
        raise ValueError(
            f"temperature must be above 0; got {temperature}. For the likeliest code use top_k=1."
        )
    if top_k is not None and (int(top_k) != top_k or not 1 <= top_k <= num_codes):
        raise ValueError(f"top_k must be in [1, {num_codes}], the number of codes; got {top_k}.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must be in (0, 1]; got {top_p}.")


def check_seed(seed: int | None) -> int:
    """The seed, a new one for `None`; `ValueError` for what is none.

    Args:
        seed: non-negative integer, or `None`.
    """
    if seed is None:
        return secrets.randbits(63)
    if isinstance(seed, bool) or int(seed) != seed or seed < 0:
        raise ValueError(f"seed must be a non-negative integer or None; got {seed!r}.")
    return int(seed)
