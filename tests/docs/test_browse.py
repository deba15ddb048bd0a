"""The dictionary's web pages: whole, searchable, accessible; lineage that agrees with database and files."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines import browse, lineage, queries
from pipelines import registry as declared
from pipelines.conform.shape import canonical
from pipelines.errors import UsageFault
from pipelines.ledger.database import connect
from pipelines.lineage import Origin


class Reader(HTMLParser):
    """Anchors and links of a page, and what it fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        self.ids += [said["id"]] if "id" in said else []
        self.links += [said[name] for name in ("href", "src") if name in said]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dictionary")
    assert browse.write(out) > 80
    return out


def test_every_link_leads_to_a_page_and_a_line_of_it(site):
    pages = {path.name: Reader(path.read_text()) for path in site.glob("*.html")}
    there = set(pages) | {"style.css", "search.js"}
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        for link in page.links:
            file, _, anchor = link.partition("#")
            assert not link.startswith(("http", "/")), f"{name} needs a network for {link}"
            assert (file or name) in there, f"{name}: {link}"
            assert not anchor or anchor in pages[file or name].ids, f"{name}: {link}"


def test_what_is_searched_leads_somewhere(site):
    entries = json.loads(re.match(r"const ENTRIES = (.*);\n", (site / "search.js").read_text())[1])
    anchors = {path.name: set(Reader(path.read_text()).ids) for path in site.glob("*.html")}
    assert len(entries) > 3000
    for name, _, _, link in entries:
        file, _, anchor = link.partition("#")
        assert file in anchors and (not anchor or anchor in anchors[file]), (name, link)


def test_lineage_reaches_the_fields_of_partners_files():
    made = lineage.conformed(declared.load())
    assert set(made) == set(canonical())
    assert Origin("sen2", "requests", "receiveddate") in made["ehc_request"]["received_date"].origins
    assert "_registration.sql" in made["enrolment"]["school_code"].files
    without = [
        (table, column) for table, columns in made.items() for column, trace in columns.items() if not trace.origins
    ]
    assert len(without) < 12, without


def test_every_number_of_a_mart_leads_back_to_core():
    made = lineage.modelled()
    constant = {
        (mart, column) for mart, columns in made.items() for column, leaves in columns.items() if not leaves
    } - {(mart, "time_period") for mart in made}
    assert constant == {
        ("ehc_process", "period_type"), ("multi_agency_overlap", "base"), ("multi_agency_overlap", "sets"),
        ("multi_agency_overlap", "set_size"), ("needs_prevalence", "base"), ("needs_prevalence", "geographic_level"),
        ("needs_prevalence", "measure"), ("sufficiency_gap", "horizon_years"), ("sufficiency_gap", "interval_pct"),
        ("sufficiency_gap", "method"), ("unmet_need", "team_type_code"),
    }  # fmt: skip
    known = {(table, column) for table, columns in lineage.tables().items() for column in ("", *columns)}
    assert known >= {leaf for columns in made.values() for leaves in columns.values() for leaf in leaves}
    assert ("core.referral", "closed_date") in made["unmet_need"]["met_count"]
    assert ("core.sen_need", "") in made["unmet_need"]["children_count"]
    assert ("core.key_draw", "") in made["needs_prevalence"]["children_low"]
    assert ("core.capacity", "delivery_probability") in made["sufficiency_gap"]["gap"]


def test_a_mart_tells_whose_files_it_is_made_of():
    found = lineage.datasets(declared.load())
    assert found["health_access"] == {"csds", "mhsds"}
    assert found["sufficiency_gap"] >= {"sen2", "provision_capacity", "population_projection"}
    assert "improvement_actions" not in set().union(*found.values())


def test_tables_and_columns_are_those_of_the_database(database):
    with connect(database) as connection:
        rows = connection.execute(
            """SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns
               WHERE table_schema = ANY(%s)""",
            (["core", "ops", "link", "partnership", "publish"],),
        ).fetchall()
    assert set(rows) == {(table, column) for table, columns in lineage.tables().items() for column in columns}


def test_worked_queries_are_numbered_and_measured():
    found = queries.load()
    assert [query.number for query in found] == [f"{number:02}" for number in range(1, len(found) + 1)]
    assert len(found) >= 25
    seconds = queries.measured()["seconds"]
    assert set(seconds) == {query.number for query in found} and max(seconds.values()) <= 1
    assert queries.find("7") == queries.find("07") == queries.find(found[6].slug)
    with pytest.raises(UsageFault, match="no worked query"):
        queries.find("nothing")


@pytest.mark.browser
def test_pages_are_accessible_and_fit_a_telephone(site):
    driver = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    path = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine; .ci/run installs one")
    with driver.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 320, "height": 800})
        for name in ("index", "mart-unmet_need", "core-ehc_request", "dataset-sen2", "queries"):
            tab.goto((site / f"{name}.html").as_uri())
            if name == "index":
                tab.fill("#search", "received date request")
                assert "received_date" in tab.inner_text("#results")
            assert tab.evaluate("document.documentElement.scrollWidth") <= 320, name
            found = axe.run(tab).response["violations"]
            assert not found, (name, [(one["id"], one["nodes"][0]["html"][:200]) for one in found])
        browser.close()
