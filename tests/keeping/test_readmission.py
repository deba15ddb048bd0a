"""An erasure that should not have been, called off: the next delivery comes in; an older backup ends there too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines import link, validate
from pipelines.errors import UsageFault
from pipelines.keeping import erasure, journal, readmission
from pipelines.keeping.backup import backup
from pipelines.keeping.restore import restore
from tests.keeping.conftest import TEXTS, Hub
from tests.receive.conftest import DECLARATION, REGISTER

BY = {"by": "A. Officer", "reason": "asked for by the family, reference 12"}
OFF = {"by": "B. Officer", "reason": "of another child, reference 13"}


def again(hub: Hub, sequence: int) -> str:
    """The same files of the trust once more; the state in which they were received."""
    sent = hub.area.send("north_trust", "csds", *TEXTS, declaration=DECLARATION, sequence=sequence)
    return hub.area.receive(sent).state


def state(hub: Hub) -> list[list[tuple[Any, ...]]]:
    """The list and the erasures as they stand, and where the child is found."""
    child = erasure.whose(hub.area.registry, hub.area.connection, "north_trust", hub.record, is_alone=True)
    found = erasure.would_go(hub.area.settings, hub.area.connection, child)["found"]
    listed = "SELECT agency_code, fingerprint, erasure FROM ops.suppression JOIN ops.erasure USING (erasure_key)"
    told = (
        "SELECT erasure, asked_by, finished_at IS NOT NULL, readmitted_at, readmitted_by FROM ops.erasure ORDER BY at"
    )
    return [sorted(hub.rows(listed)), hub.rows(told), sorted(found.items())]


def match(hub: Hub) -> dict[tuple[str, str], str]:
    """Link and refresh; record -> person key."""
    settings, registry, connection = hub.area.settings, hub.area.registry, hub.area.connection
    for (name,) in hub.rows("SELECT submission FROM ops.submission WHERE state = 'received' ORDER BY submission_key"):
        for step in (validate.validate, validate.accept):
            step(settings, registry, connection, name)
    link.run(settings, registry, connection, None)
    hub.refresh()
    query = "SELECT agency_code, record_pseudonym, person_key::text FROM link.crosswalk WHERE valid_to = 'infinity'"
    return {(agency, record): person for agency, record, person in hub.rows(query)}


def test_called_off_the_next_delivery_comes_in_and_an_older_backup_ends_there_too(hub: Hub, tmp_path: Path):
    settings, connection, mine = hub.area.settings, hub.area.connection, ("north_trust", hub.record)
    before = match(hub)[mine]
    backup(settings, connection, tmp_path / "before")
    child = erasure.whose(hub.area.registry, connection, "north_trust", hub.record, is_everywhere=True)
    first = erasure.suppress(settings, connection, child, **BY)
    with pytest.raises(UsageFault, match="housekeeping"):
        readmission.would_readmit(connection, first)
    gone = erasure.erase(settings, connection, child, first).counts
    backup(settings, connection, tmp_path / "between")
    assert again(hub, 4) == "success"
    assert mine not in match(hub)
    # The register's record is asked for once more, on its own: that is another erasure, whatever the first becomes.
    alone = erasure.whose(hub.area.registry, connection, "education", hub.register, is_alone=True)
    second = erasure.suppress(settings, connection, alone, by="C", reason="reference 14")
    (note,) = erasure.erase(settings, connection, alone, second).notes
    assert second > first and note.startswith("nothing was left: it was erased by the request of 20")
    assert erasure.suppress(settings, connection, alone, by="C", reason="reference 14") == second

    for number, words, said in ((99, OFF, "db erasures"), (first, {"by": "B", "reason": " "}, "--reason")):
        with pytest.raises(UsageFault, match=said):
            readmission.readmit(settings, connection, number, **words)
    looked = readmission.would_readmit(connection, first)
    assert looked == {"erasure": first, "readmitted": {"north_trust": 1}, "kept_out": 1, "kept_out_by": [second]}
    assert hub.rows("SELECT count(*) FROM ops.suppression") == [(3,)]
    done = readmission.readmit(settings, connection, first, **OFF)
    assert done.counts == {"records": 1, "kept_out": 1}
    assert hub.rows("SELECT erasure_key FROM ops.suppression") == [(second,)]
    told = readmission.erasures(connection)
    assert [(row["records"], row["readmitted_by"], row["readmitted_reason"]) for row in told] == [
        (0, *OFF.values()), (1, None, None)]  # fmt: skip
    assert told[0]["asked_by"] == BY["by"]
    assert hub.rows("SELECT counts FROM ops.erasure WHERE erasure_key = %s", first) == [(gone,)], "its proof stays"
    assert hub.rows("SELECT state FROM ops.run WHERE stage = 'readmit'") == [("success",)]
    assert hub.record not in journal.path(settings).read_text()
    with pytest.raises(UsageFault, match="already"):
        readmission.readmit(settings, connection, first, **OFF)

    after = state(hub)
    assert after[2] == [], "nothing is brought back"
    assert mine not in match(hub)
    assert again(hub, 5) == "success", "the very files from which the child was left out"
    register = hub.area.send("education", "ehc_register", REGISTER.format(upn=""), period="2026-03-15", sequence=5)
    assert hub.area.receive(register).state == "success"
    there = match(hub)
    assert there[mine] not in (before, None), "under a new person key: the old one was forgotten with the child"
    assert ("education", hub.register) not in there, "another erasure keeps it out"
    assert again(hub, 6) == "duplicate"
    assert state(hub)[2] != []

    for safe in ("before", "between"):
        _, replayed = restore(settings, connection, tmp_path / safe, replace=True)
        assert replayed.counts["noted"] == {"before": 3, "between": 2}[safe]
        assert ("core.referral" in replayed.counts) == (safe == "before")
        assert state(hub) == after
        assert erasure.replay(settings, connection).counts == {"noted": 0, "withdrawn": 0}
        assert again(hub, 4) == "success"
        there = match(hub)
        assert mine in there and ("education", hub.register) not in there
