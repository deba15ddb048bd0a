"""Synthetic areas that the tests of the room share, each written once."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import synth

AS_OF = date(2026, 11, 24)


@dataclass(frozen=True)
class Area:
    """An area on disk, with what was said of it."""

    folder: Path
    children: int
    summary: synth.Summary

    @property
    def deliveries(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "deliveries.json").read_text())

    def csv(self, ending: str) -> str:
        """A CSV of the area as DuckDB reads it, all text; the one whose path ends so."""
        found = [path for path in self.folder.rglob("*.csv") if str(path).endswith(ending)]
        assert len(found) == 1, f"{ending}: {len(found)} files"
        # A file with an unguarded comma has ragged rows, which nobody reads.
        return f"read_csv('{found[0]}', all_varchar=true, header=true, ignore_errors=true, strict_mode=false)"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as db:
            return db.execute(query).fetchall()


def make(folder: Path, children: int, **more: Any) -> Area:
    summary = synth.generate(folder, children=children, seed=more.pop("seed", 11), as_of=AS_OF, **more)
    return Area(folder, children, summary)


@pytest.fixture(scope="session")
def area(tmp_path_factory: pytest.TempPathFactory) -> Area:
    return make(tmp_path_factory.mktemp("area"), 8_000)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Area:
    return make(tmp_path_factory.mktemp("small"), 700, scenario="canary")


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Area:
    return make(tmp_path_factory.mktemp("clean"), 700, scenario="clean")
