"""The page as a reader meets it: looked at in headless Chromium."""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

from pipelines import registry
from pipelines.errors import SystemFault
from pipelines.publish import assets, page, snapshot
from pipelines.publish.release import release
from pipelines.publish.sections import Labels

from . import made_marts

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def chromium():
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    with playwright.sync_playwright() as driver:
        path = found or driver.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("no Chromium on this machine; .ci/run installs one")
        browser = driver.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()


FEEDS = {mart: ["sen2", "capacity"] for mart in ("needs_prevalence", "sufficiency_gap")}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A snapshot served on loopback."""
    out = tmp_path_factory.mktemp("site") / "picture"
    try:
        sheet = assets.stylesheet()
    except SystemFault:
        pytest.skip("no style sheet; run python -m pipelines.publish.assets")
    made, codes = release(**made_marts.frames(seed=3, plans=900, support=1_500)), registry.load().code_lists
    labels = Labels(codes["sen_type"].codes, codes["sen_phase"].codes, made_marts.PLACES)
    html = page.render(made, labels, made_marts.DAY, made_marts.DAY, FEEDS)
    snapshot.write(out, made, html, sheet, made_marts.DAY, {"as_of": made_marts.DAY})

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(out)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()


@pytest.fixture(params=[1280, 320], ids=["wide", "narrow"])
def opened(request, chromium, site):
    """The page at one width, with the addresses it asked for."""
    context = chromium.new_context(viewport={"width": request.param, "height": 900})
    tab = context.new_page()
    asked: list[str] = []
    tab.on("request", lambda sent: asked.append(sent.url))
    tab.goto(site)
    yield tab, asked, request.param
    context.close()


def test_nothing_is_asked_of_anybody_else(opened, site):
    _, asked, _ = opened
    assert {url.rpartition("/")[0] for url in asked if not url.startswith("data:")} == {site.rpartition("/")[0]}


def test_it_fits_the_screen_and_text_stays_readable(opened):
    tab, _, width = opened
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    # Charts are drawn for the screen, not shrunk to it: a unit of the drawing is a pixel.
    for chart in tab.query_selector_all("svg.jn-chart"):
        if chart.is_visible():
            assert chart.bounding_box()["width"] >= 0.95 * float(chart.get_attribute("width"))


def test_each_chart_is_shown_once_with_its_table_and_data(opened):
    tab, _, _ = opened
    sections = tab.query_selector_all("section.jn-section")
    assert len(sections) == 8
    for section in sections:
        assert len([svg for svg in section.query_selector_all("svg") if svg.is_visible()]) == 1
        assert section.query_selector("table") and section.query_selector("a[href^='data/']")
        assert "Data as at" in section.inner_text()


def test_no_accessibility_violation(opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab, _, _ = opened
    for details in tab.query_selector_all("details > summary"):
        details.click()
    found = axe.Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def test_it_works_without_script_and_says_draft(chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(site)
    text = tab.inner_text("body")
    assert text.count("not signed off") >= 2 and "Draft" in tab.title()
    tab.click("text=Children with an EHC plan, by ward")
    assert tab.is_visible("text=Ward 01")
    assert tab.request.get(site.replace("index.html", "data/sufficiency.csv")).ok
    context.close()


def test_no_crown_and_no_font_of_gov_uk(opened):
    tab, asked, _ = opened
    assert not any(url.endswith((".woff2", ".woff", ".svg")) for url in asked)
    assert "GDS Transport" not in tab.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily")
    assert tab.query_selector(".govuk-logo, .govuk-header__logotype-crown, .govuk-footer__crown") is None
