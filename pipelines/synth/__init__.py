"""A synthetic local area: one population, written as the extracts that its agencies would send, with the truth beside.

numpy draws the population (`world.py` and the rooms it calls), DuckDB lays it out by `sql/synth/<dataset>/<table>.sql`
and writes it. What the area is like is in `area.yaml`, names in `names.yaml`, which extracts there are and what is
wrong with them in `datasets/`. The same seed, number of children and day give the same bytes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from pipelines import registry as declared
from pipelines.errors import UsageFault
from pipelines.registry import Registry, read_yaml
from pipelines.settings import PACKAGE, shipped
from pipelines.synth import faults as planting
from pipelines.synth import identifiers, sources, truth
from pipelines.synth.clock import Clock, clock
from pipelines.synth.draw import Array, Columns, Draws
from pipelines.synth.laying import Delivery, deliveries, extracts, lay_out, set_variables, sql
from pipelines.synth.names import Names
from pipelines.synth.people import kept_day
from pipelines.synth.world import fetched, put, world
from pipelines.synth.writing import write

# standard: all faults of datasets/. canary: and one child whose values nobody else has. clean: no fault at all.
SCENARIOS = ("standard", "canary", "clean")
CANARY = {"forename": "Quizelda", "surname": "Thrubblewaite"}


@dataclass
class Summary:
    """What was written: files, rows by table, faults by kind, seconds by step."""

    files: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    rule_faults: int = 0
    linkage_faults: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain types only."""
        return self.__dict__ | {"seconds": round(self.seconds, 2)}


