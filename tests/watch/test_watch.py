"""What is overdue, refused, stuck, failed or stale is found, told once through real sinks, and closed afterwards."""

import json
import socket
import threading
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from pipelines import flow, watch
from pipelines import registry as declared
from pipelines.contracts import Rhythm
from pipelines.errors import DataFault, UsageFault
from pipelines.ledger import Ledger, recorded_run
from pipelines.watch import alerts, deliveries
from pipelines.watch.notify import Alert, CouldNotTell, Mail, Notifier, Webhook

NOW = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def registry():
    return declared.load()


@pytest.fixture
def ledger(connection):
    return Ledger(connection)


def add(ledger, name, period_end, state="integrated"):
    """A submission in the ledger, moved to `state` along the legal way."""
    agency, dataset, period, sequence = name.split("/")
    ledger.add_submission(
        submission=name,
        agency_code=agency,
        dataset_code=dataset,
        period=period,
        period_start=date(2026, 1, 1),
        period_end=period_end,
        sequence=int(sequence),
        manifest_sha256="0" * 64,
        content_sha256=name,
        contract_hash="0" * 16,
        manifest={},
    )
    way = {
        "received": [],
        "held_ours": ["held_ours"],
        "rejected": ["rejected"],
        "accepted": ["validated", "accepted"],
        "integrated": ["validated", "accepted", "integrated"],
    }
    for step in way[state]:
        fault = DataFault("FILE-001", "The header is missing.") if step == "rejected" else None
        ledger.move(name, step, fault=fault)
    ledger.connection.commit()


def good_refresh(connection, at):
    with recorded_run(connection, "integrate", "area"):
        pass
    connection.execute("UPDATE ops.run SET started_at = %s, ended_at = %s WHERE stage = 'integrate'", (at, at))
    connection.commit()


# ---- the calendar ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("every", "last", "following"),
    [
        ("week", date(2026, 3, 15), date(2026, 3, 22)),
        ("month", date(2026, 1, 31), date(2026, 2, 28)),
        ("month", date(2026, 12, 31), date(2027, 1, 31)),
        ("month", date(2026, 3, 15), date(2026, 3, 31)),
        ("term", date(2026, 4, 30), date(2026, 7, 31)),
        ("term", date(2026, 12, 31), date(2027, 4, 30)),
        ("year", date(2025, 4, 30), date(2026, 4, 30)),
        ("year", date(2024, 2, 29), date(2025, 2, 28)),
        ("year", date(2025, 12, 31), date(2026, 12, 31)),
    ],
)
def test_the_period_after(every, last, following):
    assert deliveries.next_period_end(last, every) == following


def test_due_is_the_end_of_the_next_period_and_the_lag():
    assert deliveries.due(date(2026, 3, 31), Rhythm(every="month", lag_days=10)) == date(2026, 5, 10)


# ---- conditions ------------------------------------------------------------------------------------------------------
def test_a_delivery_is_overdue_from_the_day_after_it_was_due(registry, ledger, connection):
    add(ledger, "north_trust/csds/2026-03/1", date(2026, 3, 31))  # April's is due 45 days after 30 April: 14 June

    def north(now):
        return [s for s in deliveries.overdue(registry, connection, now) if s.startswith("north_trust/csds")]

    assert north(datetime(2026, 6, 14, 22, 0, tzinfo=UTC)) == []
    # 23:30 UTC on 14 June is already the 15th in London.
    assert north(datetime(2026, 6, 14, 23, 30, tzinfo=UTC)) == ["north_trust/csds since 2026-06-15"]


def test_what_was_rejected_has_not_arrived(registry, ledger, connection):
    add(ledger, "north_trust/csds/2026-03/1", date(2026, 3, 31))
    add(ledger, "north_trust/csds/2026-04/1", date(2026, 4, 30), state="rejected")
    assert "north_trust/csds since 2026-06-15" in deliveries.overdue(registry, connection, NOW)
    add(ledger, "north_trust/csds/2026-04/2", date(2026, 4, 30), state="received")
    assert not any(s.startswith("north_trust/csds") for s in deliveries.overdue(registry, connection, NOW))


