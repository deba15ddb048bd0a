"""What the linker keeps between nights, so that a night costs what is new: profiles, frequencies, scores.

All of it follows from linkage files and the pinned model, and is made again where it is missing or of something else:
nothing here decides a result. It holds tokens, or what tells of them, so it lies in the link store as linkage files do:
encrypted to the linker's public key, opened in memory.

    kept/<agency>__<dataset>.source.age  profiles of a source, from all that stands of it (tokens.describe)
    kept/frequencies.age                 frequencies of names and postcodes, pinned with the model (frequencies.py)
    kept/looks.age                       looks that the last run compared with all others (predict.py)
    kept/scores.age, grades.age          the pairs that came out likely, and how looks that met agree (pairs.py)
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyrage

from pipelines import durable
from pipelines.link import agreement, frequencies, matcher, pairs, predict
from pipelines.link.tokens import Source
from pipelines.seal.keys import HubKeys

# Raised where what is kept changes its shape or its meaning.
FORMAT = 3
_OF = b"of"
Model = dict[str, Any]
# What is kept of the last run, and the table it fills.
_BEFORE = {"looks": "look_before", "scores": "scored_before", "grades": "graded_before"}


def name_of(*parts: object) -> str:
    """A name for what something was made of: equal parts, equal name."""
    return hashlib.sha256(json.dumps([FORMAT, *parts]).encode()).hexdigest()


class Kept:
    """The folder `kept` of the link store, under the linker's key. It goes whole where a submission or a child does."""

    def __init__(self, folder: Path, keys: HubKeys) -> None:
        self._folder, self._keys = folder, keys

    def source(self, source: Source, content: object, described: Callable[[], pa.Table]) -> pa.Table:
        """The profiles of a source; made by `described` and kept where they are not there, or are of something else.

        content: what its linkage files hold, and which of their rows do not speak; plain types.
        """
        name, of = f"{'__'.join(source)}.source", name_of(content, duckdb.__version__)
        found = self._read(name, of)
        if found is None:
            found = described()
            self._write(name, of, found)
        return found

    def drop_others(self, standing: Iterable[Source]) -> None:
        """Forget the sources of which nothing stands."""
        names = {f"{'__'.join(source)}.source.age" for source in standing}
        for path in self._folder.glob("*.source.age"):
            if path.name not in names:
                path.unlink()

    def recall(self, db: duckdb.DuckDBPyConnection, model: Model, epoch: str, rules: int) -> str:
        """Make `frequency` as pinned with the model, and fill the tables of the last run's scores (predict.tables).

        Under another model, other rules or other keys everything is scored anew. Returns the name that `remember` asks.
        """
        under = hmac.digest(self._keys.pass_key, b"joint-needs frequencies", "sha256").hex()
        pinned = name_of(matcher.version(model), epoch, under)
        counted = self._read("frequencies", pinned)
        if counted is None:
            frequencies.tables(db)
            counted = db.sql("FROM frequency ORDER BY field, value").to_arrow_table()
            self._write("frequencies", pinned, counted)
        else:
            _fill(db, "frequency", counted, "CREATE TABLE frequency AS")
        predict.tables(db)
        pairs.tables(db)
        scored = name_of(pinned, rules, hashlib.sha256(_bytes(counted, "")).hexdigest(), duckdb.__version__)
        found = {name: self._read(name, scored) for name in _BEFORE}
        for name, table in _BEFORE.items():
            if all(kept is not None for kept in found.values()):
                _fill(db, table, found[name])
        return scored

    def remember(self, db: duckdb.DuckDBPyConnection, scored: str) -> None:
        """Keep what this run compared and found, from `look`, `scored` and `graded`; scored: as `recall` gave it."""
        both = "l.content AS content_l, r.content AS content_r"
        grades = ", ".join(f"graded.{field.name}" for field in agreement.ALL)
        queries = {
            "grades": f"""SELECT {both}, {grades}
                FROM graded JOIN look l ON l.look_id = look_a JOIN look r ON r.look_id = look_b""",  # noqa: S608
            "scores": f"""SELECT {both}, weight, probability
                FROM scored JOIN look l ON l.look_id = look_l JOIN look r ON r.look_id = look_r
                WHERE look_l <> look_r""",  # noqa: S608
            "looks": "SELECT content FROM look WHERE is_named",
        }
        # Looks go first and come last: after a kill between them nothing is taken to be compared that was not.
        (self._folder / "looks.age").unlink(missing_ok=True)
        for name, query in queries.items():
            self._write(name, scored, db.sql(query).to_arrow_table())

    def _read(self, name: str, of: str) -> pa.Table | None:
        try:
            clear = pyrage.decrypt((self._folder / f"{name}.age").read_bytes(), [self._keys.linker])
            found = pq.read_table(pa.BufferReader(clear), use_threads=False)
        except (OSError, pyrage.DecryptError, pa.ArrowException):
            return None
        return found if (found.schema.metadata or {}).get(_OF) == of.encode() else None

    def _write(self, name: str, of: str, table: pa.Table) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sealed = pyrage.encrypt(_bytes(table, of), [self._keys.linker.to_public()])
        durable.write(self._folder / f"{name}.age", sealed)


def _bytes(table: pa.Table, of: str) -> bytes:
    """As Parquet, the form of linkage files too, so that whoever searches the hub for a record reads it."""
    sink = pa.BufferOutputStream()
    texts = [name for name in ("agency", "dataset", "sex") if name in table.column_names]
    marked = table.replace_schema_metadata({_OF: of.encode()})
    pq.write_table(marked, sink, compression="none", use_dictionary=texts, write_statistics=False)
    return sink.getvalue().to_pybytes()


def _fill(db: duckdb.DuckDBPyConnection, name: str, table: pa.Table, into: str = "") -> None:
    db.register("recalled", table)
    db.execute(f"{into or f'INSERT INTO {name}'} SELECT * FROM recalled")  # noqa: S608
    db.unregister("recalled")
