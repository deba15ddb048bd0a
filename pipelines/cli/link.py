"""Commands of whoever looks after matching: how right is it, and what waits for a person."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from pipelines.cli.frame import AsJson, guarded, out, show

link_app = typer.Typer(help="Which records are one person.", no_args_is_help=True)
review_app = typer.Typer(help="Pairs that wait for a person.", no_args_is_help=True)
link_app.add_typer(review_app, name="review")


def add_to(app: typer.Typer) -> None:
    """Put these commands under the main one."""
    app.add_typer(link_app, name="link")


@link_app.command("evaluate")
@guarded
def evaluate(
    records: Annotated[Path, typer.Option(help="Labelled records in the clear, CSV or Parquet.")],
    links: Annotated[Path | None, typer.Option(help="Write the accepted pairs here, as CSV.")] = None,
    review: Annotated[Path | None, typer.Option(help="Write the review queue here, as CSV.")] = None,
    model: Annotated[Path | None, typer.Option(help="A pinned model; trained on these records unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the production matcher on labelled records it has never seen, and score it against their truth."""
    from pipelines.link import labelled

    document = labelled.evaluate(records, links=links, review=review, model=model)
    if as_json:
        show(document, True)
    else:
        _print(document)


def _print(document: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "precision", "recall", "F1"):
        table.add_column(name, justify="right" if name else "left")
    groups = [(f"{kind} {g}", row) for kind, found in document["by_group"].items() for g, row in found.items()]
    rows = [("accepted", document["pairs"]), ("with review", document["with_review"]), *groups]
    for name, row in rows:
        table.add_row(name, *(f"{row[rate]:.4f}" for rate in ("precision", "recall", "f1")))
    out.print(table)
    queue, clusters = document["review"], document["clusters"]
    out.print(f"review: {queue['pairs']:,} pairs, {queue['share_of_records']:.1%} of records")
    out.print(f"persons: {clusters['over_merged']:,} merge two, {clusters['split']:,} are split")
    out.print(f"{document['seconds']:.0f} s, {document['peak_mb']:,} MB")


@link_app.command("report")
@guarded
def report_command(
    out_dir: Annotated[Path, typer.Option("--out", help="The folder to write it into.")],
    as_json: AsJson = False,
) -> None:
    """Write the linkage report of the last run: how sure the matching is, what waits, what moved. Counts only."""
    from pipelines import flow
    from pipelines.link import report

    with flow.hub() as (settings, _, connection):
        page = report.write(settings, connection, out_dir)
    if as_json:
        show({"report": str(page)}, True)
    else:
        out.print(f"{page}")


@link_app.command("retrain")
@guarded
def retrain() -> None:
    """Take the pinned model away: the next refresh trains a new one on all records and matches everything anew."""
    from pipelines.link import matcher
    from pipelines.settings import Settings

    was_there = matcher.forget(Settings.from_environment().link_store / matcher.NAME)
    out.print("the next refresh trains a model and matches everything anew" if was_there else "no model is pinned")


@review_app.command("list")
@guarded
def review_list(
    agency: Annotated[str | None, typer.Option(help="Only pairs of which this agency owns a record.")] = None,
    limit: Annotated[int, typer.Option(help="How many to show; `--json` gives all.")] = 20,
    as_json: AsJson = False,
) -> None:
    """What waits for a person, the likeliest first: reason, how far two records agree, how many share their home."""
    from pipelines import flow
    from pipelines.link import review

    with flow.hub() as (_, registry, connection):
        if agency:
            registry.agency(agency)
        found = review.queue(connection, agency)
    if as_json:
        show(found, True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("pair", "records of", "reason", "probability", "agreement"):
        table.add_column(name, no_wrap=name == "pair", overflow="fold")
    for row in found[:limit]:
        sources = f"{row['agency_l']}/{row['dataset_l']}\n{row['agency_r']}/{row['dataset_r']}"
        probability = "" if row["probability"] is None else f"{row['probability']:.3f}"
        grades = sorted(set(row["agreement"].values()))
        agrees = "; ".join(
            f"{grade}: {', '.join(sorted(field for field, word in row['agreement'].items() if word == grade))}"
            for grade in grades
        )
        table.add_row(row["pair"], sources, row["reason"], probability, agrees)
    out.print(table if found else "nothing waits")
    out.print(_how_many(found))


def _how_many(found: list[dict[str, Any]]) -> str:
    """How many pairs wait, and how many of the first hold most of what answers would gain."""
    from pipelines.link import questions

    first = questions.enough(row["probability"] or 0.0 for row in found)
    return f"{len(found):,} pairs wait; the first {first:,} hold nine tenths of what answers are likely to gain"


@review_app.command("decide")
@guarded
def review_decide(
    pair: Annotated[str, typer.Argument(help="The pair's name, as `link review list` shows it.")],
    verdict: Annotated[str, typer.Argument(help="together, apart, or open to take a decision back.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the decision.")],
    by: Annotated[str, typer.Option(help="Who decides; the name you are logged in by unless given.")] = "",
) -> None:
    """Decide about one pair; it holds in every run until another decision follows."""
    from pipelines import flow
    from pipelines.link import review

    with flow.hub() as (_, _, connection):
        review.decide(connection, pair, verdict, by or getpass.getuser(), reason)
        connection.commit()
    out.print(f"{pair}: {verdict}; the next refresh follows it")


@review_app.command("export")
@guarded
def review_export(
    agency: Annotated[str, typer.Option(help="The partner that is asked.")],
    out_file: Annotated[Path, typer.Option("--out", help="The file to write.")],
) -> None:
    """Write the questions to one partner, by its own record pseudonyms; nothing of the other record is in it."""
    from pipelines import flow
    from pipelines.link import review

    with flow.hub() as (_, registry, connection):
        registry.agency(agency)
        asked = review.export(connection, agency, out_file)
    out.print(f"{out_file}: {_how_many(asked)}")


@review_app.command("sample")
@guarded
def review_sample(
    agency: Annotated[str, typer.Option(help="The partner that is asked.")],
    out_file: Annotated[Path, typer.Option("--out", help="The file to write.")],
    pairs: Annotated[int, typer.Option(min=1, help="How many, the same number for each reason.")] = 60,
) -> None:
    """Write a random sample of accepted ties to one partner: are they right? The answers go in by `import`."""
    from pipelines import flow
    from pipelines.link import review

    with flow.hub() as (_, registry, connection):
        registry.agency(agency)
        count = review.sample(connection, agency, out_file, pairs)
        connection.commit()
    out.print(f"{count:,} questions in {out_file}")


@review_app.command("import")
@guarded
def review_import(
    answers: Annotated[Path, typer.Argument(help="An exported file with `decision` filled in.")],
    by: Annotated[str, typer.Option(help="Who answered.")],
) -> None:
    """Take a partner's answers, all or none."""
    from pipelines import flow
    from pipelines.link import review

    with flow.hub() as (_, _, connection):
        count = review.take(connection, answers, by)
        connection.commit()
    out.print(f"{count:,} decisions taken; the next refresh follows them")
