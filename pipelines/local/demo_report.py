"""What a demonstration ends with: one document for machines and one page for people."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from pipelines import registry as declared
from pipelines.ledger.database import connect, url
from pipelines.link import evaluate
from pipelines.settings import Settings

Rows = list[dict[str, Any]]


def collect(settings: Settings, runs: Rows, seconds: dict[str, float], total: float) -> dict[str, Any]:
    """The summary: DAG runs, feeds, linkage against the truth, marts, seconds, where things are.

    runs: as Airflow's API gives them. seconds: wall clock by part of the demonstration; the ledger's own seconds of
    each stage are added (sums over runs, some of which were side by side). `picture` has the first rows for people.
    """
    with connect(settings) as connection:
        truth = settings.home / "raw" / "truth"
        stages = _rows(
            connection,
            """SELECT stage, round(sum(extract(epoch FROM ended_at - started_at)), 1)::float AS seconds
               FROM ops.run WHERE ended_at IS NOT NULL GROUP BY stage ORDER BY min(run_key)""",
        )
        return {
            "dag_runs": [_dag_run(run) for run in runs],
            "feeds": _rows(connection, _FEEDS),
            "linkage": evaluate.against_truth(connection, declared.load(settings.agencies), settings, truth),
            "marts": _mart_rows(connection),
            "seconds": {"total": round(total, 1), **seconds, **{row["stage"]: row["seconds"] for row in stages}},
            "where": _where(settings),
            "picture": {"needs": _rows(connection, _NEEDS), "gap": _rows(connection, _GAP)},
            "alerts": _rows(connection, _ALERTS),
        }


_FEEDS = """SELECT agency_code AS agency, dataset_code AS dataset, sum(rows_in)::int AS rows_in,
    sum(accepted)::int AS accepted, sum(quarantined)::int AS quarantined, sum(rejected)::int AS rejected
    FROM ops.submission JOIN ops.outcome USING (submission_key) GROUP BY 1, 2 ORDER BY 1, 2"""
_NEEDS = """SELECT breakdown AS need, children_count AS plans, rate_pct::float AS rate_pct FROM mart.needs_prevalence
    WHERE geographic_level = 'area' AND measure = 'ehc_plan' AND base = 'residents_0_25'
      AND breakdown_topic = 'Need' ORDER BY children_count DESC LIMIT 5"""
_GAP = """SELECT now.need_code AS need, now.phase_code AS phase, now.health_place_code AS place,
    now.specialist_count::float AS needed, now.places_reliable::float AS places, now.gap::float AS gap,
    later.gap::float AS gap_later, later.gap_low::float AS gap_low, later.gap_high::float AS gap_high
    FROM mart.sufficiency_gap now JOIN mart.sufficiency_gap later USING (need_code, phase_code, health_place_code)
    WHERE now.horizon_years = 0 AND later.horizon_years = 5 AND now.need_code NOT IN ('ALL', 'unknown')
      AND now.phase_code NOT IN ('ALL', 'unknown') AND now.health_place_code NOT IN ('ALL', 'unknown')
    ORDER BY later.gap DESC LIMIT 5"""
_ALERTS = "SELECT kind, subject FROM ops.alert WHERE cleared_at IS NULL ORDER BY alert_key"


def _rows(connection: psycopg.Connection[Any], query: str) -> Rows:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()  # type: ignore[arg-type]


def _dag_run(run: dict[str, Any]) -> dict[str, Any]:
    return {"dag_id": run["dag_id"], "state": run["state"], "seconds": round(run["duration"] or 0, 1)}


def _mart_rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'mart' ORDER BY 1"
    names = [row["table_name"] for row in _rows(connection, query)]
    count = sql.SQL("SELECT count(*) FROM mart.{}")
    return {n: connection.execute(count.format(sql.Identifier(n))).fetchone()[0] for n in names}  # type: ignore[index]


def _where(settings: Settings) -> dict[str, str]:
    pages = sorted(settings.snapshots.glob("*/index.html"))
    return {
        "warehouse": re.sub(r"(://[^:/@]+):[^@]*@", r"\1@", url(settings, "commissioner")),
        "airflow": str(settings.home / "airflow"),
        "page": str(pages[-1]) if pages else "",
        "reports": str(settings.reports),
    }


# ---- the page --------------------------------------------------------------------------------------------------------
def show(summary: dict[str, Any], console: Console) -> None:
    """The page for people: what ran, what came in, how well it was matched, what it says, where to look."""
    console.print()
    console.rule("[bold]Joint Needs: one night of a synthetic area", align="left")
    for title, note, table in (
        ("What ran", "", _runs_table(summary["dag_runs"])),
        (
            "What came in",
            "rows; held back rows have a rule and a number, never a value",
            _feeds_table(summary["feeds"]),
        ),
        ("How well records were matched", _RECALL, _linkage_table(summary["linkage"])),
        ("Residents with an EHC plan, by primary need", "aged 0 to 25", _needs_table(summary["picture"]["needs"])),
        ("Where specialist places will be short", "children less places", _gap_table(summary["picture"]["gap"])),
    ):
        console.print(f"\n[bold]{title}[/]  [dim]{note}[/]")
        console.print(Padding(table, (0, 0, 0, 2)))
    _show_where(summary, console)


_RECALL = "against the truth; recall of the pairs that can be linked at all"


def _table(*columns: str, left: int = 1) -> Table:
    """A plain table: the first `left` columns are words, which wrap; the others are numbers, which never do."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place < left else "right", no_wrap=place >= left)
    return table


