"""Guard rails: what a component may hold, and where it is cut."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.link.clusters import MAX_RECORDS_PER_PERSON, Clusters, Numbers


def clusters(
    sources: list[int], nhs: dict[int, int] | None = None, upns: dict[int, set[int]] | None = None
) -> Clusters:
    held = [(record, number) for record, numbers in (upns or {}).items() for number in numbers]
    return Clusters(
        source=np.array([-1, *sources], dtype=np.int32),
        nhs_numbers=Numbers.of(list(nhs or {}), list((nhs or {}).values())),
        upns=Numbers.of([record for record, _ in held], [number for _, number in held]),
    )


def test_chains_are_one_person() -> None:
    made = clusters([0, 1, 2, 3])
    assert made.add([(1, 2, False), (2, 3, False)]) == []
    assert made.labels()[1:].tolist() == [1, 1, 1, 4]


def test_two_identifiers_cut_at_the_weakest_edge() -> None:
    """1 - 2 - 3 - 4 with one number at either end: the edge that comes last, being the weakest, gives way."""
    made = clusters([0, 1, 2, 3], nhs={1: 11, 4: 44})
    assert made.add([(1, 2, False), (3, 4, False), (2, 3, False)]) == [(2, 3, "identifier_conflict")]
    assert made.labels()[1:].tolist() == [1, 1, 3, 3]
    other = clusters([0, 1, 2, 3], nhs={1: 11, 4: 44})
    assert other.add([(2, 3, False), (3, 4, False), (1, 2, False)]) == [(1, 2, "identifier_conflict")]


def test_a_former_number_bridges_two() -> None:
    made = clusters([0, 1, 2], upns={1: {7}, 2: {7, 8}, 3: {8}})
    assert made.add([(1, 2, False), (2, 3, False)]) == []


def test_one_record_per_source() -> None:
    made = clusters([0, 0, 1])
    assert made.add([(1, 3, False), (2, 3, False)]) == [(2, 3, "same_source")]


def test_duplicates_of_a_source_are_one_and_come_first() -> None:
    made = clusters([0, 0, 1])
    assert made.add([(1, 3, False), (2, 3, False), (1, 2, True)]) == []
    assert made.labels()[1:].tolist() == [1, 1, 1]


def test_size_is_capped() -> None:
    size = MAX_RECORDS_PER_PERSON + 1
    made = clusters(list(range(size)))
    refused = made.add([(n, n + 1, False) for n in range(1, size)])
    assert refused == [(size - 1, size, "too_many_records")]


@pytest.mark.parametrize("flip", [False, True])
def test_left_and_right_are_alike(flip: bool) -> None:
    ties = [(1, 2, False), (3, 4, False), (2, 4, False), (1, 5, False)]
    made = clusters([0, 1, 0, 2, 2], upns={1: {7}, 5: {8}})
    refused = made.add([(b, a, s) if flip else (a, b, s) for a, b, s in ties])
    assert {(frozenset(r[:2]), r[2]) for r in refused} == {
        (frozenset((2, 4)), "same_source"),
        (frozenset((1, 5)), "identifier_conflict"),
    }
    assert made.labels()[1:].tolist() == [1, 1, 3, 3, 5]
