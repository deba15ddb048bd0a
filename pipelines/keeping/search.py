"""Where a record is found: every table of the warehouse as text, every file of the hub decoded.

Broader than what an erasure deletes, so that it can tell whether the erasure found everything. The server's own files
(free space of a page, write-ahead log) are not looked into, nor are keys.
"""

from __future__ import annotations

import mmap
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyrage
from psycopg import sql

from pipelines.keeping.catalogue import Connection, Place, Records, places
from pipelines.receive.files import REFUSED, TAKEN
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings

# How a file encrypted by age begins.
_AGE = b"age-encryption.org"
# A delivery that is not yet taken in; it will be without the records on the list.
WAITING = "deliveries that wait"
# Folders of the hub that are no store of records.
_NOT_SEARCHED = ("postgres", "keys")


@dataclass
class Found:
    """Where records were found (place -> rows or files), and how much was looked through."""

    places: Counter[str] = field(default_factory=Counter)
    tables: int = 0
    files: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "tables_searched": self.tables,
            "files_searched": self.files,
            "found": dict(sorted(self.places.items())),
        }


def find(settings: Settings, connection: Connection, records: Records, persons: set[UUID] | None = None) -> Found:
    """Look for records, and for persons by their keys, wherever the hub keeps anything."""
    found, words = Found(), frozenset().union(*records.values())
    for place in places(connection):
        found.tables += 1
        found.places[place.name] += _rows(connection, place, records, words, persons or set())
    connection.commit()
    for path in _files(settings):
        found.files += 1
        found.places[_kind(settings, path)] += _in_file(settings, path, words)
    found.places = +found.places
    return found


def _kind(settings: Settings, path: Path) -> str:
    """What a file is counted under: the hub's folder, or that it waits in the landing place."""
    if path.is_relative_to(settings.landing):
        parts = path.relative_to(settings.landing).parts
        is_aside = parts[0] == REFUSED or any(part.startswith(TAKEN) for part in parts)
        return "landing/" if is_aside or len(parts) < 3 else WAITING
    return f"{path.relative_to(settings.home).parts[0]}/"


def _rows(connection: Connection, place: Place, records: Records, words: frozenset[str], persons: set[UUID]) -> int:
    """Rows of a table in whose text one of the words or keys stands anywhere."""
    own = " AND agency_code = ANY(%(agencies)s)" if "agency_code" in place.columns else ""
    stands = "EXISTS (SELECT FROM unnest(%({})s::text[]) AS w WHERE position(w IN t::text) > 0)"
    where = f"{stands.format('persons')} OR ({stands.format('words')}{own})"
    query = sql.SQL("SELECT count(*) FROM {} AS t WHERE " + where).format(place.identifier)  # type: ignore[arg-type]  # noqa: S608
    given = {"persons": [str(one) for one in persons], "words": list(words), "agencies": list(records)}
    return int(connection.execute(query, given).fetchall()[0][0])


def _files(settings: Settings) -> Iterator[Path]:
    roots = {settings.home} if settings.landing.is_relative_to(settings.home) else {settings.home, settings.landing}
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink():
                inside = path.relative_to(root).parts
                if root != settings.home or inside[0] not in _NOT_SEARCHED:
                    yield path


def _in_file(settings: Settings, path: Path, words: frozenset[str]) -> int:
    """Rows of a table, or 1 for any other file, in which one of the words stands."""
    try:
        if content := _decrypted(settings, path):
            is_table = content.startswith(b"PAR1")
            return _in_parquet(pa.BufferReader(content), words) if is_table else int(_stands(content, words))
        if path.suffix in (".parquet", ".left"):
            return _in_parquet(path, words)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return int(any(_stands(archive.read(name), words) for name in archive.namelist()))
    except (pa.ArrowException, zipfile.BadZipFile, NotImplementedError):
        pass
    if not path.stat().st_size:
        return 0
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return int(any(mapped.find(word.encode()) >= 0 for word in words))


def _decrypted(settings: Settings, path: Path) -> bytes:
    """The content of a file that is encrypted to the linker; empty for any other."""
    with path.open("rb") as stream:
        is_encrypted = stream.read(len(_AGE)) == _AGE
    try:
        return pyrage.decrypt(path.read_bytes(), [HubKeys.load(settings.hub_keys).linker]) if is_encrypted else b""
    except pyrage.DecryptError:
        return b""  # to another key: nobody here can read it


def _stands(content: bytes, words: frozenset[str]) -> bool:
    return any(word.encode() in content for word in words)


def _in_parquet(source: Path | pa.BufferReader, words: frozenset[str]) -> int:
    return sum(_in_table(pa.Table.from_batches([batch]), words) for batch in pq.ParquetFile(source).iter_batches())


def _in_table(table: pa.Table, words: frozenset[str]) -> int:
    wanted = pa.array(sorted(words), pa.string())
    mask = pa.array([False] * table.num_rows, pa.bool_())
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            mask = pc.or_(mask, pc.is_in(column.cast(pa.string()), value_set=wanted).combine_chunks())
    return int(pc.sum(mask).as_py() or 0)


def vacuum(connection: psycopg.Connection[Any], tables: list[Place]) -> None:
    """Let the server give the space of deleted rows free; outside of any transaction."""
    connection.commit()
    connection.autocommit = True
    try:
        for place in tables:
            connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(place.identifier))
    finally:
        connection.autocommit = False
