"""The Makefile: every target it names has one recipe and one line of help."""

from __future__ import annotations

import re
import subprocess
from collections import Counter

import pytest

from tests.docs.identifier_scan import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"\S+", re.findall(r"^\.PHONY:(.*)$", MAKEFILE, re.MULTILINE)[0])


def test_every_target_has_one_line_of_help() -> None:
    helped = Counter(re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE))
    assert helped == Counter(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_can_be_made(target: str) -> None:
    ran = subprocess.run(["make", "-n", "-B", target], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not ran.stderr
    assert "Nothing to be done" not in ran.stdout
