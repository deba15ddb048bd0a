"""What `joint-needs check` finds in published sample files, as the table of docs/samples.md."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines import checking, registry
from pipelines.settings import Settings

HEAD = """| file | is | rows | accepted | held | rejected | rules that find something, and in how many rows |
|---|---|--:|--:|--:|--:|---|
"""


def table(folder: Path) -> str:
    """Markdown: one row per file below a folder. Text files that are no data (README, schemas) are left out."""
    return HEAD + "".join(row for place in _places(folder) for row in _rows(folder, place))


def _places(folder: Path) -> list[Path]:
    return sorted({path.parent for path in folder.rglob("*") if path.suffix.lower() in (".csv", ".xlsx", ".xml")})


def _rows(root: Path, place: Path) -> Iterable[str]:
    found = checking.check([place], agency=None, settings=Settings(home=root))
    known: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for submission in found["submissions"]:
        for name, file in submission.get("files", {}).items():
            known.setdefault(file, []).append((submission, name))
    for path in sorted(path for path in place.iterdir() if path.suffix.lower() in (".csv", ".xlsx", ".xml")):
        for submission, name in known.get(str(path), [(None, "")]):
            yield _row(path.relative_to(root), submission, name)


def _row(path: Path, found: dict[str, Any] | None, name: str) -> str:
    contracts = registry.load().contracts
    if found is None:
        return f"| {path} | nothing that is taken here | | | | | |\n"
    counts = next((row for row in found["tables"] if row["table"] == name), None)
    if counts is None or not contracts[found["dataset"]].tables[name].is_taken:
        return f"| {path} | {found['dataset']}, {name} | | | | | known; nothing of it is needed, so nothing passes |\n"
    cells = " | ".join(f"{counts[part]:,}" for part in ("rows_in", "accepted", "quarantined", "rejected"))
    rules = [f"{row['rule']} {row['count']:,}" for row in found["rules"] if row["table"] == name]
    return f"| {path} | {found['dataset']}, {name} | {cells} | {', '.join(rules)} |\n"
