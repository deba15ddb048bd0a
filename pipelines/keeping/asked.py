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
_BEGIN = b'{"timestamp":'  # of every line; within a text its quotation marks would be escaped
_AUDIT = re.compile(r"AUDIT: (?:SESSION|OBJECT),\d+,\d+,(\w+),([\w ]+),([\w ]*),([^,]*),")


def report(files: Iterable[Path], month: str | None = None) -> tuple[list[dict[str, Any]], int]:
    """Lines of a report (who, month, what: read, write, role or ddl, object, how often), and lines nobody can read.

    A server that was killed leaves a line torn, and goes on behind it. month: only this one, as 2026-03. Raises
    UsageFault where a file is no log in JSON at all.
    """
    unread = 0
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for file in files:
        for line in _lines(file):
            if line is None:
                unread += 1
                continue
            found, when = _AUDIT.match(line.get("message", "")), line["timestamp"][:7]
            if found and month in (None, when):
                counts[line.get("user", ""), when, found[1].lower(), found[4] or found[2].lower()] += 1
    head = ("login", "month", "what", "object")
    return [{**dict(zip(head, key, strict=True)), "times": times} for key, times in sorted(counts.items())], unread


def _lines(file: Path) -> Iterator[dict[str, Any] | None]:
    """The lines of a log, None for each that cannot be read; behind a torn one its whole neighbour."""
    is_log, some = False, False
    try:
        with file.open("rb") as stream:
            for text in stream:
                start, some = text.rfind(_BEGIN), True
                is_log |= start >= 0
                if start:
                    yield None
                if start >= 0:
                    yield _line(text[start:])
    except OSError:
        is_log, some = False, True
    if some and not is_log:
        raise UsageFault(f"{file.name} is not readable as the server's log in JSON (log_destination = jsonlog)")


def _line(text: bytes) -> dict[str, Any] | None:
    try:
        line: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return line
