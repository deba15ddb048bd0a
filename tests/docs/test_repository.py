"""What the repository itself must be: no identifiers, no addresses in locks, nothing of the machine it was made on."""

import re
import subprocess
from pathlib import Path

from tests.docs import identifier_scan

ROOT = Path(__file__).resolve().parents[2]


def test_no_identifier_or_key_is_tracked():
    assert identifier_scan.main() == 0


def test_the_scan_finds_what_it_looks_for(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("call 943 476 5919, or 9434765919; B801200005001; LS1 4JL\n")  # published examples, synthetic
    assert set(identifier_scan.findings(page)) == {"NHS number", "UPN", "postcode"}


def test_locks_hold_versions_and_hashes_and_no_address():
    for lock in sorted((ROOT / "locks").glob("*.txt")):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--(?:extra-)?index|--find-links", text), lock.name


def test_no_file_is_large():
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, names):
        path = ROOT / name
        assert not path.exists() or path.stat().st_size < 1_000_000, name
