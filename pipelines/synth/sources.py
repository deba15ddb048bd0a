"""What each source holds of whom: true identifiers, names and homes, with the mistakes that sources make.

The mistakes are declared in datasets/ (`linkage`). Those that matching alone can see go into
`truth/linkage_faults.csv`; those that a rule sees too are found again as rule faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.synth import identifiers
from pipelines.synth.draw import DAY, Array, Columns, Draws, as_day, where
from pipelines.synth.names import misspelt


class Source:
    """One agency's system as it knows its children: one entry per record.

    members: columns person, identity (1: the one before an adoption), copy, first_event.
    """

    def __init__(
        self, rng: np.random.Generator, faults: Mapping[str, Any], person: Columns, members: Columns, day: np.datetime64
    ) -> None:
        self._rng, self._faults, self._day = rng, faults, day
        who = members["person"]
        self.size = len(who)
        self.true = {name: values[who] for name, values in person.items()}
        self.members = members
        self.is_earlier = members["identity"] == 1
        self.may_err = ~self.true["is_canary"] & ~self.is_earlier & (members["copy"] == 0)
        self.marks: list[tuple[str, Array]] = []
        self.columns: Columns = dict(members)

    def mark(self, kind: str, at: Array) -> None:
        """Remember that the records `at` (a mask) carry a fault of a kind."""
        self.marks.append((kind, np.flatnonzero(at)))

    def _hit(self, field: str, kind: str, among: Array) -> Array:
        """Which of `among` suffer a fault, by the share its file gives; nobody suffers two of one field."""
        rate = self._faults.get(field, {}).get(kind, 0.0)
        return among & self.may_err & (self._rng.random(self.size) < rate)

    def name_and_home(self) -> None:
        """Names and postcode: before or after a change, misspelt or right."""
        true, earlier = self.true, self.is_earlier
        stale = self._faults.get("stale", {})
        renamed = ~np.isnat(true["renamed_on"]) & self.may_err
        not_told = self._rng.random(self.size) < stale.get("surname", 0)
        old_name = renamed & ((true["renamed_on"] > self._day) | not_told)
        moved = ~np.isnat(true["moved_on"]) & self.may_err
        old_home = moved & ((true["moved_on"] > self._day) | (self._rng.random(self.size) < stale.get("postcode", 0)))
        shown = renamed & ~old_name & (self._rng.random(self.size) < self._faults.get("shows_former_surname", 0))
        surname = np.where(old_name | earlier, true["former_surname"], true["surname"])
        forename = np.where(earlier, true["former_forename"], true["forename"])
        for field, names in (("surname", surname), ("forename", forename)):
            wrong = self._hit(field, "misspelt", np.ones(self.size, dtype=bool))
            names[wrong] = misspelt(self._rng, names[wrong])
            self.mark(f"{field}_misspelt", wrong)
        self.columns |= {
            "forename": forename,
            "middle": true["middle"],
            "surname": surname,
            "former_surname": where(shown, true["former_surname"]),
            "postcode": np.where(old_home | earlier, true["former_postcode"], true["postcode"]),
            "sex": true["sex"],
        }
        self.mark("changed_surname", old_name | shown)
        self.mark("moved_house", old_home)

    def birth_date(self) -> None:
        """Birth date: day and month swapped, or an unknown day written as the 15th."""
        birth = self.true["birth"]
        month = birth.astype("datetime64[M]")
        day = (birth - month.astype("datetime64[D]")).astype(int) + 1
        number = month.astype(int) % 12 + 1
        january = month.astype("datetime64[Y]").astype("datetime64[M]")
        swapped = (january + (day - 1)).astype("datetime64[D]") + (number - 1) * DAY
        # Only within the school year of birth, and before anything that happened to the child: no rule may see it.
        school_year, other = ((d.astype("datetime64[M]").astype(int) - 8) // 12 for d in (birth, swapped))
        fits = (day <= 12) & (day != number) & (school_year == other) & (swapped < self.members["first_event"])
        fits &= swapped < self._day - 200 * DAY
        wrong = self._hit("birth_date", "swapped", fits)
        fifteenth = month.astype("datetime64[D]") + 14 * DAY
        fits = ~wrong & (day != 15) & (fifteenth < self.members["first_event"])
        unknown = self._hit("birth_date", "unknown_day", fits)
        self.columns["birth"] = np.where(wrong, swapped, np.where(unknown, fifteenth, birth))
        self.mark("birth_date_swapped", wrong)
        self.mark("birth_day_unknown", unknown)

    def upn(self, others: Array) -> None:
        """UPN and former UPN. others: UPNs of children this source does not hold, some written to a wrong one."""
        true, earlier = self.true, self.is_earlier
        too_young = (true["adopted_on"] - true["birth"]).astype(int) < 5 * 365
        has = true["has_upn"] & ~(earlier & too_young)
        upn = np.where(earlier, true["adopted_upn"], true["upn"])
        former = where(~earlier, true["former_upn"])
        second = has & np.array([text is not None for text in former], dtype=bool)
        still = self._hit("upn", "former", second)
        upn = np.where(still, former, upn)
        shown = second & ~still & (self._rng.random(self.size) < self._faults.get("shows_former_upn", 0.0))
        self.columns["former_upn"] = where(shown, former)
        self.columns["has_upn"] = has
        free = has & ~still
        lost = self._hit("upn", "missing", free)
        temporary = self._hit("upn", "temporary", free & ~lost)
        upn[temporary] = identifiers.temporary(upn[temporary])
        upn = self._mistake("upn", upn, free & ~lost & ~temporary, others)
        self.columns["upn"] = where(has & ~lost, upn)
        self.mark("upn_former", still | shown)
        self.mark("upn_missing", lost)
        self.mark("upn_temporary", temporary)
        self.columns["uln"] = where(true["has_uln"] & ~earlier, true["uln"])
        lost = self._hit("uln", "missing", true["has_uln"])
        self.columns["uln"][lost] = None

    def nhs_number(self, others: Array, coverage: float) -> None:
        """NHS number, known of a share `coverage` of the records."""
        nhs = np.where(self.is_earlier, self.true["former_nhs"], self.true["nhs"])
        lost = (self._rng.random(self.size) >= coverage) & ~self.true["is_canary"]
        nhs = self._mistake("nhs_number", nhs, ~lost, others)
        self.columns["nhs"] = where(~lost, nhs)
        self.mark("nhs_number_missing", lost)

    def _mistake(self, field: str, text: Array, among: Array, others: Array) -> Array:
        """Some identifiers mistyped (the check digit fails), some of another child (valid and wrong)."""
        text = text.copy()
        wrong = self._hit(field, "mistyped", among)
        text[wrong] = identifiers.mistyped(self._rng, text[wrong])
        other = self._hit(field, "of_another", among & ~wrong)
        if len(others):
            text[other] = self._rng.choice(others, int(other.sum()), replace=len(others) < int(other.sum()))
            self.mark(f"{field}_of_another", other)
        self.mark(f"{field}_mistyped", wrong)
        self.columns[f"{field.removesuffix('_number')}_state"] = np.where(wrong, "invalid", "valid").astype(object)
        return text


def hold(
    draws: Draws, name: str, faults: Mapping[str, Any], person: Columns, members: Columns, day: Any, coverage: float
) -> tuple[Columns, list[tuple[str, Array]]]:
    """The records of a source, and its faults as (kind, positions).

    Some children are registered twice: `copies` is their share, the second record with its own number.
    """
    rng = draws.stream(f"source {name}")
    twice = (rng.random(len(members["person"])) < faults.get("copies", 0.0)) & ~person["is_canary"][members["person"]]
    again = {column: values[twice] for column, values in members.items()}
    again["copy"] = np.ones_like(again["copy"])
    members = {column: np.concatenate([values, again[column]]) for column, values in members.items()}
    source = Source(rng, faults, person, members, as_day(day))
    absent = np.ones(len(person["person"]), dtype=bool)
    absent[members["person"]] = False
    source.name_and_home()
    source.birth_date()
    source.upn(person["upn"][absent & person["has_upn"]])
    source.nhs_number(person["nhs"][absent], coverage)
    source.mark("registered_twice", members["copy"] == 1)
    source.mark("twin", source.true["is_twin"])
    source.mark("adopted", source.true["is_adopted"])
    source.columns["local_number"] = members["person"].astype(np.int64) * 4 + members["identity"] * 2 + members["copy"]
    return source.columns, source.marks
