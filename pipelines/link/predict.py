"""How likely two looks are one person: which pairs are compared, and the probability that the model gives each.

A score follows from the two looks and the pinned model alone, frequencies of names being part of it (frequencies.py).
So what was scored before need not be scored again: a night scores the looks that are new against all others, and takes
the rest from the last run (kept.py). Splink estimates the model; its sum is done here, in slices that bound the memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.link import frequencies
from pipelines.link.tokens import LISTS

REVIEW, ACCEPT = 0.02, 0.9
# Looks that are compared with all others at a time.
SLICE = 150_000
# The last digit of a score that is kept.
DIGITS = 6


@dataclass(frozen=True)
class Rule:
    """Two looks are compared where all these columns of one equal those of the other; of a list, one value."""

    left: tuple[str, ...]
    right: tuple[str, ...]


def _same(*columns: str) -> Rule:
    return Rule(columns, columns)


def _both_ways(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[Rule, Rule]:
    return Rule(left, right), Rule(right, left)


# Each pair of faults that is likely together leaves one of these standing.
BLOCKING = (
    _same("birth_date", "forename_initial"),
    _same("birth_date", "surname_phonetic"),
    _same("birth_date", "postcode"),
    Rule(("birth_date", "forename"), ("birth_date_swapped", "forename")),
    Rule(("birth_date", "surname_phonetic"), ("birth_date_swapped", "surname_phonetic")),
    _same("forename", "surname"),
    _same("postcode", "surname_phonetic"),
    _same("postcode", "forename_phonetic"),
    _same("postcode_sector", "forename_phonetic", "surname_phonetic"),
    *_both_ways(("forename", "birth_date"), ("surname_as_forename", "birth_date")),
    *_both_ways(("forename", "postcode"), ("surname_as_forename", "postcode")),
    Rule(("forename", "surname_as_forename"), ("surname_as_forename", "forename")),
    _same("birth_pairs", "forename"),
    _same("birth_pairs", "surname"),
    _same("birth_pairs", "postcode"),
    _same("surname_near", "forename"),
    _same("forename_near", "postcode"),
    _same("surname_near", "postcode"),
    _same("address", "forename_phonetic"),
    _same("address", "surname_phonetic"),
    _same("address", "birth_date"),
)


def tables(db: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of the last run's scores empty where nothing filled them."""
    db.execute("CREATE TABLE IF NOT EXISTS look_before (content UBIGINT)")
    db.execute("""CREATE TABLE IF NOT EXISTS scored_before
        (content_l UBIGINT, content_r UBIGINT, weight DOUBLE, probability DOUBLE)""")


