"""Random draws: one independent, named stream per topic, so that a change in one leaves the others as they were."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Columns = dict[str, Array]
DAY = np.timedelta64(1, "D")
NONE = np.datetime64("NaT", "D")


class Draws:
    """Streams of random numbers that follow from the seed and a topic alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, topic: str) -> np.random.Generator:
        """A generator of its own for a topic: the same seed and topic, the same numbers."""
        return np.random.default_rng([self.seed, zlib.crc32(topic.encode())])


def as_day(day: date | np.datetime64) -> np.datetime64:
    """A day as numpy counts it."""
    return np.datetime64(day, "D")  # type: ignore[call-overload]


def where(mask: Array, values: Array | str) -> Array:
    """Text where the mask is true, None elsewhere."""
    return np.where(mask, np.asarray(values, dtype=object), np.array(None, dtype=object))


def pick(rng: np.random.Generator, weights: Mapping[Any, float], size: int) -> Array:
    """`size` keys drawn by their weights."""
    keys = np.array([str(key) for key in weights], dtype=object)
    odds = np.array(list(weights.values()), dtype=float)
    return keys[rng.choice(len(keys), size=size, p=odds / odds.sum())]


def shared_out(rng: np.random.Generator, weights: Mapping[Any, float], size: int) -> Array:
    """`size` keys in as exact proportion to their weights as whole numbers allow, in random order."""
    keys = np.array([str(key) for key in weights], dtype=object)
    odds = np.array(list(weights.values()), dtype=float)
    edges = np.round(np.cumsum(odds / odds.sum()) * size).astype(int)
    return rng.permutation(np.repeat(keys, np.diff(np.concatenate([[0], edges]))))


def weighted_sample(rng: np.random.Generator, candidates: Array, weights: Array, size: int) -> Array:
    """`size` different candidates (or all of them), those of larger weight more likely."""
    ticket = rng.exponential(size=len(candidates)) / weights
    size = min(size, len(candidates))
    return candidates[np.sort(np.argsort(ticket, kind="stable")[:size])]


def in_order(
    rng: np.random.Generator, labels: Array, typical: Mapping[str, float], ages: Array, spread: float
) -> Array:
    """Labels handed out so that each tends to the ages it is typical of; how many there are of each stays."""
    wanted = np.array([typical.get(label, float(ages.mean())) for label in labels]) + rng.normal(0, spread, len(labels))
    found = np.empty(len(labels), dtype=object)
    found[np.argsort(ages, kind="stable")] = labels[np.argsort(wanted, kind="stable")]
    return found


def days(rng: np.random.Generator, lengths: Mapping[str, Sequence[float]], size: int) -> Array:
    """Whole days drawn from bands `name: [share, shortest, longest]`."""
    bands = np.array(list(lengths.values()), dtype=float)
    band = rng.choice(len(bands), size=size, p=bands[:, 0] / bands[:, 0].sum())
    low, high = bands[band, 1], bands[band, 2]
    return (low + rng.random(size) * (high - low)).astype("timedelta64[D]")


def some_day(rng: np.random.Generator, first: Array | np.datetime64, last: Array | np.datetime64, size: int) -> Array:
    """A day between two (both included; the first where they are the wrong way round)."""
    span = np.maximum((last - first).astype("timedelta64[D]").astype(np.int64), 0)
    return first + np.floor(rng.random(size) * (span + 1)).astype("timedelta64[D]")
