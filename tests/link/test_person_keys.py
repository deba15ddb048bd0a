"""Keys that last, on drawn nights: records as letters, one string per person."""

from __future__ import annotations

import uuid

import pytest

from pipelines.link.person_keys import Assignment, Held, Record, assign

OLD, YOUNG, YOUNGEST = (uuid.UUID(int=n) for n in (3, 2, 1))
AGE = {OLD: 1, YOUNG: 2, YOUNGEST: 3}
NAMES = {"old": OLD, "young": YOUNG, "youngest": YOUNGEST}


def record(letter: str) -> Record:
    return ("education", "a_dataset", letter)


def night(people: str, before: dict[str, str], gone: str = "") -> tuple[Assignment, dict[str, str]]:
    """People tonight as `ab c`; before as {"old": "ab"}; letters in `gone` had their row closed earlier.

    Returns the assignment and who has which key tonight, new keys as `?`.
    """
    held = {record(letter): Held(NAMES[n], letter not in gone) for n, letters in before.items() for letter in letters}
    found = assign([[record(letter) for letter in person] for person in people.split()], held, AGE)
    keys = {letters: key for letters, key in held.items() if key.is_open and letters not in found.closed}
    now = {r: held[r].key for r in keys} | dict(found.opened)
    names = {key: name for name, key in NAMES.items()}
    by_key: dict[str, str] = {}
    for (_, _, letter), key in sorted(now.items()):
        name = names.get(key, f"?{key.hex}")
        by_key[name] = by_key.get(name, "") + letter
    return found, {name if name in NAMES else "?": letters for name, letters in by_key.items()}


@pytest.mark.parametrize(
    ("people", "before", "after", "events"),
    [
        ("ab c", {"old": "ab", "young": "c"}, {"old": "ab", "young": "c"}, []),
        ("ab cd", {"old": "ab", "young": "c"}, {"old": "ab", "young": "cd"}, []),
        ("ab c", {"old": "ab"}, {"old": "ab", "?": "c"}, ["new"]),
        ("abc", {"old": "a", "young": "bc"}, {"young": "abc"}, ["merge"]),
        ("ab", {"old": "a", "young": "b"}, {"old": "ab"}, ["merge"]),
        ("abc d", {"old": "abcd"}, {"old": "abc", "?": "d"}, ["split"]),
        ("ab cd", {"old": "abcd"}, {"old": "ab", "?": "cd"}, ["split"]),
        ("ac bd", {"old": "ab", "young": "cd"}, {"old": "ac", "young": "bd"}, []),
        ("a", {"old": "a", "young": "b"}, {"old": "a"}, ["retire"]),
        ("abc de", {"old": "ad", "young": "bc", "youngest": "e"}, {"old": "de", "young": "abc"}, ["merge"]),
    ],
)  # fmt: skip
def test_keys(people: str, before: dict[str, str], after: dict[str, str], events: list[str]) -> None:
    found, now = night(people, before)
    assert now == after
    assert [kind for kind, *_ in found.events] == events


def test_unchanged_is_empty() -> None:
    found, _ = night("ab c", {"old": "ab", "young": "c"})
    assert found == Assignment() and not any(found.counts().values())


def test_order_of_people_changes_nothing() -> None:
    before = {"old": "abcd", "young": "efg"}
    first, second = night("ae bf cdg", before), night("gdc fb ea", before)
    assert first[1] == second[1]
    assert sorted(first[0].closed) == sorted(second[0].closed)


def test_merge_names_its_survivor() -> None:
    found, _ = night("abc", {"old": "a", "young": "bc"})
    assert found.events == [("merge", OLD, YOUNG, 1)]


def test_a_record_that_returns_has_its_key_back() -> None:
    found, now = night("ab c", {"old": "ab", "young": "c"}, gone="bc")
    assert now == {"old": "ab", "young": "c"}
    assert found.closed == [] and [kind for kind, *_ in found.events] == ["new"]
    assert found.counts()["records_new"] == 2


def test_a_record_that_returns_takes_no_key_from_who_stayed() -> None:
    _, now = night("a b", {"old": "ab"}, gone="a")
    assert now == {"old": "b", "?": "a"}


def test_a_split_part_names_where_it_came_from() -> None:
    found, _ = night("abc d", {"old": "abcd"})
    ((kind, origin, new, records),) = found.events
    assert (kind, origin, records) == ("split", OLD, 1)
    assert new is not None and new.version == 4
    assert found.closed == [record("d")] and found.opened == [(record("d"), new)]
