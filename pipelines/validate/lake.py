"""Files of validate and accept: scratch in `work`, immutable snapshots in the lake.

Every file is written beside its place, flushed to disk and renamed, so that a name always means a whole file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

import duckdb

from pipelines import durable
from pipelines.ledger import Submission
from pipelines.settings import Settings
from pipelines.validate.typed import quoted


def folder_form(submission: str) -> str:
    """The name of a submission as a folder."""
    return submission.replace("/", "__")


def payload_of(settings: Settings, submission: str) -> Path:
    """Where `receive` put the payload of a submission."""
    received = settings.received / folder_form(submission)
    return received / "payload" if (received / "payload").is_dir() else received


def write_work(connection: duckdb.DuckDBPyConnection, tables: list[str], folder: Path) -> None:
    """Write `<table>__settled` of each table into a folder, in place of what was there."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True, mode=0o700)
    for table in tables:
        _copy(connection, f"FROM {quoted(table + '__settled')}", beside / f"{table}.parquet")
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    durable.sync(folder.parent)


def lake_folder(settings: Settings, submission: Submission) -> Path:
    """The folder of a submission in the lake."""
    place = settings.lake / submission.dataset_code / submission.agency_code / submission.period
    return place / folder_form(submission.submission)


def write_lake(
    settings: Settings, submission: Submission, known: Collection[str] = ()
) -> list[tuple[str, str, str, int]]:
    """Write the rows that nothing holds into the lake.

    known: paths, relative to the lake, of files that the ledger names already; they stay whatever is written now.

    Returns per table its name, its path relative to the lake, the SHA-256 of the file and its rows. The folder is this
    submission's own: whatever a broken run left there is removed.
    """
    work = settings.work / folder_form(submission.submission)
    folder = lake_folder(settings, submission)
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        written = [_snapshot(connection, file, folder) for file in sorted(work.glob("*.parquet"))]
    names = {path.name for _, path, _, _ in written} | {Path(path).name for path in known}
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()
    durable.sync(folder)
    return [(table, str(path.relative_to(settings.lake)), sha, rows) for table, path, sha, rows in written]


def _snapshot(connection: duckdb.DuckDBPyConnection, file: Path, folder: Path) -> tuple[str, Path, str, int]:
    beside = folder / f".{file.stem}.{os.getpid()}"
    source = f"SELECT * EXCLUDE _held FROM '{_literal(file)}' WHERE _held IS NULL ORDER BY source_row"  # noqa: S608
    rows = _copy(connection, source, beside)
    with beside.open("rb") as stream:
        sha = hashlib.file_digest(stream, "sha256").hexdigest()
    place = folder / f"{file.stem}.{sha[:12]}.parquet"
    beside.rename(place)
    return file.stem, place, sha, rows


def _copy(connection: duckdb.DuckDBPyConnection, source: str, path: Path) -> int:
    copy = f"COPY ({source}) TO '{_literal(path)}' (FORMAT parquet, COMPRESSION zstd)"
    rows = connection.execute(copy).fetchall()[0][0]
    path.chmod(0o600)
    durable.sync(path)
    return int(rows)


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")