def test_where_nothing_ever_came_the_agreement_starts_the_clock(registry, connection):
    found = deliveries.overdue(registry, connection, NOW)
    agreed = {f"{a.code}/{g.dataset}" for a in registry.agencies.values() for g in a.agreements}
    assert {subject.split(" ")[0] for subject in found} == agreed


def test_rejected_is_told_until_a_good_one_follows(ledger, connection):
    add(ledger, "education/sen2/2026-04/1", date(2026, 4, 30), state="rejected")
    assert deliveries.rejected(connection, NOW) == ["education/sen2/2026-04/1 (FILE-001)"]
    add(ledger, "education/sen2/2026-04/2", date(2026, 4, 30), state="accepted")
    assert deliveries.rejected(connection, NOW) == []


def test_a_refused_delivery_is_told_without_its_note_and_forgotten_after_a_week(ledger, connection):
    ledger.refuse("FILE-020: not signed by a key we know")
    connection.commit()
    now = datetime.now(UTC)
    (subject,) = deliveries.rejected(connection, now)
    assert subject.startswith("delivery refused, event ")
    assert deliveries.rejected(connection, now + timedelta(days=8)) == []


def test_stuck_is_held_by_us_or_left_half_way(ledger, connection):
    add(ledger, "education/sen2/2026-04/1", date(2026, 4, 30), state="held_ours")
    add(ledger, "education/sen2/2026-05/1", date(2026, 5, 31), state="received")
    now = datetime.now(UTC)
    assert deliveries.stuck(connection, now) == ["education/sen2/2026-04/1"]
    assert len(deliveries.stuck(connection, now + timedelta(hours=7))) == 2


def test_an_agreement_is_told_sixty_days_before_it_ends(registry):
    agreement = next(a for a in registry.agency("north_trust").agreements if a.dataset == "csds")
    assert deliveries.agreements_ending(registry, NOW) == []
    eve = datetime.combine(agreement.expires - timedelta(days=60), datetime.min.time(), UTC)
    found = deliveries.agreements_ending(registry, eve)
    assert f"north_trust/csds {agreement.reference} ends {agreement.expires}" in found
    assert f"north_trust/csds {agreement.cag_ref} ends {agreement.cag_expires}" in found


# ---- freshness -------------------------------------------------------------------------------------------------------
def test_freshness_is_the_age_of_the_last_good_refresh(connection):
    assert watch.freshness(connection, NOW).is_stale(timedelta(days=9999))
    good_refresh(connection, NOW - timedelta(hours=25))
    found = watch.freshness(connection, NOW)
    assert found.age == timedelta(hours=25)
    assert not found.is_stale(timedelta(hours=26))
    assert found.is_stale(timedelta(hours=24))


@pytest.mark.parametrize(
    ("last", "now", "night"),
    [
        # Summer: seven in London is 06:00 UTC.
        ("2026-06-14T03:00Z", "2026-06-15T05:59Z", []),
        ("2026-06-14T03:00Z", "2026-06-15T06:00Z", ["night to 2026-06-15"]),
        ("2026-06-15T03:00Z", "2026-06-15T06:00Z", []),
        ("2026-06-14T18:59Z", "2026-06-15T08:00Z", ["night to 2026-06-15"]),
        ("2026-06-14T19:00Z", "2026-06-15T08:00Z", []),
        # The same night is the same alert until the next morning, and a refresh by day closes it.
        ("2026-06-14T03:00Z", "2026-06-16T05:00Z", ["night to 2026-06-15"]),
        ("2026-06-15T11:00Z", "2026-06-15T12:00Z", []),
        # The night in which the clocks go back: seven is 07:00 UTC.
        ("2026-10-24T03:00Z", "2026-10-25T06:59Z", []),
        ("2026-10-24T03:00Z", "2026-10-25T07:00Z", ["night to 2026-10-25"]),
    ],
)
def test_no_good_refresh_by_seven_in_london(connection, last, now, night):
    good_refresh(connection, datetime.fromisoformat(last))
    with recorded_run(connection, "receive", "first of all"):
        pass
    connection.execute("UPDATE ops.run SET started_at = '2026-06-01' WHERE stage = 'receive'")
    assert watch.nights_without_refresh(connection, datetime.fromisoformat(now)) == night


