"""Which records are one person: identifiers, Splink over tokens, vetoes, people, and person keys that last.

The order of matching: corroborated identifiers, chains through registers and bridges included, and the matcher's
probabilities (`pairs`, `matcher`); the vetoes; connected components with guard rails (`clusters`); records without
names (`nameless`); person keys (`person_keys`). Only the linker's key opens the tokens, in memory; nothing here reads
payload.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import psycopg
import pyarrow as pa

from pipelines.errors import SystemFault
from pipelines.ledger import Ledger, Outcome, Submission, recorded_run
from pipelines.ledger.turn import one_at_a_time
from pipelines.link import belief, epochs, lasting, matcher, person_keys, quality, questions, stored, tokens
from pipelines.link.kept import Kept
from pipelines.registry import Registry
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings

log = logging.getLogger(__name__)

# Raised where the rules of matching change, so that the next night matches again though nothing arrived.
RULES = 6


def run(settings: Settings, registry: Registry, connection: psycopg.Connection[Any], as_of: date | None) -> Outcome:
    """Match all current records and bring `link.*` up to date in one transaction.

    as_of: recorded time of the submissions to take; None for all that stand. Where the linkage files are those of the
    last run, the matcher is not started. An unchanged night writes nothing to the crosswalk.

    Returns an Outcome with counts of records, persons, links, reviews and changes by kind. Raises SystemFault where a
    linkage file is missing or does not open.
    """
    with recorded_run(connection, "link", str(as_of or "all")) as outcome, one_at_a_time(connection):
        standing = tokens.people_only(registry, Ledger(connection).current(as_of, registry.every_period))
        if not standing:
            outcome.counts = person_keys.Assignment().counts()
            outcome.notes.append("nothing to link: no submission that stands carries people")
            return outcome
        choice = epochs.choose(settings, standing)
        if choice.absent:
            names = ", ".join(one.submission for one in choice.absent)
            outcome.notes.append(f"no tokens of epoch {choice.epoch}, so nothing changes for the children of: {names}")
        inputs = _inputs(settings, registry, connection, choice)
        if inputs == _last_inputs(connection):
            outcome.counts = person_keys.Assignment().counts()
            outcome.notes.append("nothing new: the linkage files are those of the last run")
            return outcome
        with _no_values_in_errors(), _counts_of_a_stop(outcome), tokens.memory() as db:
            outcome.counts = _match(settings, registry, connection, db, choice, inputs)
            outcome.notes += quality.after(settings, connection)
        log.info("link: %s", outcome.counts)
    return outcome


def _match(
    settings: Settings,
    registry: Registry,
    connection: psycopg.Connection[Any],
    db: duckdb.DuckDBPyConnection,
    choice: epochs.Choice,
    inputs: dict[str, Any],
) -> dict[str, int]:
    from pipelines.link.solve import solve
    from pipelines.link.summary import summarise

    clock = Clock()
    keys = HubKeys.load(settings.hub_keys)
    kept = Kept(settings.link_kept, keys)
    described, before = _described(settings, keys, connection, registry, choice, kept, inputs)
    tokens.number(db, described)
    del described  # as large as the tables made of it
    lasting.load(db, connection, before["link"])
    clock.mark("tokens")
    model, is_new = matcher.pinned(db, settings.link_store / matcher.NAME)
    scored = kept.recall(db, model, choice.epoch, RULES)
    fresh = solve(db, model)
    kept.remember(db, scored)
    belief.judge(db, model["model"], belief.answers(connection))
    questions.weigh(db, model)
    clock.mark("match")
    found = summarise(db)
    night = person_keys.load(connection, db, before["crosswalk"], everyone=bool(choice.absent))
    groups = epochs.stay(night.people, night.held, choice.absent)
    assignment = person_keys.assign(groups, night.held, night.age, night.newcomers)
    person_keys.check(assignment, night.persons, settings.most_key_changes)
    person_keys.write(connection, assignment)
    for table in stored.TABLES:
        stored.bring(connection, db, table, before[table])
    clock.mark("keys")
    changes = assignment.counts()
    summary = found | {
        **quality.look(connection, db),
        "changes": changes,
        "model": {"is_new": is_new, "is_trained": model["trained"], "version": matcher.version(model)},
        "looks_compared": fresh,
        "seconds": clock.seconds,
    }
    inputs |= {"model": matcher.version(model)}
    connection.execute(
        "INSERT INTO link.run (inputs, summary) VALUES (%s, %s)", (json.dumps(inputs), json.dumps(summary))
    )
    totals = {f"{kind}s": sum(found[f"{kind}s"].values()) for kind in ("link", "review")}
    return {"records": found["records"], "persons": found["persons"], **totals, **changes}


class Clock:
    """Seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def mark(self, step: str) -> None:
        """End a step."""
        now = time.monotonic()
        self.seconds[step] = round(now - self._last, 2)
        self._last = now


