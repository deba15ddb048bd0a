"""The report as Markdown: for a terminal, a mail or a ticket."""

from __future__ import annotations

from typing import Any

from pipelines.validate.report import words

_HEAD = ("table", "rows sent", "used", "held back", "of these below a held row", "not taken")


def as_markdown(document: dict[str, Any]) -> str:
    """The document for people, without any markup beyond headings, tables and emphasis."""
    sender = document["agency_name"] or document["agency"] or "sender not named"
    lines = [f"# {document['title'] or document['dataset'] or 'Files'}, {words.period(document['period'])}", "", sender]
    lines += ["", f"**{words.heading(document)}.** {words.meaning(document)}"]
    if document["reason"]:
        lines += ["", f"**{document['reason']['rule']}** {document['reason']['tell_supplier']}"]
    if document["tables"]:
        lines += ["", "## What arrived", "", _row(*_HEAD), "|---|--:|--:|--:|--:|--:|"]
    for table in document["tables"]:
        counts = (f"{table[name]:,}" for name in ("rows_in", "accepted", "quarantined", "parent_held", "rejected"))
        lines.append(_row(f"{table['title']} (`{table['table']}`)", *counts))
    lines += [_row(f"{title} (`{name}`)", "not sent", "", "", "", "") for name, title in _absent(document)]
    for on_fail, (heading, then) in words.THEN.items():
        found = [rule for rule in words.to_fix(document) if rule["on_fail"] == on_fail]
        if found:
            lines += ["", f"## {heading}", "", then, ""]
            lines += [_row("rule", "where", "rows", "first rows", "what to do"), "|---|---|--:|---|---|"]
            lines += [_rule(document, rule) for rule in found]
    lines += ["", "## How to read this", "", *(f"- {sentence}" for sentence in words.HOW_TO_READ)]
    return "\n".join(lines) + "\n"


def _absent(document: dict[str, Any]) -> list[tuple[str, str]]:
    return list(zip(document["absent_tables"], document["absent_titles"], strict=True))


def _rule(document: dict[str, Any], rule: dict[str, Any]) -> str:
    code = ", ".join([rule["rule"], *rule["published"]])
    rows = ", ".join(map(str, rule["first_rows"]))
    return _row(code, words.where(document, rule), f"{rule['count']:,}", rows, rule["tell_supplier"])


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
