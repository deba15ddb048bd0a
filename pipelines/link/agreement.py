"""How two profiles agree, field by field: one list of levels for the matcher, the identifier rules and the vetoes.

A level is a SQL condition over columns with the suffixes `_l` and `_r`. Levels count down: the first that holds is the
answer, 0 is disagreement and -1 is "one side does not say". The probabilities are where training starts, and what is
used where there are too few records to train on: `m` among records of one person, `u` among records of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Level:
    """One grade of agreement of a field."""

    label: str
    condition: str
    m: float
    u: float
    # The column whose rare values weigh more than its common ones, where this level is equality of a name.
    frequency: str | None = None
    # Not to be seen in a sample of random pairs, since too rare, or since it shows only where the month of birth is the
    # same: u stays as given.
    fixed_u: bool = False


@dataclass(frozen=True)
class Agreement:
    """The levels of one field, best first; `else_m` and `else_u` belong to disagreement."""

    name: str
    missing: str
    levels: tuple[Level, ...]
    else_m: float
    else_u: float
    # What others than one child would teach training, so that m stays as given.
    fixed_m: bool = False

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
                "fix_m_probability": self.fixed_m,
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
                "fix_m_probability": self.fixed_m,
            }
        )
        return {"output_column_name": self.name, "comparison_levels": levels}


def _equal(column: str) -> str:
    return f"{column}_l = {column}_r"


def _missing(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def _in_either(of: str, lists: str) -> str:
    """The value of one side is among a list of the other."""
    return f"list_contains({lists}_r, {of}_l) OR list_contains({lists}_l, {of}_r)"


def _overlap(lists: str) -> str:
    return f"list_has_any({lists}_l, {lists}_r)"


_SWAPPED = "forename_l = surname_as_forename_r AND surname_as_forename_l = forename_r"
_HALF_SWAPPED = "forename_l = surname_as_forename_r OR surname_as_forename_l = forename_r"
_INITIAL = "is_forename_initial_l OR is_forename_initial_r"
FORENAME = Agreement(
    "forename",
    _missing("forename"),
    (
        Level("full", _equal("forename"), 0.80, 0.006, frequency="forename"),
        Level(
            "another form or name of the other",
            f"{_overlap('forename_formal')} OR {_in_either('forename', 'other_forenames')}",
            0.06,
            0.002,
        ),
        Level(
            "one letter apart",
            f"{_equal('forename_initial')} AND {_overlap('forename_near')}",
            0.05,
            0.001,
            fixed_u=True,
        ),
        Level("sounds alike", f"{_equal('forename_phonetic')} OR {_overlap('forename_near')}", 0.02, 0.003),
        Level(
            "one begins the other",
            f"NOT ({_INITIAL}) AND ({_in_either('forename_whole', 'forename_starts')})",
            0.01,
            0.001,
            fixed_u=True,
        ),
        Level("forename and surname swapped", _SWAPPED, 0.002, 0.000002, fixed_u=True),
        Level("one is the surname of the other", _HALF_SWAPPED, 0.001, 0.0005),
        Level(
            "an initial and its name",
            f"({_INITIAL}) AND ({_equal('forename_initial')} OR {_in_either('forename_whole', 'forename_starts')})",
            0.01,
            0.002,
            fixed_u=True,
        ),
        Level(
            "first letters, or the first and the last",
            f"{_equal('forename_prefix')} OR {_equal('forename_sound')} OR {_equal('forename_end')}",
            0.01,
            0.005,
            fixed_u=True,
        ),
        Level("initial", _equal("forename_initial"), 0.01, 0.05, fixed_u=True),
    ),
    0.02,
    0.92,
)
# Grades of first names: those that speak for one child, those that twins have as well, and none.
FORENAME_TELLS, FORENAME_HALF_SWAPPED = 5, 4
# Where the two names are swapped, the first name has said so already.
SURNAME = Agreement(
    "surname",
    f"{_missing('surname')} OR (forename_l <> forename_r AND surname_l <> surname_r AND ({_HALF_SWAPPED}))",
    (
        Level("full", _equal("surname"), 0.88, 0.003, frequency="surname"),
        Level(
            "one is another name of the other",
            f"{_in_either('surname', 'other_surnames')} OR {_overlap('other_surnames')}",
            0.02,
            0.0005,
        ),
        Level("one letter apart", _overlap("surname_near"), 0.04, 0.001),
        Level("sounds alike", _equal("surname_phonetic"), 0.01, 0.003),
    ),
    0.05,
    0.99,
)
BIRTH_DATE = Agreement(
    "birth_date",
    "coalesce(birth_parts_l, 0) < 2 OR coalesce(birth_parts_r, 0) < 2",
    (
        Level("full", _equal("birth_date"), 0.92, 0.00015),
        Level(
            "all that is known of it",
            f"least(birth_parts_l, birth_parts_r) = 2 AND {_overlap('birth_pairs')}",
            0.02,
            0.0001,
        ),
        Level(
            "day and month swapped",
            "birth_date_l = birth_date_swapped_r OR birth_date_swapped_l = birth_date_r",
            0.01,
            0.00015,
        ),
        Level("two of year, month and day", _overlap("birth_pairs"), 0.035, 0.01),
    ),
    0.015,
    0.98,
)
# From here on all that is known of both birth dates agrees.
BIRTH_DATE_KNOWN = 3
POSTCODE = Agreement(
    "postcode",
    f"({_missing('postcode')}) AND (len(address_l) = 0 OR len(address_r) = 0)",
    (
        Level("full", _equal("postcode"), 0.85, 0.0002, frequency="postcode"),
        Level(
            "an earlier one of the other",
            f"{_in_either('postcode', 'other_postcodes')} OR {_overlap('other_postcodes')}",
            0.01,
            0.0002,
        ),
        Level("the same house and street", _overlap("address"), 0.01, 0.0002),
        Level("sector", _equal("postcode_sector"), 0.04, 0.02),
    ),
    0.10,
    0.9796,
)
# Who share a first name are of one sex whether they are one child or two, so there the sex says nothing: counted, it
# would make namesakes pass for children whose birth date or surname is wrong, the more of them the larger the area is.
# Where first names differ, training would learn from twins how often the sex of one child does.
SEX = Agreement(
    "sex",
    f"{_missing('sex')} OR ({_equal('forename')} AND {_equal('sex')})",
    (Level("same", _equal("sex"), 0.995, 0.5),),
    0.005,
    0.5,
    fixed_m=True,
)
ALL = (FORENAME, SURNAME, BIRTH_DATE, POSTCODE, SEX)
