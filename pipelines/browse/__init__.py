"""The dictionary as web pages: what each column means, where it comes from, what is made of it, which rules guard it.

Plain files that need no network and no script; with one, they can be searched. The words are those of the Markdown
dictionary and of the database's comments.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from pipelines import dictionary, lineage, queries
from pipelines import registry as declared
from pipelines.conform import lake
from pipelines.integrate import marts
from pipelines.ledger import comments
from pipelines.lineage import Origin
from pipelines.registry import Registry
from pipelines.settings import PACKAGE

HERE = Path(__file__).parent
KINDS = ("Marts", "Worked queries", "Core tables", "Datasets", "Ledger and linkage")


@dataclass(frozen=True)
class Link:
    """A word and where it leads; nowhere where `to` is empty."""

    text: str
    to: str = ""


@dataclass
class Column:
    """One line of a page."""

    name: str
    type: str
    meaning: str
    made_of: list[Link] = field(default_factory=list)
    made_by: list[str] = field(default_factory=list)
    used_in: list[Link] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Section:
    """A table of columns under a heading; anchor: what its columns' anchors begin with."""

    title: str
    anchor: str
    words: str
    columns: list[Column]


@dataclass
class Page:
    """One page: a mart, a table of core or ops, a dataset."""

    file: str
    kind: str
    title: str
    words: str
    sections: list[Section]
    facts: list[tuple[str, list[Link]]] = field(default_factory=list)
    rules: list[tuple[str, str, str, str]] = field(default_factory=list)
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    caveats: tuple[str, ...] = ()


def href(table: str, column: str = "") -> str:
    """Where a table or one of its columns stands: `core.x`, `mart.x`, `ops.x`."""
    return f"{table.replace('.', '-')}.html" + (f"#{column}" if column else "")


def of_origin(origin: Origin) -> str:
    """Where a partner's field stands; the page of core that gathers it where every dataset has it."""
    if origin.dataset == "people":
        return href("core.person_record")
    return f"dataset-{origin.dataset}.html#{origin.table}.{origin.column}"


def write(folder: Path) -> int:
    """Write the pages into a folder; how many. What else lies there stays."""
    made = pages()
    folder.mkdir(parents=True, exist_ok=True)
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"breaks": _breaks, "first_sentence": _first_sentence}
    kinds = [(kind, [page for page in made if page.kind == kind]) for kind in KINDS]
    texts = {page.file: environment.get_template("page.html").render(page=page, kinds=kinds) for page in made}
    texts["index.html"] = environment.get_template("index.html").render(kinds=kinds, count=len(_entries(made)))
    texts["search.js"] = f"const ENTRIES = {json.dumps(_entries(made))};\n{(HERE / 'search.js').read_text()}"
    texts["style.css"] = (HERE / "style.css").read_text()
    for name, text in texts.items():
        (folder / name).write_text(text)
    return len(texts) - 2


