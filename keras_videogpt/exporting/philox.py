"""NumPy's random numbers in a TensorFlow graph, so that an exported model draws what Python draws.

A file for TensorFlow alone. `uniform_numbers` of `sampling.draw` takes a Philox generator for each
clip, seeded by the seed and the clip's index; here are the same integers by the same arithmetic.

Reference: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011 (Philox4x64-10);
NumPy's `SeedSequence`.
"""

import tensorflow as tf
from tensorflow.bitwise import left_shift, right_shift

# Of SeedSequence.
POOL = 4
INITIAL_A, MULTIPLIER_A = 0x43B0D7E5, 0x931E8875
INITIAL_B, MULTIPLIER_B = 0x8B51F9DD, 0x58F38DED
MIX_LEFT, MIX_RIGHT = 0xCA01F9DD, 0x4973F715
# Of Philox4x64-10.
ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)


def uniform_numbers(seed: tf.Tensor, clips: tf.Tensor, length: int) -> tf.Tensor:
    """The random numbers of the first clips of a seed, as `sampling.draw.uniform_numbers` gives.

    Args:
        seed: int64 scalar, 0 or more.
        clips: int32 scalar, number of clips.
        length: codes per clip.

    Returns:
        float32 `(length, clips)` in [0, 1).
    """
    keys = _seed_sequence(seed, tf.range(clips))
    counters = tf.range(1, -(-length // 8) + 1, dtype=tf.int64)[:, None]  # eight numbers each
    words = _philox(tf.cast(counters, tf.uint64), keys)  # (counters, clips) each
    halves = []
    for word in words:
        halves += [_low(word), _high(word)]
    numbers = tf.reshape(tf.stack(halves, axis=1), (-1, clips))[:length]
    return tf.cast(right_shift(numbers, _u64(8)), tf.float32) * (1 / 2**24)


def _seed_sequence(seed, index):
    """The two 64-bit keys `(clips,)` of `SeedSequence((seed, index))`."""
    seed = tf.cast(seed, tf.uint64)
    low, high = tf.cast(_low(seed), tf.uint32), tf.cast(_high(seed), tf.uint32)
    index, zero = tf.cast(index, tf.uint32), tf.zeros_like(index, tf.uint32)
    # A seed of 32 bits is one word of the entropy, a larger one two.
    entropy = [low + zero, tf.where(high > 0, high, index), tf.where(high > 0, index, zero), zero]
    constant = INITIAL_A

    def hashed(value):
        nonlocal constant
        value = value ^ _u32(constant)
        constant = constant * MULTIPLIER_A % 2**32
        value = value * _u32(constant)
        return _folded(value)

    pool = [hashed(word) for word in entropy]
    for source in range(POOL):
        for target in range(POOL):
            if source != target:
                mixed = _u32(MIX_LEFT) * pool[target] - _u32(MIX_RIGHT) * hashed(pool[source])
                pool[target] = _folded(mixed)
    words, constant = [], INITIAL_B
    for word in pool:
        word = word ^ _u32(constant)
        constant = constant * MULTIPLIER_B % 2**32
        word = word * _u32(constant)
        words.append(tf.cast(_folded(word), tf.uint64))
    return tuple(words[i] | left_shift(words[i + 1], _u64(32)) for i in (0, 2))


def _philox(counter, keys):
    """Four 64-bit words for every counter and key."""
    first, second = keys
    state = [counter + tf.zeros_like(first), *[tf.zeros_like(counter) + tf.zeros_like(first)] * 3]
    for _ in range(ROUNDS):
        high0, low0 = _product(MULTIPLIERS[0], state[0])
        high1, low1 = _product(MULTIPLIERS[1], state[2])
        state = [high1 ^ state[1] ^ first, low1, high0 ^ state[3] ^ second, low0]
        first, second = first + _u64(WEYL[0]), second + _u64(WEYL[1])
    return state


def _product(constant, value):
    """High and low 64 bits of a product of 128."""
    low_c, high_c = _u64(constant % 2**32), _u64(constant >> 32)
    low_v, high_v = _low(value), _high(value)
    middle = high_c * low_v + _high(low_c * low_v)
    other = low_c * high_v + _low(middle)
    return high_c * high_v + _high(middle) + _high(other), _u64(constant) * value


def _folded(value):
    return value ^ right_shift(value, _u32(16))


def _low(value):
    return value & _u64(0xFFFFFFFF)


def _high(value):
    return right_shift(value, _u64(32))


def _u32(value):
    return tf.constant(value, tf.uint32)


def _u64(value):
    return tf.constant(value, tf.uint64)
