"""Each rule of matching as a drawn table: who is found to be one person, and what waits for a person to look at."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.link.drawn import Matched, expected, rows

# name of the case: (drawn table, reviews that must be there as pair -> reason)
CASES: dict[str, tuple[str, dict[str, str]]] = {
    "the same names, birth date and address": (
        """
        source | record | name      | born       | sex | postcode | person
        school | 1      | Ada Byrd  | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 1      | Ada Byrd  | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 2      | Ivo Crane | 2012-11-19 | M   | MB2 2BB  | b
        """,
        {},
    ),
    "twins of opposite sex, each known to one service": (
        """
        source | record | name      | born       | sex | postcode | person
        school | 1      | Ada Byrd  | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 1      | Kit Byrd  | 2014-03-05 | M   | MB1 1AA  | b
        """,
        {"school 1 + plan 1": "sibling_to_check"},
    ),
    "twins of the same sex, each known to one service": (
        """
        source | record | name      | born       | sex | postcode | person
        school | 1      | Ada Byrd  | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 1      | Kit Byrd  | 2014-03-05 | F   | MB1 1AA  | b
        """,
        {"school 1 + plan 1": "sibling_to_check"},
    ),
    "twins with the same initial, both known to both": (
        """
        source | record | name      | born       | sex | postcode | person
        school | 1      | Ella Byrd | 2014-03-05 | F   | MB1 1AA  | a
        school | 2      | Emma Byrd | 2014-03-05 | F   | MB1 1AA  | b
        plan   | 1      | Emma Byrd | 2014-03-05 | F   | MB1 1AA  | b
        plan   | 2      | Ella Byrd | 2014-03-05 | F   | MB1 1AA  | a
        """,
        {},
    ),
    "siblings at one address": (
        """
        source | record | name      | born       | sex | postcode | person
        school | 1      | Ada Byrd  | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 1      | Kit Byrd  | 2016-09-21 | F   | MB1 1AA  | b
        """,
        {},
    ),
    "day and month swapped": (
        """
        source | record | name      | born       | sex | postcode | person
        school | 1      | Ada Byrd  | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 1      | Ada Byrd  | 2014-05-03 | F   | MB1 1AA  | a
        """,
        {},
    ),
    "a changed surname that one source remembers": (
        """
        source | record | name       | other | born       | sex | postcode | person
        school | 1      | Ada Byrd   |       | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 1      | Ada Lowell | Byrd  | 2014-03-05 | F   | MB9 9ZZ  | a
        """,
        {},
    ),
    "a changed surname that only the number bridges": (
        """
        source | record | name       | born       | sex | postcode | upn | person
        school | 1      | Ada Byrd   | 2014-03-05 | F   | MB1 1AA  | U1  | a
        plan   | 1      | Ada Lowell | 2014-03-05 | F   | MB9 9ZZ  | U1  | a
        """,
        {},
    ),
    "a wrong NHS number that another child has": (
        """
        source   | record | name       | born       | sex | postcode | nhs | person
        register | 1      | Ada Byrd   | 2014-03-05 | F   | MB1 1AA  | N1  | a
        bridge   | 1      | Ivo Crane  | 2012-11-19 | M   |          | N1  | b
        north    | 1      |            | 2014-03-05 | F   | MB1 1AA  | N1  | a
        north    | 2      |            | 2009-07-30 | M   | MB2 2BB  | N1  | c
        """,
        {"register 1 + bridge 1": "identifier_alone", "register 1 + north 2": "identifier_alone"},
    ),
    "a twin's NHS number gives way to the twin's own records": (
        """
        source   | record | name      | born       | sex | postcode | nhs | upn | person
        school   | 1      | Ada Byrd  | 2014-03-05 | F   | MB1 1AA  |     | U1  | a
        school   | 2      | Kit Byrd  | 2014-03-05 | F   | MB1 1AA  |     | U2  | b
        register | 1      | Ada Byrd  | 2014-03-05 | F   | MB1 1AA  | N1  | U1  | a
        bridge   | 2      | Kit Byrd  | 2014-03-05 | F   |          | N1  | U2  | b
        """,
        {"register 1 + bridge 2": "identifier_conflict"},
    ),
    "a name that changed altogether under one UPN": (
        """
        source | record | name       | born       | sex | postcode | upn | person
        school | 1      | Ada Byrd   | 2014-03-05 | F   | MB1 1AA  | U1  | a
        plan   | 1      | Mia Lowell | 2014-03-05 | F   | MB9 9ZZ  | U1  | b
        """,
        {"school 1 + plan 1": "identifier_alone"},
    ),
    "a new first name, released by the UPN": (
        """
        source | record | name       | born       | sex | postcode | upn | person
        school | 1      | Ada Byrd   | 2014-03-05 | F   | MB1 1AA  | U1  | a
        plan   | 1      | Kit Byrd   | 2014-03-05 | F   | MB1 1AA  | U1  | a
        """,
        {},
    ),
    "two different UPNs, everything else equal": (
        """
        source | record | name       | born       | sex | postcode | upn | person
        school | 1      | Ada Byrd   | 2014-03-05 | F   | MB1 1AA  | U1  | a
        plan   | 1      | Ada Byrd   | 2014-03-05 | F   | MB1 1AA  | U2  | b
        """,
        {"school 1 + plan 1": "identifier_conflict"},
    ),
    "two UPNs of which one is the former": (
        """
        source | record | name       | born       | sex | postcode | upn | former_upn | person
        school | 1      | Ada Byrd   | 2014-03-05 | F   | MB1 1AA  | U1  | U2         | a
        plan   | 1      | Ada Byrd   | 2014-03-05 | F   | MB1 1AA  | U2  |            | a
        """,
        {},
    ),
    "two different NHS numbers, everything else equal": (
        """
        source   | record | name     | born       | sex | postcode | nhs | person
        register | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | N1  | a
        bridge   | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | N2  | b
        """,
        {"register 1 + bridge 1": "identifier_conflict"},
    ),
    "a chain: trust to bridge by NHS number, bridge to children in need by local id, by UPN to school": (
        """
        source | record | name     | born       | sex | postcode | nhs | upn | local | person
        north  | 1      |          | 2014-03-05 | F   | MB1 1AA  | N1  |     |       | a
        bridge | 1      | Ada Byrd | 2014-03-05 | F   |          | N1  | U1  | C1    | a
        cin    | 1      |          | 2014-03-05 | F   |          |     |     | C1    | a
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB7 7CC  |     | U1  |       | a
        """,
        {},
    ),
    "two identifiers stand for each other against a wrong birth date": (
        """
        source | record | name     | born       | sex | postcode | upn | local | person
        bridge | 1      | Ada Byrd | 2014-03-05 | F   |          | U1  | C1    | a
        cin    | 1      |          | 1983-02-17 | F   |          | U1  | C1    | a
        cin    | 2      |          | 1982-08-28 | F   |          | U2  | C2    | b
        bridge | 2      | Mia Dove | 2011-04-06 | F   |          |     | C2    | c
        """,
        {"bridge 2 + cin 2": "identifier_alone"},
    ),
    "a local id means nothing in another agency": (
        """
        source   | record | name      | born       | sex | postcode | local | person
        bridge   | 1      | Ada Byrd  | 2014-03-05 | F   |          | C1    | a
        register | 1      | Ivo Crane | 2014-03-05 | F   | MB1 1AA  | C1    | b
        """,
        {},
    ),
    "without names: birth date, sex and postcode that only one child has": (
        """
        source | record | name     | born       | sex | postcode | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | a
        north  | 1      |          | 2014-03-05 | F   | MB1 1AA  | a
        north  | 2      |          | 2014-03-05 | M   | MB1 1AA  | b
        south  | 1      |          | 2014-03-06 | F   | MB1 1AA  | c
        """,
        {},
    ),
    "without names: two children with the three in one source": (
        """
        source | record | name     | born       | sex | postcode | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | a
        school | 2      | Kit Byrd | 2014-03-05 | F   | MB1 1AA  | b
        north  | 1      |          | 2014-03-05 | F   | MB1 1AA  | c
        """,
        {},
    ),
    "without names: two children with the three across sources": (
        """
        source | record | name      | born       | sex | postcode | person
        school | 1      | Ada Byrd  | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 1      | Una Crane | 2014-03-05 | F   | MB1 1AA  | b
        north  | 1      |           | 2014-03-05 | F   | MB1 1AA  | c
        """,
        {},
    ),
    "without names: two patients of a trust with the three": (
        """
        source | record | name     | born       | sex | postcode | nhs | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  |     | a
        north  | 1      |          | 2014-03-05 | F   | MB1 1AA  | N1  | b
        north  | 2      |          | 2014-03-05 | F   | MB1 1AA  | N2  | c
        """,
        {},
    ),
    "without names: two trusts with different NHS numbers": (
        """
        source | record | name     | born       | sex | postcode | nhs | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  |     | a
        north  | 1      |          | 2014-03-05 | F   | MB1 1AA  | N1  | b
        south  | 1      |          | 2014-03-05 | F   | MB1 1AA  | N2  | c
        """,
        {},
    ),
    "without names: a twin of the same sex is known, in a source without addresses": (
        """
        source | record | name     | born       | sex | postcode | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | a
        bridge | 2      | Kit Byrd | 2014-03-05 | F   |          | b
        north  | 1      |          | 2014-03-05 | F   | MB1 1AA  | c
        """,
        {},
    ),
    "without names: sex unknown, or no postcode, is not enough": (
        """
        source | record | name     | born       | sex | postcode | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | a
        north  | 1      |          | 2014-03-05 | U   | MB1 1AA  | b
        cin    | 1      |          | 2014-03-05 | F   |          | c
        """,
        {},
    ),
    "without names: an identifier is not believed against sex": (
        """
        source | record | name     | born       | sex | postcode | upn | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | U1  | a
        cin    | 1      |          | 2014-03-05 | M   |          | U1  | b
        """,
        {"school 1 + cin 1": "identifier_alone"},
    ),
    "a protected child is not tied to the earlier identity": (
        """
        source   | record | name       | born       | sex | postcode | nhs | upn | former_upn | protected | person
        register | 1      | Ada Lowell | 2014-03-05 | F   | MB9 9ZZ  | N2  | U2  |            | yes       | a
        school   | 1      | Ada Lowell | 2014-03-05 | F   | MB9 9ZZ  |     | U2  | U1         |           | a
        plan     | 1      | Ada Byrd   | 2014-03-05 | F   | MB1 1AA  |     | U1  |            |           | b
        north    | 1      |            | 2014-03-05 | F   | MB9 9ZZ  | N1  |     |            |           | c
        bridge   | 1      | Ada Lowell | 2014-03-05 | F   |          |     |     |            |           | d
        """,
        {"school 1 + plan 1": "protected", "register 1 + bridge 1": "protected"},
    ),
    "registered at two schools": (
        """
        source | record | name     | born       | sex | postcode | upn | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | U1  | a
        school | 2      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  |     | a
        plan   | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | U1  | a
        """,
        {},
    ),
    "a short form beside a slip in the whole name": (
        """
        source | record | name          | born       | sex | postcode | person
        school | 1      | Peggy Byrd    | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 1      | Margret Byrd  | 2014-03-05 | F   | MB1 1AA  | a
        """,
        {},
    ),
    "a short form beside the initial of the whole name": (
        """
        source | record | name       | born       | sex | postcode | person
        school | 1      | Peggy Byrd | 2014-03-05 | F   | MB1 1AA  | a
        plan   | 1      | M Byrd     | 2014-03-05 | F   | MB1 1AA  | b
        """,
        {"school 1 + plan 1": "first_name"},
    ),
    "two rows of one trust under one number, one without a birth date: one home is one child": (
        """
        source   | record | name     | born       | sex | postcode | nhs | person
        register | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | N1  | a
        north    | 1      |          | 2014-03-05 | F   | MB1 1AA  | N1  | a
        north    | 2      |          |            | F   | MB1 1AA  | N1  | a
        """,
        {},
    ),
    "two rows of one trust under one number, of which nothing says the same: a person is asked": (
        """
        source   | record | name     | born       | sex | postcode | nhs | person
        register | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | N1  | a
        north    | 1      |          | 2014-03-05 | F   | MB1 1AA  | N1  | a
        north    | 2      |          |            | F   | MB7 7CC  | N1  | b
        """,
        {"register 1 + north 2": "same_source"},
    ),
    "two namesakes of one source are two, and the nearer is taken": (
        """
        source | record | name     | born       | sex | postcode | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | a
        school | 2      | Ada Byrd | 2014-03-27 | F   | MB5 5EE  | b
        plan   | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | a
        """,
        {},
    ),
    "one record with two rows: either address will do": (
        """
        source | record | name     | born       | sex | postcode | person
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | a
        school | 1      | Ada Byrd | 2014-03-05 | F   | MB7 7CC  | a
        north  | 1      |          | 2014-03-05 | F   | MB7 7CC  | a
        """,
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_people(case: str, tmp_path: Path) -> None:
    table, reviews = CASES[case]
    drawn = rows(table)
    found = Matched(drawn, tmp_path)
    assert found.people == expected(drawn)
    for pair, reason in reviews.items():
        assert found.reviews.get(frozenset(pair.split(" + "))) == reason


def test_a_tie_by_a_number_that_gave_way_is_asked_about(tmp_path: Path) -> None:
    table, _ = CASES["two rows of one trust under one number, of which nothing says the same: a person is asked"]
    assert frozenset(("register 1", "north 2")) in Matched(rows(table), tmp_path).queued


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_rows_changes_nothing(seed: int, tmp_path: Path) -> None:
    """All cases at once, as one area, in two orders: the same people, links and reviews."""
    drawn = [
        row | {"record": f"{number}-{row['record']}", "name": row["name"] + (f"son{number}" if row["name"] else "")}
        for number, (table, _) in enumerate(CASES.values())
        for row in rows(table)
    ]
    shuffled = random.Random(seed).sample(drawn, len(drawn))  # noqa: S311
    first, second = Matched(drawn, tmp_path / "first"), Matched(shuffled, tmp_path / "second")
    assert (first.people, first.links, first.reviews) == (second.people, second.links, second.reviews)
