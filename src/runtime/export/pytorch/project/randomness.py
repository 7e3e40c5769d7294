"""netc's random numbers: Philox4x32-10 (Salmon et al., SC 2011), keyed by the seed, counted by purpose, epoch, index.

A draw is a function of what it is for, so any number of processes and workers makes the same batches, and resuming
needs no replay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PURPOSES = {"order": 0, "augmentation": 1, "initialization": 2, "synthetic": 3, "alternation": 5}
MASK = 0xFFFFFFFF


class RandomStream:
    """Numbers for one purpose, epoch and index. Draws `blocks` blocks of four words at a time."""

    def __init__(self, seed: int, purpose: str, epoch: int, index: int, blocks: int = 1) -> None:
        self.key = (seed & MASK, seed >> 32)
        self.place = (index, epoch, PURPOSES[purpose])
        self.blocks = blocks
        self.next_block = 0
        self.words: list[int] = []

    def uint32(self) -> int:
        """An integer from 0 to 2^32 - 1."""
        if not self.words:
            self.words = self._draw()[::-1]
        return self.words.pop()

    def uniform(self) -> float:
        """In [0, 1), a multiple of 2^-24."""
        return (self.uint32() >> 8) * 2.0**-24

    def integer(self, bound: int) -> int:
        """From 0 to bound - 1, each equally likely (Lemire 2019, algorithm 5)."""
        threshold = (2**32 - bound) % bound
        while True:
            product = self.uint32() * bound
            if product & MASK >= threshold:
                return product >> 32

    def _draw(self) -> list[int]:
        first = self.next_block
        self.next_block += self.blocks
        if self.blocks > 1:
            drawn: list[int] = philox_blocks(first, self.blocks, self.place, self.key).tolist()
            return drawn
        return philox((first, *self.place), self.key)


def uniforms(seed: int, purpose: str, epoch: int, index: int, count: int) -> NDArray[np.float64]:
    """The first `count` numbers of a stream's `uniform`, at once."""
    blocks = philox_blocks(0, -(-count // 4), (index, epoch, PURPOSES[purpose]), (seed & MASK, seed >> 32))
    return (blocks[:count] >> np.uint64(8)).astype(np.float64) * 2.0**-24


def normals(seed: int, purpose: str, epoch: int, index: int, count: int) -> NDArray[np.float64]:
    """`count` numbers of mean 0 and variance 1 (Box and Muller 1958): two uniform draws give two."""
    pairs = uniforms(seed, purpose, epoch, index, 2 * -(-count // 2)).reshape(-1, 2)
    radius = np.sqrt(-2 * np.log(1 - pairs[:, 0]))
    angle = 2 * np.pi * pairs[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]


def permutation(seed: int, epoch: int, count: int) -> list[int]:
    """The order in which an epoch sees its images: Fisher and Yates' shuffle."""
    stream = RandomStream(seed, "order", epoch, 0, blocks=1024)
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = stream.integer(last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> list[int]:
    """Four words of 32 bits for a counter of four and a key of two."""
    c0, c1, c2, c3 = counter
    key0, key1 = key
    for _ in range(10):
        product0, product1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1 = (product1 >> 32) ^ c1 ^ key0, product1 & MASK
        c2, c3 = (product0 >> 32) ^ c3 ^ key1, product0 & MASK
        key0, key1 = (key0 + 0x9E3779B9) & MASK, (key1 + 0xBB67AE85) & MASK
    return [c0, c1, c2, c3]


def philox_blocks(first: int, count: int, place: tuple[int, int, int], key: tuple[int, int]) -> NDArray[np.uint64]:
    """The words of `count` blocks of a stream, one after the other."""
    half, mask = np.uint64(32), np.uint64(MASK)
    c0 = np.arange(first, first + count, dtype=np.uint64)
    c1, c2, c3 = (np.full(count, word, dtype=np.uint64) for word in place)
    key0, key1 = key
    for _ in range(10):
        product0, product1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1 = (product1 >> half) ^ c1 ^ np.uint64(key0), product1 & mask
        c2, c3 = (product0 >> half) ^ c3 ^ np.uint64(key1), product0 & mask
        key0, key1 = (key0 + 0x9E3779B9) & MASK, (key1 + 0xBB67AE85) & MASK
    return np.stack([c0, c1, c2, c3], axis=1).reshape(-1)
