"""The rule, and an attacker who knows it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import DataFault
from pipelines.publish import audit, disclosure
from pipelines.publish.audit import Relation


def cells(*counts):
    frame = pd.DataFrame({"count": pd.array(counts, dtype="Int64"), "rank": 0})
    return frame.join(disclosure.released(frame["count"]))


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (1, "c"), (7, "c"), (8, "10"), (12, "10"), (13, "15"), (1_498, "1,500"), (None, "x")],
)
def test_a_count_is_suppressed_or_rounded(count, shown):
    row = cells(count).iloc[0]
    assert disclosure.shown(row["value"], row["symbol"]) == shown


@given(st.integers(8, 10**6))
def test_five_counts_share_every_rounded_value_but_the_first(count):
    value = cells(count)["value"].iloc[0]
    assert value % 5 == 0 and abs(value - count) <= 2


def test_negative_halves_round_away_from_zero():
    assert list(disclosure.rounded(pd.Series([2.5, -2.5, -7.4, 0.4]))) == [5, -5, -5, 0]


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError):
        disclosure.released(pd.Series([-1]))


def test_a_range_tells_nothing_of_its_count_that_the_rounded_count_does_not():
    """Whoever sees a value with both ends can think of the same counts as whoever sees the value alone."""
    by_value, by_all = {}, {}
    for count in range(70):
        lows = pd.array([count - down for down in range(count + 1) for _ in range(0, 40, 3)], dtype="Int64")
        highs = pd.array([count + up for _ in range(count + 1) for up in range(0, 40, 3)], dtype="Int64")
        frame = cells(*[count] * len(lows))
        ends = disclosure.ranged(frame, frame["count"], pd.Series(lows), pd.Series(highs))
        for cell in zip(frame["value"], frame["symbol"], ends["low"], ends["high"], strict=True):
            value, symbol, low, high = (None if pd.isna(part) else part for part in cell)
            by_value.setdefault((value, symbol), set()).add(count)
            by_all.setdefault((value, symbol, low, high), set()).add(count)
            assert (symbol is None) == (low is not None), "where the count is withheld, so is its range"
            assert low is None or low <= value <= high
    assert len(by_all) > 5 * len(by_value)
    for (value, symbol, low, high), counts in by_all.items():
        # Above 65 not every count that rounds alike was tried.
        assert counts == by_value[value, symbol] or (value or 0) > 65, (value, low, high)


def test_percentages_come_from_rounded_counts_and_carry_symbols():
    part, whole = cells(33, 4, 9, 0, 9), cells(101, 100, 0, 100, 90_000)
    found = disclosure.percentage(part, whole)
    assert [disclosure.shown(v, s) for v, s in zip(found["value"], found["symbol"], strict=True)] == [
        "35.0", "c", "z", "0.0", "low",
    ]  # fmt: skip


def test_the_attacker_finds_a_cell_that_rounding_leaves_narrow():
    """Total 10 is 8 to 12, the other part 10 is at least 8: what is left is 1 to 4, not 1 to 7."""
    table, sums = cells(12, 9, 3), [Relation(0, (1, 2))]
    attacker = audit.Attacker(3, sums)
    assert attacker.range_of(2, audit.bounds(table)) == pytest.approx((1, 4))
    assert audit.narrowed(table, sums) == [2]
    with pytest.raises(DataFault, match="PUB-001"):
        audit.check(table, sums)


def test_withholding_a_neighbour_frees_it_and_the_audit_passes():
    sums = [Relation(0, (1, 2))]
    table = audit.protect(cells(12, 9, 3), sums)
    assert list(table["symbol"].fillna("")) == ["", "x", "c"]
    assert audit.check(table, sums) == {"cells": 3, "relations": 1, "confidential": 1, "withheld": 1}


def test_a_withheld_small_cell_is_guarded_like_a_confidential_one():
    table = cells(12, 9, 3)
    table.loc[2, "symbol"] = disclosure.NOT_AVAILABLE
    assert audit.narrowed(table, [Relation(0, (1, 2))]) == [2]


def test_a_large_table_needs_nothing_withheld():
    table, sums = cells(480, 100, 120, 150, 107, 3), [Relation(0, (1, 2, 3, 4, 5))]
    assert audit.narrowed(table, sums) == []


def test_suppression_without_rounding_would_be_caught():
    """Exact totals beside suppressed parts, the mistake the rule is there to avoid."""
    limits = np.array([[15, 15], [12, 12], [1, 7]])
    assert audit.Attacker(3, [Relation(0, (1, 2))]).gives_away(2, limits.astype(float))


@st.composite
def tables(draw):
    """A two-way table of counts with its margins, and what adds up to what."""
    height, width = draw(st.integers(2, 4)), draw(st.integers(2, 3))
    inner = np.array(draw(st.lists(st.integers(0, 30), min_size=height * width, max_size=height * width)))
    inner = inner.reshape(height, width)
    full = np.block([[inner, inner.sum(1, keepdims=True)], [inner.sum(0, keepdims=True), inner.sum().reshape(1, 1)]])
    at = np.arange(full.size).reshape(full.shape)
    sums = [Relation(int(row[-1]), tuple(map(int, row[:-1]))) for row in at]
    sums += [Relation(int(column[-1]), tuple(map(int, column[:-1]))) for column in at.T]
    return full.ravel(), sums


@settings(max_examples=30, deadline=None)
@given(tables())
def test_after_protection_no_small_cell_is_narrowed_and_the_truth_stays_possible(drawn):
    counts, sums = drawn
    table = audit.protect(cells(*map(int, counts)), sums)
    audit.check(table, sums)
    limits = audit.bounds(table)
    assert ((limits[:, 0] <= counts) & (counts <= limits[:, 1])).all()
    assert table["symbol"][(counts >= 1) & (counts <= 7)].isin(["c", "x"]).all()
