"""Draws: who would be one person, had the uncertain ties come out otherwise.

Ties that are as good as certain hold in every draw; what they hold together is a blob. Between blobs each uncertain
tie, made or not made tonight, is there in as many draws as it is likely. The strongest are taken first and guard rails
hold as in every night: no two records of one source, none that a person has put apart. A draw depends on nothing but
the pair it is about, so that what has not changed since yesterday is drawn alike. Among many children most pairs with
some evidence are two who are both known to one source, which nothing can tie: those are left out at once.

A drawn person keeps the key of the standing person that most of its records have; a part split off gets a key that
stands nowhere else. `link.key_draw` holds the records whose key differs from the crosswalk, and no others.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.link import stored

DRAWS = 50
CERTAIN = 0.999

Ints = npt.NDArray[np.int64]
# Which blobs are one person, in one outcome.
Partition = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Edge:
    """A tie between two blobs; draws: in which of them it is there, bit by bit. choice: what excludes each other."""

    blob_l: int
    blob_r: int
    chance: float
    choice: int | None
    draws: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Drawn:
    """Blobs that uncertain ties touch, and what the draws make of them.

    records: the records of a blob. person: its standing person. outcomes: for each cluster, every partition that came
    out with the draws it came out in.
    """

    records: dict[int, list[int]]
    person: dict[int, int]
    outcomes: list[dict[Partition, npt.NDArray[np.bool_]]]


def draw(db: duckdb.DuckDBPyConnection) -> Drawn:
    """Draw from `belief` (belief.judge) and the tables of `solve.solve`."""
    blob = _blobs(db)
    person = _column(db, "SELECT coalesce(person_id, 0) FROM person ORDER BY record_id")
    source = _column(db, "SELECT source_id FROM record ORDER BY record_id")
    apart = {
        frozenset((int(blob[left]), int(blob[right])))
        for left, right in db.execute("SELECT record_l, record_r FROM forced WHERE verdict = 'apart'").fetchall()
    }
    edges = _edges(db, blob, source)
    touched = np.unique([end for edge in edges for end in (edge.blob_l, edge.blob_r)]).astype(np.int64)
    order = np.argsort(blob, kind="stable")
    first, last = (np.searchsorted(blob[order], touched, side) for side in ("left", "right"))
    records = {int(one): order[start:end].tolist() for one, start, end in zip(touched, first, last, strict=True)}
    sources = {one: frozenset(source[places].tolist()) for one, places in records.items()}
    outcomes = [_outcomes(cluster, sources, apart) for cluster in _clusters(edges)]
    return Drawn(records, {one: int(person[places[0]]) for one, places in records.items()}, outcomes)


def _column(db: duckdb.DuckDBPyConnection, query: str) -> Ints:
    """One number for each record number, 0 (which no record has) included."""
    (found,) = db.execute(query).fetchnumpy().values()
    return np.concatenate([[-1], np.asarray(found)]).astype(np.int64)


def _blobs(db: duckdb.DuckDBPyConnection) -> Ints:
    """The blob of each record: what ties as good as certain hold together within one person."""
    rows = db.execute("SELECT record_l, record_r FROM belief WHERE is_tied AND chance >= ?", [CERTAIN]).fetchnumpy()
    size = int(db.execute("SELECT coalesce(max(record_id), 0) + 1 FROM record").fetchall()[0][0])
    ends = (np.asarray(rows["record_l"]), np.asarray(rows["record_r"]))
    graph = coo_array((np.ones(len(ends[0])), ends), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _edges(db: duckdb.DuckDBPyConnection, blob: Ints, source: Ints) -> list[Edge]:
    """Uncertain ties that make a difference in any draw, for two blobs the likeliest alone; the likeliest first.

    source: the source of each record.
    """
    rows = db.execute(
        """SELECT record_l, record_r, chance, is_tied, coalesce(choice, 0) AS choice,
                  concat_ws('|', sl.agency, sl.dataset, l.record_pseudonym, sr.agency, sr.dataset, r.record_pseudonym)
                      AS pair,
                  concat_ws('|', sc.agency, sc.dataset, c.record_pseudonym) AS chooser
           FROM belief
           JOIN record l ON l.record_id = record_l JOIN record r ON r.record_id = record_r
           JOIN source sl ON sl.source_id = l.source_id JOIN source sr ON sr.source_id = r.source_id
           LEFT JOIN record c ON c.record_id = choice LEFT JOIN source sc ON sc.source_id = c.source_id
           WHERE chance > 1 - $certain AND (chance < $certain OR NOT is_tied)
           ORDER BY chance DESC, pair""",
        {"certain": CERTAIN},
    ).fetchnumpy()
    ends = np.sort(np.stack([blob[rows["record_l"]], blob[rows["record_r"]]], axis=1), axis=1)
    _, first, same = np.unique(ends, axis=0, return_index=True, return_inverse=True)
    is_tied = np.zeros(len(first), dtype=np.bool_)
    np.logical_or.at(is_tied, same.reshape(-1), np.asarray(rows["is_tied"], dtype=np.bool_))
    is_held = is_tied | (np.asarray(rows["choice"])[first] > 0)
    counts = (ends[first, 0] != ends[first, 1]) & (is_held | ~_share_a_source(ends[first], blob, source))
    order = np.argsort(first[counts])
    kept, is_held = first[counts][order], is_held[counts][order]
    chances, choices = (np.asarray(rows[name])[kept] for name in ("chance", "choice"))
    names = np.where(choices > 0, rows["chooser"][kept], rows["pair"][kept])
    start, numbers = _starts(choices, chances)[:, None], _numbers(names)
    there = (numbers >= start) & (numbers < start + chances[:, None])
    found = np.flatnonzero(is_held | there.any(axis=1))
    columns = (ends[kept[found], 0], ends[kept[found], 1], chances[found], choices[found])
    return [
        Edge(left, right, chance, choice or None, draws)
        for left, right, chance, choice, draws in zip(*(c.tolist() for c in columns), there[found], strict=True)
    ]


def _starts(choices: Ints, chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of those that exclude each other a draw takes the one in whose stretch its number falls; where each begins."""
    starts, taken = np.zeros(len(choices)), defaultdict[int, float](float)
    for place in np.flatnonzero(choices):
        starts[place] = taken[choices[place]]
        taken[choices[place]] += chances[place]
    return starts


