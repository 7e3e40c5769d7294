"""Counter-based random numbers, the same in Python and in counter-random.ts: a draw is a pure function of (seed, stream, index)."""
import math

import numpy as np

MASK = np.uint64(0xFFFFFFFF)

# Streams: what a draw is for.
PARAMETER = 0x1000  # + index of the parameter
NOISE = 0x10000  # + step
LABELS = 0x20000  # + step
PATTERN = 0x30000  # + label
PROJECTION = 0x40000  # + index of the projection
OPERAND = 0x50000  # + index of the operand


def mix(x):
    """A bijection of 32-bit integers that scatters its bits (lowbias32, nullprogram.com/blog/2018/07/31)."""
    x = np.asarray(x, np.uint64) & MASK
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x7FEB352D)) & MASK
    x ^= x >> np.uint64(15)
    x = (x * np.uint64(0x846CA68B)) & MASK
    return x ^ (x >> np.uint64(16))


def draw(seed, stream, count):
    """uint64 array of `count` 32-bit draws."""
    key = mix(int(mix(seed)) + stream)
    return mix(np.arange(count, dtype=np.uint64) + key)


def uniform(seed, stream, count):
    """float64 in [0, 1), multiples of 2^-24, so exact in float32 too."""
    return (draw(seed, stream, count) >> np.uint64(8)).astype(np.float64) / 2.0**24


def symmetric(seed, stream, count):
    """float64 in [-1, 1)."""
    return uniform(seed, stream, count) * 2 - 1


def philox(counter, key):
    """Philox4x32-10 (Salmon et al., SC 2011): counter uint64 [n, 4], key two words; uint64 [n, 4]."""
    c0, c1, c2, c3 = (np.asarray(counter[:, k], np.uint64) for k in range(4))
    key0, key1 = key
    for _ in range(10):
        product0, product1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1 = (product1 >> np.uint64(32)) ^ c1 ^ np.uint64(key0), product1 & MASK
        c2, c3 = (product0 >> np.uint64(32)) ^ c3 ^ np.uint64(key1), product0 & MASK
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], 1)


def kept(draws, node, shape, rate):
    """Which elements dropout keeps, bool [n, ..., channels]: channels count as padded to a multiple of 8."""
    lanes = -(-shape[-1] // 8) * 8
    return kept_images(draws, node, math.prod(shape[:-1]) * lanes, rate).reshape(*shape[:-1], lanes)[..., :shape[-1]]


def kept_images(draws, node, count, rate):
    """The same of whole images, bool [n]; draws: seed, step and micro-batch."""
    seed, step, micro_batch = draws
    counter = np.zeros((-(-count // 4), 4), np.uint64)
    counter[:, 0], counter[:, 1], counter[:, 2], counter[:, 3] = np.arange(len(counter)), node, step, 8 | micro_batch << 8
    words = philox(counter, (seed & 0xFFFFFFFF, seed >> 32)).reshape(-1)[:count].astype(np.uint32).view(np.int32)
    return words >= round(rate * 2**32) - 2**31


def images_and_labels(seed, step, count, height, width, channels, classes):
    """8-bit images [count, height, width, channels], half noise and half a coarse pattern of their class, and labels [count]."""
    labels = (draw(seed, LABELS + step, count) % np.uint64(classes)).astype(np.int64)
    noise = (draw(seed, NOISE + step, count * height * width * channels) >> np.uint64(24)).astype(np.int64)
    noise = noise.reshape(count, height, width, channels)
    rows, columns = -(-height // 4), -(-width // 4)
    patterns = np.stack([
        (draw(seed, PATTERN + label, rows * columns * channels) >> np.uint64(24)).astype(np.int64)
        .reshape(rows, columns, channels).repeat(4, 0).repeat(4, 1)[:height, :width]
        for label in range(classes)
    ])
    return ((noise + patterns[labels]) >> 1).astype(np.uint8), labels
