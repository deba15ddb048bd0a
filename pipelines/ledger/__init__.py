"""The memory of the hub: submissions and their states, row counts, rule results, held rows, runs, alerts.

Everything here is a statement in PostgreSQL schema `ops` (sql/migrations/0001_ops.sql). A `Ledger` borrows the caller's
connection and never commits on its own except where it says so, so that a stage's outcome and its ledger mark are one
transaction.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pipelines import version
from pipelines.errors import DataFault, SystemFault, UsageFault

if TYPE_CHECKING:  # the door installs without a database driver
    import psycopg

# A submission's life. `docs/runbook/` has one page per state that waits for somebody.
STATES = ("received", "validated", "held_ours", "accepted", "integrated", "superseded", "rejected", "withdrawn")
NEXT = {
    "received": {"validated", "held_ours", "rejected", "withdrawn"},
    "held_ours": {"validated", "held_ours", "rejected", "withdrawn"},
    "validated": {"accepted", "held_ours", "rejected", "withdrawn"},
    "accepted": {"integrated", "superseded", "withdrawn"},
    # accepted once more: after a release or a rerun, so that the next refresh takes it up.
    "integrated": {"superseded", "withdrawn", "accepted"},
    "superseded": {"integrated", "withdrawn"},
    "rejected": {"received", "withdrawn"},
    "withdrawn": set(),
}


@dataclass(frozen=True)
class Submission:
    """A row of `ops.submission`."""

    submission_key: int
    submission: str
    agency_code: str
    dataset_code: str
    period: str
    period_start: date
    period_end: date
    sequence: int
    state: str
    manifest: dict[str, Any]
    key_epoch: str | None
    content_sha256: str


@dataclass(frozen=True)
class TableOutcome:
    """Row counts of one table of a submission; `rows_in = accepted + quarantined + rejected`.

    suppressed: the part of rejected that is of erased children.
    """

    table: str
    rows_in: int
    accepted: int = 0
    quarantined: int = 0
    parent_held: int = 0
    rejected: int = 0
    suppressed: int = 0


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule found on one table."""

    table: str
    rule: str
    on_fail: str
    result: str
    evaluated: int = 0
    failed: int = 0


@dataclass
class Outcome:
    """What a stage did: the same shape for every stage, printed by the command line and returned by tasks."""

    stage: str
    subject: str
    state: str
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain types only, for JSON and for Airflow's XCom; counts and names, never data."""
        return self.__dict__ | {"seconds": round(self.seconds, 3)}