def _share_a_source(ends: Ints, blob: Ints, source: Ints) -> npt.NDArray[np.bool_]:
    """Of pairs of blobs, whether both have a record of one source, so that no draw can tie them."""
    shape = (len(blob), int(source.max()) + 1)
    # Record 0, which is none, has a source below all others.
    held = coo_array((np.ones(len(blob) - 1, np.int32), (blob[1:], source[1:])), shape=shape).tocsr()
    return np.asarray(held[ends[:, 0]].multiply(held[ends[:, 1]]).sum(axis=1)).ravel() > 0


def _numbers(names: Iterable[str]) -> npt.NDArray[np.float64]:
    """For each name a number from 0 to 1 for each draw, the same whenever the name is the same."""
    drawn = b"".join(hashlib.shake_128(name.encode()).digest(4 * DRAWS) for name in names)
    return np.frombuffer(drawn, ">u4").reshape(-1, DRAWS) / 2**32


def _clusters(edges: list[Edge]) -> list[list[Edge]]:
    """Edges that hang together, the likeliest first."""
    if not edges:
        return []
    names, ends = np.unique([(edge.blob_l, edge.blob_r) for edge in edges], return_inverse=True)
    ends = ends.reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (ends[:, 0], ends[:, 1])), shape=(len(names), len(names)))
    cluster = connected_components(graph, directed=False)[1][ends[:, 0]]
    found: dict[int, list[Edge]] = defaultdict(list)
    for number, edge in zip(cluster, edges, strict=True):
        found[int(number)].append(edge)
    return list(found.values())


def _outcomes(
    edges: list[Edge], sources: dict[int, frozenset[int]], apart: set[frozenset[int]]
) -> dict[Partition, npt.NDArray[np.bool_]]:
    """Every partition of the blobs of one cluster that comes out, and in which draws."""
    found: dict[Partition, npt.NDArray[np.bool_]] = {}
    there = np.array([edge.draws for edge in edges])
    names = [column.tobytes() for column in np.ascontiguousarray(np.packbits(there, axis=0).T)]
    for name in dict.fromkeys(names):
        partition = _partition(edges, there[:, names.index(name)], sources, apart)
        is_so = np.array([other == name for other in names])
        found[partition] = found[partition] | is_so if partition in found else is_so
    return found


