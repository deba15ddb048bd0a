"""The hub's files without some records: payload, lake, linkage files, conformed states, drafts, refused deliveries.

What has a name of its own content gets a new file beside the old; what has a fixed name gets one under a passing name.
The caller commits the ledger in between, then calls `settle`: until then every file the ledger names is there, and a
run that was broken off is made good by the next.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import durable
from pipelines.errors import UsageFault
from pipelines.ledger import Submission
from pipelines.publish.snapshot import STATUS
from pipelines.receive.files import REFUSED, TAKEN
from pipelines.receive.rekey import closed, opened
from pipelines.receive.suppression import PSEUDONYM, left, pseudonyms_of, write_left
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings
from pipelines.validate.lake import folder_form, lake_folder, payload_of

Records = Mapping[str, frozenset[str]]
_LEFT = ".left"


@dataclass
class Changes:
    """What is to be done once the ledger has committed: files that go, that take the place of others, that go last."""

    gone: set[Path] = field(default_factory=set)
    instead: dict[Path, Path] = field(default_factory=dict)
    last: set[Path] = field(default_factory=set)

    def settle(self) -> None:
        """Delete what goes and put new files in their places.

        Payload, linkage files and lake, by which a later run sees whose erasure was broken off, come last.
        """
        for path in self.gone:
            _remove(path)
        for target, made in self.instead.items():
            made.rename(target)
        for path in self.last:
            _remove(path)
        for folder in {path.parent for path in (*self.gone, *self.instead, *self.last)}:
            if folder.is_dir():
                durable.sync(folder)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class LeftTable:
    """A payload table of a submission without the records: rows before and after, hash, numbers of the rows gone."""

    before: int
    rows: int
    sha256: str
    numbers: frozenset[int]


def payload(settings: Settings, of: Submission, gone: frozenset[str], changes: Changes) -> dict[str, LeftTable]:
    """The kept payload of a submission without some records, by table; only tables that had any."""
    found = {}
    for path in sorted(payload_of(settings, of.submission).glob("*.parquet")):
        if pseudonyms_of(path) & gone:
            table = pq.read_table(path, columns=[PSEUDONYM, "source_row"])
            numbers = _rows_of(table, gone)
            made = path.with_name(f".{path.name}{_LEFT}")
            rows, sha256 = write_left(path, made, partial(left, gone=gone))
            changes.instead[path] = made
            found[path.stem] = LeftTable(table.num_rows, rows, sha256, numbers)
    return found


def _rows_of(table: pa.Table, gone: frozenset[str]) -> frozenset[int]:
    mine = table.filter(pc.is_in(table.column(PSEUDONYM), value_set=pa.array(sorted(gone), pa.string())))
    return frozenset(int(number) for number in mine.column("source_row").to_pylist())


def lake(
    settings: Settings, of: Submission, paths: Iterable[str], gone: frozenset[str], changes: Changes
) -> dict[str, tuple[str, str, int]]:
    """New lake files of a submission: path before -> path, SHA-256 and rows after; only those that had a record.

    paths: of the files that the ledger names, relative to the lake. A file it does not name goes, where it has one.
    """
    folder, found = lake_folder(settings, of), {}
    named = {settings.lake / path for path in paths}
    for path in sorted({*named, *folder.glob("*.parquet")}):
        if not path.is_file() or not pseudonyms_of(path) & gone:
            continue
        changes.last.add(path)
        if path in named:
            passing = path.with_name(f".{path.name}{_LEFT}")
            rows, sha256 = write_left(path, passing, partial(left, gone=gone))
            made = path.with_name(f"{path.name.split('.')[0]}.{sha256[:12]}.parquet")
            passing.rename(made)
            durable.sync(folder)
            found[str(path.relative_to(settings.lake))] = (str(made.relative_to(settings.lake)), sha256, rows)
    return found


def linkage(settings: Settings, of: Submission, gone: frozenset[str], changes: Changes) -> int:
    """Linkage files of a submission without some records; how many rows go."""
    files, count = linkage_files(settings, of), 0
    for path in files:
        keys = _keys(settings)
        table = opened(path.read_bytes(), keys)
        kept = left(table, gone)
        if kept.num_rows < table.num_rows:
            made = path.with_name(f".{path.name}{_LEFT}")
            durable.write(made, closed(kept, keys))
            changes.instead[path] = made
            count += table.num_rows - kept.num_rows
    if count:
        changes.gone.add(settings.link_kept)
    return count


def linkage_files(settings: Settings, of: Submission) -> list[Path]:
    """The linkage files of a submission, of any epoch."""
    form = folder_form(of.submission)
    return sorted({*settings.link_store.glob(f"{form}.*.age"), *settings.link_store.glob(f"{form}.age")})


def linked(settings: Settings, path: Path) -> frozenset[str]:
    """The record pseudonyms in a linkage file."""
    return frozenset(opened(path.read_bytes(), _keys(settings)).column(PSEUDONYM).to_pylist())


def _keys(settings: Settings) -> HubKeys:
    return HubKeys.load(settings.hub_keys)


def conformed(
    settings: Settings, records: Records, standing: Mapping[str, str], changes: Changes
) -> tuple[dict[str, str], int]:
    """The conformed states without some records: table -> name of its state now, where it changed; and rows that go.

    standing: table -> name of the state that the warehouse shows. Other states, and changes between states, go where
    they have a record; conform makes them anew.
    """
    found, count = {}, 0
    for path in sorted(settings.conformed.rglob("*.parquet")):
        table = path.name.split(".")[0]
        mine = _of_agencies(path, records)
        if not mine:
            continue
        changes.gone |= {path, settings.conformed / "next.json"}
        if path.parent == settings.conformed and path.name == f"{table}.{standing.get(table)}.parquet":
            passing = path.with_name(f".{path.name}{_LEFT}")
            _, sha256 = write_left(path, passing, partial(left_of_agencies, records=records))
            passing.rename(path.with_name(f"{table}.{sha256[:16]}.parquet"))
            durable.sync(settings.conformed)
            found[table] = sha256[:16]
            count += mine
    return found, count


def left_of_agencies(table: pa.Table, records: Records) -> pa.Table:
    """The rows of a table of several agencies that are of none of these records."""
    return table.filter(pc.invert(_mask(table, records)))


def _mask(table: pa.Table, records: Records) -> pa.ChunkedArray:
    mask = pa.chunked_array([pa.array([False] * table.num_rows, pa.bool_())])
    for agency, gone in records.items():
        here = pc.is_in(table.column(PSEUDONYM), value_set=pa.array(sorted(gone), pa.string()))
        mask = pc.or_(mask, pc.and_(here, pc.fill_null(pc.equal(table.column("agency_code"), agency), False)))
    return mask


def _of_agencies(path: Path, records: Records) -> int:
    names = pq.read_schema(path).names
    if not {PSEUDONYM, "agency_code"} <= set(names):
        return 0
    return int(pc.sum(_mask(pq.read_table(path, columns=[PSEUDONYM, "agency_code"]), records)).as_py() or 0)


def leftovers(
    settings: Settings, records: Records, submissions: Iterable[Submission], changes: Changes
) -> Counter[str]:
    """Scratch and refused deliveries that hold a record: they go whole. Counts by kind."""
    every = frozenset[str]().union(*records.values())
    scratch = [settings.work / folder_form(of.submission) for of in submissions]
    scratch = [folder for folder in scratch if _holds(folder, every)]
    refused = [folder for folder in deliveries(settings, refused=True) if _holds(folder, every)]
    changes.gone |= {*scratch, *refused}
    return +Counter({"scratch folders": len(scratch), "refused deliveries": len(refused)})


def drafts(settings: Settings, changes: Changes) -> Counter[str]:
    """Draft snapshots: they counted the child, and are made again."""
    found = {path.parent for path in settings.snapshots.glob("*/manifest.json") if _is_draft(path)}
    changes.gone |= found
    return +Counter({"draft snapshots": len(found)})


def deliveries(settings: Settings, *, refused: bool) -> Iterator[Path]:
    """Delivered folders that are not taken in: refused ones and ones being cleared away, or those that wait."""
    for folder in sorted(settings.landing.glob("*/*")):
        if folder.is_dir() and (folder.parent.name == REFUSED or folder.name.startswith(TAKEN)) is refused:
            yield folder


def _holds(folder: Path, gone: frozenset[str]) -> bool:
    return any(safe_pseudonyms(path) & gone for path in folder.rglob("*.parquet"))


def safe_pseudonyms(path: Path) -> frozenset[str]:
    """As `pseudonyms_of`, of a file that may be anything."""
    try:
        return pseudonyms_of(path)
    except (pa.ArrowException, OSError):
        return frozenset()


def _is_draft(manifest: Path) -> bool:
    try:
        return bool(json.loads(manifest.read_text())["status"] == STATUS)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def every_pseudonym(settings: Settings, submissions: Iterable[Submission]) -> dict[str, set[str]]:
    """The record pseudonyms of every file that the hub keeps of some submissions, by agency."""
    found: dict[str, set[str]] = {}
    for of in submissions:
        mine = found.setdefault(of.agency_code, set())
        folders = (payload_of(settings, of.submission), lake_folder(settings, of))
        for path in (path for folder in folders for path in folder.glob("*.parquet")):
            mine |= pseudonyms_of(path)
        for path in linkage_files(settings, of):
            mine |= linked(settings, path)
    return found


def require_keys(settings: Settings) -> None:
    """UsageFault where there are linkage files and the hub's keys cannot open them."""
    if any(settings.link_store.glob("*.age")):
        try:
            _keys(settings)
        except UsageFault as fault:
            raise UsageFault(f"linkage files cannot be opened, so nothing was deleted: {fault}") from None
