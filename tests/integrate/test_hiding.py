"""What the partnership does not see cannot be worked out of what it sees."""

from __future__ import annotations

from itertools import product

import numpy as np
import psycopg
import pytest
from psycopg import sql
from scipy.optimize import linprog

from pipelines.integrate import hiding
from pipelines.integrate.shape import MartDefinition

NEEDS, PLACES = ("ASD", "HI", "PD", "SLCN", "VI"), ("E", "N", "S", "W")
DEFINITION = MartDefinition.model_validate({
    "title": "Seen", "comment": "For a test", "grain": "need x place", "key": ["need", "place"], "owner": "nobody",
    "base": "none", "disclosure": "count",
    "adds_up": [
        {"over": "need", "total": {"need": "ALL"}}, {"over": "place", "total": {"place": "ALL"}},
    ],
    "columns": {
        "need": {"type": "text", "comment": "Need"}, "place": {"type": "text", "comment": "Place"},
        "children_count": {"type": "integer", "comment": "Children"},
        "weeks": {"type": "numeric", "of": ["children_count"], "comment": "Weeks"},
    },
})  # fmt: skip


def shown(connection: psycopg.Connection, counts: np.ndarray) -> np.ndarray:
    """The table with its totals as the partnership sees it; where it sees nothing, -1."""
    whole = np.vstack([counts, counts.sum(axis=0)])
    whole = np.hstack([whole, whole.sum(axis=1, keepdims=True)])
    cells = product((*NEEDS, "ALL"), (*PLACES, "ALL"))
    connection.execute("CREATE TEMP TABLE seen (need text, place text, children_count integer, weeks numeric)")
    with connection.cursor() as cursor:
        rows = [(*cell, int(count), 1.5) for cell, count in zip(cells, whole.ravel(), strict=True)]
        cursor.executemany("INSERT INTO seen VALUES (%s, %s, %s, %s)", rows)
    hiding.leave_out(connection, sql.Identifier("seen"), DEFINITION)
    found = connection.execute("SELECT need, place, children_count, weeks FROM coming").fetchall()
    assert all((count is None) == (weeks is None) for *_, count, weeks in found)
    connection.execute("DROP TABLE seen; DROP TABLE coming")
    known = {(need, place): -1 if count is None else count for need, place, count, _ in found}
    return np.array([[known[need, place] for place in (*PLACES, "ALL")] for need in (*NEEDS, "ALL")])


BESIDE = MartDefinition.model_validate({
    **DEFINITION.model_dump(), "key": ["need", "place"], "adds_up": [{"over": "place", "total": {"place": "ALL"}}],
    "sums": [["children_count", "met_count", "unmet_count"]],
    "columns": {
        "need": {"type": "text", "comment": "Need"}, "place": {"type": "text", "comment": "Place"},
        "met_count": {"type": "integer", "comment": "Met"},
        "unmet_count": {"type": "integer", "comment": "Unmet"},
        "children_count": {"type": "integer", "comment": "Both"},
    },
})  # fmt: skip


def shown_beside(connection: psycopg.Connection, counts: np.ndarray) -> np.ndarray:
    """The same for two counts of a row that have their sum beside them, place by place."""
    whole = np.vstack([counts, counts.sum(axis=0)])
    connection.execute(
        "CREATE TEMP TABLE seen (need text, place text, met_count int, unmet_count int, children_count int)"
    )
    with connection.cursor() as cursor:
        rows = [
            ("HI", place, int(a), int(b), int(a + b)) for place, (a, b) in zip((*PLACES, "ALL"), whole, strict=True)
        ]
        cursor.executemany("INSERT INTO seen VALUES (%s, %s, %s, %s, %s)", rows)
    hiding.leave_out(connection, sql.Identifier("seen"), BESIDE)
    found = connection.execute("SELECT * FROM coming ORDER BY place = 'ALL', place").fetchall()
    connection.execute("DROP TABLE seen; DROP TABLE coming")
    return np.array([[-1 if count is None else count for count in row[2:]] for row in found])


def narrowest(seen: np.ndarray, counts: np.ndarray) -> list[tuple[float, float]]:
    """How far each count from 1 to 4 can lie, for whoever knows what adds up and that nought is never left out."""
    size = seen.shape
    place = np.arange(seen.size).reshape(size)
    lines = []
    for line in (*place, *place.T):
        relation = np.zeros(seen.size)
        relation[line[:-1]], relation[line[-1]] = 1, -1
        lines.append(relation)
    limits = [(1, None) if count < 0 else (count, count) for count in seen.ravel()]
    small = [place[at] for at in zip(*np.nonzero((counts > 0) & (counts < 5)), strict=True)]
    ends = []
    for cell in small:
        aim = (np.arange(seen.size) == cell).astype(float)
        least, most = (
            linprog(sign * aim, A_eq=np.array(lines), b_eq=np.zeros(len(lines)), bounds=limits) for sign in (1, -1)
        )
        ends.append((least.fun, -most.fun if most.status == 0 else np.inf))
    return ends


@pytest.mark.parametrize("seed", range(12))
def test_no_small_count_follows_from_its_totals(connection: psycopg.Connection, seed: int) -> None:
    draw = np.random.default_rng(seed)
    counts = draw.choice([0, 1, 2, 3, 4, 6, 9, 20, 35], (len(NEEDS), len(PLACES)), p=[0.1, *[0.075] * 4, *[0.15] * 4])
    seen = shown(connection, counts)
    assert (seen[:-1, :-1][(counts > 0) & (counts < 5)] == -1).all()
    assert (seen[:-1, :-1][counts == 0] == 0).all()
    assert all(most - least > 0.5 for least, most in narrowest(seen, counts))


@pytest.mark.parametrize("seed", range(12))
def test_nor_from_the_counts_beside_it(connection: psycopg.Connection, seed: int) -> None:
    draw = np.random.default_rng(seed)
    counts = draw.choice([0, 1, 3, 4, 6, 9, 20, 35], (len(PLACES), 2), p=[0.1, *[0.1] * 3, *[0.15] * 4])
    seen = shown_beside(connection, counts)
    assert (seen[:-1, :-1][(counts > 0) & (counts < 5)] == -1).all()
    assert all(most - least > 0.5 for least, most in narrowest(seen, counts))


def test_a_small_count_alone_takes_the_smallest_others_with_it(connection: psycopg.Connection) -> None:
    counts = np.full((len(NEEDS), len(PLACES)), 40)
    assert (shown(connection, counts) >= 0).all(), "where nothing is small, nothing is left out"
    counts[0] = (3, 30, 31, 32)
    counts[1:, 0] = (50, 9, 51, 52)
    counts[2, 1] = 8
    hidden = np.argwhere(shown(connection, counts) == -1).tolist()
    assert hidden == [[0, 0], [0, 1], [2, 0], [2, 1]]
