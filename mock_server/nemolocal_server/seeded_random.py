"""Seeded random numbers for every random choice of the server (SSE-5).

The same seed and key give the same number in every process, in whatever order requests arrive.
"""

from hashlib import blake2b


class SeededRandom:
    """Random numbers that are a pure function of the seed and a key."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def random(self, *key: str | int) -> float:
        """Return a number from 0 up to, but not including, 1."""
        # repr distinguishes ("a", "b") from ("ab",) and 1 from "1".
        digest = blake2b(repr((self._seed, *key)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def uniform(self, low: float, high: float, *key: str | int) -> float:
        """Return a number from `low` to `high`."""
        return low + (high - low) * self.random(*key)

    def bernoulli(self, rate: float, *key: str | int) -> bool:
        """Return True with the probability `rate`."""
        return self.random(*key) < rate
