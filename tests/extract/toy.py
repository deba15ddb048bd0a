"""A small dataset of two tables that may come in every form, and its extracts as the synthetic area writes them."""

from datetime import date

import duckdb
import yaml

from pipelines import registry as declared
from pipelines.contracts import Contract
from pipelines.registry import Registry
from pipelines.synth.laying import Delivery
from pipelines.synth.writing import write

CONTRACT = Contract.model_validate(
    yaml.safe_load("""
dataset: toy
title: Children and their plans
source: made up
group: education
forms: [csv, workbook, template, xml]
delivery: full
expected: {every: year, lag_days: 10}
record_table: child
record_key: [upn]
rule_prefix: TOY
retention_years: 1
tables:
  child:
    title: Children
    grain: one child
    files: [children]
    block: [Child Records, Children]
    element: Toy/Child
    key: [childid]
    columns:
      childid: {type: key, required: true, path: "@row"}
      upn: {field: upn, aliases: [uniquepupilnumber], path: Ids/UPN}
      surname: {field: surname, required: true, path: Surname, aliases: ["Family name (in full)"]}
      birth: {field: birth_date, required: true, path: Birth}
      note: {drop: free text, path: Note}
  plan:
    title: Plans
    grain: one plan
    files: [plans]
    block: [Plan Records]
    element: Toy/Child/Plans/Plan
    optional: true
    key: [planid]
    parent: child
    columns:
      planid: {type: key, required: true, path: "@row"}
      childid: {type: parent_key, required: true, path: "@parent"}
      started: {type: date, required: true, path: Started}
      hours: {type: decimal, path: Hours}
      code: {type: shaped, shape: "^[A-Z0-9]+$", path: Code}
""")
)
REGISTRY = Registry({"toy": CONTRACT}, {}, declared.load().fields, {}, {})
CHILDREN = [
    ("12", "H123456789012", "O'Neill, Zoë", "2012-05-06", None),
    ("13", None, "Smith", "2011-12-31", "seen twice"),
    ("14", "H123456789014", '"Quoted"', "2010-01-01", None),
]
PLANS = [
    ("1", "12", "2022-09-01", "2.5", "007"),
    ("2", "12", "2023-09-01", None, "A1"),
    ("3", "14", "2021-09-01", "10", "12"),
]


class Laid(Delivery):
    """A delivery whose tables are laid out here rather than by SQL files."""

    tables = list(CONTRACT.tables)


def extract(out, children=CHILDREN, **about):
    """Write the toy's two tables in a form and with habits; returns the paths."""
    with duckdb.connect() as db:
        db.execute("CREATE TABLE child (_row BIGINT, childid TEXT, upn TEXT, surname TEXT, birth TEXT, note TEXT)")
        db.execute("CREATE TABLE plan (_row BIGINT, planid TEXT, childid TEXT, started TEXT, hours TEXT, code TEXT)")
        for name, rows in (("child", children), ("plan", PLANS)):
            marks = ", ".join("?" * (len(rows[0]) + 1))
            db.executemany(f"INSERT INTO {name} VALUES ({marks})", [(n, *row) for n, row in enumerate(rows, start=1)])
        agency = declared.load().agency("education")
        delivery = Laid(0, agency, CONTRACT, "2026", date(2026, 3, 31), {"file": "{name}.csv"} | about)
        return [out / name for name in write(db, delivery, out)]
