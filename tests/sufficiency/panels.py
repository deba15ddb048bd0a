"""Small panels for the tests of the method."""

from datetime import date

import numpy as np

from pipelines.sufficiency.drift import HORIZON, WINDOW
from pipelines.sufficiency.panel import PHASES, Panel

AGES = 27


def panel(plans, *, specialist=None, then=None, residents=None, places=None, past_population=1.0, needs=None):
    """A panel from plans by need x age (27) x place; the stock three years ago is today's unless `then` says."""
    plans = np.asarray(plans, dtype=np.int64)
    needs = needs or tuple(f"N{at}" for at in range(plans.shape[0]))
    health_places = tuple(f"P{at}" for at in range(plans.shape[2]))
    now = plans.sum(axis=(1, 2)).astype(float)
    past = now if then is None else np.asarray(then, dtype=float)
    stock = np.linspace(now, past, WINDOW + 1).T
    flat = np.full((AGES, len(health_places), HORIZON + 1), 100.0)
    return Panel(
        reference=date(2025, 1, 16),
        needs=needs,
        health_places=health_places,
        plans=plans,
        specialist=plans // 2 if specialist is None else np.asarray(specialist, dtype=np.int64),
        population=flat if residents is None else np.asarray(residents, dtype=float),
        past_population=past_population,
        stock=stock,
        ceased=np.zeros(WINDOW + 1),
        places=np.zeros((len(needs), len(PHASES) + 1, len(health_places), HORIZON + 1)) if places is None else places,
    )


def one_cell(now, then, **kw):
    """One need, one age (7), one place."""
    plans = np.zeros((1, AGES, 1), dtype=np.int64)
    plans[0, 7, 0] = now
    return panel(plans, then=[then], **kw)
