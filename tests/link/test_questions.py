"""What a person is asked: once about two persons, where an answer could tie them, and what the answers are worth."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import UsageFault
from pipelines.link import agreement, matcher, predict, questions, review, tokens, twins
from pipelines.link.solve import solve
from tests.link.drawn import linkage, parts, rows
from tests.link.test_run import Area, area, registry

__all__ = ["area", "registry"]

# Twins, or one child with two first names: two sources know the one, two others the other.
APART = """
    source   | record | name     | born       | sex | postcode
    school   | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA
    plan     | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA
    bridge   | 2      | Kit Byrd | 2014-03-05 | F   | MB1 1AA
    cin      | 2      | Kit Byrd | 2014-03-05 | F   | MB1 1AA
"""
# The same where a third source knows both under names that do not give them away.
BOTH_KNOWN = f"{APART.rstrip()}\n    school | 2 | Kit Byrd | 2014-03-05 | F | MB1 1AA"
# Two numbers that differ.
TWO_NUMBERS = """
    source | record | name     | born       | sex | postcode | nhs
    plan   | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | N1
    bridge | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA  | N2
"""
# Of one home and surname; first names and birth dates contradict each other.
SIBLINGS = """
    source | record | name     | born       | sex | postcode
    plan   | 1      | Ada Byrd | 2014-03-05 | F   | MB1 1AA
    bridge | 2      | Kit Byrd | 2011-10-28 | F   | MB1 1AA
"""


def questions_of(area: Area) -> dict:
    ((found,),) = area.connection.execute(
        "SELECT summary -> 'questions' FROM link.run ORDER BY link_run_key DESC LIMIT 1"
    ).fetchall()
    return found


def test_two_persons_are_asked_about_once_and_not_after_an_answer(area: Area) -> None:
    area.send(rows(APART))
    area.run()
    (asked,) = review.queue(area.connection)
    assert {asked["agency_l"], asked["agency_r"]} == {"education", "social_care"}
    told = questions_of(area)
    assert (told["pairs"], told["first"]) == (1, 1) and told["yes"] == round(asked["probability"], 1)
    assert [row["agency"] for row in told["agencies"]] == ["education", "social_care"]
    review.decide(area.connection, asked["pair"], "apart", "a steward", "twins")
    area.run()
    assert review.queue(area.connection) == [] and len(set(area.person_keys().values())) == 2
    review.decide(area.connection, asked["pair"], "open", "a steward", "taken back")
    area.run()
    assert [row["pair"] for row in review.queue(area.connection)] == [asked["pair"]]
    review.decide(area.connection, asked["pair"], "together", "a steward", "one child")
    area.run()
    assert review.queue(area.connection) == [] and len(set(area.person_keys().values())) == 1


def test_two_whom_one_source_knows_are_not_asked_about(area: Area) -> None:
    area.send(rows(BOTH_KNOWN))
    area.run()
    assert review.queue(area.connection) == [] and questions_of(area)["pairs"] == 0
    assert len(set(area.person_keys().values())) == 2


def test_an_answer_that_two_numbers_withstand_is_not_asked_for_again(area: Area) -> None:
    area.send(rows(TWO_NUMBERS))
    area.run()
    (asked,) = review.queue(area.connection)
    assert asked["reason"] == "identifier_conflict" and asked["probability"] > 0.5
    review.decide(area.connection, asked["pair"], "together", "a steward", "one child, one number is wrong")
    area.run()
    assert len(set(area.person_keys().values())) == 2 and review.queue(area.connection) == []


def queued(table: str) -> list[tuple[str, float]]:
    with tokens.memory() as db:
        tokens.load(db, parts(linkage(rows(table))))
        solve(db, matcher.made(db))
        return db.execute("SELECT reason, probability FROM review WHERE is_queued").fetchall()


def test_brothers_and_sisters_are_asked_about_unless_twins_explain_first_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(predict, "REVIEW", 0.001)  # the starting values, without frequencies of names, hardly ask
    assert [reason for reason, _ in queued(SIBLINGS)] == ["sibling_to_check"]
    monkeypatch.setattr(twins, "share", lambda *_: questions.ALL_TWINS)
    assert queued(SIBLINGS) == []
    assert [reason for reason, _ in queued(APART)] == ["sibling_to_check"]


@pytest.mark.parametrize(
    ("same", "opposite", "least", "most"), [(100, 0, 0, 0), (64, 36, 0.9, 1), (640, 90, 0.2, 0.33), (5, 2, 0, 0.6)]
)
def test_twins_are_at_least_as_many_as_boys_and_girls_show(same: int, opposite: int, least: float, most: float) -> None:
    with duckdb.connect() as db:
        db.execute("CREATE TABLE weak AS SELECT 0 AS forename, 1 AS sex FROM range(?)", [same])
        db.execute("INSERT INTO weak SELECT 0, 0 FROM range(?)", [opposite])
        db.execute("INSERT INTO weak SELECT 3, 1 FROM range(50)")
        assert least <= twins.share(db, {"model": matcher.start(trained=True)}) <= most


def test_where_first_names_agree_the_sex_says_nothing() -> None:
    with duckdb.connect() as db:

        def grade(forenames: tuple[str, str], sexes: tuple[str | None, str | None]) -> int:
            names = ("forename_l", "forename_r", "sex_l", "sex_r")
            given = ", ".join(f"${name}::VARCHAR AS {name}" for name in names)
            values = dict(zip(names, (*forenames, *sexes), strict=True))
            return db.execute(f"SELECT {agreement.SEX.level()} FROM (SELECT {given})", values).fetchall()[0][0]

        assert grade(("ada", "ada"), ("F", "F")) == grade(("ada", "kit"), ("F", None)) == -1
        assert grade(("ada", "ada"), ("F", "M")) == grade(("ada", "kit"), ("F", "M")) == 0
        assert grade(("ada", "kit"), ("F", "F")) == 1


def test_the_first_questions_hold_most() -> None:
    assert questions.enough([]) == 0
    assert questions.enough([0.5]) == 1
    assert questions.enough([0.01] * 50 + [0.9] * 10) == 10
    assert questions.enough([0.02] * 500 + [1.0] * 10) == 410


def test_answers_to_many_are_taken_all_or_none(area: Area, tmp_path: Path) -> None:
    area.send(rows(APART))
    area.run()
    (asked,) = review.export(area.connection, "education", tmp_path / "asked.csv")
    other = area.connection.execute(
        "SELECT agency_l, dataset_l, record_l, agency_r, dataset_r, record_r FROM link.link LIMIT 1"
    ).fetchone()
    assert other

    def answer(*pairs: str) -> int:
        with (tmp_path / "answers.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([["pair", "decision"], *([pair, "apart"] for pair in pairs)])
        return review.take(area.connection, tmp_path / "answers.csv", "education data team")

    with pytest.raises(UsageFault):
        answer(asked["pair"], "0" * 16)
    assert len(review.queue(area.connection)) == 1
    assert answer(asked["pair"], review.name_of(other)) == 2
    assert review.queue(area.connection) == []
