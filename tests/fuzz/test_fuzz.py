"""A minute of mutated extracts; `make fuzz` goes on for longer."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 60


@pytest.mark.slow
def test_mutated_extracts_are_read_or_refused_and_never_quoted():
    pytest.importorskip("atheris", reason="atheris has wheels for Linux on x86-64 alone")
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", str(SECONDS), "--seed", "1"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4_000:]
    tried = re.search(r"number_of_executed_units: ([0-9]+)", done.stderr)
    assert tried and int(tried[1]) > 10 * SECONDS
