"""Simulated paths of plans and specialist places. Paths are kept: quantiles are taken only after adding up."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pipelines.sufficiency.drift import BACKTEST_SD, HORIZON, growth, past_stock
from pipelines.sufficiency.panel import PHASES, UNKNOWN, Panel, by_phase

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PATHS = 1_000
# About 45,000 of 576,000 plans in England ceased in 2024 (DfE, SEN2).
CEASE_RATE = 0.08


@dataclass(frozen=True)
class Paths:
    """Whole children on every path: path x need x phase x health place x horizon; at horizon 0 what was counted."""

    plans: Ints
    specialist: Ints


def expected_plans(panel: Panel) -> Floats:
    """Plans by need x phase x health place x horizon: today's rate at each age and need on the projected population,
    times the growth of the rate.

    The drift of the stock holds population growth too; the past stock is brought to today's population first, so that
    it is not counted twice. An age without residents today keeps its plans.
    """
    today = panel.population[:, :, :1]
    residents = np.divide(panel.population, today, out=np.ones_like(panel.population), where=today > 0)
    stock = past_stock(panel.stock, panel.ceased, last_is_unknown=panel.needs[-1] == UNKNOWN)
    rate = growth(stock[:, 0], stock[:, -1] / panel.past_population)
    by_age = panel.plans[..., None] * residents[None]
    return np.asarray(by_phase(by_age) * rate[:, None, None, :], dtype=np.float64)


def simulate(panel: Panel, *, seed: int, paths: int = PATHS) -> Paths:
    """Draw paths of plans and of those in specialist places, the same for the same panel and seed.

    Two sources of variation: one error of the drift per path, shared by all cells and years and as wide at each
    horizon as the published back-test error; and, in each cell and year, who stays (binomial) and who joins (Poisson)
    about that path's expectation. The specialist share of each cell is today's; who is in it is binomial.
    """
    draw = np.random.default_rng(seed)
    quantiles = (np.arange(paths) + 0.5) / paths
    error = draw.permutation(np.array([NormalDist().inv_cdf(q) for q in quantiles]))
    scale = np.maximum(1.0 + error[:, None] * BACKTEST_SD, 0.0)
    means = expected_plans(panel)

    plans = np.zeros((paths, *means.shape), dtype=np.int64)
    plans[..., 0] = by_phase(panel.plans)
    stay = _staying()[None, None, :, None]
    for step in range(1, HORIZON + 1):
        before = means[None, ..., step - 1] * scale[:, step - 1, None, None, None]
        after = means[None, ..., step] * scale[:, step, None, None, None]
        kept = np.minimum(stay, np.divide(after, before, out=np.zeros_like(after), where=before > 0))
        joining = draw.poisson(np.maximum(after - kept * before, 0.0))
        plans[..., step] = draw.binomial(plans[..., step - 1], kept) + joining

    specialist = np.zeros_like(plans)
    specialist[..., 0] = by_phase(panel.specialist)
    held = by_phase(panel.plans)
    share = np.divide(by_phase(panel.specialist), held, out=np.zeros(held.shape), where=held > 0)
    specialist[..., 1:] = draw.binomial(plans[..., 1:], share[..., None])
    return Paths(plans, specialist)


def _staying() -> Floats:
    """Share of a phase's plans still in it a year later: not ceased and not aged out, by phase with unknown last."""
    within = [1.0 - 1.0 / len(ages) for ages in PHASES.values()]
    return (1.0 - CEASE_RATE) * np.array([*within, 1.0])
