"""The review queue: what waits, who can tell, and what was decided.

The hub holds no names, so the question goes to the partner that owns a record: it gets its own record pseudonym, which
it can look up at its door, how far the two records agree, and whose record the other is, but nothing of that record.
Its answer comes back as a file. Decisions are in `link.decision` and hold in every run until another follows.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pipelines.errors import UsageFault

VERDICTS = ("together", "apart", "open")
EXPORTED = ("pair", "own_dataset", "own_record", "other_agency", "other_dataset", "reason", "agreement", "household",
            "decision", "note")  # fmt: skip
_PAIR = ("agency_l", "dataset_l", "record_l", "agency_r", "dataset_r", "record_r")


def queue(connection: psycopg.Connection[Any], agency: str | None = None) -> list[dict[str, Any]]:
    """Pairs that wait for a person, the likeliest first, without those decided since the last run.

    agency: those of which it owns a record. Each row: pair (a short name), the six columns of the two records, reason,
    probability, agreement, household.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """SELECT agency_l, dataset_l, record_l, agency_r, dataset_r, record_r, reason, probability,
                      agreement, household
               FROM link.review
               WHERE is_queued AND (%(agency)s::text IS NULL OR %(agency)s IN (agency_l, agency_r))
                 AND NOT EXISTS (
                     SELECT FROM link.decision d
                     WHERE (d.agency_l, d.dataset_l, d.record_l, d.agency_r, d.dataset_r, d.record_r)
                         = (review.agency_l, review.dataset_l, review.record_l,
                            review.agency_r, review.dataset_r, review.record_r)
                       AND d.at > (SELECT max(at) FROM link.run))
               ORDER BY probability DESC NULLS LAST, agency_l, dataset_l, record_l, agency_r, dataset_r, record_r""",
            {"agency": agency},
        ).fetchall()
    return [{"pair": name_of(tuple(row[c] for c in _PAIR)), **row} for row in rows]


def name_of(pair: tuple[str, ...]) -> str:
    """A short name of a pair, the same in every run."""
    return hashlib.sha256("\0".join(pair).encode()).hexdigest()[:16]


def decide(connection: psycopg.Connection[Any], pair: str, verdict: str, by: str, reason: str) -> None:
    """Write one decision about a pair of the last run's review or links; the next run follows it.

    Raises UsageFault for a verdict or a pair that is not known, and where nobody or no reason is named.
    """
    _decide(connection, [(pair, verdict, reason)], by)


def _decide(connection: psycopg.Connection[Any], answers: list[tuple[str, str, str]], by: str) -> None:
    """Write decisions: short name of a pair, verdict, reason."""
    pairs = _pairs(connection, {pair for pair, *_ in answers})
    columns = ", ".join(_PAIR)
    for pair, verdict, reason in answers:
        if verdict not in VERDICTS:
            raise UsageFault(f"a decision is one of {', '.join(VERDICTS)}, not {verdict!r}")
        if not (by.strip() and reason.strip()):
            raise UsageFault("a decision names who takes it and why")
        if pair not in pairs:
            raise UsageFault(f"no pair {pair} is in review, linked or decided; `link review list` shows them")
        left, right = sorted((pairs[pair][:3], pairs[pair][3:]))
        connection.execute(
            f"INSERT INTO link.decision ({columns}, verdict, decided_by, reason) VALUES ({', '.join(['%s'] * 9)})",  # type: ignore[arg-type]  # noqa: S608
            (*left, *right, verdict, by.strip(), reason.strip()),
        )


