"""From pairs to people: connected components with guard rails, strongest ties first.

Ties are taken in order of strength, and one that would put two different identifiers of one kind into a person, two
records of one source that are not duplicates, or too many records, is left out. Since every stronger tie was made
before it, what is left out is the weakest edge on the path between the two: the component is split there. Ties of equal
strength go by record number, so the order in which anything arrived changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

MAX_RECORDS_PER_PERSON = 40

# Left record, right record, whether both are of one source.
Tie = tuple[int, int, bool]


@dataclass
class Clusters:
    """Records in the making of people. `source[i]` is the source of record i; numbers are its identifiers by kind."""

    source: npt.NDArray[np.int32]
    nhs_numbers: Mapping[int, frozenset[int]]
    upns: Mapping[int, frozenset[int]]
    # For each record those that a person has decided it is apart from.
    apart: Mapping[int, frozenset[int]] = field(default_factory=dict)
    _parent: dict[int, int] = field(default_factory=dict)
    _members: dict[int, list[int]] = field(default_factory=dict)
    # root -> source -> the records of that source taken as one (duplicates)
    _sources: dict[int, set[int]] = field(default_factory=dict)
    _nhs: dict[int, frozenset[int]] = field(default_factory=dict)
    _upns: dict[int, frozenset[int]] = field(default_factory=dict)

    def add(self, ties: Iterable[Tie]) -> list[tuple[int, int, str]]:
        """Take ties in the order given, those within a source before all others; returns what was left out, and why."""
        found, later = [], []
        for left, right, is_same_source in ties:
            if is_same_source:
                found.append(self._tie(left, right, within=True))
            else:
                later.append((left, right))
        found += [self._tie(left, right, within=False) for left, right in later]
        return [refusal for refusal in found if refusal]

    def labels(self) -> npt.NDArray[np.int32]:
        """The person of each record: the smallest record number in it."""
        labels = np.arange(len(self.source), dtype=np.int32)
        for members in self._members.values():
            labels[members] = min(members)
        return labels

    def _root(self, record: int) -> int:
        parent = self._parent
        while parent.get(record, record) != record:
            parent[record] = parent.get(parent[record], parent[record])
            record = parent[record]
        return record

    def _tie(self, left: int, right: int, *, within: bool) -> tuple[int, int, str] | None:
        a, b = self._root(left), self._root(right)
        if a == b:
            return None
        nhs_a, nhs_b = self._of(self._nhs, self.nhs_numbers, a), self._of(self._nhs, self.nhs_numbers, b)
        upns_a, upns_b = self._of(self._upns, self.upns, a), self._of(self._upns, self.upns, b)
        members_a, members_b = self._members.get(a, [a]), self._members.get(b, [b])
        sources_a = self._sources.get(a) or {int(self.source[a])}
        sources_b = self._sources.get(b) or {int(self.source[b])}
        if self.apart and any(self.apart.get(member, frozenset()) & set(members_b) for member in members_a):
            return left, right, "decided_apart"
        if (nhs_a and nhs_b and not nhs_a & nhs_b) or (upns_a and upns_b and not upns_a & upns_b):
            return left, right, "identifier_conflict"
        if not within and sources_a & sources_b:
            return left, right, "same_source"
        if len(members_a) + len(members_b) > MAX_RECORDS_PER_PERSON:
            return left, right, "too_many_records"
        if len(members_a) < len(members_b):
            a, b = b, a
            members_a, members_b = members_b, members_a
        self._parent[b] = a
        self._members[a] = members_a + members_b
        self._members.pop(b, None)
        self._sources[a] = sources_a | sources_b
        self._nhs[a], self._upns[a] = nhs_a | nhs_b, upns_a | upns_b
        return None

    @staticmethod
    def _of(made: Mapping[int, frozenset[int]], given: Mapping[int, frozenset[int]], root: int) -> frozenset[int]:
        return made[root] if root in made else given.get(root, frozenset())
