from typing import Any

import keras
from keras import ops

from keras_videogpt.distribution.global_batch import global_mean, global_sum
from keras_videogpt.typing import Tensor


def code_counts(codes: Tensor, num_codes: int, num_codebooks: int) -> Tensor:
    """How often each code occurs.

    Args:
        codes: int32, any shape; with several codebooks its last axis is the codebook.
        num_codes: codes per codebook.
        num_codebooks: number of codebooks G.

    Returns:
        float32 `(G, num_codes)`.
    """
    rows = ops.reshape(ops.cast(codes, "int32"), (-1, num_codebooks))
    rows = rows + ops.arange(num_codebooks, dtype="int32") * num_codes
    rows = ops.reshape(rows, (-1,))
    counts = ops.segment_sum(
        ops.ones_like(rows, dtype="float32"), rows, num_segments=num_codebooks * num_codes
    )
    return ops.reshape(counts, (num_codebooks, num_codes))


@keras.saving.register_keras_serializable("keras_videogpt")
class CodebookPerplexity(keras.metrics.Mean):
    """Perplexity of the codes within a batch, averaged over codebooks and over batches.

    `exp` of the entropy of the batch's code histogram: the number of codes it uses evenly. Small
    batches can't reach a large codebook's size: compare runs at equal batch size.

    Args:
        num_codes: codes per codebook.
        num_codebooks: number of codebooks.

    Example:
        >>> metric = CodebookPerplexity(num_codes=4)
        >>> metric.update_state(keras.ops.array([[0, 1, 2, 3]]))
        >>> round(float(metric.result()), 3)
        4.0
    """

    def __init__(
        self, num_codes: int, num_codebooks: int = 1, name: str = "perplexity", **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        self.num_codes = num_codes
        self.num_codebooks = num_codebooks

    def update_state(self, codes, sample_weight=None):
        counts = global_sum(code_counts(codes, self.num_codes, self.num_codebooks))
        shares = counts / ops.sum(counts, axis=-1, keepdims=True)
        entropy = -ops.sum(shares * ops.log(ops.maximum(shares, 1e-10)), axis=-1)
        super().update_state(ops.mean(ops.exp(entropy)))

    def get_config(self):
        return {
            **super().get_config(),
            "num_codes": self.num_codes,
            "num_codebooks": self.num_codebooks,
        }


@keras.saving.register_keras_serializable("keras_videogpt")
class CodesUsed(keras.metrics.Metric):
    """Share of the codes that occurred at least once since the last reset, in [0, 1].

    Over an epoch this tells a collapsed codebook from a small batch, which perplexity does not.

    Args:
        num_codes: codes per codebook.
        num_codebooks: number of codebooks.

    Example:
        >>> metric = CodesUsed(num_codes=4)
        >>> metric.update_state(keras.ops.array([0, 0, 1]))
        >>> float(metric.result())
        0.5
    """

    def __init__(
        self, num_codes: int, num_codebooks: int = 1, name: str = "codes_used", **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        self.num_codes = num_codes
        self.num_codebooks = num_codebooks
        self.counts = self.add_weight(
            shape=(num_codebooks, num_codes), initializer="zeros", name="counts"
        )

    def update_state(self, codes, sample_weight=None):
        counts = code_counts(codes, self.num_codes, self.num_codebooks)
        # TensorFlow adds up what its replicas have counted; each has seen the codes of all.
        self.counts.assign_add(global_mean(counts))

    def result(self):
        return ops.mean(ops.cast(ops.convert_to_tensor(self.counts) > 0, "float32"))

    def get_config(self):
        return {
            **super().get_config(),
            "num_codes": self.num_codes,
            "num_codebooks": self.num_codebooks,
        }
