from typing import Any

import keras
from keras import ops

from keras_videogpt.distribution.global_batch import global_sum, num_replicas, replica_id
from keras_videogpt.typing import Tensor


@keras.saving.register_keras_serializable("keras_videogpt")
class EMAVectorQuantizer(keras.layers.Layer):
    """Replaces each vector by the nearest of `num_codes` learned ones, in one or several codebooks.

    The codebook follows the vectors assigned to it by exponential moving averages of their counts
    and sums. The first training batch initialises it; a code whose moving count falls below
    `restart_threshold` restarts, with its count and sum, at a vector of the batch. All of this is
    float32 variables, so that a saved quantizer goes on exactly where it stopped. Of several
    devices the global batch decides, and all have the same codebook. Gradients pass straight
    through.

    Args:
        num_codes: codes per codebook.
        code_dim: channels of a code.
        num_codebooks: number of codebooks G; the input has `G * code_dim` channels, and each slice
            of `code_dim` is quantized by its own codebook.
        decay: decay of the moving averages, in [0, 1).
        restart_threshold: codes with a moving count below it restart; 0 turns restarts off.
        epsilon: Laplace smoothing of the counts.
        seed: seed of initialisation and restarts.

    Call arguments:
        latents: float `(B, ..., G * code_dim)`.
        training: whether the codebook is initialised, updated and restarted.

    Returns:
        A tuple: the quantized vectors (shape of `latents`, straight-through gradient), the codes
        (int32 `(B, ...)`, with a last axis G if G > 1), and the commitment of each batch entry
        (float32 `(B,)`, mean squared distance of its latents to their codes).

    Example:
        >>> quantizer = EMAVectorQuantizer(num_codes=8, code_dim=4)
        >>> quantized, codes, commitment = quantizer(keras.random.normal((2, 5, 4)), training=True)
        >>> quantized.shape, codes.shape, commitment.shape
        ((2, 5, 4), (2, 5), (2,))

    Reference: arXiv 1711.00937, appendix A.1 (EMA); arXiv 2005.00341 (initialisation, restarts).
    """

    def __init__(
        self,
        num_codes: int,
        code_dim: int,
        num_codebooks: int = 1,
        decay: float = 0.99,
        restart_threshold: float = 1.0,
        epsilon: float = 1e-7,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1); got {decay}.")
        self.num_codes = num_codes
        self.code_dim = code_dim
        self.num_codebooks = num_codebooks
        self.decay = decay
        self.restart_threshold = restart_threshold
        self.epsilon = epsilon
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        expected = self.num_codebooks * self.code_dim
        if input_shape[-1] != expected:
            raise ValueError(
                f"latents must have num_codebooks * code_dim = {expected} channels; "
                f"got {input_shape[-1]}."
            )
        books, codes, dim = self.num_codebooks, self.num_codes, self.code_dim
        state = {"trainable": False, "autocast": False, "dtype": "float32"}
        # Every replica computes the same: what enters is summed over them.
        state["aggregation"] = "only_first_replica"
        self.codebook = self.add_weight(
            shape=(books, codes, dim), initializer="random_normal", name="codebook", **state
        )
        self.counts = self.add_weight(
            shape=(books, codes), initializer="ones", name="counts", **state
        )
        self.sums = self.add_weight(
            shape=(books, codes, dim), initializer="zeros", name="sums", **state
        )
        # 0 until the first training batch, then 1.
        self.initialized = self.add_weight(
            shape=(), initializer="zeros", name="initialized", **state
        )

    def call(self, latents, training=False):
        shape = ops.shape(latents)
        flat = ops.cast(latents, "float32")
        flat = ops.reshape(flat, (-1, self.num_codebooks, self.code_dim))  # (N, G, D)
        updating = training and self.trainable
        if updating:
            detached = ops.stop_gradient(flat)
            fresh = self._random_vectors(detached)
            self._initialize(fresh)
        codes = self.nearest(flat)  # (N, G)
        quantized = ops.reshape(self.lookup(codes), shape)
        if updating:
            self._update(detached, codes, fresh)
        codes = ops.reshape(codes, (*shape[:-1], self.num_codebooks))
        if self.num_codebooks == 1:
            codes = ops.squeeze(codes, -1)
        latents = ops.cast(latents, "float32")
        axes = tuple(range(1, len(shape)))
        commitment = ops.mean(ops.square(latents - ops.stop_gradient(quantized)), axis=axes)
        straight_through = latents + ops.stop_gradient(quantized - latents)
        return ops.cast(straight_through, self.compute_dtype), codes, commitment

    def nearest(self, vectors: Tensor) -> Tensor:
        """Codes of least squared distance, the first on ties: `(N, G, D)` to int32 `(N, G)`."""
        codebook = ops.convert_to_tensor(self.codebook)
        # |z|^2 is the same for every code and is left out.
        vectors = ops.transpose(ops.stop_gradient(vectors), (1, 0, 2))
        products = ops.matmul(vectors, ops.transpose(-2.0 * codebook, (0, 2, 1)))  # (G, N, K)
        distances = ops.sum(ops.square(codebook), axis=-1)[:, None] + products
        return ops.transpose(self._first_smallest(distances))

    def _first_smallest(self, distances):
        """`argmin` over codes, int32."""
        if keras.backend.backend() == "torch":
            return ops.cast(ops.argmin(distances, axis=-1), "int32")
        # Two reductions over floats take half the time of XLA's argmin on CPUs.
        smallest = distances == ops.min(distances, axis=-1, keepdims=True)
        indices = ops.arange(self.num_codes, dtype="float32")
        first = ops.min(ops.where(smallest, indices, self.num_codes - 1.0), axis=-1)
        return ops.cast(first, "int32")

    def lookup(self, codes: Tensor) -> Tensor:
        """The float32 vectors `(..., G, D)` of codes `(..., G)`."""
        codebook = ops.reshape(ops.convert_to_tensor(self.codebook), (-1, self.code_dim))
        return ops.take(codebook, self._rows(codes), axis=0)

    def lookup_in_book(self, codes: Tensor, book: Tensor) -> Tensor:
        """The float32 vectors `(..., D)` of codes `(...)` that all belong to codebook `book`."""
        codebook = ops.reshape(ops.convert_to_tensor(self.codebook), (-1, self.code_dim))
        return ops.take(codebook, codes + book * self.num_codes, axis=0)

    def _rows(self, codes):
        """Row of each code in the codebooks laid end to end."""
        return codes + ops.arange(self.num_codebooks, dtype="int32") * self.num_codes

    def _random_vectors(self, flat):
        """`num_codes` vectors of the global batch, distinct while it has so many: `(G, K, D)`."""
        local = ops.shape(flat)[0]
        available = local * num_replicas()
        static = isinstance(available, int)
        slots = max(available, self.num_codes) if static else ops.maximum(available, self.num_codes)
        order = keras.random.uniform((slots,), seed=self.seed_generator)
        _, chosen = ops.top_k(order, self.num_codes)
        # Each replica, all of which choose alike, gives those of its own part.
        places = chosen % available - replica_id() * local
        here = ops.logical_and(places >= 0, places < local)
        vectors = ops.take(flat, ops.where(here, places, 0), axis=0)
        vectors = global_sum(ops.where(here[:, None, None], vectors, 0.0))
        vectors = ops.transpose(vectors, (1, 0, 2))
        # Repeated vectors are told apart by a little noise.
        noise = keras.random.normal(ops.shape(vectors), seed=self.seed_generator)
        repeated = ops.cast(available < self.num_codes, "float32")
        return vectors + repeated * noise * (0.01 / self.code_dim**0.5)

    def _initialize(self, fresh):
        done = ops.convert_to_tensor(self.initialized) > 0
        for variable, start in (
            (self.codebook, fresh),
            (self.sums, fresh),
            (self.counts, ops.ones((self.num_codebooks, self.num_codes))),
        ):
            variable.assign(ops.where(done, ops.convert_to_tensor(variable), start))
        self.initialized.assign(1.0)

    def _update(self, flat, codes, fresh):
        books, num_codes = self.num_codebooks, self.num_codes
        rows = ops.reshape(self._rows(codes), (-1,))
        vectors = ops.reshape(flat, (-1, self.code_dim))
        if keras.backend.backend() == "torch":  # Keras's takes twenty times as long
            batch_sums = vectors.new_zeros(books * num_codes, self.code_dim)
            batch_sums = batch_sums.index_add(0, rows, vectors)
        else:
            batch_sums = ops.segment_sum(vectors, rows, num_segments=books * num_codes)
        batch_counts = ops.segment_sum(
            ops.ones_like(vectors[:, 0]), rows, num_segments=books * num_codes
        )
        batch_sums = global_sum(ops.reshape(batch_sums, (books, num_codes, self.code_dim)))
        batch_counts = global_sum(ops.reshape(batch_counts, (books, num_codes)))

        counts = self.decay * self.counts + (1 - self.decay) * batch_counts
        sums = self.decay * self.sums + (1 - self.decay) * batch_sums
        total = ops.sum(counts, axis=-1, keepdims=True)
        smoothed = (counts + self.epsilon) / (total + num_codes * self.epsilon) * total
        codebook = sums / smoothed[..., None]

        dead = counts < self.restart_threshold
        # Rolled, so that a code left unused by the initialising batch does not get its vector back.
        fresh = ops.roll(fresh, 1, axis=1)
        self.counts.assign(ops.where(dead, ops.ones_like(counts), counts))
        self.sums.assign(ops.where(dead[..., None], fresh, sums))
        self.codebook.assign(ops.where(dead[..., None], fresh, codebook))

    def compute_output_spec(self, latents, training=False):
        batch, *positions, _ = latents.shape
        books = () if self.num_codebooks == 1 else (self.num_codebooks,)
        return (
            keras.KerasTensor(latents.shape, dtype=self.compute_dtype),
            keras.KerasTensor((batch, *positions, *books), dtype="int32"),
            keras.KerasTensor((batch,), dtype="float32"),
        )

    def save_own_variables(self, store):
        super().save_own_variables(store)
        # Keras leaves seeds out of saved weights; without it a resumed run would restart elsewhere.
        store["seed"] = ops.convert_to_numpy(self.seed_generator.state.value)

    def load_own_variables(self, store):
        for index, variable in enumerate(self.weights):
            variable.assign(store[str(index)])
        self.seed_generator.state.assign(store["seed"])

    def get_config(self):
        return {
            **super().get_config(),
            "num_codes": self.num_codes,
            "code_dim": self.code_dim,
            "num_codebooks": self.num_codebooks,
            "decay": self.decay,
            "restart_threshold": self.restart_threshold,
            "epsilon": self.epsilon,
            "seed": self.seed,
        }
