"""Reports go back by the route on which deliveries come, once each, and to nobody else."""

from __future__ import annotations

import io
import zipfile
from functools import partial
from typing import Any

import pytest

from pipelines import routes
from pipelines.routes.files import Files
from pipelines.validate import report
from tests.routes.conftest import Bucket, Mesh, Routed

TOLD = {"report.html": "<p>two rows to put right</p>", "report.json": "{}"}


def put_right(hub: Routed, agency: str = "planning", page: str = TOLD["report.html"]) -> None:
    """A report as validate leaves it, with the engineers' pages."""
    folder = report.folder_of(hub.area.settings.reports, f"{agency}/provision_capacity/2026/1")
    (folder / "great_expectations").mkdir(parents=True, exist_ok=True)
    (folder / "great_expectations" / "places.html").write_text("engineers alone")
    for name, content in (TOLD | {"report.html": page}).items():
        (folder / name).write_text(content)


def handed(hub: Routed) -> list[str]:
    settings = hub.area.settings
    return routes.hand_back(settings, hub.area.registry, ["planning"], partial(report.packed, settings.reports))


def arrived(hub: Routed) -> dict[str, bytes]:
    """What the agency finds: names and contents."""
    place = hub.place
    if isinstance(place, Mesh):
        with place._client("X26ABC2") as client:
            messages = [client.retrieve_message(message) for message in client.list_messages()]
            return {message.filename: message.read() for message in messages}
    if isinstance(place, Bucket):
        listed = place.client.list_objects_v2(Bucket=place.name, Prefix="reports/").get("Contents", [])
        return {
            entry["Key"].removeprefix("reports/"): place.client.get_object(Bucket=place.name, Key=entry["Key"])[
                "Body"
            ].read()
            for entry in listed
        }
    return {path.name: path.read_bytes() for path in (hub.area.desk / "reports").iterdir()}


@pytest.fixture
def hub(routed: Routed) -> Routed:
    """A hub whose agency wants its reports back."""
    place = routed.place
    where: Any = str(routed.area.desk / "reports")
    if isinstance(place, Mesh):
        where = "X26ABC2"
        with place._client(where) as client:
            for message in client.list_messages():
                client.acknowledge_message(message)
    elif isinstance(place, Bucket):
        where = "reports"
    routed.use(place.route.model_copy(update={"reports": where}))
    return routed


def test_a_report_is_handed_back_once_and_again_when_it_changed(hub: Routed) -> None:
    put_right(hub)
    put_right(hub, agency="education")
    (first,) = handed(hub)
    assert first.startswith("planning/report__provision_capacity__2026__1__")
    assert handed(hub) == []
    put_right(hub, page="<p>nothing to put right</p>")
    (second,) = handed(hub)
    found = arrived(hub)
    assert set(found) == {name.removeprefix("planning/") for name in (first, second)}
    with zipfile.ZipFile(io.BytesIO(found[second.removeprefix("planning/")])) as archive:
        assert archive.namelist() == [f"provision_capacity__2026__1/{name}" for name in TOLD]
        assert archive.read("provision_capacity__2026__1/report.html") == b"<p>nothing to put right</p>"


def test_killed_before_the_ledger_has_it_the_same_is_given_again(
    by_files: Routed, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "reports" if isinstance(by_files.place, Bucket) else str(by_files.area.desk / "reports")
    by_files.use(by_files.place.route.model_copy(update={"reports": where}))
    put_right(by_files)
    give = Files.give

    def killed(*args: Any) -> None:
        give(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Files, "give", killed)
        with pytest.raises(KeyboardInterrupt):
            handed(by_files)
    assert len(handed(by_files)) == 1
    assert len(arrived(by_files)) == 1


def test_an_agency_that_says_no_place_gets_nothing(routed: Routed) -> None:
    put_right(routed)
    assert handed(routed) == []


def test_a_route_that_fails_is_told_and_tried_with_the_next_pull(hub: Routed, monkeypatch: pytest.MonkeyPatch) -> None:
    put_right(hub)

    def broken(_: Any) -> None:
        raise OSError("a name that must not be said")

    with monkeypatch.context() as patch:
        patch.setattr(routes, "_open", broken)
        assert handed(hub) == []
    told = "SELECT state, message FROM ops.run WHERE stage = 'hand_back'"
    assert hub.area.connection.execute(told).fetchall() == [("system_fault", "the route of planning failed: OSError")]
    assert len(handed(hub)) == 1