def _runs_table(runs: Rows) -> Table:
    """A line per DAG and state: the refresh runs once per pull, and leaves at once while another is at work."""
    table = _table("DAG", "state", "runs", "seconds", left=2)
    seconds: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        seconds.setdefault((run["dag_id"], run["state"]), []).append(run["seconds"])
    for (dag_id, state), found in seconds.items():
        colour = "green" if state == "success" else "bold red"
        table.add_row(dag_id, f"[{colour}]{state}[/]", str(len(found)), f"{sum(found):.1f}")
    return table


def _feeds_table(feeds: Rows) -> Table:
    table = _table("agency", "dataset", "in", "accepted", "held back", "rejected", left=2)
    names = ("rows_in", "accepted", "quarantined", "rejected")
    for feed in feeds:
        table.add_row(feed["agency"], feed["dataset"], *(f"{feed[name]:,}" for name in names))
    totals = (f"[bold]{sum(feed[name] for feed in feeds):,}[/]" for name in names)
    table.add_row("[bold]all[/]", "", *totals)
    return table


def _linkage_table(linkage: dict[str, Any]) -> Table:
    table = _table("between", "precision", "recall", "of all pairs", "match rate")
    for name, rates in [("all records", linkage), *linkage["by_pair"].items()]:
        numbers = [f"{rates[key]:.4f}" for key in ("precision", "recall", "recall_all")]
        rate = f"{rates['match_rate']:.1%}" if "match_rate" in rates else ""
        table.add_row(name.replace("-", " and ").replace("_", " "), *numbers, rate)
    for row in linkage.get("uneven", []):
        why = next(iter(row["reasons"]), "none")
        told = "nothing connects them" if why == "none" else f"most wait as {why.replace('_', ' ')}"
        table.add_row(f"{row['group']} ({row['topic']}): {told}", "", f"{row['recall']:.4f}", "", "")
    return table


def _needs_table(needs: Rows) -> Table:
    names = declared.load().code_lists["sen_type"].codes
    table = _table("primary need", "with a plan", "% of residents")
    for row in needs:
        rate = f"{row['rate_pct']:.2f}" if row["rate_pct"] is not None else ""
        words = names.get(row["need"])
        table.add_row(f"{words} ({row['need']})" if words else row["need"], f"{row['plans']:,}", rate)
    return table


def _gap_table(gap: Rows) -> Table:
    table = _table("need", "phase", "place", "needed", "places", "short", "in 5 years", "interval", left=3)
    for row in gap:
        table.add_row(
            row["need"],
            row["phase"].replace("_", " "),
            row["place"],
            *(f"{row[name]:,.0f}" for name in ("needed", "places", "gap", "gap_later")),
            f"{row['gap_low']:,.0f} to {row['gap_high']:,.0f}",
        )
    return table


def _show_where(summary: dict[str, Any], console: Console) -> None:
    where = summary["where"]
    console.print("\n[bold]Where to look next[/]")
    for what, place in (
        ("the page (draft)", _near(where["page"])),
        ("Airflow, with these runs", "make up"),
        ("the warehouse", ".venv/bin/joint-needs sql"),
        ("what waits for a person", ".venv/bin/joint-needs status"),
        ("reports for suppliers", _near(where["reports"])),
    ):
        console.print(f"  {what:<24} {place}", soft_wrap=True)
    seconds = summary["seconds"]
    parts = ", ".join(f"{name} {seconds[name]:.0f}" for name in ("synth", "seal", "start", "night", "publish"))
    console.print(
        f"\n[dim]{seconds['total']:.0f} s in all: {parts} (start is beside synth and seal)[/]", highlight=False
    )


def _near(place: str) -> str:
    """A path from here, where it lies below."""
    return str(Path(place).relative_to(Path.cwd())) if Path(place).is_relative_to(Path.cwd()) else place
