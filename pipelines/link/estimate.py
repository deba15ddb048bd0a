"""Precision and recall without a truth: what tonight's links look like from inside the draws.

If a draw were the truth, so many of the pairs found would be right and so many of the right ones found; over the draws
that gives a middle and an interval. A pair is two records of different sources, chains counted, as in `evaluate`. What
is as good as certain is wrong now and then all the same, and some true pairs are no candidate at all; so often as on
records whose truth was known, each with an interval of its own. Pairs that no evidence connects, and those kept apart
for a child's protection, are in no figure here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

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
    touched = [record for records in drawn.records.values() for record in records]
    source = dict(
        db.execute(
            "SELECT record_id, source_id FROM record WHERE record_id IN (SELECT unnest(?::INTEGER[]))", [touched]
        ).fetchall()
    )
    counts = {one: Counter(source[record] for record in records) for one, records in drawn.records.items()}
    both = np.repeat(found[..., None], DRAWS, axis=2)
    everything = both.copy()
    for outcomes in drawn.outcomes:
        for partition, draws in outcomes.items():
            blobs = [one for group in partition for one in group]
            stands = _across(counts, _by_person(blobs, drawn), size)
            kept = [part for group in partition for part in _by_person(group, drawn)]
            both[..., draws] += (_across(counts, kept, size) - stands)[..., None]
            everything[..., draws] += (_across(counts, partition, size) - stands)[..., None]
    return found, both, everything


def _by_person(blobs: Iterable[int], drawn: Drawn) -> list[tuple[int, ...]]:
    """Blobs put together by the person they stand in tonight."""
    persons: dict[int, list[int]] = {}
    for one in blobs:
        persons.setdefault(drawn.person[one], []).append(one)
    return [tuple(group) for group in persons.values()]


def _across(counts: dict[int, Counter[int]], groups: Iterable[Iterable[int]], size: int) -> Matrix:
    """Pairs of records of two sources within groups of blobs, the lower source first."""
    total = np.zeros((size, size))
    for group in groups:
        held = np.zeros(size)
        for one in group:
            for source, count in counts[one].items():
                held[source] += count
        total += np.triu(np.outer(held, held), 1)
    return total