class Ledger:
    """Reads and writes `ops` through one open psycopg connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """All rows of a query as dictionaries."""
        from psycopg.rows import dict_row

        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()  # type: ignore[arg-type]

    # ---- submissions -------------------------------------------------------------------------------------------
    def submission(self, name: str) -> Submission:
        """The submission of this name, or a UsageFault."""
        found = self.submissions(name=name)
        if not found:
            raise UsageFault(f"the ledger has no submission {name!r}; `joint-needs status` lists them")
        return found[0]

    def submissions(
        self, *, name: str | None = None, states: Iterable[str] | None = None, group: Iterable[str] | None = None
    ) -> list[Submission]:
        """Submissions by name, states or agencies (all by default), oldest first."""
        columns = ", ".join(Submission.__dataclass_fields__)
        query = f"""SELECT {columns} FROM ops.submission
            WHERE (%s::text IS NULL OR submission = %s) AND (%s::text[] IS NULL OR state = ANY(%s))
              AND (%s::text[] IS NULL OR agency_code = ANY(%s)) ORDER BY submission_key"""  # noqa: S608
        wanted = list(states) if states is not None else None
        agencies = list(group) if group is not None else None
        return [Submission(**row) for row in self.rows(query, name, name, wanted, wanted, agencies, agencies)]

    def current(self, as_of: date | None = None, every_period: Collection[str] = ()) -> list[Submission]:
        """The submissions that stand: per agency and dataset the latest period, then the highest sequence in it.

        as_of: recorded time; only what had been accepted by the end of that day counts. A late older period never
        replaces a newer one. every_period: datasets of which each period stands, with its highest sequence.
        """
        columns = ", ".join(Submission.__dataclass_fields__)
        query = f"""SELECT {columns} FROM (
                SELECT DISTINCT ON (agency_code, dataset_code, part) * FROM (
                    SELECT *, CASE WHEN dataset_code = ANY(%s) THEN period END AS part FROM ops.submission
                    WHERE state IN ('accepted', 'integrated', 'superseded')
                        AND (%s::date IS NULL OR accepted_at::date <= %s)
                ) AS taken
                ORDER BY agency_code, dataset_code, part, period_end DESC, sequence DESC
            ) AS newest ORDER BY agency_code, dataset_code, period_end"""  # noqa: S608
        return [Submission(**row) for row in self.rows(query, list(every_period), as_of, as_of)]

    def add_submission(self, **columns: Any) -> int:
        """Insert a submission in state `received`; returns its key. Values are the columns of ops.submission."""
        names = [*columns, "state"]
        values = [json.dumps(v) if isinstance(v, dict) else v for v in columns.values()] + ["received"]
        query = f"""INSERT INTO ops.submission ({", ".join(names)}) VALUES ({", ".join(["%s"] * len(names))})
            RETURNING submission_key"""  # noqa: S608
        key = self.rows(query, *values)[0]["submission_key"]
        self._event(key, None, "received", None)
        return int(key)

    def move(self, name: str, to_state: str, *, fault: DataFault | None = None, note: str | None = None) -> None:
        """Change a submission's state; a step that `NEXT` does not know is a SystemFault."""
        row = self.rows("SELECT submission_key, state FROM ops.submission WHERE submission = %s FOR UPDATE", name)
        if not row:
            raise SystemFault(f"the ledger has no submission {name!r}")
        key, state = row[0]["submission_key"], row[0]["state"]
        if to_state not in NEXT[state]:
            raise SystemFault(f"{name} is {state}; it cannot become {to_state}")
        self.connection.execute(
            """UPDATE ops.submission SET state = %s, state_at = clock_timestamp(), reason_rule = %s, reason = %s,
               accepted_at = coalesce(accepted_at, CASE WHEN %s = 'accepted' THEN clock_timestamp() END)
               WHERE submission_key = %s""",
            (to_state, fault.rule if fault else None, fault.tell_supplier if fault else note, to_state, key),
        )
        self._event(key, state, to_state, fault.rule if fault else note)

    def refuse(self, note: str, manifest_sha256: str | None = None, to_state: str = "refused") -> None:
        """Record a delivery that never became a submission (unreadable, unsigned, without agreement, sent twice).

        Told once: the same note about the same delivery is recorded only the first time. to_state: `overtaken` where
        its own correction had been taken already, of which nobody needs to be told.
        """
        query = "SELECT 1 FROM ops.submission_event WHERE to_state = %s AND note = %s LIMIT 1"
        if not self.rows(query, to_state, note):
            self._event(None, None, to_state, note, manifest_sha256)

    def known_manifests(self) -> set[str]:
        """Hashes of the manifests of every delivery that was taken or refused."""
        rows = self.rows(
            """SELECT manifest_sha256 FROM ops.submission UNION
               SELECT manifest_sha256 FROM ops.submission_event WHERE manifest_sha256 IS NOT NULL"""
        )
        return {row["manifest_sha256"] for row in rows}

    def _event(
        self, key: int | None, from_state: str | None, to_state: str, note: str | None, manifest: str | None = None
    ) -> None:
        self.connection.execute(
            """INSERT INTO ops.submission_event (submission_key, from_state, to_state, note, manifest_sha256)
               VALUES (%s, %s, %s, %s, %s)""",
            (key, from_state, to_state, note, manifest),
        )

    # ---- outcomes: each call replaces this submission's own slice ----------------------------------------------
    def replace_outcomes(
        self,
        key: int,
        tables: Iterable[TableOutcome],
        rules: Iterable[RuleOutcome],
        held: Iterable[tuple[str, int, str, str | None]],
    ) -> None:
        """Write the results of validation of a submission in place of earlier ones. held: table, row, rule, column."""
        run = self.connection
        for table in ("outcome", "rule_outcome", "held_row"):
            run.execute(f"DELETE FROM ops.{table} WHERE submission_key = %s", (key,))  # type: ignore[arg-type]  # noqa: S608
        with run.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ops.outcome VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    (key, t.table, t.rows_in, t.accepted, t.quarantined, t.parent_held, t.rejected, t.suppressed)
                    for t in tables
                ],
            )
            cursor.executemany(
                "INSERT INTO ops.rule_outcome VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [(key, r.table, r.rule, r.on_fail, r.result, r.evaluated, r.failed) for r in rules],
            )
            with cursor.copy(
                "COPY ops.held_row (submission_key, table_name, source_row, rule, column_name) FROM STDIN"
            ) as copy:
                for row in held:
                    copy.write_row((key, *row))

    def replace_snapshots(self, key: int, files: Iterable[tuple[str, str, str, int]]) -> None:
        """Write which lake files hold the accepted rows; those that stood are marked replaced where they differ.

        files: table, path relative to the lake, sha256, rows.
        """
        columns = "submission_key, table_name, path, sha256, row_count"
        query = f"SELECT {columns} FROM ops.snapshot WHERE submission_key = %s AND replaced_at = 'infinity'"  # noqa: S608
        standing = self.rows(query, key)
        before = {tuple(row.values()) for row in standing}
        after = {(key, *file) for file in files}
        with self.connection.cursor() as cursor:
            cursor.executemany(
                """UPDATE ops.snapshot SET replaced_at = clock_timestamp()
                   WHERE submission_key = %s AND table_name = %s AND replaced_at = 'infinity'""",
                [row[:2] for row in before - after],
            )
            insert = f"INSERT INTO ops.snapshot ({columns}) VALUES (%s, %s, %s, %s, %s)"  # noqa: S608
            cursor.executemany(insert, sorted(after - before))

    def suppressed(self, key: int) -> dict[str, tuple[int, str]]:
        """Table -> rows of erased children that were left out of the kept payload, and the SHA-256 of what is left."""
        query = "SELECT table_name, row_count, payload_sha256 FROM ops.suppressed WHERE submission_key = %s"
        return {row["table_name"]: (row["row_count"], row["payload_sha256"]) for row in self.rows(query, key)}

    def replace_suppressed(self, key: int, tables: Mapping[str, tuple[int, str]]) -> None:
        """Write what was left out of some tables of a submission, as `suppressed` gives it."""
        with self.connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO ops.suppressed VALUES (%s, %s, %s, %s) ON CONFLICT (submission_key, table_name)
                   DO UPDATE SET row_count = excluded.row_count, payload_sha256 = excluded.payload_sha256""",
                [(key, table, *facts) for table, facts in tables.items()],
            )

    def released(self, key: int) -> dict[tuple[str, str], set[int]]:
        """Rows that a steward released: (table, rule) -> row numbers."""
        found: dict[tuple[str, str], set[int]] = {}
        query = "SELECT table_name, rule, source_rows FROM ops.decision WHERE kind = 'release' AND submission_key = %s"
        for row in self.rows(query, key):
            found.setdefault((row["table_name"], row["rule"]), set()).update(row["source_rows"])
        return found

    def forget_content(self, key: int) -> None:
        """Of a withdrawn submission, drop what names its rows and files; counts, rules and decisions stay."""
        for table in ("snapshot", "held_row"):
            self.connection.execute(f"DELETE FROM ops.{table} WHERE submission_key = %s", (key,))  # type: ignore[arg-type]  # noqa: S608

    # ---- alerts ------------------------------------------------------------------------------------------------
    def raise_alert(self, kind: str, subject: str) -> bool:
        """Open an alert unless the same one is open; True where it is new and somebody must be told."""
        query = """INSERT INTO ops.alert (kind, subject) VALUES (%s, %s)
            ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO NOTHING RETURNING alert_key"""
        return bool(self.rows(query, kind, subject))

    def clear_alerts(self, kind: str, still: Iterable[str]) -> None:
        """Close the open alerts of a kind whose subject is no longer among `still`."""
        self.connection.execute(
            """UPDATE ops.alert SET cleared_at = clock_timestamp()
               WHERE kind = %s AND cleared_at IS NULL AND NOT subject = ANY(%s)""",
            (kind, list(still)),
        )


@contextmanager
def recorded_run(connection: psycopg.Connection[Any], stage: str, subject: str) -> Iterator[Outcome]:
    """Run a stage and record it in `ops.run`: start, end, counts, and what went wrong.

    The row is committed at the start and at the end, apart from the stage's own transaction, so that a killed process
    leaves a row in state `running`. Yields the Outcome to fill in. Exceptions pass through after being recorded; only
    messages of our own errors are stored, since others may quote data. Errors of database and disk become SystemFaults.
    """
    from pipelines.ledger import trouble  # the door installs without a database driver

    outcome = Outcome(stage, subject, "running")
    started = time.monotonic()
    key = connection.execute(
        "INSERT INTO ops.run (stage, subject, code_version) VALUES (%s, %s, %s) RETURNING run_key",
        (stage, subject, version()),
    ).fetchone()[0]  # type: ignore[index]
    connection.commit()
    try:
        yield outcome
        connection.commit()
        outcome.state = "success" if outcome.state == "running" else outcome.state
        _end_run(connection, key, outcome, "success", started)
    except BaseException as error:
        fault = trouble.as_fault(error, stage)
        told = fault or error
        outcome.state = "data_fault" if isinstance(told, DataFault) else "system_fault"
        message = str(told) if isinstance(told, DataFault | SystemFault) else type(told).__name__
        if not connection.closed:  # else the run stays `running` in the ledger, as that of a killed process does
            connection.rollback()
            _end_run(connection, key, outcome, outcome.state, started, message)
        if fault:
            raise fault from None
        raise


def _end_run(
    connection: psycopg.Connection[Any],
    key: int,
    outcome: Outcome,
    state: str,
    started: float,
    message: str | None = None,
) -> None:
    outcome.seconds = time.monotonic() - started
    connection.execute(
        """UPDATE ops.run SET ended_at = clock_timestamp(), state = %s, counts = %s, message = %s
           WHERE run_key = %s""",
        (state, json.dumps(outcome.counts), message, key),
    )
    connection.commit()


def summary(tables: Iterable[TableOutcome]) -> Mapping[str, int]:
    """Counts over all tables of a submission."""
    found = list(tables)
    return {name: sum(getattr(t, name) for t in found) for name in ("rows_in", "accepted", "quarantined", "rejected")}
