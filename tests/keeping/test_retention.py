"""What has been kept long enough goes, except what is on hold; key epochs that ended are cleared."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date

import pytest

from pipelines.errors import UsageFault
from pipelines.keeping import epochs, holds, retention, search, stores
from pipelines.ledger import Ledger
from tests.keeping.conftest import CSDS, Hub

BY = {"by": "A. Officer", "reason": "a claim is open"}


def test_what_was_kept_long_enough_goes_and_what_is_on_hold_stays(hub: Hub):
    settings, registry, connection = hub.area.settings, hub.area.registry, hub.area.connection
    years = registry.contract("csds").retention_years
    last = date(2026 + years, 3, 31)
    assert retention.due(settings, registry, connection, last) == []
    over = date(2026 + years, 4, 1)
    listed = retention.due(settings, registry, connection, over)
    assert [one.submission for one in listed] == [CSDS, f"{CSDS[:-1]}2"], "the register is kept for longer"
    assert {one.kept_until for one in listed} == {last}

    of_record = holds.place(settings, connection, "north_trust", record=hub.other, **BY)
    holds.place(settings, connection, "north_trust", dataset="mhsds", **BY)
    assert {one.holds for one in retention.due(settings, registry, connection, over)} == {(of_record,)}
    with pytest.raises(UsageFault, match=f"legal hold {of_record}"):
        retention.take_out(settings, connection, CSDS, **BY)
    outcome = retention.apply(settings, registry, connection, over)
    assert (outcome.counts["submissions"], outcome.counts["kept_by_hold"]) == (0, 2)
    assert outcome.counts["refused_deliveries"] == 1
    assert hub.rows("SELECT count(*) FROM core.referral") == [(2,)]
    holds.lift(settings, connection, of_record, **BY)

    before = hub.counts()
    assert hub.rows("SELECT count(*) FROM link.crosswalk WHERE dataset_code = 'csds'") == [(2,)]
    outcome = retention.apply(settings, registry, connection, over)
    assert (outcome.counts["submissions"], outcome.counts["kept_by_hold"]) == (2, 0)
    assert outcome.counts["files"] > 8
    assert outcome.counts["rows"] > 5
    hub.refresh()
    assert hub.rows("SELECT count(*) FROM core.referral") == [(0,)]
    assert hub.rows("SELECT count(*) FROM core.referral_history WHERE submission_key IS NOT NULL") == [(0,)]
    records = {"north_trust": frozenset({hub.record, hub.other})}
    assert search.find(settings, connection, records).places == {}, "nor does the linker remember whom nobody tells of"
    assert hub.rows("SELECT person_key FROM link.crosswalk") == [(hub.person,)]
    assert hub.counts() == before, "the ledger keeps what came and what became of it"
    told = hub.rows("SELECT DISTINCT state, reason FROM ops.submission WHERE dataset_code = 'csds'")
    assert told == [("withdrawn", f"kept until {last} ({years} years after its period)")]
    assert list(settings.lake.rglob("*csds*/*.parquet")) == []
    assert retention.apply(settings, registry, connection, over).counts["submissions"] == 0
    (note,) = retention.apply(settings, replace(registry, contracts={}), connection, over).notes
    assert note == "ehc_register: no contract says how long it is kept"


def test_linkage_files_of_an_ended_epoch_go_where_a_submission_has_another(hub: Hub):
    settings, connection = hub.area.settings, hub.area.connection
    one, *_ = Ledger(connection).submissions(name=CSDS)
    (path,) = stores.linkage_files(settings, one)
    (settings.hub_keys / "epoch").write_text("2026b\n")
    assert epochs.apply(settings, connection).counts == {"files": 0, "left_alone": 3}
    shutil.copy(path, path.with_name(path.name.replace("2026a", "2026b")))
    assert epochs.apply(settings, connection).counts == {"files": 1, "left_alone": 2}
    assert [found.name.split(".")[1] for found in stores.linkage_files(settings, one)] == ["2026b"]