def test_a_hub_of_today_has_no_night_to_account_for(connection):
    with recorded_run(connection, "receive", "first of all"):
        pass
    assert watch.nights_without_refresh(connection, datetime.now(UTC)) == []


# ---- telling ---------------------------------------------------------------------------------------------------------
class Inbox:
    """A mail server on loopback that keeps what it gets."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
def inbox():
    handler = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        handler.port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def hook():
    """A webhook on loopback that keeps documents; `answer` is the status it gives."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        answer = 204

        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(Handler.answer)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Handler, got, f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


def settings_with(database, **ways):
    return type(database)(**{**database.__dict__, **ways})


def test_an_alert_is_mailed_once_with_its_page_and_no_data(database, registry, ledger, connection, inbox):
    settings = settings_with(
        database, notify_smtp=f"smtp://127.0.0.1:{inbox.port}?from=hub@example.org&to=a@example.org,b@example.org"
    )
    add(ledger, "education/sen2/2026-04/1", date(2026, 4, 30), state="rejected")
    outcome = watch.run(settings, registry, connection, NOW)
    mine = [m for m in inbox.mails if b"education/sen2/2026-04/1" in m.content]
    assert len(mine) == 1
    assert mine[0].rcpt_tos == ["a@example.org", "b@example.org"]
    text = mine[0].content.decode()
    assert "docs/runbook/rejected.md" in text
    assert "The header is missing" not in text
    assert outcome.counts["told"] == outcome.counts["new"] == len(inbox.mails) > 1
    again = watch.run(settings, registry, connection, NOW + timedelta(minutes=20))
    assert again.counts["told"] == again.counts["new"] == 0
    assert len(inbox.mails) == outcome.counts["told"]


def test_what_could_not_be_told_is_told_at_the_next_look(database, registry, ledger, connection, hook):
    handler, got, address = hook
    settings = settings_with(database, notify_webhook=address)
    add(ledger, "education/sen2/2026-04/1", date(2026, 4, 30), state="held_ours")
    handler.answer = 503
    first = watch.run(settings, registry, connection, NOW)
    assert first.state == "untold"
    assert first.counts["told"] == 0
    got.clear()
    handler.answer = 200
    second = watch.run(settings, registry, connection, NOW)
    assert second.counts["new"] == 0
    assert second.counts["told"] == first.counts["new"] == len(got)
    mine = [d for d in got if d["kind"] == "held_ours"]
    assert [d["subject"] for d in mine] == ["education/sen2/2026-04/1"]
    assert mine[0]["runbook"] == "docs/runbook/held_ours.md"


def test_one_way_that_works_is_enough(hook):
    _, got, address = hook
    alert = Alert("system_fault", "link area", NOW)
    dead = Mail("smtp", "127.0.0.1", 9, "a@example.org", ("b@example.org",))
    Notifier((dead, Webhook(address))).send(alert)
    assert [d["kind"] for d in got] == ["system_fault"]
    with pytest.raises(CouldNotTell, match="mail"):
        Notifier((dead,)).send(alert)


def test_without_a_way_nothing_is_lost(database, registry, connection):
    outcome = watch.run(database, registry, connection, NOW)
    assert outcome.state == "untold"
    assert "JOINT_NEEDS_NOTIFY_SMTP" in outcome.notes[0]
    untold = connection.execute("SELECT count(*) FROM ops.alert WHERE told_at IS NULL").fetchone()[0]
    assert untold == outcome.counts["open"] > 0


