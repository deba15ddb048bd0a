"""Precision and recall without a truth: what tonight's links look like from inside the draws.

If a draw were the truth, so many of the pairs found would be right and so many of the right ones found; over the draws
that gives a middle and an interval. A pair is two records of different sources, chains counted, as in `evaluate`. What
is as good as certain is wrong now and then all the same, and some true pairs are no candidate at all; so often as on
records whose truth was known, each with an interval of its own. Pairs that no evidence connects, and those kept apart
for a child's protection, are in no figure here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
from scipy import sparse

from pipelines.link.draws import DRAWS, Drawn

# Parameters of beta distributions: ties as good as certain that are wrong, one in four thousand; true pairs that
# nothing proposed, one in three hundred (measured: 1 to 4.5 in a thousand).
SURE_WRONG, UNSEEN = (0.5, 2000.0), (1.0, 300.0)
SEED = 20260101
LOW, HIGH = 0.05, 0.95

Matrix = npt.NDArray[np.float64]


def estimate(db: duckdb.DuckDBPyConnection, drawn: Drawn) -> dict[str, Any]:
    """Estimated precision and recall, overall and by pair of sources, each as `{"value", "low", "high"}`.

    Needs `person`, `record` and `source`.
    """
    sources = db.execute("SELECT agency, dataset FROM source ORDER BY source_id").fetchall()
    found, both, drawn_pairs = _pairs(db, drawn, len(sources))
    rng = np.random.default_rng(SEED)
    doubts = rng.beta(*SURE_WRONG, DRAWS), rng.beta(*UNSEEN, DRAWS)
    shares = [
        (place, _shares(found[place], both[place], drawn_pairs[place], doubts))
        for place in zip(*np.nonzero(found), strict=True)
    ]
    return {
        "draws": DRAWS,
        "uncertain_records": sum(len(records) for records in drawn.records.values()),
        **_shares(found.sum(), both.sum(axis=(0, 1)), drawn_pairs.sum(axis=(0, 1)), doubts),
        "pairs": [
            {
                "agency_l": sources[left][0], "dataset_l": sources[left][1],
                "agency_r": sources[right][0], "dataset_r": sources[right][1],
                "found": int(found[left, right]), **share,
            }
            for (left, right), share in shares
        ],
    }  # fmt: skip


def _shares(found: Any, both: Matrix, drawn: Matrix, doubts: tuple[Matrix, Matrix]) -> dict[str, dict[str, float]]:
    if not found:
        return {}
    wrong, unseen = doubts
    recall = both / np.maximum(drawn, 1)
    return {"precision": _interval(both * (1 - wrong) / found), "recall": _interval(recall * (1 - unseen))}


def _interval(values: Matrix) -> dict[str, float]:
    low, high = np.quantile(values, (LOW, HIGH))
    return {"value": round(float(values.mean()), 5), "low": round(float(low), 5), "high": round(float(high), 5)}


def _pairs(db: duckdb.DuckDBPyConnection, drawn: Drawn, size: int) -> tuple[Matrix, Matrix, Matrix]:
    """Pairs of records by their two sources: found tonight; in each draw those of them that it holds, and all of it."""
    found = np.zeros((size, size))
    rows = db.execute("""
        SELECT a.source_id, b.source_id, count(*)
        FROM (FROM record JOIN person USING (record_id)) a JOIN (FROM record JOIN person USING (record_id)) b
            ON a.person_id = b.person_id AND a.source_id < b.source_id
        GROUP BY ALL""").fetchall()
    for left, right, count in rows:
        found[left, right] = count
    counts = _counts(db, drawn, size)
    names = {one: place for place, one in enumerate(drawn.records)}
    stands, kept, whole = (_Groups(names) for _ in range(3))
    for outcomes in drawn.outcomes:
        for partition, draws in outcomes.items():
            for person in _by_person((one for group in partition for one in group), drawn):
                stands.add(person, draws)
            for group in partition:
                whole.add(group, draws)
                for part in _by_person(group, drawn):
                    kept.add(part, draws)
    tonight = stands.across(counts)
    return found, found[..., None] + kept.across(counts) - tonight, found[..., None] + whole.across(counts) - tonight


def _counts(db: duckdb.DuckDBPyConnection, drawn: Drawn, size: int) -> sparse.csr_array:
    """Records of each blob, in the order of `drawn.records`, by source."""
    source = np.asarray(db.execute("SELECT source_id FROM record ORDER BY record_id").fetchnumpy()["source_id"])
    records = np.array([record for records in drawn.records.values() for record in records], dtype=np.int64)
    blob = np.repeat(np.arange(len(drawn.records)), [len(records) for records in drawn.records.values()])
    ones = np.ones(len(records))
    return sparse.coo_array((ones, (blob, source[records - 1])), shape=(len(drawn.records), size)).tocsr()


class _Groups:
    """Groups of blobs, each with the draws in which it is one person."""

    def __init__(self, names: dict[int, int]) -> None:
        self._names = names
        self._blobs: list[int] = []
        self._groups: list[int] = []
        self._draws: list[npt.NDArray[np.bool_]] = []

    def add(self, blobs: Iterable[int], draws: npt.NDArray[np.bool_]) -> None:
        for one in blobs:
            self._blobs.append(self._names[one])
            self._groups.append(len(self._draws))
        self._draws.append(draws)

    def across(self, counts: sparse.csr_array) -> Matrix:
        """In each draw the pairs of records of two sources within groups, the lower source first."""
        blobs, size = counts.shape
        total = np.zeros((size, size, DRAWS))
        if self._draws:
            ones = np.ones(len(self._blobs))
            within = sparse.coo_array((ones, (self._groups, self._blobs)), shape=(len(self._draws), blobs))
            held = (within @ counts).tocsc()
            draws = np.array(self._draws, dtype=np.float64)
            for lower in range(size - 1):
                here = slice(held.indptr[lower], held.indptr[lower + 1])
                some, count = held.indices[here], held.data[here]
                others = held[some, lower + 1 :].T
                total[lower, lower + 1 :] = others @ (draws[some] * count[:, None])
        return total


def _by_person(blobs: Iterable[int], drawn: Drawn) -> list[tuple[int, ...]]:
    """Blobs put together by the person they stand in tonight."""
    persons: dict[int, list[int]] = {}
    for one in blobs:
        persons.setdefault(drawn.person[one], []).append(one)
    return [tuple(group) for group in persons.values()]
