"""What must be true of the method whatever the area: properties over drawn panels, and small worked cases."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipelines.sufficiency.drift import BACKTEST_SD, ENGLAND_DRIFT, growth, past_stock, recorded_survival
from pipelines.sufficiency.gap import COLUMNS, rows_of, with_totals
from pipelines.sufficiency.simulate import expected_plans, simulate

from .panels import AGES, one_cell, panel

FEW = settings(max_examples=15, deadline=None)


@st.composite
def panels(draw):
    needs, health_places = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    shape = (needs, AGES, health_places)
    plans = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 30), fill=st.just(0)))
    then = draw(hnp.arrays(np.float64, needs, elements=st.integers(0, 900)))
    residents = draw(hnp.arrays(np.float64, (AGES, health_places, 6), elements=st.integers(0, 500), fill=st.just(100)))
    places = draw(hnp.arrays(np.float64, (needs, 5, health_places, 6), elements=st.integers(0, 60), fill=st.just(0)))
    return panel(plans, then=then, residents=residents, places=places)


def table(found, paths):
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows_of(found, paths)]


@FEW
@given(panels(), st.integers(0, 1000))
def test_every_total_is_the_sum_of_its_cells_on_every_path(found, seed):
    paths = simulate(found, seed=seed, paths=20)
    for cells in (paths.plans, paths.specialist):
        full = with_totals(cells)
        assert (full[:, -1, -1, -1] == cells.sum(axis=(1, 2, 3))).all()
        assert (full[:, :-1, -1, :-1] == cells.sum(axis=2)).all()
    assert (paths.specialist <= paths.plans).all() and (paths.specialist >= 0).all()


@FEW
@given(panels())
def test_published_cells_add_up_to_published_totals(found):
    rows = table(found, simulate(found, seed=1, paths=50))
    cells = [r for r in rows if "ALL" not in (r["need_code"], r["phase_code"], r["health_place_code"])]
    for step in range(6):
        total = next(
            r
            for r in rows
            if r["horizon_years"] == step
            and (r["need_code"], r["phase_code"], r["health_place_code"]) == ("ALL", "ALL", "ALL")
        )
        of_step = [r for r in cells if r["horizon_years"] == step]
        for column in ("plans_count", "specialist_count", "places_reliable", "gap"):
            assert sum(r[column] for r in of_step) == pytest.approx(total[column], abs=0.005 * (len(of_step) + 1))


@FEW
@given(panels(), st.data())
def test_more_places_never_widen_a_gap(found, data):
    more = data.draw(hnp.arrays(np.float64, found.places.shape, elements=st.integers(0, 9), fill=st.just(0)))
    richer = dataclasses.replace(found, places=found.places + more)
    paths = simulate(found, seed=3, paths=30)
    for before, after in zip(table(found, paths), table(richer, paths), strict=True):
        assert after["gap"] <= before["gap"] and after["gap_high"] <= before["gap_high"]


@FEW
@given(panels(), st.integers(0, 2**31))
def test_the_same_panel_and_seed_give_the_same_rows(found, seed):
    one, two = (rows_of(found, simulate(found, seed=seed, paths=25)) for _ in range(2))
    assert one == two


def test_another_seed_gives_other_paths():
    found = one_cell(200, 150)
    assert (simulate(found, seed=1, paths=50).plans != simulate(found, seed=2, paths=50).plans).any()


@FEW
@given(panels())
def test_today_is_what_was_counted(found):
    for row in table(found, simulate(found, seed=5, paths=20)):
        if row["horizon_years"] == 0:
            assert row["plans_low"] == row["plans_count"] == row["plans_high"]
            assert row["plans_count"] == int(row["plans_count"])


def test_no_plans_no_demand_and_places_stand_over():
    places = np.full((1, 5, 1, 6), 4.0)
    found = panel(np.zeros((1, AGES, 1)), then=[0], places=places)
    for row in table(found, simulate(found, seed=1, paths=20)):
        assert row["plans_high"] == 0 and row["specialist_high"] == 0 and row["gap"] == -row["places_reliable"]


def test_with_a_still_population_the_total_follows_the_drift_of_the_stock():
    """1,000 plans, 700 three years ago: 100 a year, shrunk by 50 / 750 toward England's 7.4 %."""
    expected = expected_plans(one_cell(1_000, 700)).sum(axis=(0, 1, 2))
    drift = 700 / 750 * 0.1 + 50 / 750 * ENGLAND_DRIFT
    assert expected == pytest.approx(1_000 * (1 + drift * np.arange(6)))


def test_more_residents_of_an_age_need_more_plans_and_past_growth_is_not_counted_twice():
    residents = np.full((AGES, 1, 6), 100.0)
    residents[7, 0, 1:] = 110.0
    still, growing = one_cell(500, 500), one_cell(500, 500, residents=residents)
    assert expected_plans(growing)[..., 1:].sum() == pytest.approx(1.1 * expected_plans(still)[..., 1:].sum())
    people_grew_too = one_cell(5_500, 5_000, past_population=10 / 11)
    assert expected_plans(people_grew_too).sum(axis=(0, 1, 2))[5] == pytest.approx(5_500, rel=0.01)


def test_a_thin_need_grows_like_the_area_and_a_large_one_like_itself():
    now, then = np.array([2_000.0, 2.0]), np.array([1_400.0, 0.0])
    factors = growth(now, then)
    area = growth(now.sum(keepdims=True), then.sum(keepdims=True))[0]
    assert factors[1] == pytest.approx(area, rel=0.01) and factors[0] == pytest.approx(area, rel=0.01)
    assert (factors * now[:, None]).sum(axis=0) == pytest.approx(area * now.sum())


def test_without_history_the_area_grows_like_england():
    assert growth(np.array([40.0]), np.array([0.0]))[0, 3] == pytest.approx(1 + 3 * ENGLAND_DRIFT)


def test_a_shrinking_need_never_turns_negative():
    assert (growth(np.array([100.0, 900.0]), np.array([9_000.0, 900.0])) >= 0).all()


def test_ceased_plans_that_left_the_return_are_put_back():
    """8 % cease a year; only the latest year's ceases are returned, so older stocks are seen short."""
    true = np.array([1_000.0, 950.0, 900.0, 850.0])
    seen = true * np.array([1.0, 1.0, 0.92, 0.92**2])
    ceased = np.array([0.0, 0.08 * 950, 0.0, 0.0])
    assert past_stock(seen[None], ceased).sum(axis=0) == pytest.approx(true)


def test_a_return_that_keeps_all_ceased_plans_is_left_alone():
    stock = np.array([1_000.0, 950.0, 900.0, 850.0])
    assert recorded_survival(stock, stock * [0, 0.08, 0.07, 0.09]) == pytest.approx(np.ones(4))


def test_past_plans_of_unknown_need_are_shared_out():
    """Today no need is unknown, three years ago half the plans are, since need is returned for plans in force only."""
    stock = np.array([[300.0, 0, 0, 75.0], [100.0, 0, 0, 25.0], [0.0, 0, 0, 100.0]])
    then = past_stock(stock, np.zeros(4), last_is_unknown=True)[:, -1]
    assert then == pytest.approx([150, 50, 0])


def test_the_interval_is_as_wide_as_the_published_error():
    paths = simulate(one_cell(50_000, 45_000), seed=11).plans.sum(axis=(1, 2, 3))
    low, high = np.quantile(paths, [0.1, 0.9], axis=0)
    half = (high - low) / 2 / paths.mean(axis=0)
    assert half[1:] == pytest.approx(1.2816 * BACKTEST_SD[1:], rel=0.05)
    assert half[0] == 0
