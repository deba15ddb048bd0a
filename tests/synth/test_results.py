"""Results and what follows after 16 go with need and deprivation, in files as the services write them."""

from __future__ import annotations

import csv

import pytest

from tests.synth.conftest import Area


def shares(area: Area, file: str, by: str, share: str) -> dict[str, float]:
    found = area.rows(f"SELECT {by}, avg({share}), count(*) FROM {area.csv(file)} GROUP BY ALL")
    return {group: float(value) for group, value, count in found if count >= 20}


def test_results_by_sen_status_are_apart_as_in_england(area):
    """Attainment 8 in England is about 50 without SEN, 33 on support and 14 with a plan."""
    status = "CASE WHEN KS4_SENE = '1' THEN 'E' WHEN KS4_SENK = '1' THEN 'K' ELSE 'N' END"
    points = shares(area, "2025_KS4.csv", status, "TRY_CAST(KS4_ATT8 AS DOUBLE)")
    assert points["N"] == pytest.approx(50, abs=5)
    assert points["K"] == pytest.approx(34, abs=8)
    assert points["E"] < points["K"] - 5


def test_results_go_with_deprivation_and_between_stages(area):
    poor = shares(area, "2025_KS4.csv", "KS4_FSM6", "TRY_CAST(KS4_ATT8 AS DOUBLE)")
    assert poor["1"] < poor["0"]
    combined = shares(area, "2024_KS2.csv", "'all'", "TRY_CAST(RWMEXP AS DOUBLE)")
    assert combined["all"] == pytest.approx(0.60, abs=0.10)
    standard = shares(area, "2025_Phonics.csv", "'all'", "(Phonics_PHONICS_OUTCOME = 'Wa')::INT")
    assert standard["all"] == pytest.approx(0.78, abs=0.10)


def test_more_young_people_with_a_plan_are_out_of_education_employment_and_training(area):
    out = "(ActivityCode BETWEEN '540' AND '680')::INT"
    share = shares(area, "NEET_MI_2026-10.csv", "SENDFlag", out)
    assert 0.02 < share["N"] < 0.08
    assert 0.05 < share["Y"] < 0.15


def test_downloads_are_unquoted_and_may_have_tabs(area):
    file = next(area.folder.rglob("2025_KS2.txt"))
    lines = file.read_text().splitlines()
    assert '"' not in lines[0]
    assert {line.count("\t") for line in lines} == {150}
    with next(area.folder.rglob("2025_KS4.csv")).open(newline="") as text:
        assert len(next(csv.reader(text))) == 292
