"""Which dataset and which tables files are, judged by what stands in them.

A CSV is the contract table whose required columns are all in its header and of which it has the most columns; an XML
file is the dataset with its outermost element and its collection. Names of files serve only to explain what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.contracts import Contract
from pipelines.errors import DataFault
from pipelines.extract import xml_form
from pipelines.extract.faults import fault
from pipelines.extract.headers import Match, match, squash
from pipelines.extract.sniff import Sniffed, sniff
from pipelines.registry import Registry


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
    matches: dict[str, tuple[Sniffed, Match]] = field(default_factory=dict, repr=False)


def recognise(files: Sequence[Path], registry: Registry, dataset: str | None = None) -> Recognised:
    """Say what files are; with `dataset` given, which of its tables they are.

    Raises DataFault: `FILE-001` empty, `FILE-002` no form that is read, `FILE-004` a mandatory column is missing,
    `FILE-005` nothing known, `FILE-006` a mandatory table is missing, `FILE-012` two files for one table, `FILE-013`
    and `FILE-014` for XML that cannot even be looked at.
    """
    sniffed = [sniff(path) for path in files]
    contracts = [registry.contract(dataset)] if dataset else list(registry.contracts.values())
    best = max((_fit(contract, sniffed, named=dataset is not None) for contract in contracts), key=lambda fit: fit.rank)
    if not best.tables:
        raise _nothing_known(contracts, sniffed, dataset)
    _check_complete(registry.contract(best.dataset), best, sniffed)
    return best.recognised(registry.contract(best.dataset), sniffed)


def is_any_known(files: Iterable[Path], registry: Registry) -> bool:
    """Whether any of the files is a table of any dataset."""
    sniffed = [sniff(path) for path in files]
    return any(_fit(contract, sniffed, named=False).tables for contract in registry.contracts.values())


@dataclass
class _Fit:
    """How a set of files fits one dataset."""

    dataset: str
    form: str = "csv"
    tables: dict[str, tuple[Sniffed, Match]] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, int]:
        """More tables first, then more columns."""
        return len(self.tables), sum(len(found.positions) for _, found in self.tables.values())

    def recognised(self, contract: Contract, sniffed: Sequence[Sniffed]) -> Recognised:
        """The result, in contract order."""
        used = {file.path for file, _ in self.tables.values()}
        tables = {name: self.tables[name] for name in contract.tables if name in self.tables}
        return Recognised(
            dataset=self.dataset,
            tables={name: file.path for name, (file, _) in tables.items()},
            unknown_files=[file.path for file in sniffed if file.path not in used],
            missing_optional=[
                name for name, t in contract.tables.items() if t.optional and t.is_taken and name not in tables
            ],
            form=self.form,
            matches=tables,
        )


def _fit(contract: Contract, sniffed: Sequence[Sniffed], *, named: bool) -> _Fit:
    fit = _Fit(contract.dataset)
    for file in sniffed:
        if file.form == "xml" and "xml" in contract.forms and _is_this_xml(contract, file, named=named):
            if fit.tables:
                raise fault("FILE-012", table=contract.record_table)
            fit.form = "xml"
            fit.tables = {name: (file, Match({}, (), 0)) for name in contract.tables}
        elif file.form == "csv" and "csv" in contract.forms:
            found = [(name, match(file.header, table)) for name, table in contract.tables.items()]
            known = [(name, m) for name, m in found if m.is_the_table]
            if known:
                name, m = max(known, key=lambda pair: len(pair[1].positions))
                if name in fit.tables:
                    raise fault("FILE-012", table=name)
                fit.tables[name] = (file, m)
    return fit


def _is_this_xml(contract: Contract, file: Sniffed, *, named: bool) -> bool:
    """The outermost element must be the dataset's; so must its collection, unless the sender named the dataset."""
    start = xml_form.peek(file.path)
    elements = {name: table.element for name, table in contract.tables.items() if table.element}
    roots = {element.partition("/")[0].casefold() for element in elements.values()}
    if not start:
        raise fault("FILE-013", line=1)
    if next(iter(start)) not in roots:
        return False
    stated = {
        f"{elements[check.table]}/{contract.tables[check.table].columns[check.column].path}".casefold(): check.equals
        for check in contract.header_checks
        if check.equals
    }
    return named or all(start.get(path) == wanted for path, wanted in stated.items())


def _check_complete(contract: Contract, fit: _Fit, sniffed: Sequence[Sniffed]) -> None:
    """Every mandatory table must have come; where one has not, say what came closest."""
    used = {file.path for file, _ in fit.tables.values()}
    rest = [file for file in sniffed if file.path not in used]
    for name, table in contract.tables.items():
        if name in fit.tables:
            continue
        close = _explained(contract, name, rest, by_name_only=table.optional)
        if close:
            raise close
        if not table.optional:
            raise fault("FILE-006", dataset=contract.title, table=name)


def _nothing_known(contracts: Sequence[Contract], sniffed: Sequence[Sniffed], dataset: str | None) -> DataFault:
    """Why not one file was recognised."""
    for number, file in enumerate(sniffed, start=1):
        if file.form == "empty":
            return fault("FILE-001", number=number, count=len(sniffed))
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
    for number, file in enumerate(rest, start=1):
        is_named = squash(file.path.stem).endswith(tuple(map(squash, table.files))) if table.files else False
        if file.form == "empty" and is_named:
            return fault("FILE-001", number=number, count=len(rest))
        if file.form != "csv":
            continue
        found = match(file.header, table)
        is_close = 2 * len(found.positions) > found.named and 2 * (required - len(found.missing)) > required
        is_named = is_named and len(found.missing) < required
        if found.missing and (is_named or (is_close and not by_name_only)):
            return fault("FILE-004", table=name, columns=", ".join(found.missing))
    return None
