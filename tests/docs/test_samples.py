"""docs/samples.md says what published sample files are; what a rule finds in them may depend on the day."""

from pathlib import Path

from tests.docs import samples

PAGE = Path(__file__).resolve().parents[2] / "docs/samples.md"


def told(text: str) -> list[list[str]]:
    """File, what it is, and its rows, of each row of the table."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ") and not line.startswith("| file")]
    return [[cell.strip(" |") for cell in row[:3]] for row in rows]


def test_every_sample_is_known_and_the_page_says_what_it_is(shared):
    found = told(samples.table(shared / "samples"))
    assert len(found) > 100
    assert not [row for row in found if row[1].startswith("nothing")]
    assert found == told(PAGE.read_text())
