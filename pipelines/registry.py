"""Loads contracts, agencies, code lists and suites, cross-checks them, and fails once, loudly, with every problem.

Everything that is true of one dataset or one agency is data in those folders; the rest of the library asks here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import ValidationError

from pipelines.agencies import Agency
from pipelines.contracts import CodeList, Column, Contract, FieldMeaning, Table
from pipelines.contracts.suites import Suite
from pipelines.errors import SystemFault, UsageFault
from pipelines.settings import PACKAGE, shipped


@dataclass(frozen=True)
class ColumnView:
    """A column with its field's meaning merged in: what the rooms work with.

    token: the kind of token it becomes at the door, or None. Sex becomes a token and passes too.
    passes: `text` (its own value, checked and made uniform), `pseudonym` (a key column: keyed hash), or None.
    """

    name: str
    column: Column
    meaning: FieldMeaning | None
    token: str | None
    passes: str | None
    type: str | None
    codes: str | None
    shape: str | None

    @property
    def title(self) -> str:
        """What the column means, for the dictionary and for suppliers."""
        return self.column.title or (self.meaning.title if self.meaning else self.name)


@dataclass(frozen=True)
class Registry:
    """All that is declared: contracts and agencies by code, fields, code lists, suites by dataset."""

    contracts: Mapping[str, Contract]
    agencies: Mapping[str, Agency]
    fields: Mapping[str, FieldMeaning]
    code_lists: Mapping[str, CodeList]
    suites: Mapping[str, dict[str, Any]]

    def contract(self, dataset: str) -> Contract:
        """The contract of a dataset, or a UsageFault that lists those there are."""
        if dataset not in self.contracts:
            raise UsageFault(f"no contract for dataset {dataset!r}; there are: {', '.join(sorted(self.contracts))}")
        return self.contracts[dataset]

    def agency(self, code: str) -> Agency:
        """The agency with this code, or a UsageFault that lists those there are.

        What was asked for is not repeated: in the place of the code a person may have put a record.
        """
        if code not in self.agencies:
            raise UsageFault(f"no agency of that code; there are: {', '.join(sorted(self.agencies))}")
        return self.agencies[code]

    def columns(self, dataset: str, table: str) -> list[ColumnView]:
        """The columns of a table in contract order, each with its meaning merged in."""
        found = self.contract(dataset).tables[table]
        return [self._view(name, column, found) for name, column in found.columns.items()]

    def _view(self, name: str, column: Column, table: Table) -> ColumnView:
        meaning = self.fields[column.field] if column.field else None
        type_ = column.type or (meaning.type if meaning else None)
        token = meaning.token if meaning else None
        if type_ in ("key", "parent_key") or (token and name in table.key):
            passes = "pseudonym"
        elif column.drop is not None or column.field_by is not None or (token and token != "sex"):
            passes = None
        else:
            passes = "text"
        return ColumnView(
            name=name,
            column=column,
            meaning=meaning,
            token=token,
            passes=passes,
            type=type_,
            codes=column.codes or (meaning.codes if meaning else None),
            shape=column.shape or (meaning.shape if meaning else None),
        )

    def contract_hash(self, dataset: str) -> str:
        """A short hash of the contract as loaded; the manifest and the ledger carry it."""
        text = self.contract(dataset).model_dump_json()
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def every_period(self) -> list[str]:
        """The datasets of which the submissions of all periods stand beside each other."""
        return [name for name, contract in self.contracts.items() if contract.stands == "every_period"]

    @cached_property
    def groups(self) -> dict[str, list[Agency]]:
        """Agencies by group, in code order."""
        found: dict[str, list[Agency]] = {}
        for code in sorted(self.agencies):
            found.setdefault(self.agencies[code].group, []).append(self.agencies[code])
        return found


def load(agencies: Path | None = None, *, suites: Path | None = None) -> Registry:
    """Read and cross-check everything that is declared; the same object again while no file of it changes.

    Raises SystemFault with one line per problem, over all files, so that a mistake is mended in one go.
    """
    folders = (PACKAGE / "contracts", agencies or PACKAGE / "agencies", suites or shipped("expectations"))
    files = [path for folder in folders for path in sorted(folder.rglob("*.[jy][sa]*"))]
    stamps = tuple((str(path), (seen := path.stat()).st_mtime_ns, seen.st_size) for path in files)
    return _read(*folders, stamps)


@lru_cache(maxsize=4)
def _read(contracts_dir: Path, agencies: Path, suites: Path, _stamps: tuple[tuple[str, int, int], ...]) -> Registry:
    problems: list[str] = []
    fields = {
        name: _parse(FieldMeaning, body, f"_fields.yaml: {name}", problems)
        for name, body in read_yaml(contracts_dir / "_fields.yaml").items()
    }
    code_lists = {
        path.stem: _parse(CodeList, {"name": path.stem, **read_yaml(path)}, path.name, problems)
        for path in sorted((contracts_dir / "_codes").glob("*.yaml"))
    }
    contracts = {
        path.stem: _parse(Contract, read_yaml(path), path.name, problems)
        for path in sorted(contracts_dir.glob("[a-z]*.yaml"))
    }
    senders = {
        path.stem: _parse(Agency, read_yaml(path), path.name, problems) for path in sorted(agencies.glob("*.yaml"))
    }
    loaded = {path.stem: json.loads(path.read_text()) for path in sorted(suites.glob("*.json"))}
    for name, body in loaded.items():
        _parse(Suite, body, f"expectations/{name}.json", problems)
    if not problems:
        found = Registry(*map(MappingProxyType, (contracts, senders, fields, code_lists, loaded)))
        problems = _cross_check(found)
        if not problems:
            return found
    raise SystemFault("the declared data do not hold together:\n  " + "\n  ".join(problems))


# libyaml reads ten times as fast as Python does; where a build of PyYAML is without it, Python reads the same.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """A YAML file as plain values; an empty one as an empty mapping."""
    return yaml.load(path.read_text(), Loader=_LOADER) or {}  # noqa: S506 - one of the two safe loaders


def _parse(model: Any, body: Any, where: str, problems: list[str]) -> Any:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        for issue in error.errors():
            problems.append(f"{where}: {'.'.join(map(str, issue['loc']))}: {issue['msg']}")
        return None


def _cross_check(found: Registry) -> list[str]:
    problems: list[str] = []
    for dataset, contract in found.contracts.items():
        if contract.dataset != dataset:
            problems.append(f"{dataset}.yaml: dataset says {contract.dataset!r}")
        for name, table in contract.tables.items():
            problems += [f"{dataset}.{name}: {p}" for p in _check_table(found, contract, table)]
        for name in contract.record_tables:
            fields = {c.field for c in contract.tables[name].columns.values()}
            problems += [
                f"{dataset}: record_key field {key!r} is not in {name}"
                for part in contract.record_key
                for key in part.split("+")
                if key not in fields
            ]
        problems += _check_suite(found, dataset)
    for code, agency in found.agencies.items():
        if agency.code != code:
            problems.append(f"agencies/{code}.yaml: code says {agency.code!r}")
        agreed = {agreement.dataset for agreement in agency.agreements}
        for dataset in agency.datasets:
            if dataset not in found.contracts:
                problems.append(f"agencies/{code}.yaml: no contract for dataset {dataset!r}")
            if dataset not in agreed:
                problems.append(f"agencies/{code}.yaml: no agreement covers dataset {dataset!r}")
    return problems


def _check_table(found: Registry, contract: Contract, table: Table) -> list[str]:
    problems = []
    for name, column in table.columns.items():
        names = [column.field] if column.field else list(column.field_by.values.values()) if column.field_by else []
        problems += [f"{name}: field {field!r} is not in _fields.yaml" for field in names if field not in found.fields]
        if column.field and column.field not in found.fields:
            continue
        view = found._view(name, column, table)
        if view.codes and view.codes not in found.code_lists:
            problems.append(f"{name}: no code list {view.codes!r}")
        if view.token and not contract.people:
            problems.append(f"{name}: an aggregate dataset cannot carry an identifier")
        if column.field_by and column.field_by.column not in table.columns:
            problems.append(f"{name}: field_by names no column {column.field_by.column!r}")
        owner = contract.tables.get(column.key_of or "")
        home = table.columns.get(column.km_from or "")
        if column.km_from and not (column.drop and home and home.field):
            problems.append(
                f"{name}: km_from {column.km_from!r} must be a postcode of the table, and the column dropped"
            )
        if column.key_of and not (column.type == "key" and owner and owner.key):
            problems.append(f"{name}: key_of {column.key_of!r} must be a table with a key, and the column a key")
    if table.parent and not any(c.type == "parent_key" for c in table.columns.values()):
        problems.append("has a parent but no parent_key column")
    return problems


def _check_suite(found: Registry, dataset: str) -> list[str]:
    suite = found.suites.get(dataset)
    if suite is None:
        return [f"{dataset}: no suite expectations/{dataset}.json"]
    contract, problems, seen = found.contracts[dataset], [], set()
    for table, entries in suite["tables"].items():
        if table not in contract.tables:
            problems.append(f"expectations/{dataset}.json: no table {table!r} in the contract")
        for entry in entries:
            rule = entry["meta"]["rule"]
            if not rule.startswith(contract.rule_prefix + "-") or rule in seen:
                problems.append(f"expectations/{dataset}.json: rule {rule!r} is misnamed or used twice")
            seen.add(rule)
    return problems
