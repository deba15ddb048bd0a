"""Bad input at the command line: a clear error in the sender's words, the right exit code, and nothing lost."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.ledger.database import connect

AREA = (
    "lsoa21,lsoa21_name,ward,ward_name,health_place,health_place_name,imd_decile\n"
    "E01990001,Merebrook 001A,E05990001,Harbour,MS,Merebrook South,1\n"
)
CIN = """<?xml version="1.0"?>{doctype}
<Message><Header><CollectionDetails><Collection>CIN</Collection><Year>2026</Year>
<ReferenceDate>2026-03-31</ReferenceDate></CollectionDetails><Source><LEA>{lea}</LEA></Source></Header>
<Children><Child><ChildIdentifiers><LAchildID>C1</LAchildID><PersonBirthDate>2015-05-01</PersonBirthDate>
<Sex>F</Sex></ChildIdentifiers><ChildCharacteristics><Ethnicity>{ethnicity}</Ethnicity></ChildCharacteristics>
<CINdetails><CINreferralDate>2025-06-01</CINreferralDate></CINdetails></Child></Children></Message>
"""
LAUGHS = '<!DOCTYPE Message [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE Message [<!ENTITY c SYSTEM "file:///etc/hostname">]>'


class Desk:
    """A partner's desk and the hub's, with one area's keys."""

    def __init__(self, database, monkeypatch) -> None:
        monkeypatch.setenv("JOINT_NEEDS_HOME", str(database.home))
        monkeypatch.setenv("JOINT_NEEDS_DATABASE_URL", database.database_url)
        self.settings, self.keys = database, database.home / "keys"
        self.raw, self.landing = database.home / "raw", database.home / "landing"
        self.raw.mkdir()
        assert self.run("keys", "new", "--keys", self.keys, "--epoch", "2026a").exit_code == 0

    def run(self, *words: object):
        return CliRunner().invoke(app, [str(word) for word in words])

    def seal(self, path: Path, agency: str, dataset: str, *more: object):
        where = ["--keys", self.keys / agency, "--out", self.landing / agency]
        return self.run("seal", path, "--agency", agency, "--dataset", dataset, "--period", "2026", *where, *more)

    def area(self, text: str = AREA) -> Path:
        path = self.raw / "areas.csv"
        path.write_text(text)
        return path

    def cin(self, doctype: str = "", lea: str = "990", ethnicity: str = "WBRI") -> Path:
        path = self.raw / "cin.xml"
        path.write_text(CIN.format(doctype=doctype, lea=lea, ethnicity=ethnicity))
        return path

    def states(self) -> dict[str, str]:
        with connect(self.settings) as connection:
            return dict(connection.execute("SELECT submission, state FROM ops.submission").fetchall())


@pytest.fixture
def desk(database, monkeypatch):
    return Desk(database, monkeypatch)


def is_refused_at_the_door(desk, done, path, before, rule, *words):
    assert done.exit_code == 1
    told = " ".join(done.stderr.split())
    assert rule in told
    for word in words:
        assert word in told
    assert path.read_bytes() == before
    assert not list(desk.landing.rglob("manifest.json")), "half a submission was left"


@pytest.mark.parametrize(
    ("made", "agency", "dataset", "rule", "word"),
    [
        (lambda d: d.area(""), "planning", "geography", "FILE-001", "no content"),
        (lambda d: d.area(AREA.replace(",imd_decile", ",other")), "planning", "geography", "FILE-004", "imd_decile"),
        (lambda d: d.cin(LAUGHS, ethnicity="&c;"), "social_care", "cin_census", "FILE-014", "entities"),
        (lambda d: d.cin(OUTSIDE, ethnicity="&c;"), "social_care", "cin_census", "FILE-014", "entities"),
        (lambda d: d.cin(lea="343"), "social_care", "cin_census", "FILE-007", "lea"),
    ],
    ids=["empty", "no mandatory column", "billion laughs", "external entity", "wrong authority"],
)
def test_the_door_refuses_what_it_cannot_take(desk, made, agency, dataset, rule, word):
    path = made(desk)
    before = path.read_bytes()
    is_refused_at_the_door(desk, desk.seal(path, agency, dataset), path, before, rule, word)


def test_xml_that_ends_early(desk):
    path = desk.cin()
    path.write_bytes(path.read_bytes()[:-60])
    before = path.read_bytes()
    is_refused_at_the_door(desk, desk.seal(path, "social_care", "cin_census"), path, before, "FILE-013", "complete")


