"""Which dataset and which tables files are, judged by what stands in them.

A CSV, or a sheet, is the contract table whose required columns are all in its header and of which it has the most
columns; an XML file is the dataset with its outermost element and its collection; a template is known by the titles of
its blocks. Names of files explain what is missing; names of sheets decide where two tables fit a header.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.contracts import Contract
from pipelines.errors import DataFault
from pipelines.extract.faults import fault
from pipelines.extract.headers import Match, fit, has_required, squash
from pipelines.extract.sheet_form import Place, Start
from pipelines.extract.sniff import Sniffed, sniff
from pipelines.registry import Registry


@dataclass(frozen=True)
class Found:
    """Where one table was found: its file, and its place there (an XML is read as a whole)."""

    file: Sniffed
    place: Place | None = None


@dataclass(frozen=True)
class Recognised:
    """What a set of files is.

    tables: contract table -> its file, in contract order (one XML file holds them all). unknown_files: those that are
    no table of this dataset. missing_optional: optional tables that did not come.
    """

    dataset: str
    tables: dict[str, Path]
    unknown_files: list[Path]
    missing_optional: list[str]
    form: str = "csv"
    places: dict[str, Found] = field(default_factory=dict, repr=False)


def recognise(files: Sequence[Path], registry: Registry, dataset: str | None = None) -> Recognised:
    """Say what files are; with `dataset` given, which of its tables they are.

    Raises DataFault: `FILE-001` empty, `FILE-002` no form that is read, `FILE-004` a mandatory column is missing,
    `FILE-005` nothing known, `FILE-006` a mandatory table is missing, `FILE-012` two files for one table; and what
    `sniff` found of a file that cannot be read.
    """
    sniffed = _sniffed(files, registry)
    contracts = [registry.contract(dataset)] if dataset else list(registry.contracts.values())
    best = max((_fit(contract, sniffed, named=dataset is not None) for contract in contracts), key=lambda one: one.rank)
    if not best.tables:
        raise _nothing_known(contracts, sniffed, dataset)
    _check_complete(registry.contract(best.dataset), best, sniffed)
    return best.recognised(registry.contract(best.dataset), sniffed)


def is_any_known(files: Iterable[Path], registry: Registry) -> bool:
    """Whether any of the files is a table of any dataset."""
    sniffed = _sniffed(files, registry)
    return any(_fit(contract, sniffed, named=False).tables for contract in registry.contracts.values())


def _sniffed(files: Iterable[Path], registry: Registry) -> list[Sniffed]:
    tables = (table for contract in registry.contracts.values() for table in contract.tables.values())
    titles = frozenset(squash(title) for table in tables for title in table.block)
    return [file for path in files for file in sniff(path, titles)]


@dataclass
class _Fit:
    """How a set of files fits one dataset."""

    dataset: str
    form: str = "csv"
    tables: dict[str, Found] = field(default_factory=dict)

    def add(self, name: str, found: Found) -> None:
        """A table was found. Raises `FILE-012` where it was found before."""
        if name in self.tables:
            raise fault("FILE-012", table=name)
        self.tables[name] = found

    @property
    def rank(self) -> tuple[int, int]:
        """More tables first, then more columns."""
        return len(self.tables), sum(len(found.place.match.positions) for found in self.tables.values() if found.place)

    def recognised(self, contract: Contract, sniffed: Sequence[Sniffed]) -> Recognised:
        """The result, in contract order."""
        used = {found.file.source for found in self.tables.values()}
        tables = {name: self.tables[name] for name in contract.tables if name in self.tables}
        return Recognised(
            dataset=self.dataset,
            tables={name: found.file.source.path for name, found in tables.items()},
            unknown_files=[file.source.place for file in sniffed if file.source not in used],
            missing_optional=[
                name for name, t in contract.tables.items() if t.optional and t.is_taken and name not in tables
            ],
            form=self.form,
            places=tables,
        )


def _fit(contract: Contract, sniffed: Sequence[Sniffed], *, named: bool) -> _Fit:
    whole = _Fit(contract.dataset)
    for file in sniffed:
        if file.form == "xml" and "xml" in contract.forms and _is_this_xml(contract, file, named=named):
            whole.form = "xml"
            for name in contract.tables:
                whole.add(name, Found(file))
            continue
        for name, place in _places(contract, file):
            whole.form = file.form
            whole.add(name, Found(file, place))
    return whole


def _places(contract: Contract, file: Sniffed) -> list[tuple[str, Place]]:
    """The tables of a dataset in a CSV or workbook."""
    if file.form == "csv" and "csv" in contract.forms:
        return _sheets(contract, file)
    if file.form == "workbook":
        blocks = _blocks(contract, file) if "template" in contract.forms else []
        return blocks or (_sheets(contract, file) if "workbook" in contract.forms else [])
    return []


def _table_of(contract: Contract, start: Start) -> tuple[str, Match] | None:
    """The table that a header fits best, if any: the one the sheet is named after, else the one with most columns."""
    close = ((name, table) for name, table in contract.tables.items() if has_required(start.names, table))
    found = [(name, fit(start.names, table)) for name, table in close]
    known = [(name, m) for name, m in found if m.is_the_table]

    def rank(pair: tuple[str, Match]) -> tuple[bool, int]:
        names = map(squash, contract.tables[pair[0]].files)
        return squash(start.sheet) in names, len(pair[1].positions)

    return max(known, key=rank) if known else None


def _sheets(contract: Contract, file: Sniffed) -> list[tuple[str, Place]]:
    """The table of each sheet (a CSV has one), from the first row on that is the header of one."""
    found: dict[str, tuple[str, Place]] = {}
    for start in file.starts:
        if start.sheet not in found and (known := _table_of(contract, start)):
            found[start.sheet] = (known[0], Place(start, known[1]))
    return list(found.values())


def _blocks(contract: Contract, file: Sniffed) -> list[tuple[str, Place]]:
    """The tables that stand under the titles of their blocks."""
    titles = {squash(title): name for name, table in contract.tables.items() for title in table.block}
    starts = [start for start in file.starts if start.title in titles]
    found: dict[tuple[str, int], tuple[str, Place]] = {}
    for start in starts:
        name = titles[start.title or ""]
        fits = fit(start.names, contract.tables[name], makes_keys=True)
        if fits.is_the_table and (start.sheet, start.title_row) not in found:
            ends = frozenset(other.title_row for other in starts if other.sheet == start.sheet)
            found[start.sheet, start.title_row] = (name, Place(start, fits, ends))
    return list(found.values())


def _is_this_xml(contract: Contract, file: Sniffed, *, named: bool) -> bool:
    """The outermost element must be the dataset's; so must its collection, unless the sender named the dataset."""
    elements = {name: table.element for name, table in contract.tables.items() if table.element}
    roots = {element.partition("/")[0].casefold() for element in elements.values()}
    if next(iter(file.elements)) not in roots:
        return False
    stated = {
        f"{elements[check.table]}/{contract.tables[check.table].columns[check.column].path}".casefold(): check.equals
        for check in contract.header_checks
        if check.equals
    }
    return named or all(file.elements.get(path) == wanted for path, wanted in stated.items())


