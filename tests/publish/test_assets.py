"""The style sheet: what is asked for, checked, and left out."""

import subprocess

import pytest

from pipelines.errors import SystemFault
from pipelines.publish import assets

SHEET = (
    '/*! Copyright of a font. */@font-face{font-family:GDS Transport;src:url(/assets/fonts/a.woff2) format("woff2")}'
    ".a{font-family:GDS Transport,arial,sans-serif}.b{background-image:url(/assets/images/govuk-crest.svg)}"
    '.c{background:url("data:image/svg+xml,%3Csvg%3E")}\n/*# sourceMappingURL=x.css.map */'
)


def test_fonts_images_and_maps_are_cut_out():
    css = assets.cleaned(SHEET)
    assert "Transport" not in css and "/assets" not in css and "sourceMappingURL" not in css and "font-face" not in css
    assert "system-ui" in css and "data:image/svg+xml" in css


def test_a_sheet_that_names_a_host_is_refused():
    with pytest.raises(SystemFault, match="not as expected"):
        assets.cleaned(".a{background:url(https://example.org/a.png)}")


def test_what_set_up_fetched_names_no_other_file():
    try:
        css = assets.stylesheet().read_text()
    except SystemFault:
        pytest.skip("no style sheet; run python -m pipelines.publish.assets")
    assert "url(/" not in css and "url(http" not in css and '"6.6.0"' in css


def test_another_content_than_the_pinned_one_is_refused(tmp_path, monkeypatch):
    def fetch(command, scratch):
        (scratch / "govuk-frontend-6.6.0.tgz").write_bytes(b"something else")

    monkeypatch.setattr(assets, "_folder", lambda: tmp_path / "share")
    monkeypatch.setattr(assets, "_system_npm", fetch)
    monkeypatch.setattr(assets, "_own_npm", fetch)
    with pytest.raises(SystemFault, match="another content"):
        assets.ensure()
    assert not (tmp_path / "share").exists()


def test_when_npm_fails_the_message_names_no_address(tmp_path, monkeypatch):
    def fail(command, scratch):
        raise subprocess.CalledProcessError(1, "npm", stderr=b"ECONNREFUSED https://registry.example.org")

    monkeypatch.setattr(assets, "_folder", lambda: tmp_path / "share")
    monkeypatch.setattr(assets, "_system_npm", fail)
    monkeypatch.setattr(assets, "_own_npm", fail)
    with pytest.raises(SystemFault, match="npm ping") as fault:
        assets.ensure()
    assert "example" not in str(fault.value)


def test_it_is_fetched_once(tmp_path, monkeypatch):
    (tmp_path / assets.STYLE).write_text("body{}")
    monkeypatch.setattr(assets, "_folder", lambda: tmp_path)
    monkeypatch.setattr(assets, "_fetch", lambda scratch: pytest.fail("asked again"))
    assert assets.ensure() == tmp_path / assets.STYLE
