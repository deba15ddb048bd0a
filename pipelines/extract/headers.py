"""Headers as people export them, matched to the columns of a contract.

Real headers carry byte order marks, non-breaking spaces, curly apostrophes, surplus blanks, repeated names and last
year's spelling. Two names are the same column when they agree in letters and digits, whatever stands between.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipelines.contracts import Table

_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"))


def squash(name: str) -> str:
    """A header name as it is compared: `Date of Birth` and `date_of_birth` are both `dateofbirth`.

    A name of signs alone, such as the attendance code `/`, is compared as it is.
    """
    plain = unicodedata.normalize("NFKC", name.translate(_INVISIBLE)).casefold()
    return re.sub(r"[^a-z0-9]", "", plain) or "".join(plain.split())


# A name of a contract as it is compared. Never a name of a file: that may be a cell with data in it.
_declared = lru_cache(maxsize=1 << 16)(squash)


def _named_so(seen: Collection[str], spelling: str) -> str | None:
    """The name in a header that a spelling of a contract stands for; one that ends in `*`, for what begins like it.

    Some census sheets say in the header itself how a column is to be filled in, in other words every year.
    """
    plain = _declared(spelling)
    if not spelling.endswith("*"):
        return plain if plain in seen else None
    return next((name for name in seen if name.startswith(plain)), None)


def has_required(seen: Collection[str], table: Table) -> bool:
    """Whether every required column of a table is among the names of a header; told faster than by `fit`."""
    required = ((name, *column.aliases) for name, column in table.columns.items() if column.required)
    return all(any(_named_so(seen, spelling) for spelling in spellings) for spellings in required)


def read_columns(table: Table) -> list[str]:
    """The columns that are read: what is kept, dropped names (looked for in what stays), ends of a measured way."""
    return [name for name, column in table.columns.items() if column.drop in (None, "name") or column.km_from]


@dataclass(frozen=True)
class Match:
    """How a file's header fits one table.

    positions: contract column -> the positions in the file that bear its name, or where none does, its first alias
    that occurs; more than one where a header repeats itself. named: header cells that are not blank, without those that
    the contract ignores.
    """

    positions: dict[str, tuple[int, ...]]
    missing: tuple[str, ...]
    named: int

    @property
    def is_the_table(self) -> bool:
        """Every required column is there, and most of what the file names is the table's."""
        return not self.missing and 2 * len(self.positions) > self.named


def named(header: Sequence[str]) -> dict[str, list[int]]:
    """The names in a header, squashed, and where each stands."""
    seen: dict[str, list[int]] = {}
    for position, cell in enumerate(header):
        if name := squash(cell):
            seen.setdefault(name, []).append(position)
    return seen


def match(header: Sequence[str], table: Table) -> Match:
    """Fit a header to a table."""
    return fit(named(header), table)


def fit(seen: Mapping[str, Sequence[int]], table: Table, *, makes_keys: bool = False) -> Match:
    """Fit the names of a header, as `named` gives them, to a table.

    makes_keys: the reader makes the keys that are not there (`@row`, `@parent`).
    """
    positions = {}
    for name, column in table.columns.items():
        here = next((h for spelling in (name, *column.aliases) if (h := _named_so(seen, spelling))), None)
        if here:
            positions[name] = tuple(seen[here])
    missing = tuple(
        name
        for name, column in table.columns.items()
        if column.required and name not in positions and not (makes_keys and (column.path or "").startswith("@"))
    )
    ignored = {_named_so(seen, spelling) for spelling in table.ignored}
    return Match(positions, missing, sum(len(places) for name, places in seen.items() if name not in ignored))
