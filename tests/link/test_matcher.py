"""Training on the records themselves: good without being told the truth, pinned, and the same every time."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.link import matcher, tokens
from pipelines.link.solve import solve
from tests.link.drawn import linkage, parts

CHILDREN = 3_000
_SOUNDS = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]


@pytest.fixture(scope="module")
def area() -> tuple[dict[tuple[str, str], pa.Table], dict[str, int]]:
    """Two named sources and one without names of the same children, with faults; which child each record is."""
    draw = random.Random(5)  # noqa: S311
    names = ["".join(draw.choices(_SOUNDS, k=3)) for _ in range(300)]
    drawn, truth = [], []
    for child in range(CHILDREN):
        forename, surname = draw.choice(names), draw.choice(names)
        born = f"{draw.randint(2005, 2020)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
        postcode, sex = f"M{draw.randint(1, 9)} {draw.randint(1, 9)}{draw.choice(_SOUNDS)}", draw.choice("MF")
        for source in ("school", "plan", "north"):
            fault = draw.random()
            row = {"source": source, "record": str(child), "born": born, "sex": sex, "postcode": postcode}
            row["name"] = "" if source == "north" else f"{forename} {surname}"
            if fault < 0.03:
                row["born"] = f"{born[:8]}{draw.randint(1, 28):02d}"
            elif fault < 0.06 and row["name"]:
                row["name"] = f"{forename} {draw.choice(names)}"
            elif fault < 0.09 and row["name"]:
                row["name"] = f"{forename[:3]}x{forename[4:]} {surname}"
            elif fault < 0.15:
                row["postcode"] = f"M1 1{draw.choice(_SOUNDS)}"
            drawn.append(row)
            truth.append(child)
    tables = linkage(drawn)
    seen: dict[str, int] = defaultdict(int)
    child_of = {}
    for row, child in zip(drawn, truth, strict=True):
        table = next(t for (_, d), t in tables.items() if _SOURCE[row["source"]] == d)
        child_of[table["record_pseudonym"][seen[row["source"]]].as_py()] = child
        seen[row["source"]] += 1
    return tables, child_of


_SOURCE = {"school": "school_census", "plan": "sen2", "north": "csds"}


def people(tables: dict[tuple[str, str], pa.Table], model: Path) -> tuple[set[frozenset[str]], bool]:
    with tokens.memory() as db:
        tokens.load(db, parts(tables))
        used, is_new = matcher.pinned(db, model)
        solve(db, used)
        assert used["trained"]
        found = defaultdict(set)
        for person, record in db.execute(
            "SELECT person_id, record_pseudonym FROM person JOIN record USING (record_id)"
        ).fetchall():
            found[person].add(record)
        return {frozenset(records) for records in found.values()}, is_new


def test_trained_pinned_and_repeatable(
    area: tuple[dict[tuple[str, str], pa.Table], dict[str, int]], tmp_path: Path
) -> None:
    tables, child_of = area
    first, is_new = people(tables, tmp_path / "model.json")
    assert is_new
    pairs = [(child_of[a], child_of[b]) for group in first for a in group for b in group if a < b]
    right = sum(a == b for a, b in pairs)
    assert right / len(pairs) >= 0.999
    assert right / (CHILDREN * 3) >= 0.9

    again, is_new = people(tables, tmp_path / "model.json")
    assert not is_new and again == first

    shuffled = {source: table.take(list(reversed(range(len(table))))) for source, table in tables.items()}
    anew, is_new = people(shuffled, tmp_path / "anew.json")
    assert is_new and anew == first


def test_a_model_of_other_sources_is_not_used(
    area: tuple[dict[tuple[str, str], pa.Table], dict[str, int]], tmp_path: Path
) -> None:
    tables, _ = area
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"format": matcher.FORMAT, "sources": ["another/one"], "trained": True, "model": {}}))
    _, is_new = people(tables, path)
    assert is_new
    assert json.loads(path.read_text())["sources"] == sorted(f"{a}/{d}" for a, d in tables)
