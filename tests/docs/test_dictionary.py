"""The dictionary is generated and up to date; every rule, command and alert has its page."""

import re
from pathlib import Path

from typer.main import get_command

from pipelines import dictionary, governance
from pipelines import registry as declared
from pipelines.cli import app

ROOT = Path(__file__).resolve().parents[2]


def test_the_dictionary_is_up_to_date():
    assert dictionary.write(ROOT / "docs/dictionary", check_only=True) == set(), "run `joint-needs docs`"


def test_the_papers_of_information_governance_are_up_to_date():
    assert governance.write(ROOT / "docs/ig", check_only=True) == set(), "run `joint-needs docs`"
    schedule = (ROOT / "docs/ig/sharing-schedule.md").read_text()
    for agency in declared.load().agencies.values():
        for agreement in agency.agreements:
            assert agreement.reference in schedule
            assert f"{agreement.starts} to {agreement.expires}" in schedule


def test_every_rule_is_in_the_dictionary():
    for name, suite in declared.load().suites.items():
        page = (ROOT / f"docs/dictionary/dataset-{name}.md").read_text()
        for entries in suite["tables"].values():
            for entry in entries:
                assert f"`{entry['meta']['rule']}`" in page


def test_every_command_is_documented():
    commands = get_command(app).commands
    text = "\n".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    for name in commands:
        assert re.search(rf"joint-needs {name}\b", text), f"no page mentions `joint-needs {name}`"


def test_links_between_pages_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"
