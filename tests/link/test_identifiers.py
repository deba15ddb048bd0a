"""Identifiers that few, most or nearly all records have, three in a thousand of them another child's or nobody's.

Of a synthetic area, through the door's code: no tie by an identifier is wrong, whatever the rule that made it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines import registry as declared
from pipelines import synth
from pipelines.extract import open_tables, recognise
from pipelines.ledger.periods import bounds
from pipelines.link import matcher, tokens
from pipelines.link.solve import solve
from pipelines.registry import Registry
from pipelines.seal.identity import Scope, identities
from pipelines.seal.keys import PartnerKeys
from pipelines.synth.laying import extracts

# So few that the model is not trained: its starting values find less than a trained one (ADR 47).
CHILDREN = 1_200
Delivery = dict[str, Any]


def linkage(raw: Path, registry: Registry) -> Iterator[tuple[Delivery, pa.Table]]:
    """The linkage tables of the deliveries that stand, a newer one of a source after the older."""
    keys = PartnerKeys.throwaway()
    standing: dict[tuple[str, ...], Delivery] = {}
    for delivery in json.loads((raw / "deliveries.json").read_text()):
        agency, dataset, period = delivery["agency"], delivery["dataset"], delivery["period"]
        if registry.contract(dataset).people:
            key = (agency, dataset, period) if dataset in registry.every_period else (agency, dataset)
            if key not in standing or _end(registry, standing[key]) < _end(registry, delivery):
                standing[key] = delivery
    for _, delivery in sorted(standing.items()):
        agency, dataset, period = delivery["agency"], delivery["dataset"], delivery["period"]
        found = recognise([raw / name for name in delivery["files"]], registry, dataset)
        tables = open_tables(found, registry, registry.agency(agency), scratch=raw)
        scope = Scope(registry, agency, dataset, period, _end(registry, delivery), keys)
        yield delivery, next(iter(identities(scope, tables).linkage.values()))


def _end(registry: Registry, delivery: Delivery) -> date:
    return bounds(delivery["period"], registry.contract(delivery["dataset"]).expected.year_ends)[1]


def matched(raw: Path) -> duckdb.DuckDBPyConnection:
    """What the matcher makes of an area, with `item(record_id, found, true, linkable)` for records of one child."""
    db, sent = tokens.memory(), list(linkage(raw, declared.load()))
    tokens.load(db, [tokens.Part((d["agency"], d["dataset"]), number, table) for number, (d, table) in enumerate(sent)])
    solve(db, matcher.made(db))
    db.execute("CREATE TABLE sent (agency TEXT, dataset TEXT, period TEXT, record_pseudonym TEXT, source_row INTEGER)")
    for delivery, table in sent:
        db.register("rows", table.select(["record_pseudonym", "source_row"]))
        names = [delivery["agency"], delivery["dataset"], delivery["period"]]
        db.execute("INSERT INTO sent SELECT ?, ?, ?, record_pseudonym, source_row FROM rows", names)
    db.execute(f"""
        CREATE TABLE item AS
        SELECT record_id, source_id, any_value(p.person_id) AS found, any_value(t.person_id) AS true,
               any_value(component_id) AS linkable
        FROM sent JOIN read_parquet('{raw / "truth" / "records.parquet"}') t USING (agency, dataset, period, source_row)
        JOIN source USING (agency, dataset) JOIN record r USING (source_id, record_pseudonym)
        JOIN person p USING (record_id)
        GROUP BY record_id, source_id HAVING count(DISTINCT t.person_id) = 1""")
    return db


@pytest.mark.parametrize(("seed", "coverage"), [(52, 0.8), (53, 0.95)])
def test_no_tie_by_an_identifier_is_wrong(seed: int, coverage: float, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    share = {dataset: coverage for dataset, about in extracts().items() if "nhs_coverage" in about}
    synth.generate(raw, children=CHILDREN, seed=seed, as_of=date(2026, 6, 1), nhs_coverage=share)
    with matched(raw) as db:
        ties = dict(db.execute("""
            SELECT reason, count_if(a.true <> b.true)
            FROM link JOIN item a ON a.record_id = record_l JOIN item b ON b.record_id = record_r
            GROUP BY reason""").fetchall())  # fmt: skip
        made, right = db.execute("""
            SELECT count(*), count_if(a.true = b.true)
            FROM item a JOIN item b ON a.found = b.found AND a.source_id < b.source_id""").fetchall()[0]
        there, found = db.execute("""
            SELECT count(*), count_if(a.found = b.found)
            FROM item a JOIN item b ON a.linkable = b.linkable AND a.source_id < b.source_id""").fetchall()[0]
    assert ties["identifier"] == 0, ties
    assert right / made >= 0.999, ties
    assert found / there >= 0.97, found / there