def predict(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> int:
    """Make `scored(look_l, look_r, weight, probability)`: pairs of looks at or above the review threshold.

    look_l <= look_r: a look that several records have is scored with itself. weight is the match weight in bits.
    Returns how many looks were compared with the others because the last run did not have them.
    """
    tables(db)
    frequencies.tables(db)
    db.execute("""
        CREATE TABLE scored AS
        SELECT l.look_id AS look_l, r.look_id AS look_r, weight, probability
        FROM scored_before JOIN look l ON l.content = content_l JOIN look r ON r.content = content_r;
        ALTER TABLE look ADD COLUMN is_fresh BOOLEAN DEFAULT false;
        UPDATE look SET is_fresh = true WHERE is_named AND content NOT IN (FROM look_before)""")
    fresh = int(db.execute("SELECT count(*) FROM look WHERE is_fresh").fetchall()[0][0])
    slices = math.ceil(fresh / SLICE)
    for number in range(slices):
        _compare(db, model, f"is_fresh AND look_id % {slices} = {number}")
    db.execute("ALTER TABLE look DROP COLUMN is_fresh")
    _score_alike(db, model)
    return fresh


def _compare(db: duckdb.DuckDBPyConnection, model: dict[str, Any], some: str) -> None:
    """Add to `scored` the pairs of some fresh looks, a condition, with all others; two fresh ones once."""
    found = " UNION ".join(_blocked(rule, some) for rule in BLOCKING)
    db.execute(f"""
        INSERT INTO scored
        WITH pair AS ({found}),
        one AS (SELECT COLUMNS(*) AS '\\0_l' FROM (SELECT *, {frequencies.shares("look")} FROM look WHERE is_named)),
        other AS (SELECT COLUMNS(*) AS '\\0_r' FROM look WHERE is_named)
        SELECT a, b, round(weight, {DIGITS}), round(pow(2, weight) / (1 + pow(2, weight)), {DIGITS}) AS probability
        FROM (
            SELECT a, b, {weight_of(model)} AS weight
            FROM pair JOIN one ON look_id_l = a JOIN other ON look_id_r = b
        ) WHERE probability >= {REVIEW}""")  # noqa: S608


def _blocked(rule: Rule, which: str) -> str:
    def side(columns: tuple[str, ...], where: str) -> str:
        keys = ", ".join(
            f"{f'unnest({column})' if column in LISTS else column} AS k{place}" for place, column in enumerate(columns)
        )
        return f"(SELECT look_id, is_fresh, {keys} FROM look WHERE {where})"  # noqa: S608

    on = " AND ".join(f"l.k{place} = r.k{place}" for place in range(len(rule.left)))
    return f"""SELECT least(l.look_id, r.look_id) AS a, greatest(l.look_id, r.look_id) AS b
        FROM {side(rule.left, which)} l JOIN {side(rule.right, "is_named")} r ON {on}
        WHERE l.look_id < r.look_id OR l.look_id > r.look_id AND NOT r.is_fresh"""  # noqa: S608


def weight_of(model: dict[str, Any]) -> str:
    """A SQL expression of the weight of two looks with suffixes `_l` and `_r`, in bits, the prior included."""
    terms = [str(prior_bits(model))]
    for comparison in model["comparisons"]:
        cases = []
        for level in comparison["comparison_levels"]:
            condition = level["sql_condition"]
            bits = "0" if level.get("is_null_level") else level_bits(level, "_l")
            cases.append(f"ELSE {bits}" if condition == "ELSE" else f"WHEN {condition} THEN {bits}")
        terms.append(f"CASE {' '.join(cases)} END")
    return " + ".join(terms)


def prior_bits(model: dict[str, Any]) -> float:
    """The weight of two random looks."""
    prior = model["probability_two_random_records_match"]
    return math.log2(prior / (1 - prior))


def level_bits(level: dict[str, Any], suffix: str = "") -> str:
    """The bits of a level of agreement; where the value's frequency counts, as a SQL expression over its share."""
    if name := level.get("tf_adjustment_column"):
        return f"(log2({level['m_probability']}) - log2({name}_share{suffix}))"
    return str(math.log2(level["m_probability"] / level["u_probability"]))


def _score_alike(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> None:
    """Add to `scored` each look that several records have, with the weight of two that agree in all they say."""
    db.execute(f"""
        INSERT INTO scored
        WITH shared AS (
            SELECT look_id FROM profile WHERE is_named GROUP BY look_id HAVING count(DISTINCT record_id) > 1
        ),
        alike AS (FROM look SEMI JOIN shared USING (look_id)),
        one AS (SELECT COLUMNS(*) AS '\\0_l' FROM (SELECT *, {frequencies.shares("look")} FROM alike AS look)),
        other AS (SELECT COLUMNS(*) AS '\\0_r' FROM alike),
        weighed AS (SELECT look_id_l AS look_id, {weight_of(model)} AS weight
                    FROM one JOIN other ON look_id_l = look_id_r)
        SELECT look_id, look_id, round(weight, {DIGITS}),
               round(pow(2, weight) / (1 + pow(2, weight)), {DIGITS}) AS p
        FROM weighed WHERE p >= {REVIEW}""")  # noqa: S608
