"""Commands of those who read: ask the warehouse, connect to it, look up what a column means."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipelines.cli.frame import AsJson, guarded, out, show
from pipelines.errors import UsageFault
from pipelines.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Put these commands under the main one."""
    for command in (sql, where, docs, dictionary):
        app.command()(command)


@guarded
def sql(
    statement: Annotated[
        str | None, typer.Option("-c", help="One statement; without it, an interactive session.")
    ] = None,
    worked: Annotated[str | None, typer.Option("--query", help="A worked query, by number or name: 07.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="The worked queries and the questions they answer.")] = False,
    role: Annotated[
        str | None, typer.Option(help="commissioner unless given; analyst, linker, publisher or owner.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """A session in the warehouse, one statement, or one of the worked queries."""
    from pipelines import queries, reporting

    if sum((statement is not None, worked is not None, listed)) > 1:
        raise UsageFault("give one of -c, --query and --list")
    if listed:
        _list(as_json)
        return 0
    settings = Settings.from_environment()
    if worked is not None:
        query = queries.find(worked)
        statement, role = query.statement, role or query.head.role
        if not as_json:
            out.print(query.head.question, style="bold", highlight=False)
    if statement is None:
        return reporting.session(settings, role or "commissioner")
    columns, rows = reporting.query(settings, role or "commissioner", statement)
    if as_json:
        show([dict(zip(columns, row, strict=True)) for row in rows], True)
        return 0
    is_long = out.is_terminal and len(rows) > out.height
    with out.pager(styles=True) if is_long else nullcontext():
        reporting.print_rows(columns, rows, out)
        if worked is not None:
            for caveat in query.head.caveats:
                out.print(f"Caveat: {caveat}", highlight=False)
    return 0


def _list(as_json: bool) -> None:
    from pipelines import queries

    found = queries.load()
    if as_json:
        show([{"query": one.number, "name": one.slug, **one.head.model_dump()} for one in found], True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("query", "question", "run by"):
        table.add_column(name, no_wrap=name != "question")
    for one in found:
        table.add_row(one.number, one.head.question, one.head.role)
    out.print(table)


@guarded
def where(
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Folder for connection files: Power BI, Excel, psql.")
    ] = None,
    role: Annotated[str, typer.Option(help="Whose login the files name.")] = "commissioner",
    as_json: AsJson = False,
) -> None:
    """Where things are: the warehouse's address, folders, the page. Passwords stay in their file."""
    from pipelines import connecting, reporting

    settings = Settings.from_environment()
    document = reporting.where(settings, role)
    if out_dir is not None:
        document |= {"files": [str(path) for path in connecting.write(settings, role, out_dir)]}
    if as_json:
        show(document, True)
        return
    for name, value in document.items():
        for line in value if isinstance(value, list) else [value]:
            out.print(f"{name:<12} {line}", highlight=False, soft_wrap=True)


@guarded
def docs(
    check_only: Annotated[bool, typer.Option("--check", help="Only say whether the pages are up to date.")] = False,
) -> int:
    """Write docs/dictionary/ and docs/ig/ anew from the contracts, agencies, suites, marts, queries and migrations."""
    from pipelines import dictionary as room
    from pipelines import governance

    stale = room.write(Path("docs/dictionary"), check_only=check_only)
    stale |= {f"ig/{name}" for name in governance.write(Path("docs/ig"), check_only=check_only)}
    out.print("up to date" if not stale else f"{'stale' if check_only else 'written'}: {', '.join(sorted(stale))}")
    return 1 if stale and check_only else 0


@guarded
def dictionary(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder of the pages; index.html is where to begin.")],
) -> None:
    """Write the data dictionary as web pages that need no network: what each column means and where it comes from."""
    from pipelines import browse

    pages = browse.write(out_dir)
    out.print(f"{pages} pages; open {out_dir / 'index.html'}", highlight=False, soft_wrap=True)
