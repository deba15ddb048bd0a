"""The disclosure rule for everything that is published (NHS rule, docs/adr/0022).

Counts from 1 to 7 are replaced by `c`; every other count and every total is rounded to the nearest 5; zero stays 0.
Percentages come from rounded counts. Projections are scaled from the rounded count of today and never from the exact
one, and gaps from rounded demand: both tell nothing that the published count does not tell already. Places, which hold
other areas' children, are rounded too. Where a count is `c`, so is everything that follows from it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

BASE = 5
SMALL = (1, 7)
CONFIDENTIAL, NOT_APPLICABLE, NOT_AVAILABLE, LOW = "c", "z", "x", "low"
SYMBOLS = {
    CONFIDENTIAL: "confidential: a count from 1 to 7, or a figure that would give one away",
    NOT_AVAILABLE: "not available: withheld so that a confidential figure cannot be worked out",
    NOT_APPLICABLE: "not applicable",
    LOW: "rounds to zero, but is not zero",
}
# Ends of intervals are moved outward to whole steps of this share of the projection, since the width of an interval
# depends on the exact count.
INTERVAL_STEP = 0.05


def rounded(values: pd.Series) -> pd.Series:
    """To the nearest 5, halves away from zero, as whole numbers; missing stays missing."""
    number = values.astype("Float64")
    steps = (number.abs() / BASE + 0.5 + 1e-9).map(np.floor, na_action="ignore")
    return (np.sign(number) * steps * BASE).astype("Int64")


def released(counts: pd.Series) -> pd.DataFrame:
    """Columns `value` (rounded, missing where withheld) and `symbol` for exact counts of children.

    A missing count is `x`. Negative counts do not exist and raise ValueError.
    """
    if (counts.dropna() < 0).any():
        raise ValueError("a count of children cannot be negative")
    is_small = counts.between(*SMALL).fillna(False).astype(bool)
    symbol = pd.Series(pd.NA, index=counts.index, dtype="string")
    symbol = symbol.mask(is_small, CONFIDENTIAL).mask(counts.isna(), NOT_AVAILABLE)
    return pd.DataFrame({"value": rounded(counts).mask(symbol.notna()), "symbol": symbol})


def percentage(part: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    """Columns `value` (per cent, one decimal) and `symbol` from two released counts; without a base it is `z`."""
    symbol = part["symbol"].fillna(whole["symbol"]).mask(whole["value"].eq(0).fillna(False), NOT_APPLICABLE)
    value = (100 * part["value"].astype("Float64") / whole["value"].mask(whole["value"].eq(0))).round(1)
    symbol = symbol.mask(value.eq(0) & part["value"].gt(0) & symbol.isna(), LOW)
    return pd.DataFrame({"value": value.mask(symbol.notna()), "symbol": symbol})


def ranged(count: pd.DataFrame, exact: pd.Series, low: pd.Series, high: pd.Series) -> pd.DataFrame:
    """Columns `low` and `high` around a released count: missing where it is withheld.

    How far the exact ends are from the exact count is moved outward to whole steps of 5 and laid around the rounded
    count. So the ends tell how sure the matching is and nothing of the count that its rounded value does not tell:
    it is at least as large as the distance to its low end, and a low end that would say so is 0 (docs/adr/0042).
    """
    value, ends = count["value"], {}
    for name, distance, sign in (("low", exact - low, -1), ("high", high - exact, 1)):
        steps = (distance.astype("Float64") / BASE - 1e-9).map(np.ceil, na_action="ignore").clip(lower=0)
        ends[name] = (value + sign * BASE * steps).clip(lower=0).astype("Int64").mask(count["symbol"].notna())
    return pd.DataFrame(ends)


def projected(today: pd.Series, factor: pd.Series) -> pd.Series:
    """Rounded projections from rounded counts of today and growth factors (projection over today, exact)."""
    return rounded(today.astype("Float64") * factor.astype("Float64"))


def outward(share: pd.Series) -> pd.Series:
    """A relative half-width moved out to the next whole step."""
    return (share.astype("Float64") / INTERVAL_STEP - 1e-9).map(np.ceil, na_action="ignore") * INTERVAL_STEP


def shown(value: object, symbol: object) -> str:
    """A cell as people read it: the symbol where there is one, else the number with thousands marked."""
    if not pd.isna(symbol):  # type: ignore[call-overload]
        return str(symbol)
    return f"{value:,}" if not pd.isna(value) else NOT_AVAILABLE  # type: ignore[call-overload]
