"""Who asked what, from logs that a killed server left torn; the composed server's own log is read in tests/compose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.errors import UsageFault
from pipelines.keeping import asked


def line(who: str, table: str = "core.person") -> bytes:
    message = f"AUDIT: SESSION,1,1,READ,SELECT,TABLE,{table},<not logged>,<not logged>"
    told = {"timestamp": "2026-03-04 05:06:07.890 UTC", "user": who, "message": message}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def test_torn_lines_are_counted_and_what_follows_them_is_read(tmp_path: Path):
    whole, accented = line("j.smith"), line("j.sm\u00efth")
    cut = accented.index("\u00ef".encode()) + 1  # within a letter of two bytes
    for name, content, times, unread in (
        ("whole", whole * 2, 2, 0),
        ("last", whole + whole[:50], 1, 1),
        ("begun again behind it", whole + whole[:50] + whole * 2, 3, 1),
        ("within a letter", accented[:cut] + b"\n" + whole, 1, 1),
        ("blocks never written", whole + bytes(4096) + whole, 2, 1),
        ("only that", whole[:50], 0, 1),
        ("nothing", b"", 0, 0),
    ):
        log = tmp_path / "log.json"
        log.write_bytes(content)
        found, left = asked.report([log])
        assert (sum(one["times"] for one in found), left) == (times, unread), name
    quoting = line('a {"timestamp": b')
    log.write_bytes(quoting)
    assert asked.report([log])[0][0]["login"] == 'a {"timestamp": b', "escaped, it begins no line"


@pytest.mark.parametrize("content", [b"2026-03-04 05:06:07 UTC [1] LOG:  ready\n", b'[1, 2]\n{"a": 1}\n'])
def test_another_log_is_refused(tmp_path: Path, content: bytes):
    log = tmp_path / "log"
    log.write_bytes(content)
    for file in (log, tmp_path / "none"):
        with pytest.raises(UsageFault, match="jsonlog"):
            asked.report([file])
