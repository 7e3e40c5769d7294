"""Counter-based random numbers, the same in Python and in counter-random.ts: a draw is a pure function of (seed, stream, index)."""
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
