"""Commands of whoever looks after matching: how right is it, and what waits for a person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from pipelines.cli.frame import AsJson, guarded, out, show

link_app = typer.Typer(help="Which records are one person.", no_args_is_help=True)


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
