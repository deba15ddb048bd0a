"""The search for a planted child: every file, archive, database and page after the door, decoded and looked through.

A canary's values are unique in the area, so a single hit anywhere is a broken promise. Dates are looked for in every
usual style, identifiers with and without spaces, everything in any case, and as unkeyed hashes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq

DATE_STYLES = (
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%Y%m%d",
    "%d%m%Y",
    "%Y/%m/%d",
    "%d %b %Y",
    "%d %B %Y",
    "%Y-%b-%d",
    "%d-%b-%Y",
    "%d/%m/%y",
)


def spellings(values: dict[str, str]) -> list[str]:
    """Each value in the spellings in which it could leak, in lower case."""
    plain: set[str] = set()
    for name, value in values.items():
        if name == "birth_date":
            plain |= {date.fromisoformat(value).strftime(style) for style in DATE_STYLES}
        elif name == "nhs_number":
            digits = re.sub(r"\D", "", value)
            plain |= {digits, f"{digits[:3]} {digits[3:6]} {digits[6:]}", f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"}
        elif name == "postcode":
            packed = value.replace(" ", "")
            plain |= {packed, f"{packed[:-3]} {packed[-3:]}", f"{packed[:-3]}+{packed[-3:]}"}
        else:
            plain.add(value)
    return sorted({text.lower() for text in plain})


def hashes(plain: Iterable[str]) -> set[str]:
    """Unkeyed hashes of each spelling, in upper and lower case, as hexadecimal."""
    return {
        hashlib.new(kind, text.encode()).hexdigest()
        for word in plain
        for text in (word, word.upper(), word.title())
        for kind in ("md5", "sha1", "sha256")
    }


class Search:
    """What is looked for in a text: spellings anywhere, hashes among its hexadecimal words."""

    def __init__(self, values: dict[str, str]) -> None:
        self.plain = spellings(values)
        self.hashes = hashes(self.plain)

    def __call__(self, text: str) -> list[str]:
        lower = text.lower()
        found = [word for word in self.plain if word in lower]
        for run in set(re.findall("[0-9a-f]{32,}", lower)):
            found += [run] if run in self.hashes else []
            if len(run) not in (32, 40, 64):
                found += [h for h in self.hashes if h in run]
        return found


def texts_of(path: Path) -> Iterator[bytes]:
    """The content of a file in the ways a person could read it: raw, and decoded where it is packed."""
    raw = path.read_bytes()
    yield raw
    if path.suffix == ".parquet":
        yield repr(pq.read_table(io.BytesIO(raw)).to_pydict()).encode()
    elif raw[:2] == b"\x1f\x8b":
        yield gzip.decompress(raw)
    elif zipfile.is_zipfile(io.BytesIO(raw)):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def in_files(folders: Iterable[Path], values: dict[str, str], *, leave_out: Iterable[Path] = ()) -> list[str]:
    """`path: spelling` for each hit in any file below the folders; file names are searched too."""
    search = Search(values)
    out = [path.resolve() for path in leave_out]
    hits = []
    for path in (p for folder in folders for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink()):
        if any(path.resolve().is_relative_to(folder) for folder in out):
            continue
        for text in [str(path).encode(), *texts_of(path)]:
            hits += [f"{path}: {found}" for found in search(text.decode("latin-1"))]
    return hits


def in_database(connection: psycopg.Connection[Any], values: dict[str, str]) -> list[str]:
    """`schema.table: spelling` for each hit in whatever can hold data: any table, view or materialised view.

    A view that reads no relation and calls no function of ours can hold none: a calendar has every day, and so every
    day of birth.
    """
    search = Search(values)
    tables = connection.execute(
        """SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
             AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
             AND (c.relkind <> 'v' OR EXISTS (
                 SELECT FROM pg_rewrite AS r
                 JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                 WHERE r.ev_class = c.oid AND (d.refclassid = 'pg_proc'::regclass
                     OR (d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid))))"""
    ).fetchall()
    hits = []
    for schema, table in tables:
        with connection.cursor() as cursor, cursor.copy(f'COPY (SELECT * FROM "{schema}"."{table}") TO STDOUT') as copy:
            text = b"".join(bytes(block) for block in copy).decode(errors="replace")
        hits += [f"{schema}.{table}: {found}" for found in search(text)]
    return hits
