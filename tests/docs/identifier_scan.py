"""Look for real-looking identifiers and private keys in tracked files; the pre-commit hook and a test run it.

Generated examples that tests need are marked on their line with `synthetic` or live in the synth room.
"""

import re
import subprocess
import sys
from pathlib import Path

from stdnum.gb import nhs, upn

ROOT = Path(__file__).resolve().parents[2]
POSTCODE = re.compile(r"\b(?!ZZ99|MK99)[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][ABD-HJLNP-UW-Z]{2}\b")
ALLOWED = ("pipelines/synth/", "sql/synth/", "tests/", "locks/")


def tracked() -> list[Path]:
    """Text files that git tracks."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in names if name and not name.startswith(ALLOWED)]


def findings(path: Path) -> list[str]:
    """What in a file looks like a private key, a valid NHS number, a UPN or a postcode."""
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return ["is not text"]
    found = ["private key"] if "PRIVATE KEY-----" in text or "AGE-SECRET-KEY-1" in text else []
    found += ["NHS number" for digits in re.findall(r"(?<!\d)\d{10}(?!\d)", text) if nhs.is_valid(digits)]
    found += ["UPN" for word in re.findall(r"\b[A-Z]\d{12}\b", text) if upn.is_valid(word)]
    found += ["postcode" for _ in POSTCODE.findall(text)]
    return found


def main() -> int:
    """Print each finding by file and kind; exit 1 where there is any."""
    bad = [(path, kind) for path in tracked() if path.exists() for kind in findings(path)]
    for path, kind in bad:
        sys.stderr.write(f"{path.relative_to(ROOT)}: {kind}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
