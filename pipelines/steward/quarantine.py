"""Held rows: how many, why, where; and a steward's decision on them.

A release takes rows in though a rule finds them. It is tried out before it counts: where the warehouse could not carry
the rows, nothing is changed and the steward is told. Rows without a key, that repeat a key or that hang on nothing
cannot be released at all, since nobody could say what they belong to: the sender has to correct them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg

from pipelines import conform, validate
from pipelines.errors import SystemFault, UsageFault
from pipelines.ledger import Ledger, Outcome, Submission, recorded_run
from pipelines.registry import Registry
from pipelines.settings import Settings
from pipelines.validate.rules import NOT_NULL, Rule, rules


@dataclass(frozen=True)
class Held:
    """Rows of one submission that one rule holds.

    rows: how many, below: rows of other tables held only because these are (PARENT_HELD, of all rules of the
    submission together), kept: how many a steward decided to keep, is_releasable: False where only the sender can help.
    """

    submission: str
    table: str
    rule: str
    column: str | None
    rows: int
    kept: int
    below: int
    is_releasable: bool
    tell_supplier: str

    @property
    def is_open(self) -> bool:
        """Whether a steward can decide and has not done so for every row."""
        return self.is_releasable and self.kept < self.rows

    def as_json(self) -> dict[str, Any]:
        """Plain types only."""
        return dict(self.__dict__)


def held(registry: Registry, connection: psycopg.Connection[Any], submission: str | None = None) -> list[Held]:
    """The held rows of what stands (or of one submission) by rule, the most first."""
    found = Ledger(connection).rows(
        """SELECT s.submission, s.dataset_code, s.period_end, h.table_name, h.rule, min(h.column_name) AS column_name,
               count(*)::int AS rows,
               count(*) FILTER (WHERE EXISTS (SELECT FROM ops.decision AS d WHERE d.kind = 'keep'
                   AND d.submission_key = h.submission_key AND d.table_name = h.table_name AND d.rule = h.rule
                   AND h.source_row = ANY(d.source_rows)))::int AS kept,
               (SELECT coalesce(sum(parent_held), 0)::int FROM ops.outcome AS o
                WHERE o.submission_key = s.submission_key) AS below
           FROM ops.held_row AS h JOIN ops.submission AS s USING (submission_key)
           WHERE s.submission = coalesce(%s, s.submission) AND (%s::text IS NOT NULL OR s.state <> 'superseded')
           GROUP BY s.submission_key, h.table_name, h.rule ORDER BY rows DESC, s.submission, h.table_name, h.rule""",
        submission,
        submission,
    )
    known = {
        (dataset, day): {rule.rule: rule for listed in rules(registry, dataset, day).values() for rule in listed}
        for dataset, day in {(row["dataset_code"], row["period_end"]) for row in found}
    }
    return [_held(registry, row, known[row["dataset_code"], row["period_end"]].get(row["rule"])) for row in found]


def _held(registry: Registry, row: dict[str, Any], rule: Rule | None) -> Held:
    return Held(
        row["submission"],
        row["table_name"],
        row["rule"],
        row["column_name"],
        row["rows"],
        row["kept"],
        row["below"],
        rule is not None and not _is_structural(registry, row["dataset_code"], rule),
        rule.tell_supplier if rule else "This rule is not in the suite any more; run the submission again.",
    )


def question(found: Held) -> dict[str, str]:
    """How a steward is asked about held rows: a subject and a text in Markdown, with numbers and never a value."""
    noun = "row is" if found.rows == 1 else "rows are"
    return {
        "submission": found.submission,
        "rule": found.rule,
        "subject": f"{found.submission}: {found.rule}",
        "body": f"**{found.rows:,} {noun} held** in table `{found.table}`"
        + (f", column `{found.column}`" if found.column else "")
        + f".\n\nWhat the sender was told: {found.tell_supplier}\n\n"
        f"Held only because a row above them is held, in this submission: {found.below:,}.\n\n"
        "**Release** takes the rows in as they came; they count from the next refresh on. **Keep held** leaves them "
        "out and asks no more. A corrected delivery of the same period replaces all of it.",
    }


def _is_structural(registry: Registry, dataset: str, rule: Rule) -> bool:
    """Whether a row that fails the rule has no place in the tables: no key, a repeated key, no parent."""
    column = str(rule.kwargs.get("column", ""))
    key = registry.contract(dataset).tables[rule.table].key
    return column in ("is_duplicate", "is_orphan") or (rule.type == NOT_NULL and column in key)


def held_rows(connection: psycopg.Connection[Any], submission: str, table: str, rule: str) -> list[int]:
    """Numbers of the rows that a rule holds, in order."""
    found = Ledger(connection).rows(
        """SELECT source_row FROM ops.held_row JOIN ops.submission USING (submission_key)
           WHERE submission = %s AND table_name = %s AND rule = %s ORDER BY source_row""",
        submission,
        table,
        rule,
    )
    return [row["source_row"] for row in found]


def release(
    settings: Settings,
    registry: Registry,
    connection: psycopg.Connection[Any],
    submission: str,
    rule: str,
    *,
    by: str,
    reason: str,
    rows: Collection[int] | None = None,
) -> Outcome:
    """Take in rows that a rule holds, from the payload that was received; the next refresh shows them.

    rows: their numbers; all that the rule holds unless given. All or nothing, in one transaction.

    Raises UsageFault where nothing of the kind is held, where the rule is about what a row belongs to, or where the
    warehouse cannot carry the rows.
    """
    with recorded_run(connection, "release", submission) as outcome:
        found, about, chosen = _chosen(registry, connection, submission, rule, rows)
        if not about.is_releasable:
            raise UsageFault(
                f"{rule} is about what a row belongs to; only the sender can correct that, in a new delivery"
            )
        decide(connection, found, "release", by, reason, about.table, rule, chosen)
        validate.again(settings, registry, connection, submission, outcome)
        if outcome.state != "running":
            raise UsageFault(f"{submission} is {outcome.state} when it is judged again: {'; '.join(outcome.notes)}")
        try:
            conform.try_out(settings, registry, connection)
        except SystemFault as fault:
            raise UsageFault(
                f"the warehouse cannot carry these rows: {fault}. The sender has to correct them"
            ) from None
        outcome.counts["released"] = len(chosen)
    return outcome


def keep(
    registry: Registry,
    connection: psycopg.Connection[Any],
    submission: str,
    rule: str,
    *,
    by: str,
    reason: str,
    rows: Collection[int] | None = None,
) -> Outcome:
    """Decide that rows stay held, so that nobody is asked about them again. Raises UsageFault as `release` does."""
    with recorded_run(connection, "keep", submission) as outcome:
        found, about, chosen = _chosen(registry, connection, submission, rule, rows)
        decide(connection, found, "keep", by, reason, about.table, rule, chosen)
        outcome.counts["kept"] = len(chosen)
    return outcome


def _of(registry: Registry, connection: psycopg.Connection[Any], submission: str, rule: str) -> Held:
    found = [h for h in held(registry, connection, submission) if h.rule == rule]
    if not found:
        raise UsageFault(f"{rule} holds no row of {submission}; `joint-needs quarantine list` shows what is held")
    return found[0]


def _chosen(
    registry: Registry, connection: psycopg.Connection[Any], submission: str, rule: str, rows: Collection[int] | None
) -> tuple[Submission, Held, list[int]]:
    """The submission, what the rule holds of it, and the numbers of the rows that are meant."""
    found = Ledger(connection).submission(submission)
    if found.state not in validate.TAKEN:
        raise UsageFault(f"{submission} is {found.state}; rows are released from a submission that was accepted")
    about = _of(registry, connection, submission, rule)
    there = held_rows(connection, submission, about.table, rule)
    if rows is None:
        return found, about, there
    if strange := sorted(set(rows) - set(there)):
        raise UsageFault(
            f"{rule} does not hold row {', '.join(map(str, strange[:10]))} of {submission}, table {about.table}"
        )
    return found, about, sorted(set(rows))


def decide(
    connection: psycopg.Connection[Any],
    found: Submission,
    kind: str,
    by: str,
    reason: str,
    table: str | None = None,
    rule: str | None = None,
    rows: list[int] | None = None,
) -> None:
    """Write a decision down. by and reason must say something."""
    if not by.strip() or not reason.strip():
        raise UsageFault("a decision needs the name of who takes it (--by) and why (--reason)")
    connection.execute(
        """INSERT INTO ops.decision (kind, submission_key, table_name, rule, source_rows, decided_by, reason)
           VALUES (%s, %s, %s, %s, %s, %s, %s)""",
        (kind, found.submission_key, table, rule, rows, by.strip(), reason.strip()),
    )
