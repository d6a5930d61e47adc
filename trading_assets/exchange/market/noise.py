"""Random numbers by name: the same name gives the same numbers, whatever was drawn before.

Every stream is a Philox counter generator whose 128-bit key is a hash of (seed, names...). There is
no generator state to share, to order or to save. Only raw 64-bit words are taken, whose sequence
numpy promises never to change; they become normal or uniform numbers by integer sums, so no
platform's logarithm or sampling method enters.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
WordArray = npt.NDArray[np.uint64]

_MEAN = 4 * 65_535 / 2
_STD = ((65_536**2 - 1) / 3) ** 0.5  # of the sum of four uniform 16-bit integers
_EVEN_QUARTERS = np.uint64(0x0000FFFF0000FFFF)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_QUARTER = np.uint64(16)
_HALF = np.uint64(32)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def words(seed: int, *names: str | int, n: int) -> WordArray:
    """Give `n` raw 64-bit words of the stream called `names`."""
    text = "/".join(str(name) for name in (seed, *names)).encode()
    key = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")
    raw: WordArray = np.random.Philox(key=key).random_raw(n)
    return raw


def key_of(seed: int, *names: str | int) -> np.uint64:
    """Give the key of a family of single words, for `mixed`."""
    text = "/".join(str(name) for name in (seed, *names)).encode()
    return np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little"))


def mixed(key: np.uint64, numbers: IntArray) -> WordArray:
    """Give one word for each number, by itself: number 7's is the same with or without number 6.

    This is the finaliser of SplitMix64, in whole numbers modulo 2**64.
    """
    word: WordArray = numbers.astype(np.uint64) * _GOLDEN + key
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def normals(seed: int, *names: str | int, n: int) -> FloatArray:
    """Give `n` nearly normal numbers, mean 0, variance 1, within +-3.46.

    Each is the sum of the four 16-bit parts of one word (Irwin-Hall of order 4, kurtosis 2.7); sums
    over a minute are normal for every practical purpose.
    """
    return normals_from_words(words(seed, *names, n=n))


def normals_from_words(raw: WordArray) -> FloatArray:
    """Turn raw words into nearly normal numbers; see `normals`."""
    pairs = (raw & _EVEN_QUARTERS) + ((raw >> _QUARTER) & _EVEN_QUARTERS)
    sums = (pairs & _LOW_HALF) + (pairs >> _HALF)
    return (sums.astype(np.float64) - _MEAN) / _STD


def wide_normals(seed: int, *names: str | int, n: int) -> FloatArray:
    """Give `n` normal numbers with tails to +-6 (Irwin-Hall of order 12), for single big draws."""
    parts = normals(seed, *names, n=3 * n).reshape(n, 3)
    total: FloatArray = parts.sum(axis=1)
    return total / 3**0.5


def uniforms_from_words(raw: WordArray) -> FloatArray:
    """Turn raw words into uniform numbers in [0, 1)."""
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