def _inputs(
    settings: Settings, registry: Registry, connection: psycopg.Connection[Any], choice: epochs.Choice
) -> dict[str, Any]:
    """What decides the result: the rules, each file by its hash, and the hash of the row numbers held back."""
    files = {}
    for submission in choice.present:
        with epochs.files(settings, submission)[choice.epoch].open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        held = json.dumps(tokens.held_rows(connection, registry, submission))
        files[submission.submission] = [content, hashlib.sha256(held.encode()).hexdigest()[:16]]
    decided = connection.execute("SELECT coalesce(max(decision_key), 0) FROM link.decision").fetchall()[0][0]
    return {
        "rules": RULES, "epoch": choice.epoch, "files": files, "decisions": decided,
        "model": matcher.pinned_version(settings.link_store / matcher.NAME),
    }  # fmt: skip


def _described(
    settings: Settings,
    keys: HubKeys,
    connection: psycopg.Connection[Any],
    registry: Registry,
    choice: epochs.Choice,
    kept: Kept,
    inputs: dict[str, Any],
) -> tuple[list[pa.Table], dict[str, pa.Table]]:
    """The profiles of every source of a run, and `link.*` as the last run left it.

    Files of a source are opened only where anything of it is new.
    """
    by_source: dict[tuple[str, str], list[tuple[int, Submission]]] = {}
    for number, one in enumerate(choice.present):
        by_source.setdefault((one.agency_code, one.dataset_code), []).append((number, one))
    kept.drop_others(by_source)
    held = {one.submission: tokens.held_rows(connection, registry, one) for one in choice.present}

    def profiles(source: tuple[str, str]) -> pa.Table:
        def described() -> pa.Table:
            with scratch.cursor() as own:
                return tokens.describe(own, (
                    tokens.Part(
                        source, number, tokens.read(epochs.files(settings, one)[choice.epoch], keys, one),
                        held[one.submission],
                    )
                    for number, one in by_source[source]
                ))  # fmt: skip

        return kept.source(source, [inputs["files"][one.submission] for _, one in by_source[source]], described)

    # The sources side by side, since opening one keeps one core busy; the server tells of the last run meanwhile.
    with tokens.memory() as scratch, ThreadPoolExecutor(os.cpu_count()) as several:
        opened = several.map(profiles, by_source)
        before = {name: stored.before(connection, name) for name in stored.TABLES}
        before["crosswalk"] = person_keys.crosswalk(connection)
        return list(opened), before


def _last_inputs(connection: psycopg.Connection[Any]) -> dict[str, Any] | None:
    row = connection.execute("SELECT inputs FROM link.run ORDER BY link_run_key DESC LIMIT 1").fetchone()
    return row[0] if row else None


@contextmanager
def _counts_of_a_stop(outcome: Outcome) -> Iterator[None]:
    """Where the circuit-breaker stops the run, its counts are recorded: the watch tells them."""
    try:
        yield
    except person_keys.CircuitBreaker as stop:
        outcome.counts = stop.counts
        raise


@contextmanager
def _no_values_in_errors() -> Iterator[None]:
    """The engines' own messages may quote what they read; ours do not."""
    try:
        yield
    except duckdb.Error as error:
        raise SystemFault(f"the matcher stopped ({type(error).__name__})") from None
