"""Whether a cell holds one of its own child's identifiers: the check that catches what shapes and lists cannot.

Identifiers are taken apart into words (a name of three letters or more, a number of five characters or more, a date in
its usual styles) and kept as hashes tied to the record they belong to. A cell is looked up by its own words. The hashes
live in memory for one sealing and are salted by the interpreter; nothing of them is written.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.seal.normalise import packed, words

SHORTEST_NAME = 3
SHORTEST_NUMBER = 5
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_MONTHS = ("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER",
           "DECEMBER")  # fmt: skip

Words = Callable[[str], list[str]]


def words_of(text: str) -> list[str]:
    """The words by which a cell or a name is compared, and the whole of it without what stands between."""
    return [word for word in {*words(text), packed(text)} if _is_telling(word)]


def whole(text: str) -> list[str]:
    """The cell as one word: how numbers are compared, and codes, whose list may share a word with a name."""
    word = packed(text)
    return [word] if _is_telling(word) else []


def birth_words(iso: str) -> list[str]:
    """A birth date as one word in each style that a cell could have it in."""
    year, month, day = iso.split("-")
    name = _MONTHS[int(month) - 1]
    return [f"{year}{month}{day}", f"{day}{month}{year}", f"{day}{name[:3]}{year}", f"{day}{name}{year}",
            f"{year}{name[:3]}{day}"]  # fmt: skip


def _is_telling(word: str) -> bool:
    return len(word) >= (SHORTEST_NAME if word.isalpha() else SHORTEST_NUMBER)


class OwnIdentifiers:
    """Words of identifiers by record. Add all, then `freeze`, then ask."""

    def __init__(self) -> None:
        self._added: list[np.ndarray] = []
        self._words: list[np.ndarray] = []
        self._pairs = np.empty(0, dtype=np.uint64)
        self._vocabulary = np.empty(0, dtype=np.uint64)

    def add(self, records: np.ndarray, column: pa.Array, words_in: Words) -> None:
        """The identifiers of a column. records: each row's record number, -1 for none."""
        rows, hashes = _expand(column, words_in)
        known = records[rows] >= 0
        self._words.append(_sorted(hashes[known]))
        self._added.append(_sorted(_tied(records[rows][known], hashes[known])))

    def freeze(self) -> None:
        """Make it ready to be asked."""
        self._pairs = _sorted(np.concatenate(self._added)) if self._added else self._pairs
        self._vocabulary = _sorted(np.concatenate(self._words)) if self._words else self._vocabulary
        self._added, self._words = [], []

    def holds(self, records: np.ndarray, column: pa.Array, words_in: Words) -> np.ndarray:
        """For each row whether the cell holds an identifier of the row's record."""
        hit = np.zeros(len(column), dtype=bool)
        rows, hashes = _expand(column, words_in, keep=self._vocabulary)
        known = records[rows] >= 0
        rows, hashes = rows[known], hashes[known]
        hit[rows[_in_sorted(self._pairs, _tied(records[rows], hashes))]] = True
        return hit


def _expand(column: pa.Array, words_in: Words, keep: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers and hashes of all words of a column, worked out once for each distinct cell."""
    encoded = column.dictionary_encode()
    found: list[int] = []
    ends = [0]
    for text in encoded.dictionary.to_pylist():
        found.extend(map(hash, words_in(text)))
        ends.append(len(found))
    flat, offsets = np.array(found, dtype=np.int64), np.array(ends, dtype=np.int32)
    if keep is not None:
        there = _in_sorted(keep, flat.view(np.uint64))
        if not there.any():
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
        flat, offsets = flat[there], np.concatenate([[0], np.cumsum(there)]).astype(np.int32)[offsets]
    per_row = pa.ListArray.from_arrays(offsets, flat).take(encoded.indices)
    rows = pc.list_parent_indices(per_row).to_numpy(zero_copy_only=False)
    return rows, per_row.flatten().to_numpy(zero_copy_only=False).view(np.uint64)


def _tied(records: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    return hashes ^ ((records.astype(np.uint64) + np.uint64(1)) * _SPREAD)


def _sorted(hashes: np.ndarray) -> np.ndarray:
    """Each once, in order: numpy sorts a hundred times as fast as it finds what is unique."""
    ordered = np.sort(hashes)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def _in_sorted(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    if not len(known):
        return np.zeros(len(wanted), dtype=bool)
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return known[places] == wanted
