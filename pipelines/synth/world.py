"""The area as it truly is: all tables of one population, drawn once and put into DuckDB as schema `world`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.synth import care, health, looked_after, places, plans, pupils, results
from pipelines.synth.clock import Clock
from pipelines.synth.draw import Array, Columns, Draws, as_day
from pipelines.synth.names import Names
from pipelines.synth.people import age_on, people

World = dict[str, Columns]


def world(draws: Draws, area: Mapping[str, Any], names: Names, clock: Clock, children: int) -> World:
    """Tables by name; one draw stream per subject, so that they do not disturb each other."""
    scale = children / area["base_population"]
    found = people(draws, area, names, clock, children)
    person = found["person"]
    person["age"] = age_on(person["birth"], clock.age_day).astype(np.int32)
    found["school"] = places.schools(draws, area, found["small_area"], scale)
    found |= plans.plans(draws, area, clock, person, scale)
    case = found["plan_case"]
    holders = np.unique(case["person"][~np.isnat(case["started_on"])])
    of_plans = plans.needs(draws, area, holders, person["birth"][holders], "plan")
    found["placement"] = plans.placements(draws, area, clock, person, case, of_plans, found["school"])
    found["pupil"] = pupils.pupils(draws, area, clock, person, case, found["placement"], found["school"])
    supported = found["pupil"]["person"][found["pupil"]["status"] == "K"]
    of_support = plans.needs(draws, area, supported, person["birth"][supported], "support")
    need = {name: np.concatenate([of_plans[name], of_support[name]]) for name in of_plans}
    found["need"] = need
    found["session"] = pupils.attendance(draws, area, found["pupil"], person["decile"][found["pupil"]["person"]])
    found["suspension"] = pupils.suspensions(draws, area, clock, found["pupil"])
    found["result"] = results.results(draws, area, clock, person, found["pupil"], case, found["school"])
    found["activity"] = results.activities(draws, area, clock, person, case)
    found |= health.health(draws, area, clock, person, need)
    on_support = np.zeros(children, dtype=bool)
    on_support[supported] = True
    with_plan = _with_plan(case, clock, children)
    found |= care.care(draws, area, clock, person, with_plan, on_support & ~with_plan, need)
    found |= looked_after.looked_after(draws, area, clock, person, found["episode"], with_plan)
    in_need = np.union1d(found["episode"]["person"], found["care_period"]["person"])
    found |= looked_after.family_help(draws, area, clock, person, in_need, on_support)
    return found | _parameters(area)


def _with_plan(case: Columns, clock: Clock, children: int) -> Array:
    day = as_day(clock.case_year_end)
    active = (case["started_on"] <= day) & ~(case["ceased_on"] <= day)
    found = np.zeros(children, dtype=bool)
    found[case["person"][active]] = True
    return found


def _parameters(area: Mapping[str, Any]) -> World:
    """What SQL needs of area.yaml, as tables."""
    capacity, growth = area["capacity"], area["projection"]["growth_a_year"]
    bands = np.array([band.split("-") for band in growth], dtype=np.int32)
    planned = {name: np.array([row[name] for row in capacity["planned"]]) for name in capacity["planned"][0]}
    return {
        "health_place": _pairs(
            "place", "commissioner", {k: v["commissioner"] for k, v in area["health_places"].items()}
        ),
        "places_per_child": _pairs("place", "share", capacity["places_per_child"]),
        "places_of_need": _pairs("need", "share", capacity["by_need"]),
        "planned_places": planned,
        "growth": {"low": bands[:, 0], "high": bands[:, 1], "rate": np.array(list(growth.values()), dtype=float)},
    }


def _pairs(key: str, value: str, pairs: Mapping[str, Any]) -> Columns:
    return {key: np.array(list(pairs), dtype=object), value: np.array(list(pairs.values()))}


def put(db: duckdb.DuckDBPyConnection, schema: str, name: str, columns: Columns) -> None:
    """Make a DuckDB table of arrays, in their order; missing days and None become NULL."""
    arrays = {key: pa.array(values, from_pandas=True) for key, values in columns.items()}
    db.register("arriving", pa.table(arrays))
    db.execute(f"CREATE OR REPLACE TABLE {schema}.{name} AS SELECT * FROM arriving")  # noqa: S608
    db.unregister("arriving")


def fetched(db: duckdb.DuckDBPyConnection, query: str) -> Columns:
    """A query's result as arrays; NULL text is None."""
    found = db.sql(query).to_arrow_table()
    columns: Columns = {}
    for name in found.column_names:
        column = found.column(name)
        if pa.types.is_date(column.type):
            columns[name] = column.cast(pa.date32()).to_numpy().astype("datetime64[D]")
        else:
            columns[name] = column.to_numpy()
    return columns