def _partition(
    edges: list[Edge], there: npt.NDArray[np.bool_], sources: dict[int, frozenset[int]], apart: set[frozenset[int]]
) -> Partition:
    """The blobs of a cluster as persons, where these edges are there; a choice that does not fit takes the next."""
    group: dict[int, list[int]] = {end: [end] for edge in edges for end in (edge.blob_l, edge.blob_r)}
    chosen = {edge.choice for edge, is_there in zip(edges, there, strict=True) if is_there and edge.choice}
    is_first = [edge for edge, is_there in zip(edges, there, strict=True) if is_there]
    others = [edge for edge, is_there in zip(edges, there, strict=True) if not is_there and edge.choice in chosen]
    for edge in (*is_first, *others):
        if edge.choice and edge.choice not in chosen:
            continue
        left, right = group[edge.blob_l], group[edge.blob_r]
        if left is right or any(sources[x] & sources[y] or frozenset((x, y)) in apart for x in left for y in right):
            continue
        left += right
        group |= dict.fromkeys(right, left)
        chosen.discard(edge.choice)
    persons = {id(blobs): blobs for blobs in group.values()}
    return tuple(sorted(tuple(sorted(blobs)) for blobs in persons.values()))


def write(connection: psycopg.Connection[Any], db: duckdb.DuckDBPyConnection, drawn: Drawn) -> int:
    """Write `link.key_draw` in place of the last run's, in the caller's transaction; returns its rows.

    Needs the crosswalk as this run has written it.
    """
    names = _names(db, [record for records in drawn.records.values() for record in records])
    standing = _standing(connection, [names[records[0]] for records in drawn.records.values()])
    key_of = {one: standing.get(names[records[0]]) for one, records in drawn.records.items()}
    rows: list[tuple[int, str, str, str, str]] = []
    for outcomes in drawn.outcomes:
        for partition, draws in outcomes.items():
            keys = _keys(partition, drawn.records, key_of, names)
            moved = [(one, str(key)) for one, key in keys.items() if key != key_of[one]]
            if moved:
                numbers = (np.flatnonzero(draws) + 1).tolist()
                rows += [
                    (number, *names[record], key)
                    for one, key in moved
                    for record in drawn.records[one]
                    for number in numbers
                ]
    connection.execute("DELETE FROM link.key_draw")
    if rows:
        columns = ("draw", "agency_code", "dataset_code", "record_pseudonym", "person_key")
        table = pa.table(dict(zip(columns, map(pa.array, zip(*rows, strict=True)), strict=True)))
        stored.put(connection, f"link.key_draw ({', '.join(columns)})", table)
    connection.execute("ANALYZE link.key_draw")
    return len(rows)


def _keys(
    partition: Partition,
    records: dict[int, list[int]],
    key_of: dict[int, uuid.UUID | None],
    names: dict[int, tuple[str, str, str]],
) -> dict[int, uuid.UUID]:
    """The key of each blob in a partition: that which most records of its person have, each given once."""
    wanted = []
    for place, blobs in enumerate(partition):
        had: Counter[uuid.UUID] = Counter()
        for one in blobs:
            if key := key_of[one]:
                had[key] += len(records[one])
        wanted += [(-count, str(key), place, key) for key, count in had.items()]
    given: dict[int, uuid.UUID] = {}
    taken: set[uuid.UUID] = set()
    for _, _, place, key in sorted(wanted):
        if place not in given and key not in taken:
            given[place] = key
            taken.add(key)
    found: dict[int, uuid.UUID] = {}
    for place, blobs in enumerate(partition):
        # A key of its own, which tells no more than the pseudonym beside it.
        name = "|".join(names[records[blobs[0]][0]])
        key = given.get(place) or uuid.UUID(bytes=hashlib.blake2b(name.encode(), digest_size=16).digest(), version=4)
        found |= dict.fromkeys(blobs, key)
    return found


def _names(db: duckdb.DuckDBPyConnection, records: list[int]) -> dict[int, tuple[str, str, str]]:
    """Agency, dataset and pseudonym of records by number."""
    rows = db.execute(
        """SELECT record_id, agency, dataset, record_pseudonym FROM record JOIN source USING (source_id)
           WHERE record_id IN (SELECT unnest(?::INTEGER[]))""",
        [records],
    ).fetchall()
    return {record: (agency, dataset, pseudonym) for record, agency, dataset, pseudonym in rows}


def _standing(
    connection: psycopg.Connection[Any], records: Iterable[tuple[str, str, str]]
) -> dict[tuple[str, str, str], uuid.UUID]:
    """The person that the crosswalk takes each of these records to be."""
    columns = [list(column) for column in zip(*records, strict=True)] or [[], [], []]
    rows = connection.execute(
        """SELECT agency_code, dataset_code, record_pseudonym, person_key
           FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted (agency_code, dataset_code, record_pseudonym)
           JOIN link.crosswalk USING (agency_code, dataset_code, record_pseudonym) WHERE valid_to = 'infinity'""",
        columns,
    ).fetchall()
    return {(agency, dataset, pseudonym): key for agency, dataset, pseudonym, key in rows}
