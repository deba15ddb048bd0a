"""Within which key epoch a run links, and what becomes of records that have no tokens of it.

Tokens of different epochs never compare. During a change the door writes both, so that the epoch left is common to all
until every submission that stands has the new one as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pipelines.errors import SystemFault
from pipelines.ledger import Submission
from pipelines.link.person_keys import Held, Record
from pipelines.settings import Settings


@dataclass(frozen=True)
class Choice:
    """The epoch of a run, the submissions that have tokens of it, and those that have none."""

    epoch: str
    present: list[Submission]
    absent: list[Submission]


def files(settings: Settings, submission: Submission) -> dict[str, Path]:
    """The linkage files of a submission by epoch. One without an epoch in its name is of the submission's own."""
    form = submission.submission.replace("/", "__")
    found = {path.name.split(".")[1]: path for path in settings.link_store.glob(f"{form}.*.age")}
    plain = settings.link_store / f"{form}.age"
    return found | ({submission.key_epoch or "": plain} if plain.exists() else {})


def _held(settings: Settings, submission: Submission) -> dict[str, Path]:
    if not (found := files(settings, submission)):
        raise SystemFault(f"the link store has no linkage file of {submission.submission}")
    return found


def choose(settings: Settings, standing: Sequence[Submission]) -> Choice:
    """The newest epoch that all submissions have, else the one that most have, the newer of equals.

    Raises SystemFault where a submission has no linkage file at all.
    """
    held = {one.submission: _held(settings, one) for one in standing}
    counts = Counter(epoch for found in held.values() for epoch in found)
    epoch = max(counts, key=lambda one: (counts[one], one))
    present = [one for one in standing if epoch in held[one.submission]]
    return Choice(epoch, present, [one for one in standing if epoch not in held[one.submission]])


def newest(settings: Settings, submission: Submission) -> Path:
    """The linkage file of a submission's newest epoch, for what does not compare tokens. Raises as `choose` does."""
    held = _held(settings, submission)
    return held[max(held)]


def stay(
    people: Iterable[list[Record]], held: Mapping[Record, Held], absent: Iterable[Submission]
) -> list[list[Record]]:
    """People with the records of absent submissions added to whom they belonged to before.

    Nothing was learnt of those records, so nothing changes for them: each stays with the person who has most of the
    records of its key, or alone with the others of its key.
    """
    groups = [list(records) for records in people]
    there = {record for records in groups for record in records}
    sources = {(one.agency_code, one.dataset_code) for one in absent}
    waiting: dict[UUID, list[Record]] = defaultdict(list)
    for record, had in held.items():
        if had.is_open and record[:2] in sources and record not in there:
            waiting[had.key].append(record)
    shares: dict[UUID, Counter[int]] = defaultdict(Counter)
    for number, records in enumerate(groups):
        for record in records:
            if (row := held.get(record)) and row.key in waiting:
                shares[row.key][number] += 1
    for key in sorted(waiting):
        records = sorted(waiting[key])
        if shares[key]:
            number = max(shares[key], key=lambda one: (shares[key][one], -one))
            groups[number] += records
        else:
            groups.append(records)
    return groups
