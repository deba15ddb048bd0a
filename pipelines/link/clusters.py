"""From pairs to people: connected components with guard rails, strongest ties first.

Ties are taken in order of strength, and one that would put two different identifiers of one kind into a person, two
records of one source that are not duplicates, or too many records, is left out. Since every stronger tie was made
before it, what is left out is the weakest edge on the path between the two: the component is split there. Ties of equal
strength go by record number, so the order in which anything arrived changes nothing.

Hardly any component could break a rule even whole. Those that cannot are taken at once, as arrays; the rest tie by tie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse

MAX_RECORDS_PER_PERSON = 40

# Left record, right record, whether both are of one source.
Tie = tuple[int, int, bool]
# What was left out, and why.
Refusal = tuple[int, int, str]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Numbers:
    """Identifiers of one kind: a record and one of its values at each place, sorted by record."""

    records: Ints
    values: Ints

    @classmethod
    def of(cls, records: npt.ArrayLike, values: npt.ArrayLike) -> Numbers:
        """From records and values in any order."""
        found, held = np.asarray(records, dtype=np.int64), np.asarray(values, dtype=np.int64)
        order = np.argsort(found, kind="stable")
        return cls(found[order], held[order])

    def held_by(self, record: int) -> frozenset[int]:
        """The values of a record."""
        first, last = np.searchsorted(self.records, [record, record + 1])
        return frozenset(self.values[first:last].tolist())


NO_NUMBERS = Numbers.of([], [])


@dataclass
class Clusters:
    """Records in the making of people. `source[i]` is the source of record i; record 0 is none."""

    source: npt.NDArray[np.int32]
    nhs_numbers: Numbers = NO_NUMBERS
    upns: Numbers = NO_NUMBERS
    # For each record those that a person has decided it is apart from.
    apart: Mapping[int, frozenset[int]] = field(default_factory=dict)
    _labels: Ints = field(init=False)

    def __post_init__(self) -> None:
        self._labels = np.arange(len(self.source), dtype=np.int64)

    def labels(self) -> npt.NDArray[np.int32]:
        """The person of each record: the smallest record number in it."""
        return self._labels.astype(np.int32)

    def add(self, ties: Iterable[Tie]) -> list[Refusal]:
        """Take ties in the order given, those within a source before all others; returns what was left out, and why."""
        listed = list(ties)
        pairs = np.array([(left, right) for left, right, _ in listed], dtype=np.int64).reshape(-1, 2)
        return self.add_all(pairs, np.array([same for *_, same in listed], dtype=bool))

    def add_all(self, pairs: Ints, is_same_source: npt.NDArray[np.bool_]) -> list[Refusal]:
        """The same for ties as arrays: pairs of records in order of strength, and whether both are of one source."""
        pairs = np.concatenate([pairs[is_same_source], pairs[~is_same_source]])
        within = int(is_same_source.sum())
        size = len(self._labels)
        ends = self._labels[pairs]
        graph = sparse.coo_matrix((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(size, size))
        _, component = sparse.csgraph.connected_components(graph, directed=False)
        whole = component[self._labels].astype(np.int64)
        careful = self._could_break_a_rule(whole)
        state = _OneByOne(self, np.flatnonzero(careful[whole]))
        refused = [
            refusal
            for place in np.flatnonzero(careful[whole[pairs[:, 0]]])
            if (refusal := state.tie(int(pairs[place, 0]), int(pairs[place, 1]), within=bool(place < within)))
        ]
        smallest = np.full(size, size, dtype=np.int64)
        np.minimum.at(smallest, whole, np.arange(size))
        taken = smallest[whole]
        records, people = state.labels()
        taken[records] = people
        self._labels = taken
        return refused

    def _could_break_a_rule(self, whole: Ints) -> npt.NDArray[np.bool_]:
        """For each component whether its records, all taken as one person, might offend anything."""
        size = len(whole)
        careful = np.bincount(whole, minlength=size) > MAX_RECORDS_PER_PERSON
        careful |= _distinct(whole, self.source) < np.bincount(whole, minlength=size)
        for numbers in (self.nhs_numbers, self.upns):
            careful |= _distinct(whole[numbers.records], numbers.values, size) > 1
        careful[whole[np.fromiter(self.apart, dtype=np.int64)]] = True
        return careful


def _distinct(groups: Ints, values: npt.NDArray[np.signedinteger], size: int | None = None) -> Ints:
    """How many different values each group has."""
    order = np.lexsort((values, groups))
    group, value = groups[order], values[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (group[1:] != group[:-1]) | (value[1:] != value[:-1])
    return np.bincount(group[is_first], minlength=size or len(groups))


class _OneByOne:
    """The same over some records only, each tie judged by what the two people would hold together."""

    def __init__(self, made: Clusters, records: Ints) -> None:
        self._made = made
        self._root: dict[int, int] = dict(zip(records.tolist(), made._labels[records].tolist(), strict=True))
        self._members: dict[int, list[int]] = {}
        for record, root in self._root.items():
            self._members.setdefault(root, []).append(record)
        self._sources = {
            root: {int(made.source[member]) for member in members} for root, members in self._members.items()
        }
        self._nhs = {root: self._all(made.nhs_numbers, members) for root, members in self._members.items()}
        self._upns = {root: self._all(made.upns, members) for root, members in self._members.items()}

    @staticmethod
    def _all(numbers: Numbers, members: list[int]) -> frozenset[int]:
        return frozenset().union(*(numbers.held_by(member) for member in members))

    def labels(self) -> tuple[list[int], list[int]]:
        """The records, and the smallest record of the person of each."""
        smallest = {root: min(members) for root, members in self._members.items()}
        return list(self._root), [smallest[root] for root in self._root.values()]

    def tie(self, left: int, right: int, *, within: bool) -> Refusal | None:
        a, b = self._root[left], self._root[right]
        if a == b:
            return None
        members_a, members_b = self._members[a], self._members[b]
        apart = self._made.apart
        if apart and any(apart.get(member, frozenset()) & set(members_b) for member in members_a):
            return left, right, "decided_apart"
        if any(held[a] and held[b] and not held[a] & held[b] for held in (self._nhs, self._upns)):
            return left, right, "identifier_conflict"
        if not within and self._sources[a] & self._sources[b]:
            return left, right, "same_source"
        if len(members_a) + len(members_b) > MAX_RECORDS_PER_PERSON:
            return left, right, "too_many_records"
        if len(members_a) < len(members_b):
            a, b = b, a
        for member in self._members[b]:
            self._root[member] = a
        self._members[a] += self._members.pop(b)
        self._sources[a] |= self._sources.pop(b)
        self._nhs[a] |= self._nhs.pop(b)
        self._upns[a] |= self._upns.pop(b)
        return None
