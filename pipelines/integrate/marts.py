"""Marts: one folder each in `sql/marts/`, brought up to date inside the refresh transaction. Never commits.

`mart.yaml` says what the table is and becomes its columns, key and comments; `model.sql` is one query that takes
`:as_of`; `checks.sql` holds queries, each headed by `-- check: <what must be so>`, that return the rows that must not
be. A mart without a model is filled by a function that is handed in.

A mart whose SQL reads no table that changed is left alone. Every row that a mart ever showed is in `mart_history`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from pydantic import ValidationError

from pipelines.errors import SystemFault
from pipelines.integrate import past, ranges, shape
from pipelines.integrate.shape import MartDefinition
from pipelines.settings import shipped

Connection = psycopg.Connection[Any]
Filler = Callable[[Connection, date], int]


@dataclass(frozen=True)
class Mart:
    """A folder of `sql/marts/`: its name, definition, model (None where a function fills it) and checks by name.

    reads: the tables and views that its SQL names, as `schema.name`; `core.submission_key` where it asks for that.
    """

    name: str
    definition: MartDefinition
    model: str | None
    checks: dict[str, str]
    reads: frozenset[str] = frozenset()


def load(folder: Path | None = None) -> list[Mart]:
    """All marts in order of name; raises SystemFault with every problem found."""
    found, problems = [], []
    for place in sorted(path.parent for path in (folder or shipped("sql") / "marts").glob("*/mart.yaml")):
        try:
            definition = MartDefinition.model_validate(yaml.load((place / "mart.yaml").read_text(), yaml.CSafeLoader))
        except (ValidationError, yaml.YAMLError) as error:
            problems.append(f"{place.name}/mart.yaml: {error}")
            continue
        for part in ("key", "open"):
            if missing := [name for name in getattr(definition, part) if name not in definition.columns]:
                problems.append(f"{place.name}/mart.yaml: {part} columns not among the columns: {', '.join(missing)}")
        if strange := {name for counts in definition.sums for name in counts} - set(definition.columns):
            problems.append(f"{place.name}/mart.yaml: sums of what is no column: {', '.join(sorted(strange))}")
        for one in definition.adds_up:
            if strange := {one.over, *one.total} - set(definition.key):
                problems.append(f"{place.name}/mart.yaml: adds_up by what is no key: {', '.join(sorted(strange))}")
        for name, column in definition.columns.items():
            if others := [count for count in column.of if count not in definition.columns or count == name]:
                problems.append(f"{place.name}/mart.yaml: {name} is of what is no other column: {', '.join(others)}")
        model = (place / "model.sql").read_text() if (place / "model.sql").exists() else None
        checks = read_checks((place / "checks.sql").read_text()) if (place / "checks.sql").exists() else {}
        found.append(Mart(place.name, definition, model, checks, _reads(place)))
    if problems:
        raise SystemFault("the marts do not hold together:\n  " + "\n  ".join(problems))
    return found


def _reads(place: Path) -> frozenset[str]:
    text = "\n".join(re.sub(r"--.*", "", path.read_text()) for path in sorted(place.glob("*.sql")))
    found = set(re.findall(r"\b((?:core|ops|link|mart)\.\w+)\b(?!\s*\()", text)) - {f"mart.{place.name}"}
    return frozenset(found | ({"core.submission_key"} if re.search(r"\bsubmission_key\b", text) else set()))


def read_checks(text: str) -> dict[str, str]:
    """Name -> query of a `checks.sql`."""
    parts = re.split(r"^-- check: *(.+)$", text, flags=re.MULTILINE)
    return {name.strip(): query.strip().rstrip(";") for name, query in zip(parts[1::2], parts[2::2], strict=True)}


def definitions_hash(folder: Path | None = None) -> str:
    """A hash over every file that decides what the marts and core.person hold."""
    digest = hashlib.sha256()
    for root in (folder or shipped("sql") / "marts", shipped("sql") / "integrate"):
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def bind(query: str) -> str:
    """A query in psycopg's placeholders: `:as_of` becomes a bound date, a per cent sign itself."""
    return re.sub(r"(?<!:):as_of\b", "%(as_of)s::date", query.replace("%", "%%"))


def refresh(connection: Connection, mart: Mart, as_of: date, filler: Filler | None) -> int:
    """Make one mart anew and check it; returns its rows.

    Raises SystemFault naming the check where one returns a row; the caller's transaction must then be rolled back.
    """
    _make(connection, mart, as_of, filler)
    return _show(connection, mart, as_of, filler)


