"""One child erased: found everywhere before, nowhere after, and kept from coming back. Real door, lake and database."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines import steward
from pipelines.errors import DataFault, SystemFault, UsageFault
from pipelines.keeping import catalogue, erasure, holds, journal, search, stores
from pipelines.receive import suppression
from pipelines.receive.files import REFUSED
from pipelines.receive.repass import repass
from pipelines.seal import keys
from pipelines.validate.lake import folder_form
from tests.keeping.conftest import CSDS, Hub

BY = {"by": "A. Officer", "reason": "asked for by the family, reference 12"}
EVERYWHERE = {
    "core.ehc_register", "core.person", "core.person_record", "core.referral", "core.contact", "link.crosswalk",
    "link.link", "link.review", "lake/", "received/", "link/", "conformed/", "landing/",
}  # fmt: skip


def child_of(hub: Hub, is_everywhere: bool = True) -> erasure.Child:
    found = erasure.whose(
        hub.area.registry, hub.area.connection, "north_trust", hub.record, is_everywhere=is_everywhere
    )
    hub.area.connection.commit()
    return found


def erase(hub: Hub, child: erasure.Child) -> dict[str, int]:
    key = erasure.suppress(hub.area.settings, hub.area.connection, child, **BY)
    return erasure.erase(hub.area.settings, hub.area.connection, child, key).counts


def look(hub: Hub, child: erasure.Child) -> dict[str, int]:
    return erasure.would_go(hub.area.settings, hub.area.connection, child)["found"]


def test_a_child_is_found_everywhere_then_nowhere_and_does_not_come_back(hub: Hub):
    settings, connection = hub.area.settings, hub.area.connection
    child = child_of(hub)
    assert child.records == {"north_trust": {hub.record}, "education": {hub.register}}
    assert child.persons == {hub.person}
    before = look(hub, child)
    assert set(before) >= EVERYWHERE
    assert hub.counts()[CSDS, "referral"] == (3, 2, 1, 0, 0, 0)
    assert hub.rows("SELECT count(*) FROM ops.held_row") == [(2,)]

    held = holds.place(settings, connection, "north_trust", record=hub.record, **BY)
    with pytest.raises(UsageFault, match=f"legal hold {held} forbids"):
        erase(hub, child)
    assert look(hub, child) == before
    assert hub.rows("SELECT count(*) FROM ops.suppression") == [(0,)]
    holds.lift(settings, connection, held, **BY)

    counts = erase(hub, child)
    assert counts["core.referral"] == 1
    assert counts["core.referral_history"] == 1, "what a trigger wrote while the row was deleted"
    assert {"lake rows", "payload rows", "linkage rows", "held rows", "conformed rows"} <= set(counts)
    assert counts["refused deliveries"] == counts["draft snapshots"] == 1
    assert look(hub, child) == {}
    assert hub.refresh().counts["rows_changed"] >= 0
    assert look(hub, child) == {}
    assert hub.rows("SELECT count(*) FROM core.person") == [(1,)], "the other child stays"
    assert hub.rows("SELECT count(*) FROM core.referral") == [(1,)]
    assert hub.counts()[CSDS, "referral"] == (3, 1, 0, 0, 2, 2)
    assert hub.counts()[CSDS, "care_contact"] == (3, 1, 0, 0, 2, 2)
    assert hub.rows("SELECT count(*) FROM ops.held_row") == [(0,)]

    told = hub.rows("SELECT asked_by, reason, finished_at IS NOT NULL, e::text FROM ops.erasure AS e")
    assert told[0][:3] == (BY["by"], BY["reason"], True)
    assert hub.record not in told[0][3]
    assert str(hub.person) not in told[0][3]
    assert hub.record not in journal.path(settings).read_text()
    assert erase(hub, child) == {}, "twice is once"

    steward.rerun(settings, hub.area.registry, connection, f"{CSDS[:-1]}2", **BY)
    assert look(hub, child) == {}
    name = hub.csds(4)
    assert look(hub, child) == {}
    assert hub.counts()[name, "referral"] == (3, 1, 0, 0, 2, 2)
    assert pq.read_table(stores.payload_of(settings, name) / "mpi.parquet").num_rows == 1
    assert hub.refresh().state == "success"
    assert hub.rows("SELECT DISTINCT record_pseudonym FROM core.person_record WHERE agency_code = 'north_trust'") == [
        (hub.other,)
    ]
    (settings.hub_keys / suppression.KEY).unlink()
    with pytest.raises(SystemFault, match=r"suppression\.key"):
        hub.csds(5)


def test_one_partners_record_goes_and_the_others_stay_with_their_person(hub: Hub):
    child = child_of(hub, is_everywhere=False)
    assert child.persons == set()
    hub.area.patients(sequence=9)
    erase(hub, child)
    hub.refresh()
    assert set(look(hub, child)) == {search.WAITING}, "what is not yet taken in is told apart"
    assert hub.rows("SELECT count(*) FROM core_history.seen WHERE person_key = %s", hub.person) == [(0,)]
    assert hub.rows("SELECT count(*) FROM core_history.seen") == [(1,)]
    assert hub.rows("SELECT record_pseudonym FROM link.crosswalk WHERE person_key = %s", hub.person) == [
        (hub.register,)
    ]
    assert hub.rows("SELECT is_known_to_health, is_known_to_education FROM core.person WHERE person_key = %s",
                    hub.person) == [(False, True)]  # fmt: skip


def test_a_partner_erases_all_that_it_sent_of_a_child_or_one_record_alone(hub: Hub):
    """The pseudonyms of a child differ from dataset to dataset of one agency."""
    connection, again = hub.area.connection, "ab" * 16
    connection.execute("INSERT INTO link.crosswalk VALUES ('north_trust', 'mhsds', %s, %s, now())", (again, hub.person))
    child = child_of(hub, is_everywhere=False)
    assert child.records == {"north_trust": {hub.record, again}}
    told = erasure.would_go(hub.area.settings, connection, child)
    assert told["records"] == {"north_trust/csds": 1, "north_trust/mhsds": 1}
    alone = erasure.whose(hub.area.registry, connection, "north_trust", again, is_alone=True)
    assert alone.records == {"north_trust": {again}} and alone.persons == set()
    erase(hub, child)
    assert {agency for (agency,) in hub.rows("SELECT agency_code FROM link.crosswalk WHERE person_key = %s",
                                             hub.person)} == {"education"}  # fmt: skip


def test_whoever_left_is_erased_and_who_was_is_told_so(hub: Hub):
    settings, connection = hub.area.settings, hub.area.connection
    left = replace(hub.area.registry, agencies={})
    child = erasure.whose(left, connection, "north_trust", hub.record)
    erase(hub, child)
    key = erasure.suppress(settings, connection, child, **BY)
    (note,) = erasure.erase(settings, connection, child, key).notes
    assert note.startswith("nothing was left: it was erased by the request of 20")
    unknown = erasure.whose(left, connection, "north_trust", "cd" * 16)
    key = erasure.suppress(settings, connection, unknown, **BY)
    (note,) = erasure.erase(settings, connection, unknown, key).notes
    assert "is it this partner's pseudonym?" in note


def test_broken_off_between_two_files_what_only_counted_the_child_goes_too(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    settings = hub.area.settings
    shutil.rmtree(settings.landing / REFUSED)
    settings.link_kept.mkdir(exist_ok=True)
    child = child_of(hub)
    with monkeypatch.context() as patched:
        patched.setattr(stores.shutil, "rmtree", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase(hub, child)
    hub.area.connection.rollback()
    erasure.replay(settings, hub.area.connection)
    assert not settings.link_kept.exists()
    assert list(settings.snapshots.glob("*")) == []
    assert look(hub, child) == {}


@pytest.mark.parametrize(
    ("where", "name"),
    [(journal, "add"), (catalogue, "delete"), (stores.Changes, "settle"), (search, "vacuum")],
    ids=["list", "database", "files", "end"],
)
def test_a_broken_off_erasure_is_finished_by_the_nightly_replay(
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
):
    child, done = child_of(hub), getattr(where, name)

    def killed(*args: Any, **kwargs: Any) -> Any:
        if name == "settle":  # half of it
            args[0].last.clear()
            args[0].instead = dict(list(args[0].instead.items())[:1])
        if name in ("add", "settle"):
            done(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(where, name, killed)
        with pytest.raises(KeyboardInterrupt):
            erase(hub, child)
    hub.area.connection.rollback()
    erasure.replay(hub.area.settings, hub.area.connection)
    assert look(hub, child) == {}
    assert hub.rows("SELECT count(*) FROM ops.erasure WHERE finished_at IS NULL") == [(0,)]
    assert hub.counts()[CSDS, "referral"] == (3, 1, 0, 0, 2, 2)
    hub.refresh()
    assert hub.rows("SELECT count(*) FROM core.referral") == [(1,)]


def test_the_list_holds_through_every_change_of_keys_and_at_night_over_what_was_refused(hub: Hub):
    """A record's pseudonym is of the partner's record key, which stays when the link keys or the hub's pass change."""
    settings, child, home = hub.area.settings, child_of(hub), hub.area.settings.hub_keys.parent
    erase(hub, child)
    keys.rotate(home, "2026b")
    names = [hub.csds(4)]
    stored = list(settings.link_store.glob(f"{folder_form(names[0])}.*.age"))
    assert len(stored) == 2, "linkage files of both epochs"
    keys.retire(home)
    names.append(hub.csds(5))
    repass(settings.link_store, settings.hub_keys)
    names.append(hub.csds(6))
    assert look(hub, child) == {}
    for path in (*stored, *settings.link_store.glob(f"{folder_form(names[2])}.*.age")):
        assert stores.linked(settings, path) == {hub.other}
    assert {hub.counts()[name, "referral"] for name in names} == {(3, 1, 0, 0, 2, 2)}

    spoilt = hub.area.patients(sequence=7)
    with (spoilt / "payload" / "referral.parquet").open("ab") as file:
        file.write(b"spoilt")
    with pytest.raises(DataFault):
        hub.area.receive(spoilt)
    assert set(look(hub, child)) == {"landing/"}
    assert erasure.replay(settings, hub.area.connection).counts["refused deliveries"] == 1
    assert look(hub, child) == {}


def test_what_is_wrong_is_said_without_repeating_it(hub: Hub):
    for agency, record in (("nobody_known", hub.record), ("north_trust", "Quillfeather")):
        with pytest.raises(UsageFault) as told:
            erasure.whose(hub.area.registry, hub.area.connection, agency, record)
        assert record not in str(told.value)
        assert agency == "north_trust" or agency not in str(told.value)
    cut = json.dumps({"erasure": "x"})[:-3]
    journal.path(hub.area.settings).write_text(cut)
    assert journal.read(journal.path(hub.area.settings)) == []