def generate(
    out: Path,
    *,
    children: int,
    seed: int,
    as_of: date,
    scenario: str = "standard",
    nhs_coverage: Mapping[str, float] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Summary:
    """Write the extracts of a synthetic area into `out`, which must be empty or absent.

    children: residents aged 0 to 25 (at least 200). as_of: the day on which the extracts are made.
    nhs_coverage: share of records with an NHS number, by dataset, instead of those of datasets/.

    `out/<agency>/<dataset>/<period>/<files>`, `out/postcodes.csv`, `out/deliveries.json`, `out/truth/` (truth.py says
    what makes two records linkable). Raises UsageFault on a folder that is not empty and on an unknown scenario.
    """
    if scenario not in SCENARIOS:
        raise UsageFault(f"no scenario {scenario!r}; there are: {', '.join(SCENARIOS)}")
    known = [dataset for dataset, about in extracts().items() if "nhs_coverage" in about]
    if unknown := sorted(set(nhs_coverage or {}) - set(known)):
        raise UsageFault(f"no NHS number in {', '.join(unknown)}; it is in: {', '.join(known)}")
    if out.exists() and any(out.iterdir()):
        raise UsageFault(f"{out} is not empty")
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    tell = progress or (lambda _: None)
    with duckdb.connect() as db:
        maker = _Maker(db, Draws(seed), clock(as_of), children, scenario, dict(nhs_coverage or {}))
        summary = maker.make(out, tell)
    summary.seconds = time.monotonic() - started
    return summary


class _Maker:
    """The steps of `generate` over one DuckDB connection."""

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        draws: Draws,
        days: Clock,
        children: int,
        scenario: str,
        coverage: dict[str, float],
    ) -> None:
        self.db, self.draws, self.days, self.children, self.scenario = db, draws, days, children, scenario
        self.area, self.extracts = _yaml("area"), extracts()
        if scenario == "clean":
            self.extracts = {dataset: {"deliveries": about["deliveries"]} for dataset, about in self.extracts.items()}
        self.coverage = coverage
        self.registry: Registry = declared.load()
        self.deliveries = deliveries(self.registry, self.extracts, days)
        self.rule_faults: list[tuple[Delivery, str, str, int]] = []
        self.summary = Summary()

    def make(self, out: Path, tell: Callable[[str], None]) -> Summary:
        tell("drawing the population")
        self._world()
        self._records()
        listed = [self._extract(delivery, out, tell) for delivery in self.deliveries]
        (out / "deliveries.json").write_text(json.dumps(listed, indent=2) + "\n")
        self.db.execute("SET search_path = 'main'")
        postcodes = "SELECT postcode, lsoa AS lsoa21, easting, northing FROM world.postcode ORDER BY postcode"
        self.db.execute(f"COPY ({postcodes}) TO '{out / 'postcodes.csv'}' (FORMAT csv, HEADER)")
        tell("writing the truth")
        truth.make_components(self.db, self.registry, [d for d in self.deliveries if d.contract.people])
        truth.write_truth(self.db, self.deliveries, self.rule_faults, out / "truth")
        if self.scenario == "canary":
            self._write_canary(out / "truth" / "canary.json")
        self.summary.files = sum(len(entry["files"]) for entry in listed)
        self.summary.rule_faults = len(self.rule_faults)
        counts = self.db.execute("SELECT kind, count(*) FROM world.fault GROUP BY kind ORDER BY kind").fetchall()
        self.summary.linkage_faults = dict(counts)
        return self.summary

    def _world(self) -> None:
        """The population as tables of schema `world`, with the macros that the SQL files use."""
        self.db.execute("CREATE SCHEMA world")
        for name, columns in world(self.draws, self.area, Names(_yaml("names")), self.days, self.children).items():
            put(self.db, "world", name, columns)
        folder = shipped("sql") / "synth"
        for name in ("_macros", "_world"):
            self.db.execute((folder / f"{name}.sql").read_text())
        self.db.execute(f"SET VARIABLE scale = {self.children / self.area['base_population']}")
        if self.scenario == "canary":
            values = CANARY | identifiers.kept_numbers(self.area["la_code"])
            for name, value in values.items():
                self.db.execute(f"SET VARIABLE canary_{name} = '{value}'")
            self.db.execute(f"SET VARIABLE canary_person = {self.children}::INTEGER")
            self.db.execute(f"SET VARIABLE canary_birth = DATE '{kept_day(self.days)}'")
            set_variables(self.db, self.deliveries[0], self.days, self.area)
            self.db.execute((folder / "_canary.sql").read_text())

    def _records(self) -> None:
        """`world.record`: what each system holds of whom; `world.fault` and `world.marked`: where it is wrong."""
        person = fetched(self.db, "SELECT * FROM world.person ORDER BY person")
        person["moved_on"], person["renamed_on"] = (person[name].astype("M8[D]") for name in ("moved_on", "renamed_on"))
        parts: list[Columns] = []
        marks: list[tuple[str, Array]] = []
        size = 0
        seen: set[str] = set()
        for delivery in (d for d in reversed(self.deliveries) if d.contract.people):
            if delivery.source in seen:
                continue
            seen.add(delivery.source)
            columns, found = self._held(delivery, person)
            columns["record"] = np.arange(size + 1, size + 1 + len(columns["person"]), dtype=np.int64)
            columns["source"] = np.full(len(columns["person"]), delivery.source, dtype=object)
            parts.append(columns)
            marks += [(kind, columns["record"][at]) for kind, at in found]
            size += len(columns["person"])
        put(self.db, "world", "record", {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
        kinds = np.concatenate([np.full(len(records), kind, dtype=object) for kind, records in marks])
        put(self.db, "world", "fault", {"kind": kinds, "record": np.concatenate([records for _, records in marks])})
        usual = "'twin', 'moved_house', 'changed_surname', 'upn_former'"
        marked = f"SELECT DISTINCT record FROM world.fault WHERE kind NOT IN ({usual})"  # noqa: S608
        self.db.execute(f"CREATE TABLE world.marked AS {marked}")
        self.db.execute(
            "CREATE TABLE world.lost (record BIGINT, field VARCHAR); CREATE TABLE world.rejected (record BIGINT)"
        )

    def _held(self, delivery: Delivery, person: Columns) -> tuple[Columns, list[tuple[str, Array]]]:
        set_variables(self.db, delivery, self.days, self.area)
        query = f"SELECT * FROM ({sql(delivery, '_members').read_text()}) ORDER BY person, identity, copy"  # noqa: S608
        members = fetched(self.db, query)
        dataset = delivery.contract.dataset
        about = self.extracts[dataset]
        return sources.hold(
            self.draws,
            delivery.source,
            about.get("linkage", {}),
            person,
            members,
            delivery.snapshot,
            self.coverage.get(dataset, about.get("nhs_coverage", 1.0)),
        )

    def _extract(self, delivery: Delivery, out: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        """Lay out, spoil and write one extract; returns its entry for deliveries.json."""
        tell(f"writing {delivery.folder}")
        set_variables(self.db, delivery, self.days, self.area)
        lay_out(self.db, delivery)
        about = self.extracts[delivery.contract.dataset]
        rules = about.get("rules", {}) if delivery.about.get("plants_faults", True) else {}
        planted = planting.plant(self.db, self.draws, delivery, rules)
        of_linkage = [entry for entry in about.get("natural", []) if entry["table"] in delivery.tables]
        found = sorted({*planted, *planting.natural(self.db, of_linkage)})
        self.rule_faults += [(delivery, *fault) for fault in found]
        for table in delivery.tables:
            count = self.db.execute(f'SELECT count(*) FROM "{table}"').fetchall()[0][0]  # noqa: S608
            self.summary.rows[f"{delivery.folder}/{table}"] = count
        return {
            "agency": delivery.agency.code,
            "dataset": delivery.contract.dataset,
            "period": delivery.period,
            "files": write(self.db, delivery, out),
            "declaration": self._declaration(delivery),
        }

    def _declaration(self, delivery: Delivery) -> dict[str, Any]:
        """What a health partner declares under section 251; nothing for the others."""
        agreement = next(a for a in delivery.agency.agreements if a.dataset == delivery.contract.dataset)
        if not agreement.opt_out_applies:
            return {}
        left_out = self.db.execute(sql(delivery, "_opted_out").read_text()).fetchall()[0][0]
        return {
            "basis": agreement.confidentiality,
            "cag_ref": agreement.cag_ref,
            "cag_expires": str(agreement.cag_expires),
            "ndoo_applied": True,
            "ndoo_checked_at": self.days.as_of.isoformat(),
            "opted_out_count": left_out,
        }

    def _write_canary(self, file: Path) -> None:
        query = """SELECT person_id(person) AS person_id, forename, surname, upn, uln, nhs AS nhs_number,
            birth::VARCHAR AS birth_date, postcode FROM world.person WHERE is_canary"""
        found = self.db.execute(query)
        names = [column[0] for column in found.description]
        file.write_text(json.dumps(dict(zip(names, found.fetchall()[0], strict=True)), indent=2) + "\n")


def _yaml(name: str) -> Any:
    return read_yaml(PACKAGE / "synth" / f"{name}.yaml")
