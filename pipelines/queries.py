"""Worked queries: the questions of commissioners, each with the SQL that answers it, `sql/queries/NN_slug.sql`.

The comment at the head of a file is YAML: the question, the requirement it answers (asks), who may run it, caveats, and
what those columns mean that are not columns of a mart it reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from pipelines.contracts import Strict
from pipelines.errors import SystemFault, UsageFault
from pipelines.integrate import marts
from pipelines.settings import shipped

_NAME = re.compile(r"([0-9]{2})_([a-z0-9_]+)")


class Head(Strict):
    """The head of a worked query. asks: the requirement of the letter that it answers, L1 to L15."""

    question: str
    asks: str
    role: Literal["commissioner", "analyst"]
    caveats: tuple[str, ...] = ()
    columns: dict[str, str] = {}


@dataclass(frozen=True)
class Query:
    """A worked query: its number (two digits), its name, its head and its statement."""

    number: str
    slug: str
    head: Head
    statement: str

    @cached_property
    def reads(self) -> list[str]:
        """The tables it reads, `partnership.x`, `mart.x` or `core.x`, in order of name."""
        return sorted(set(re.findall(r"\b(?:partnership|mart|core)\.\w+", self.statement)))

    def meaning(self, column: str) -> str:
        """What a column of its result means: its own words, else those of the mart it is read from."""
        if column in self.head.columns:
            return self.head.columns[column]
        said = {mart.name: mart.definition.columns for mart in marts.load()}
        named = [table.partition(".")[2] for table in self.reads]
        found = [said[name][column].comment for name in named if column in said.get(name, {})]
        if not found:
            raise SystemFault(f"sql/queries/{self.number}_{self.slug}.sql does not say what {column} means")
        return found[0]


def load(folder: Path | None = None) -> list[Query]:
    """All worked queries in order of number; raises SystemFault where one has no proper head."""
    found = []
    for path in sorted((folder or shipped("sql") / "queries").glob("*.sql")):
        name, text = _NAME.fullmatch(path.stem), path.read_text()
        head = "".join(line[3:] for line in text.splitlines(keepends=True) if line.startswith("-- "))
        try:
            if name is None:
                raise SystemFault(f"{path.name}: a worked query is named like 07_unmet_need.sql")
            made = Head.model_validate(yaml.load(head, yaml.CSafeLoader))
        except (ValidationError, yaml.YAMLError) as error:
            raise SystemFault(f"{path.name}: {error}") from None
        statement = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("-- "))
        found.append(Query(name[1], name[2], made, statement.strip().rstrip(";")))
    return found


def find(name: str) -> Query:
    """The worked query of a number (`7`, `07`) or of a name; raises UsageFault where there is none."""
    for query in load():
        if name in (query.slug, query.number, query.number.lstrip("0"), f"{query.number}_{query.slug}"):
            return query
    raise UsageFault(f"there is no worked query {name!r}; `joint-needs sql --list` shows them")


def measured() -> dict[str, Any]:
    """How long each took at the size of a local area: `children`, `day` and `seconds` by number."""
    found: dict[str, Any] = yaml.safe_load((shipped("sql") / "queries" / "measured.yaml").read_text())
    return found
