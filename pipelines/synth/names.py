"""Names of nobody: made of syllables, as unevenly common as names are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.synth.draw import Array

_ACCENTS = str.maketrans({"a": "á", "e": "é", "i": "ï", "o": "ó", "u": "ü"})


class Names:
    """The stock of names of an area and how common each is (the tables of names.yaml).

    The stock is the same for every seed; which child gets which name is not.
    """

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._tables = tables
        rng = np.random.default_rng(0)
        self._stock = {kind: self._made(rng, kind) for kind in ("forename_boy", "forename_girl", "surname")}
        self._odds = {kind: self._falling(kind) for kind in self._stock}

    def _made(self, rng: np.random.Generator, kind: str) -> Array:
        table = self._tables[kind]
        names = sorted({start + end for start in table["starts"] for end in table["ends"]})
        stock = rng.permutation(np.array(names, dtype=object))[: table["names"]]
        marked = rng.random(len(stock))
        if kind == "surname":
            prefixes = rng.choice(self._tables["surname_prefixes"], len(stock))
            prefixed = marked < self._tables["share_of_prefixed_surnames"]
            stock[prefixed] = [p + name for p, name in zip(prefixes[prefixed], stock[prefixed], strict=True)]
        else:
            accented = marked < self._tables["share_of_accented_forenames"]
            stock[accented] = [name[:-1] + name[-1].translate(_ACCENTS) for name in stock[accented]]
        return stock

    def _falling(self, kind: str) -> Array:
        shape = self._tables["commonness"][kind]
        odds = 1.0 / (np.arange(len(self._stock[kind])) + 1.0 + shape["offset"]) ** shape["power"]
        return odds / odds.sum()

    def surnames(self, rng: np.random.Generator, size: int) -> Array:
        """Family names, a few of them double."""
        stock, odds = self._stock["surname"], self._odds["surname"]
        found = stock[rng.choice(len(stock), size, p=odds)]
        double = rng.random(size) < self._tables["share_of_double_surnames"]
        found[double] = found[double] + "-" + stock[rng.choice(len(stock), int(double.sum()), p=odds)]
        return found

    def forenames(self, rng: np.random.Generator, is_girl: Array) -> Array:
        """Given names, by sex."""
        found = np.empty(len(is_girl), dtype=object)
        for kind, who in (("forename_girl", is_girl), ("forename_boy", ~is_girl)):
            stock = self._stock[kind]
            found[who] = stock[rng.choice(len(stock), int(who.sum()), p=self._odds[kind])]
        return found

    def second_forenames(self, rng: np.random.Generator, is_girl: Array) -> Array:
        """Middle names; None for those who have none."""
        found = self.forenames(rng, is_girl)
        found[rng.random(len(is_girl)) >= self._tables["share_with_second_forename"]] = None
        return found


def misspelt(rng: np.random.Generator, names: Array) -> Array:
    """Each name with two neighbouring letters swapped, one left out or one doubled."""
    kind = rng.integers(0, 3, len(names))
    place = rng.random(len(names))
    found = np.empty(len(names), dtype=object)
    for at, (name, how, where) in enumerate(zip(names, kind, place, strict=True)):
        p = 1 + int(where * max(len(name) - 2, 1))
        if how == 0 and name[p : p + 1] != name[p - 1 : p] and p > 1:
            found[at] = name[: p - 1] + name[p : p + 1] + name[p - 1] + name[p + 1 :]
        elif how == 1 and len(name) > 3:
            found[at] = name[:p] + name[p + 1 :]
        else:
            found[at] = name[:p] + name[p - 1].lower() + name[p:]
    return found
