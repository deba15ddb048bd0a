"""Who asked what: the server's audit log (pgaudit, jsonlog) counted by person, month and table. No value is in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipelines.errors import UsageFault

# AUDIT: SESSION,<statement>,<sub-statement>,<class>,<command>,<kind of object>,<object>,<statement>,<parameters>
_AUDIT = re.compile(r"AUDIT: (?:SESSION|OBJECT),\d+,\d+,(\w+),([\w ]+),([\w ]*),([^,]*),")


def report(files: Iterable[Path], month: str | None = None) -> list[dict[str, Any]]:
    """Lines of a report: who, month, what (read, write, role or ddl), object, how often.

    month: only this one, as 2026-03. Raises UsageFault where a file is no log in JSON.
    """
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for file in files:
        for who, when, what, name in _lines(file):
            if month is None or when == month:
                counts[who, when, what, name] += 1
    head = ("login", "month", "what", "object")
    return [{**dict(zip(head, key, strict=True)), "times": times} for key, times in sorted(counts.items())]


def _lines(file: Path) -> Iterator[tuple[str, str, str, str]]:
    try:
        with file.open() as stream:
            for text in stream:
                line = json.loads(text)
                message, who, when = line.get("message", ""), line.get("user", ""), line.get("timestamp", "")[:7]
                if found := _AUDIT.match(message):
                    yield who, when, found[1].lower(), found[4] or found[2].lower()
    except (OSError, ValueError):
        raise UsageFault(
            f"{file.name} is not readable as the server's log in JSON (log_destination = jsonlog)"
        ) from None
