"""Labelled households in two sources that write the same people down differently; names and numbers are made up.

About a third of first names differ between the sources: short forms, slips of the pen, initials, other names. Birth
dates are partial or wrong, families move, surnames change. `twins_apart` adds twins of whom each source knows one.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

import pipelines
from pipelines.synth.names import Names

PACKAGE = Path(pipelines.__file__).parent
Person = dict[str, str]


class Area:
    """A draw of households, the same for the same seed. `noise` scales every fault."""

    def __init__(self, seed: int, people: int, *, noise: float = 1.0, twins_apart: int = 0) -> None:
        self.draw, self.noise = random.Random(seed), noise  # noqa: S311
        names = Names(yaml.safe_load((PACKAGE / "synth" / "names.yaml").read_text()))
        self.surnames = list(names.surnames(np.random.default_rng(seed), 3_000))
        self.short = yaml.safe_load((PACKAGE / "seal" / "diminutives.yaml").read_text())["forenames"]
        self.records: list[Person] = []
        self.persons = 0
        while self.persons < people:
            self._household()
        for _ in range(twins_apart):
            first = self._person(self._surname(), self._birth(), self._postcode())
            second = first | {"truth_id": self._number(), "forename": self._forename()}
            second["sex"] = first["sex"] if self._is(2 / 3) else "FM"[first["sex"] == "F"]
            self._write(first, "a")
            self._write(second, "b")

    def write(self, path: Path) -> Path:
        """Write the records as Parquet, in no order."""
        self.draw.shuffle(self.records)
        pq.write_table(pa.Table.from_pylist(self.records), path)
        return path

    def without_names(self, coverage: float, wrong: float = 0.003) -> None:
        """Blank the names of source b; a shared UPN for a share of the persons, some of it another's."""
        has = {truth: self._is(coverage) for truth in sorted({r["truth_id"] for r in self.records})}
        upns = {truth: self._upn(place) for place, truth in enumerate(has)}
        for record in self.records:
            truth = record["truth_id"]
            record["upn"] = upns[self.draw.choice(list(upns))] if self._is(wrong) else upns[truth]
            record["upn"] = record["upn"] if has[truth] else ""
            if record["source"] == "b":
                record["forename"] = record["surname"] = ""

    def _is(self, share: float) -> bool:
        return self.draw.random() < share

    def _fault(self, share: float) -> bool:
        return self._is(share * self.noise)

    def _number(self) -> str:
        self.persons += 1
        return str(self.persons)

    def _forename(self) -> str:
        return self.draw.choice(list(self.short))

    def _surname(self) -> str:
        return self.draw.choice(self.surnames)

    def _birth(self) -> date:
        return date(2000, 1, 1) + timedelta(days=self.draw.randrange(9_000))

    def _postcode(self) -> str:
        letters = "ABDEFGHJLN"
        return f"MB{self.draw.randint(1, 40)} {self.draw.randint(1, 9)}{''.join(self.draw.choices(letters, k=2))}"

    def _upn(self, place: int) -> str:
        digits = f"990{place:09d}"
        return "ABCDEFGHJKLMNPQRTUVWXYZ"[sum(int(d) * n for n, d in enumerate(digits, start=2)) % 23] + digits

    def _person(self, surname: str, born: date, postcode: str) -> Person:
        return {
            "truth_id": self._number(), "forename": self._forename(), "surname": surname,
            "sex": self.draw.choice("MF"), "birth_date": born.isoformat(), "postcode": postcode,
        }  # fmt: skip

    def _household(self) -> None:
        surname, born, postcode = self._surname(), self._birth(), self._postcode()
        for _ in range(self.draw.choice((1, 1, 2, 2, 3))):
            child = self._person(surname if self._is(0.92) else self._surname(), born, postcode)
            born += timedelta(days=self.draw.randint(330, 1_500))
            later = dict(child)
            if self._fault(0.06):
                later["postcode"] = self._postcode()
            if self._fault(0.015):
                later["surname"] = self._surname()
            for source, person in (("a", child), ("b", later)):
                if self._is(0.93):
                    self._write(person, source)

    def _write(self, person: Person, source: str) -> None:
        self.records.append(
            person
            | {
                "rec_id": f"{source}{len(self.records)}",
                "source": source,
                "forename": self._forename_as_written(person["forename"]),
                "surname": self._slip(person["surname"]) if self._fault(0.06) else person["surname"],
                "birth_date": self._birth_as_written(person["birth_date"]),
                "postcode": "" if self._fault(0.02) else person["postcode"],
                "sex": "" if self._fault(0.01) else person["sex"],
            }
        )

    def _forename_as_written(self, name: str) -> str:
        if not self._fault(0.18):
            return name
        kind = self.draw.random()
        if kind < 0.5:
            return self.draw.choice(self.short[name])
        if kind < 0.8:
            return self._slip(name)
        if kind < 0.9:
            return name[0]
        return "" if kind < 0.93 else self._slip(self._slip(name)) if kind < 0.96 else self._forename()

    def _birth_as_written(self, birth: str) -> str:
        year, month, day = birth.split("-")
        if self._fault(0.02):
            day = f"{self.draw.randint(1, 28):02d}"
        elif self._fault(0.01):
            year = str(int(year) + self.draw.choice((-10, -1, 1)))
        elif self._fault(0.02):
            day = "??"
        elif self._fault(0.005):
            month, day = day, month
        return f"{year}-{month}-{day}"

    def _slip(self, name: str) -> str:
        """A letter left out, added, changed, or swapped with the next, seldom the first."""
        at = self.draw.randrange(1, len(name)) if len(name) > 1 else 0
        new = self.draw.choice("aeioulnrst")
        return self.draw.choice((
            name[:at] + name[at + 1 :], name[:at] + new + name[at:], name[:at] + new + name[at + 1 :],
            name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :] if name else name,
        ))  # fmt: skip
