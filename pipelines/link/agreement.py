"""How two profiles agree, field by field: one list of levels for the matcher, the identifier rules and the vetoes.

A level is a SQL condition over columns with the suffixes `_l` and `_r`. Levels count down: the first that holds is the
answer, 0 is disagreement and -1 is "one side does not say". The probabilities are where training starts, and what is
used where there are too few records to train on: `m` among records of one person, `u` among records of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_PARTS = ("birth_year", "birth_month_of_year", "birth_day")
_PARTS_EQUAL = " + ".join(f"coalesce(({p}_l = {p}_r)::INTEGER, 0)" for p in _PARTS)
_PARTS_KNOWN = " + ".join(f"({p}_l IS NOT NULL AND {p}_r IS NOT NULL)::INTEGER" for p in _PARTS)


@dataclass(frozen=True)
class Level:
    """One grade of agreement of a field."""

    label: str
    condition: str
    m: float
    u: float
    # The column whose rare values weigh more than its common ones, where this level is equality of a name.
    frequency: str | None = None
    # Too rare among random pairs to be seen in a sample: u stays as given.
    fixed_u: bool = False


@dataclass(frozen=True)
class Agreement:
    """The levels of one field, best first; `else_m` and `else_u` belong to disagreement."""

    name: str
    missing: str
    levels: tuple[Level, ...]
    else_m: float
    else_u: float

    def level(self) -> str:
        """A SQL expression of the level two joined profiles reach."""
        cases = [f"WHEN {level.condition} THEN {len(self.levels) - i}" for i, level in enumerate(self.levels)]
        return f"CASE WHEN {self.missing} THEN -1 {' '.join(cases)} ELSE 0 END"

    def comparison(self, *, frequencies: bool) -> dict[str, Any]:
        """The same levels as Splink takes them."""
        levels: list[dict[str, Any]] = [
            {"sql_condition": self.missing, "label_for_charts": "missing", "is_null_level": True}
        ]
        for level in self.levels:
            found: dict[str, Any] = {
                "sql_condition": level.condition,
                "label_for_charts": level.label,
                "m_probability": level.m,
                "u_probability": level.u,
                "fix_u_probability": level.fixed_u,
            }
            if frequencies and level.frequency:
                found |= {"tf_adjustment_column": level.frequency, "tf_adjustment_weight": 1.0}
            levels.append(found)
        levels.append(
            {
                "sql_condition": "ELSE",
                "label_for_charts": "no agreement",
                "m_probability": self.else_m,
                "u_probability": self.else_u,
            }
        )
        return {"output_column_name": self.name, "comparison_levels": levels}


def _equal(column: str) -> str:
    return f"{column}_l = {column}_r"


def _missing(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


FORENAME = Agreement(
    "forename",
    _missing("forename"),
    (
        Level("full", _equal("forename"), 0.90, 0.006, frequency="forename"),
        Level("sounds alike", _equal("forename_phonetic"), 0.03, 0.004),
        Level("first letters", _equal("forename_prefix"), 0.03, 0.006),
        Level("initial", _equal("forename_initial"), 0.02, 0.06),
    ),
    0.02,
    0.924,
)
SURNAME = Agreement(
    "surname",
    _missing("surname"),
    (
        Level("full", _equal("surname"), 0.90, 0.003, frequency="surname"),
        Level(
            "one is an earlier name of the other",
            "list_contains(other_surnames_r, surname_l) OR list_contains(other_surnames_l, surname_r)"
            " OR list_has_any(other_surnames_l, other_surnames_r)",
            0.02,
            0.0005,
        ),
        Level("sounds alike", _equal("surname_phonetic"), 0.03, 0.004),
    ),
    0.05,
    0.9925,
)
BIRTH_DATE = Agreement(
    "birth_date",
    f"({_PARTS_KNOWN}) < 2",
    (
        Level("full", _equal("birth_date"), 0.95, 0.00015),
        Level(
            "day and month swapped",
            "birth_date_l = birth_date_swapped_r OR birth_date_swapped_l = birth_date_r",
            0.01,
            0.00015,
        ),
        Level("two of year, month and day", f"({_PARTS_EQUAL}) >= 2", 0.035, 0.01),
    ),
    0.005,
    0.9897,
)
POSTCODE = Agreement(
    "postcode",
    _missing("postcode"),
    (
        Level("full", _equal("postcode"), 0.85, 0.0002, frequency="postcode"),
        Level("sector", _equal("postcode_sector"), 0.05, 0.02),
    ),
    0.10,
    0.9798,
)
SEX = Agreement("sex", _missing("sex"), (Level("same", _equal("sex"), 0.99, 0.5),), 0.01, 0.5)
_IDENTIFIERS_EQUAL = (
    "nhs_number_l = nhs_number_r OR upn_l = upn_r OR uln_l = uln_r"
    " OR list_contains(other_upns_r, upn_l) OR list_contains(other_upns_l, upn_r)"
)
IDENTIFIER = Agreement(
    "identifier",
    "(nhs_number_l IS NULL OR nhs_number_r IS NULL) AND (upn_l IS NULL OR upn_r IS NULL)"
    " AND (uln_l IS NULL OR uln_r IS NULL)",
    (Level("one is equal", _IDENTIFIERS_EQUAL, 0.98, 0.000002, fixed_u=True),),
    0.02,
    0.999998,
)
ALL = (FORENAME, SURNAME, BIRTH_DATE, POSTCODE, SEX, IDENTIFIER)