def refresh_all(
    connection: Connection,
    as_of: date,
    fillers: Mapping[str, Filler],
    folder: Path | None = None,
    changed: Collection[str] | None = None,
) -> dict[str, int]:
    """Bring every mart up to date; mart -> rows, of those that were made anew.

    changed: the core tables that changed since the marts were made for the same day by the same definitions, and
    `submission_key` where sources only name another; None where everything is to be made. All are worked out before the
    first is shown, so that a mart whose columns changed, which must be locked, is locked for a moment only.
    """
    marts = load(folder)
    unknown = set(fillers) - {mart.name for mart in marts}
    if unknown:
        raise SystemFault(f"no mart.yaml for: {', '.join(sorted(unknown))}")
    due = [mart for mart in marts if changed is None or _is_due(connection, mart, changed)]
    for mart in due:
        _make(connection, mart, as_of, fillers.get(mart.name))
    return {mart.name: _show(connection, mart, as_of, fillers.get(mart.name)) for mart in due}


def _is_due(connection: Connection, mart: Mart, changed: Collection[str]) -> bool:
    """Whether a table it reads changed. One that reads outside core, or whose SQL names nothing, always is."""
    if not mart.reads or any(not name.startswith("core.") for name in mart.reads):
        return True
    named = {name.removeprefix("core.") for name in mart.reads}
    if mart.definition.ranges:
        named.add("key_draw")
    if "spoken_of" in named:  # it reads every table, but says another thing only where a source delivered
        named = named - {"spoken_of"} | {"source"}
    below = connection.execute(
        """SELECT table_name::text FROM information_schema.view_table_usage
           WHERE table_schema = 'core' AND view_schema = 'core' AND view_name = ANY(%s)""",
        (list(named),),
    ).fetchall()
    return not named.union(*below).isdisjoint(changed)


def _make(connection: Connection, mart: Mart, as_of: date, filler: Filler | None) -> None:
    """What the model gives, in the temporary table made_<mart>; nothing for a mart that a function fills."""
    if (mart.model is None) == (filler is None):
        raise SystemFault(f"mart {mart.name} needs either a model.sql or a function that fills it")
    if mart.model is None:
        return
    made = sql.Identifier(f"made_{mart.name}")
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(made))
    types = {name: column.type for name, column in mart.definition.columns.items()}
    ends = {end for pair in mart.definition.ranges.values() for end in pair}
    cell = {"cell": "integer GENERATED ALWAYS AS IDENTITY"} if ends else {}
    connection.execute(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(made, shape.typed(types | cell)))
    names = sql.SQL(", ").join(sql.Identifier(name) for name in types if name not in ends).as_string(connection)
    model = bind(mart.model)
    stands = ranges.as_it_stands(model) if ends else model
    query = f"INSERT INTO {made.as_string(connection)} ({names}) SELECT {names} FROM (\n{stands}\n) AS made"  # noqa: S608
    connection.execute(query, {"as_of": as_of})  # type: ignore[call-overload]
    if mart.definition.ranges:
        of = mart.definition
        ranges.fill(connection, f"made_{mart.name}", model, of.counted_in, of.key, of.ranges, as_of)


def _show(connection: Connection, mart: Mart, as_of: date, filler: Filler | None) -> int:
    """Bring the table to what was made, with its history, and check it; returns its rows."""
    shape.ensure(connection, mart.name, mart.definition)
    past.ensure(connection, mart.name, mart.definition, mart.model)
    parts = {
        "t": sql.Identifier("mart", mart.name),
        "history": sql.Identifier("mart_history", mart.name),
        "names": sql.SQL(", ").join(map(sql.Identifier, mart.definition.columns)),
        "same": shape.same_row(mart.definition),
    }
    if filler is not None:
        filler(connection, as_of)
    else:
        shape.by_difference(connection, parts["t"], sql.Identifier(f"made_{mart.name}"), mart.definition)
    for statement in _HISTORY:
        connection.execute(sql.SQL(statement).format(**parts))
    for name, query in mart.checks.items():
        failed = connection.execute(f"SELECT count(*) FROM (\n{bind(query)}\n) AS failed", {"as_of": as_of})  # type: ignore[call-overload]  # noqa: S608
        count = failed.fetchone()[0]  # type: ignore[index]
        if count:
            raise SystemFault(f"mart {mart.name} does not hold: {name} ({count} rows); nothing was changed")
    counted = connection.execute(sql.SQL("SELECT count(*) FROM {t}").format(**parts)).fetchone()
    return int(counted[0]) if counted else 0


_HISTORY = (
    """UPDATE {history} AS t SET recorded_to = now()
       WHERE recorded_to = 'infinity' AND NOT EXISTS (SELECT 1 FROM {t} AS s WHERE {same})""",
    """INSERT INTO {history} ({names}, recorded_from, recorded_to) SELECT {names}, now(), 'infinity' FROM {t} AS s
       WHERE NOT EXISTS (SELECT 1 FROM {history} AS t WHERE recorded_to = 'infinity' AND {same})""",
)