def test_an_alert_closes_when_its_reason_is_gone_and_opens_again(database, registry, ledger, connection):
    add(ledger, "education/sen2/2026-04/1", date(2026, 4, 30), state="held_ours")

    def is_open():
        query = "SELECT count(*) FROM ops.alert WHERE kind = 'held_ours' AND cleared_at IS NULL"
        return connection.execute(query).fetchone()[0]

    watch.run(database, registry, connection, NOW)
    assert is_open() == 1
    ledger.move("education/sen2/2026-04/1", "validated")
    watch.run(database, registry, connection, NOW)
    assert is_open() == 0
    ledger.move("education/sen2/2026-04/1", "held_ours")
    watch.run(database, registry, connection, NOW)
    assert is_open() == 1


# ---- failed runs -----------------------------------------------------------------------------------------------------
def test_a_failed_run_is_told_once_however_many_of_its_tasks_fail(database, connection, hook):
    _, got, address = hook
    settings = settings_with(database, notify_webhook=address)
    assert watch.failed(settings, connection, "pull_health scheduled__2026-06-15", NOW)
    assert not watch.failed(settings, connection, "pull_health scheduled__2026-06-15", NOW)
    assert [d["subject"] for d in got] == ["pull_health scheduled__2026-06-15"]


def test_a_failed_run_is_told_even_when_the_ledger_cannot_be_reached(tmp_path, monkeypatch, hook):
    _, got, address = hook
    monkeypatch.setenv("JOINT_NEEDS_HOME", str(tmp_path))
    monkeypatch.setenv("JOINT_NEEDS_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    monkeypatch.setenv("JOINT_NEEDS_NOTIFY_WEBHOOK", address)
    flow.failed("refresh_warehouse", "scheduled__2026-06-15")
    assert [(d["kind"], d["subject"]) for d in got] == [("failed_run", "refresh_warehouse scheduled__2026-06-15")]


def test_a_fault_that_airflow_did_not_tell_is_found_in_the_ledger(connection):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), recorded_run(connection, "link", "area"):
            1 / 0  # noqa: B018
    now = datetime.now(UTC)
    assert alerts.unreported_faults(connection, now) == []  # retries may still mend it
    assert alerts.unreported_faults(connection, now + timedelta(hours=2)) == ["link area"]
    with recorded_run(connection, "link", "area"):
        pass
    assert alerts.unreported_faults(connection, now + timedelta(hours=2)) == []


def test_a_fault_that_airflow_told_is_not_told_twice(database, connection):
    with pytest.raises(ZeroDivisionError), recorded_run(connection, "link", "area"):
        1 / 0  # noqa: B018
    watch.failed(database, connection, "refresh_warehouse manual__1", NOW)
    assert alerts.unreported_faults(connection, datetime.now(UTC) + timedelta(hours=2)) == []


# ---- addresses and pages ---------------------------------------------------------------------------------------------
def test_addresses_are_read_and_secrets_come_from_files(tmp_path):
    mail = Mail.parse("smtp+starttls://mail.example.org?from=a@example.org&to=b@example.org&user=hub&password_file=/x")
    assert (mail.port, mail.user, mail.password_file) == (587, "hub", Path("/x"))
    (tmp_path / "hook").write_text("https://chat.example.org/secret\n")
    assert Webhook.parse(str(tmp_path / "hook")).address == "https://chat.example.org/secret"
    for wrong in ("mailto:a@example.org", "smtp://mail.example.org", "smtp://mail.example.org?from=a@example.org"):
        with pytest.raises(UsageFault):
            Mail.parse(wrong)


@pytest.mark.parametrize("kind", watch.KINDS)
def test_every_kind_of_alert_has_its_page(kind):
    page = Path(__file__).resolve().parents[2] / "docs" / "runbook" / f"{kind}.md"
    for heading in ("What it means", "Who owns it", "Look here", "Do this", "Never do this"):
        assert f"## {heading}" in page.read_text()
