"""What an attacker can tell who has the linker's tokens in the clear and knows a hundred of the children.

The attacker knows how tokens are made, every name there is and how common each is; of a hundred children also names
and birth dates, and so what each of their tokens stands for. The key it does not have. For each other child it takes
the commonest name that shares exactly the tokens it can read, and a birth date of which it reads two pairs of parts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import jellyfish
import numpy as np
import pytest
import yaml

import pipelines
from pipelines.seal import names as forms
from pipelines.synth.names import Names

CHILDREN, KNOWN = 20_000, 100
Marks = frozenset[tuple[str, str]]
Plain = dict[str, list[str]]


def bare(name: str, *, is_forename: bool, near: bool) -> Marks:
    """What a name leaves as tokens that stand for themselves, as (kind, text)."""
    found = {("whole", name), ("phonetic", jellyfish.metaphone(name))}
    found |= {("formal", form) for form in forms.formal(name)} if is_forename else set()
    lefts = forms.near_forms(name) if is_forename else forms.near(name)
    return frozenset(found | ({("near", left) for left in lefts} if near else set()))


def dated(name: str) -> Marks:
    """What a forename leaves as tokens together with the month of birth."""
    return frozenset({
        ("sound", jellyfish.soundex(name)), ("prefix", name[:3]), ("end", name[:1] + name[-3:]), ("initial", name[:1]),
        ("whole", name), *(("whole", start) for start in (*forms.starts(name), *forms.initials(name))),
    })  # fmt: skip


def names_guessed(values: list[str], months: list[str], known: list[int], marks: Callable[[str], Marks]) -> np.ndarray:
    """For each child, whether its name is guessed. months: what its dated tokens are bound to, all alike for none."""
    alone = {value: marks(value) for value in set(values)}
    with_month = {value: dated(value) if any(months) else frozenset() for value in alone}
    readable = frozenset().union(*(alone[values[child]] for child in known))
    of_month: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for child in known:
        of_month[months[child]] |= with_month[values[child]]
    common = [value for value, _ in Counter(values).most_common()]
    seen = {value: alone[value] & readable for value in common}
    best: dict[str, dict[tuple[Marks, Marks], str]] = {}
    for month in set(months):
        best[month] = {}
        for value in common:
            best[month].setdefault((seen[value], with_month[value] & of_month[month]), value)
    evidence = [(seen[v], with_month[v] & of_month[m]) for v, m in zip(values, months, strict=True)]
    return np.array([
        any(e) and best[m][e] == v for v, m, e in zip(values, months, evidence, strict=True)
    ])  # fmt: skip


def dates_guessed(plain: Plain, known: list[int]) -> np.ndarray:
    """For each child, whether its birth date is read: whole, or from two pairs of parts."""
    births = plain["birth"]
    beside = [plain["initial"], plain["surname_phonetic"]]
    pairs = [[b[:7] for b in births], [b[5:] for b in births], [b[:4] + b[7:] for b in births]]
    read = np.zeros((3, len(births)), dtype=bool)
    for place, pair in enumerate(pairs):
        for other in beside:
            seen = {(pair[child], other[child]) for child in known}
            read[place] |= np.array([both in seen for both in zip(pair, other, strict=True)])
    whole = {births[child] for child in known}
    return np.array([birth in whole for birth in births]) | (read.sum(axis=0) >= 2)


@pytest.fixture(scope="module")
def plain() -> Plain:
    rng = np.random.default_rng(4)
    path = Path(pipelines.__file__).parent / "synth" / "names.yaml"
    stock = Names(yaml.safe_load(path.read_text()))
    days = np.datetime64("2000-09-01") + rng.integers(0, 26 * 365, CHILDREN).astype("timedelta64[D]")
    forenames = [forms.letters(name) for name in stock.forenames(rng, rng.random(CHILDREN) < 0.5)]
    surnames = [forms.letters(name) for name in stock.surnames(rng, CHILDREN)]
    return {
        "forename": forenames, "surname": surnames, "birth": [str(day) for day in days],
        "initial": [name[:1] for name in forenames],
        "surname_phonetic": [jellyfish.metaphone(name) for name in surnames],
    }  # fmt: skip


# The shares that docs/security-properties.md gives, rounded up.
MOST = {
    True: {"forename": 0.45, "surname": 0.2, "birth_date": 0.015, "together": 0.001},
    False: {"forename": 0.3, "surname": 0.15, "birth_date": 0.015, "together": 0.001},
}


@pytest.mark.parametrize("near", [True, False])
def test_hardly_anyone_is_guessed_whole(plain: Plain, near: bool) -> None:
    known = list(range(KNOWN))
    months, none = [birth[:7] for birth in plain["birth"]], [""] * CHILDREN
    found = {
        "forename": names_guessed(
            plain["forename"], months, known, lambda name: bare(name, is_forename=True, near=near)
        ),
        "surname": names_guessed(plain["surname"], none, known, lambda name: bare(name, is_forename=False, near=near)),
        "birth_date": dates_guessed(plain, known),
    }
    shares = {name: float(hit[KNOWN:].mean()) for name, hit in found.items()}
    shares["together"] = float(np.logical_and.reduce(list(found.values()))[KNOWN:].mean())
    assert all(share <= MOST[near][name] for name, share in shares.items())