def _check_complete(contract: Contract, whole: _Fit, sniffed: Sequence[Sniffed]) -> None:
    """Every mandatory table must have come; where one has not, say what came closest."""
    used = {found.file.source for found in whole.tables.values()}
    rest = [file for file in sniffed if file.source not in used]
    for name, table in contract.tables.items():
        if name in whole.tables:
            continue
        close = _explained(contract, name, rest, by_name_only=table.optional)
        if close:
            raise close
        if not table.optional:
            for file in rest:
                if file.refused:
                    raise file.refused
            raise fault("FILE-006", dataset=contract.title, table=name)


def _nothing_known(contracts: Sequence[Contract], sniffed: Sequence[Sniffed], dataset: str | None) -> DataFault:
    """Why not one file was recognised."""
    for number, file in enumerate(sniffed, start=1):
        if file.form == "empty":
            return fault("FILE-001", number=number, count=len(sniffed))
        if file.refused:
            return file.refused
        if file.form == "other":
            return fault("FILE-002", what=f"File {number} of {len(sniffed)}")
    for contract in contracts:
        for name in contract.tables:
            close = _explained(contract, name, sniffed, by_name_only=dataset is None)
            if close:
                return close
    return fault("FILE-005", count=len(sniffed), dataset=f" as {contracts[0].title}" if dataset else "")


def _explained(contract: Contract, name: str, rest: Sequence[Sniffed], *, by_name_only: bool) -> DataFault | None:
    """A fault for the file that was probably meant to be this table: by its name, or by most of its columns."""
    table = contract.tables[name]
    required = sum(column.required for column in table.columns.values())
    names, titles = tuple(map(squash, table.files)), set(map(squash, table.block))
    for number, file in enumerate(rest, start=1):
        is_named = bool(names) and squash(file.source.place.stem).endswith(names)
        if file.form == "empty" and is_named:
            return fault("FILE-001", number=number, count=len(rest))
        for start in file.starts:
            found = fit(start.names, table, makes_keys=start.title in titles)
            is_close = 2 * len(found.positions) > found.named and 2 * (required - len(found.missing)) > required
            is_meant = is_named or start.title in titles or squash(start.sheet) in names
            is_meant = is_meant and len(found.missing) < required
            if found.missing and (is_meant or (is_close and not by_name_only)):
                return fault("FILE-004", table=name, columns=", ".join(found.missing))
    return None
