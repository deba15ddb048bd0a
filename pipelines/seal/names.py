"""What a name may be written as: its formal forms, its shortened forms, what is one letter away, the parts of a double.

Names come uniform (`normalise.letters`). All of it is made before tokens are, since afterwards no two tokens are near.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from pipelines.seal.normalise import letters, words

SHORTEST_START = 2
SHORTEST_PART = 3
SHORTEST_NEAR = 3
# Words that stand before a family name and are no name of their own.
PARTICLES = frozenset((
    "VAN", "VON", "DER", "DEN", "DE", "DI", "DA", "DU", "DAS", "DOS", "DEL", "DELLA", "LA", "LE", "AL", "EL", "BIN",
    "IBN", "ABU", "SAN", "ST", "SAINT", "MAC", "MC",
))  # fmt: skip

NO_PART_OF_A_STREET = frozenset(("FLAT", "APARTMENT", "APT", "UNIT", "THE", "ST", "SAINT", "HOUSE", "ROOM", "FLOOR"))


@cache
def _formal_of() -> dict[str, tuple[str, ...]]:
    """Short form -> formal names, from diminutives.yaml."""
    table: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "diminutives.yaml").read_text())["forenames"]
    found: dict[str, set[str]] = {}
    for formal, short_forms in table.items():
        for short in short_forms:
            found.setdefault(letters(short), set()).add(letters(formal))
    return {short: tuple(sorted(formal)) for short, formal in found.items()}


def formal(forename: str) -> tuple[str, ...]:
    """The forename itself and the formal names it may stand for: BETH gives BETH and ELIZABETH."""
    return (forename, *_formal_of().get(forename, ()))


def starts(forename: str) -> list[str]:
    """Shorter names with which a forename begins: DANIEL gives DA, DAN, DANI, DANIE."""
    return [forename[:size] for size in range(SHORTEST_START, len(forename))]


def near(name: str) -> list[str]:
    """The name and all that is left of it without one letter: two names one edit apart share one of these.

    A letter left out, added, changed, or swapped with its neighbour is one edit. Shorter names than three letters are
    near to nothing but themselves. (Mor and Fraenkel's deletion neighbourhoods, one level deep.)
    """
    if len(name) < SHORTEST_NEAR:
        return [name]
    return sorted({name, *(name[:at] + name[at + 1 :] for at in range(len(name)))})


def near_forms(forename: str) -> list[str]:
    """What is near to a forename or to a formal name it may stand for: VAL shares one with a misspelt VALRIE."""
    return sorted({left for form in formal(forename) for left in near(form)})


def initials(forename: str) -> list[str]:
    """The other initials of the formal names a forename may stand for: BOB may be written R."""
    return sorted({form[0] for form in formal(forename)} - {forename[0]})


def parts(raw: str) -> list[str]:
    """The names of a double name, uniform: `Smith-Jones` gives SMITH and JONES, `Mary Jane` MARY and JANE.

    None where there is but one name. Particles and initials are no parts.
    """
    found = words(raw)
    if len(found) < 2:
        return []
    return [word for word in found if len(word) >= SHORTEST_PART and word not in PARTICLES and word.isalpha()]


def dwelling(address: str) -> list[str]:
    """House and street of an address, a word for each number: `Flat 2, 14 High Street` gives 2HIGH and 14HIGH.

    A house without a number is known by its first two words. The kind of street and of dwelling does not count.
    """
    found = [word for word in words(address) if word not in NO_PART_OF_A_STREET]
    numbers = [word for word in found if word[0].isdigit()]
    named = [word for word in found if not word[0].isdigit()]
    if not numbers:
        return ["".join(named[:2])] if len(named) > 1 else []
    return [f"{number}{named[0]}" for number in numbers] if named else []