def _pairs(connection: psycopg.Connection[Any], names: set[str]) -> dict[str, tuple[str, ...]]:
    """The pairs of short names, as far as they are known: first among the few that somebody was asked about."""
    columns = ", ".join(_PAIR)
    asked = f"""SELECT {columns} FROM link.review WHERE is_queued UNION SELECT {columns} FROM link.sampled
        UNION SELECT {columns} FROM link.decision"""  # noqa: S608
    any_other = f"SELECT {columns} FROM link.review UNION ALL SELECT {columns} FROM link.link"  # noqa: S608
    found: dict[str, tuple[str, ...]] = {}
    for query in (asked, any_other):
        if not names <= found.keys():
            rows = connection.execute(query).fetchall()  # type: ignore[arg-type]
            found |= {name: row for row in rows if (name := name_of(row)) in names}
    return found


def export(connection: psycopg.Connection[Any], agency: str, path: Path) -> list[dict[str, Any]]:
    """Write the questions to one partner as CSV, with columns to answer in; returns them as `queue` does.

    Of the other record there is only whose it is. A pair of two records of this partner is asked once.
    """
    rows = queue(connection, agency)
    _write(path, agency, rows)
    return rows


def _write(path: Path, agency: str, rows: Iterable[dict[str, Any]]) -> None:
    """Questions to a partner about pairs of which it owns a record."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, EXPORTED)
        writer.writeheader()
        for row in rows:
            own, other = ("l", "r") if row["agency_l"] == agency else ("r", "l")
            agrees = "; ".join(f"{field}: {words}" for field, words in sorted(row["agreement"].items()))
            writer.writerow({
                "pair": name_of(tuple(row[c] for c in _PAIR)), "own_dataset": row[f"dataset_{own}"],
                "own_record": row[f"record_{own}"], "other_agency": row[f"agency_{other}"],
                "other_dataset": row[f"dataset_{other}"], "reason": row["reason"], "agreement": agrees,
                "household": row["household"],
            })  # fmt: skip


def sample(connection: psycopg.Connection[Any], agency: str, path: Path, pairs: int) -> int:
    """Write a random sample of accepted ties to one partner as questions like those of `export`; returns their number.

    As many of each reason as of every other, as far as there are, since the rare reasons are the doubtful ones; none
    that was sampled or decided before. What was sampled is remembered in `link.sampled`: the answers say how often ties
    of each reason are wrong (pipelines/link/belief.py). Another run of the matcher draws another sample.
    """
    columns = ", ".join(_PAIR)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            f"""WITH free AS (
                    SELECT {columns}, reason, row_number() OVER (PARTITION BY reason ORDER BY hashtextextended(
                        concat_ws('|', {columns}), (SELECT coalesce(max(link_run_key), 0) FROM link.run))) AS place
                    FROM link.link AS tie
                    WHERE %(agency)s IN (agency_l, agency_r) AND reason <> 'decided'
                      AND NOT EXISTS (SELECT FROM link.sampled AS s WHERE ({_of("s")}) = ({_of("tie")}))
                      AND NOT EXISTS (SELECT FROM link.decision AS d WHERE ({_of("d")}) = ({_of("tie")})))
                INSERT INTO link.sampled ({columns}, reason)
                SELECT {columns}, reason FROM free ORDER BY place, reason LIMIT %(pairs)s RETURNING *""",  # type: ignore[arg-type]  # noqa: S608
            {"agency": agency, "pairs": pairs},
        ).fetchall()
    _write(path, agency, [row | {"agreement": {}, "household": ""} for row in rows])
    return len(rows)


def _of(alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in _PAIR)


def take(connection: psycopg.Connection[Any], path: Path, by: str) -> int:
    """Take a partner's answers, all or none: rows of an exported file with a decision; returns their number."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            answers = [row for row in csv.DictReader(file) if (row.get("decision") or "").strip()]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise UsageFault(f"{path.name} cannot be read") from None
    with connection.transaction():
        _decide(connection, list(_answers(answers)), by)
    return len(answers)


def _answers(rows: Iterable[dict[str, str]]) -> Iterable[tuple[str, str, str]]:
    for row in rows:
        note = (row.get("note") or "").strip() or "the partner's answer"
        yield (row.get("pair") or "").strip(), row["decision"].strip().lower(), note
