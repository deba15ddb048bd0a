"""Three-year drift: how fast the area's own stock of plans grows, and how far such a forecast tends to miss.

Published back-test of this method (142 authorities, stock each January 2010-2025, rolling origins 2018-2024): mean
absolute percentage error 4.3, 7.3, 9.9 and 15 % at one, two, three and five years. The fourth year is interpolated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW = 3
HORIZON = 5
INTERVAL_PCT = 80
BACKTEST_MAPE = np.array([0.0, 4.3, 7.3, 9.9, 12.45, 15.0]) / 100
# A normal error with mean absolute error m has standard deviation m * sqrt(pi / 2).
BACKTEST_SD = BACKTEST_MAPE * np.sqrt(np.pi / 2)
# England's EHC plans in January 2019 and 2025 (DfE, SEN2): growth a year as a share of 2025's stock.
ENGLAND_DRIFT = (638_745 - 353_995) / 6 / 638_745
# Plans three years ago at which a history weighs as much as what it is shrunk toward.
SHRINK_PLANS = 50.0
# A past year with under this share of the latest year's cease rate is one whose ceased plans were not returned.
RECORDED_SHARE = 0.5


def recorded_survival(stock: Floats, ceased: Floats) -> Floats:
    """Share of each past day's plans that the return still knows; stock and ceased by years back, all needs.

    A return carries the plans in force and those ceased in its year; plans ceased earlier have left it, and a past
    stock counted from it is short by them. The latest year's cease rate is taken for years whose ceases are missing.
    """
    rate = np.divide(ceased, stock, out=np.zeros_like(stock), where=stock > 0)
    latest = rate[1]
    missing = np.where(rate < RECORDED_SHARE * latest, latest - rate, 0.0)
    missing[0] = 0.0
    return np.asarray(np.cumprod(1.0 - missing), dtype=np.float64)


def past_stock(stock: Floats, ceased: Floats, *, last_is_unknown: bool = False) -> Floats:
    """Plans by need x years back, mended for what the return no longer knows.

    Needs are returned for plans in force, so most plans that have since ceased are of unknown need. The unknown need
    is given today's share of every past day, the rest is shared out as the known needs of that day.
    """
    observed = stock.sum(axis=0)
    total = observed / recorded_survival(observed, ceased)
    mix = np.divide(stock, observed, out=np.zeros_like(stock), where=observed > 0)
    today = mix[:, :1]
    if last_is_unknown:
        known = mix[:-1].sum(axis=0)
        scale = np.divide(1.0 - today[-1], known, out=np.zeros_like(known), where=known > 0)
        mix = np.where(known > 0, np.vstack([mix[:-1] * scale, np.broadcast_to(today[-1], (1, len(known)))]), today)
    return mix * total


def yearly_drift(now: Floats, then: Floats, toward: Floats | float) -> Floats:
    """Growth a year as a share of today's stock, (now - then) / 3 / now, shrunk where the history is thin.

    Arrays of any one shape; `toward` is the drift of the larger group. The weight of the own history is
    then / (then + 50); with no stock today the drift is `toward`.
    """
    own = np.divide(now - then, WINDOW * now, out=np.zeros_like(now), where=now > 0)
    weight = np.where(now > 0, then / (then + SHRINK_PLANS), 0.0)
    return weight * own + (1.0 - weight) * toward


def growth(now: Floats, then: Floats) -> Floats:
    """Factors on today's stock by need x horizon (0 to 5), from the stock by need now and three years ago.

    Each need's drift is shrunk toward the area's, the area's toward England's; the needs are then scaled so that
    together they grow by the area's drift, which is the method the published back-test measured.
    """
    area = yearly_drift(now.sum(keepdims=True), then.sum(keepdims=True), ENGLAND_DRIFT)
    steps = np.arange(HORIZON + 1)
    by_need = np.maximum(1.0 + yearly_drift(now, then, area)[:, None] * steps, 0.0)
    wanted = np.maximum(1.0 + area * steps, 0.0) * now.sum()
    reached = (by_need * now[:, None]).sum(axis=0)
    return by_need * np.divide(wanted, reached, out=np.ones_like(wanted), where=reached > 0)