def test_another_key_epoch(desk):
    """The partner has a new link key that the hub does not know yet: refused, told how, and kept."""
    (desk.keys / "planning/link.2026a.key").rename(desk.keys / "planning/link.2027a.key")
    assert desk.seal(desk.area(), "planning", "geography").exit_code == 0
    done = desk.run("receive", desk.landing)
    assert done.exit_code == 1
    assert "2026a" in done.stdout
    assert desk.states() == {}
    kept = list((desk.landing / ".refused").rglob("manifest.json"))
    assert len(kept) == 1 and (kept[0].parent / "payload/area.parquet").exists()


def test_the_same_file_twice(desk):
    assert desk.seal(desk.area(), "planning", "geography").exit_code == 0
    assert desk.run("receive", desk.landing).exit_code == 0
    assert desk.seal(desk.area(), "planning", "geography", "--sequence", 2).exit_code == 0
    again = desk.run("receive", desk.landing)
    assert "taken already" in " ".join(again.stdout.split())
    assert desk.states() == {"planning/geography/2026/1": "accepted"}


def test_a_payload_that_is_not_what_the_manifest_says(desk):
    assert desk.seal(desk.area(), "planning", "geography").exit_code == 0
    payload = next(desk.landing.rglob("area.parquet"))
    payload.write_bytes(payload.read_bytes() + b"x")
    done = desk.run("receive", desk.landing, "--json")
    assert done.exit_code == 1
    refused = json.loads(done.stdout)[0]
    assert refused["state"] == "refused" and "FILE-019" in refused["notes"][0]
    assert desk.states() == {}


def test_after_a_refusal_the_right_file_is_taken(desk):
    """What stood before stands, and the sender's correction is not in the way of anything."""
    assert desk.seal(desk.area(), "planning", "geography").exit_code == 0
    assert desk.run("receive", desk.landing).exit_code == 0
    wrong = desk.area(AREA.replace("E01990001", "E01990002"))
    assert desk.seal(wrong, "planning", "geography", "--sequence", 2).exit_code == 0
    shutil.copy(next(desk.landing.rglob("manifest.sig")), desk.raw / "sig")
    next(desk.landing.rglob("manifest.sig")).write_bytes(b"0" * 64)
    assert desk.run("receive", desk.landing).exit_code == 1
    assert desk.states() == {"planning/geography/2026/1": "accepted"}
    assert desk.seal(wrong, "planning", "geography", "--sequence", 3).exit_code == 0
    assert desk.run("receive", desk.landing).exit_code == 0
    assert desk.states()["planning/geography/2026/3"] == "accepted"


def test_wrong_use_says_how_to_call_it(desk):
    done = desk.run("seal", desk.area(), "--keys", desk.keys / "planning", "--out", desk.landing)
    assert done.exit_code == 2 and "--dataset" in done.stderr
    assert desk.run("status", "--fail-if-stale", "soon").exit_code == 2
    assert desk.run("status", "--fail-if-stale", "26h").exit_code == 3


def test_a_code_that_nobody_declared_is_named_with_those_that_are(desk):
    path = desk.area()
    elsewhere = ["--keys", desk.keys / "planning", "--out", desk.landing, "--period", "2026"]
    for words, known in (
        (["check", path, "--agency", "nobody"], "planning"),
        (["seal", path, "--agency", "nobody", "--dataset", "geography", *elsewhere], "planning"),
        (["seal", path, "--agency", "planning", "--dataset", "nothing", *elsewhere], "geography"),
        (["keys", "trust", "--keys", desk.keys / "hub", "--agency", "nobody", "--public", path], "planning"),
        (["link", "review", "list", "--agency", "nobody"], "planning"),
    ):
        done = desk.run(*words)
        assert done.exit_code == 2 and "there are: " in done.stderr and known in done.stderr, (words, done.output)


def test_a_hub_that_has_only_planning_data_refreshes(desk):
    """On the first day not every agency has sent; the refresh makes what it can, and says what it could not."""
    assert desk.seal(desk.area(), "planning", "geography").exit_code == 0
    assert desk.run("receive", desk.landing).exit_code == 0
    done = desk.run("refresh")
    assert done.exit_code == 0, done.output
    assert "nothing to link" in " ".join(done.stdout.split())
    assert desk.states() == {"planning/geography/2026/1": "integrated"}


def test_a_coverage_of_an_unknown_dataset(desk):
    done = desk.run("synth", "--out", desk.raw / "area", "--children", 300, "--nhs-coverage", "nonsense=0.5")
    assert done.exit_code == 2 and "nonsense" in done.stderr