def _breaks(name: str) -> Markup:
    """A name that may be broken where a word of it ends."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(name))))  # noqa: S704


def _first_sentence(words: str) -> str:
    said = re.split(r"[.:;]\s", words.removeprefix("Grain: "), maxsplit=1)[0].rstrip(".")
    return said[:1].upper() + said[1:]


def _entries(made: list[Page]) -> list[list[str]]:
    """What can be searched: name, where it is, what it means, where it leads."""
    found = []
    for page in made:
        found.append([page.title, page.kind, page.words, page.file])
        for section in page.sections:
            for column in section.columns:
                place = f"{page.file}#{section.anchor}{column.name}"
                found.append([column.name, f"{page.title} {section.title}".strip(), column.meaning, place])
        found += [[number, page.title, question, f"{page.file}#{number}"] for number, question, _, _ in page.asked]
        found += [[code, page.title, told, f"{page.file}#{code}"] for code, _, _, told in page.rules]
    return found


def pages() -> list[Page]:
    """Every page but the first one."""
    registry, words = declared.load(PACKAGE / "agencies"), comments.read()
    traced, modelled = lineage.conformed(registry), lineage.modelled()
    fields = _fields(registry)
    onward: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for name, own in modelled.items():
        for column, leaves in own.items():
            for leaf in leaves:
                onward[leaf].add((f"mart.{name}", column))
    feeds: dict[Origin, set[tuple[str, str]]] = defaultdict(set)
    for table, made in traced.items():
        for column, trace in made.items():
            for origin in trace.origins:
                feeds[origin].add((f"core.{table}", column))
    found = [_mart(mart, modelled[mart.name]) for mart in marts.load()]
    found.append(_queries())
    for table, columns in sorted(lineage.tables().items()):
        found.append(_table(table, columns, words, traced.get(table.partition(".")[2], {}), onward, fields))
    return found + [_dataset(registry, name, feeds) for name in sorted(registry.contracts)]


def _fields(registry: Registry) -> set[Origin]:
    """The fields that partners' files have; what accept adds, such as the agency's code, is none."""
    found = {
        Origin(dataset, table, view.name)
        for dataset, contract in registry.contracts.items()
        for table in contract.tables
        for view in registry.columns(dataset, table)
    }
    return found | {Origin("people", "", name) for name in lake.SAID}


def _links(places: Iterable[tuple[str, str]]) -> list[Link]:
    return [
        Link(f"{table}.{column}" if column else f"rows of {table}", href(table, column))
        for table, column in sorted(places)
    ]


def _mart(mart: marts.Mart, made: dict[str, tuple[tuple[str, str], ...]]) -> Page:
    name, said = f"mart.{mart.name}", mart.definition
    columns = [
        Column(column, body.type, body.comment, _links({leaf for leaf in made[column] if leaf[0] in lineage.tables()}))
        for column, body in said.columns.items()
    ]
    facts = [
        ("Grain", [Link(said.grain)]),
        ("Counts are of", [Link(said.base)]),
        ("Owner", [Link(said.owner)]),
        ("Made from", [Link(table, href(table)) for table in lineage.reads(mart.name)]),
        ("Made by", [Link(f"sql/marts/{mart.name}/")]),
    ]
    words = f"{said.title}. {said.comment.strip()}"
    return Page(href(name), "Marts", name, words, [Section("", "", "", columns)], facts, caveats=said.caveats)


def _queries() -> Page:
    asked = [(one.number, one.head.question, str(one.head.role), one.statement) for one in queries.load()]
    words = "Questions of commissioners with the SQL that answers each: `joint-needs sql --query 07`."
    return Page("queries.html", "Worked queries", "Worked queries", words, [], asked=asked)


def _table(
    name: str,
    columns: dict[str, str],
    words: comments.Words,
    traced: dict[str, lineage.Trace],
    onward: dict[tuple[str, str], set[tuple[str, str]]],
    fields: set[Origin],
) -> Page:
    lines = []
    for column, type_ in columns.items():
        trace = traced.get(column, lineage.Trace((), ()))
        origins = [origin for origin in trace.origins if origin in fields]
        line = Column(column, type_, words.column(name, column) or "")
        line.made_of = [Link(f"{one.dataset}.{one.table}.{one.column}", of_origin(one)) for one in origins]
        line.made_by = [f"sql/conform/{file}" for file in trace.files]
        line.used_in = _links(onward[name, column])
        lines.append(line)
    kind = "Core tables" if name.startswith("core.") else "Ledger and linkage"
    said = words.objects.get(f"TABLE {name}") or words.objects.get(f"VIEW {name}") or ""
    counted = [Link(mart, href(mart)) for mart in sorted({mart for mart, _ in onward[name, ""]})]
    facts = [("Rows counted in", counted)] if counted else []
    return Page(href(name), kind, name, said, [Section("", "", "", lines)], facts)


def _dataset(registry: Registry, name: str, feeds: dict[Origin, set[tuple[str, str]]]) -> Page:
    contract = registry.contract(name)
    rules, guards = [], defaultdict(list)
    for table, entries in registry.suites[name]["tables"].items():
        for entry in entries:
            meta = entry["meta"]
            rules.append((meta["rule"], table, meta["on_fail"], meta["tell_supplier"]))
            for column in _named(entry["kwargs"]):
                guards[table, column].append(meta["rule"])
    sections = []
    for table_name, table in contract.tables.items():
        lines = []
        for view in registry.columns(name, table_name):
            kind = f"code {view.codes}" if view.type == "code" else (view.type or "")
            line = Column(view.name, kind, view.title, notes=[f"At the door: {dictionary.passes(view)}"])
            line.used_in = _links(feeds[Origin(name, table_name, view.name)])
            if guards[table_name, view.name]:
                line.notes.append(f"Rules: {', '.join(guards[table_name, view.name])}")
            lines.append(line)
        sections.append(Section(f"{table_name}: {table.title}", f"{table_name}.", f"Grain: {table.grain}.", lines))
    words = f"{contract.title}. From {contract.source}."
    facts = [("Delivery", [Link(f"{contract.delivery}, every {contract.expected.every}")])]
    return Page(
        f"dataset-{name}.html", "Datasets", name, words, sections, facts, rules, caveats=tuple(contract.warnings)
    )


def _named(values: dict[str, Any]) -> set[str]:
    """Columns that a rule's arguments name."""
    found: set[str] = set()
    for key, value in values.items():
        if key.startswith("column"):
            found |= set(value) if isinstance(value, list) else {str(value)}
    return found
