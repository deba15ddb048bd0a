"""Released tables hold back what they must, and nothing that follows from a count says more than the count."""

import pandas as pd
import pytest

from pipelines.publish import audit, page
from pipelines.publish.release import CUBE, Release, chosen_gap, chosen_needs, lay_out, release

from . import made_marts

ENDS = ["specialist", "specialist_low", "specialist_high", "gap", "gap_low", "gap_high", "places"]


@pytest.fixture(scope="module")
def made():
    return made_marts.frames(seed=3, plans=900, support=1_500)


@pytest.fixture(scope="module")
def released(made):
    return release(**made)


def test_no_small_count_is_shown_and_all_others_are_rounded(made, released):
    exact = chosen_needs(made["needs"])["children_count"]
    small = exact.between(1, 7).to_numpy()
    assert small.sum() > 5
    assert released.needs["children"][small].isna().all()
    shown = released.needs["children"].dropna()
    assert (shown % 5 == 0).all() and not shown.between(1, 7).any()


def test_wards_are_shown_in_total_only(released):
    wards = released.needs[released.needs["geographic_level"] == "ward"]
    assert len(wards) == 44 and set(wards["breakdown_topic"]) == {"Total"}


def test_the_sums_of_the_release_are_laid_out(made):
    cells, relations = lay_out(chosen_needs(made["needs"]), chosen_gap(made["gap"]))
    count = cells["count"]
    for relation in relations:
        parts = sum(count[part] for part in relation.parts)
        assert parts == count[relation.total] if relation.is_exact else parts < count[relation.total]
    area = cells[(cells["table"] == "needs") & (cells["measure"] == "ehc_plan") & (cells["area_code"] == "ALL")]
    total = area.index[area["breakdown_topic"] == "Total"][0]
    needs = set(area.index[area["breakdown_topic"] == "Need"])
    assert any(relation.total == total and set(relation.parts) == needs for relation in relations)
    # The plans of the two marts are the same children: the attacker knows that they are equal.
    same = [r for r in relations if cells["table"][r.total] == "plans" and cells["table"][r.parts[0]] == "needs"]
    assert len(same) == 1 + 2 + len(made_marts.NEEDS)


def test_where_demand_is_suppressed_everything_that_follows_is(released):
    table = released.sufficiency
    hidden = table[table["specialist_symbol"].notna()]
    assert len(hidden) >= 6
    assert hidden[ENDS].isna().all(axis=None)
    assert (hidden["gap_symbol"] == hidden["specialist_symbol"]).all()
    # Suppressed today is suppressed in every year: growth is no secret, and would lead back to today.
    for _, cell in table.groupby(CUBE):
        assert len(set(cell["specialist_symbol"].fillna("shown"))) == 1


def test_the_gap_is_published_demand_less_published_places(released):
    table = released.sufficiency[released.sufficiency["gap"].notna()]
    places = table["places"].fillna(0)
    assert (table["gap"] == table["specialist"] - places).all()
    assert (table[ENDS].fillna(0) % 5 == 0).all(axis=None)


def test_demand_cannot_be_taken_back_to_the_unit():
    """Whoever knows the places and every growth factor exactly still has all counts of today that round alike.

    Each count that shares the rounded value of one need gives the same release, in every year, places and gap included.
    """
    made = made_marts.frames(seed=2)
    gap = made["gap"]
    cell = (gap["need_code"] == "ASD") & (gap["phase_code"] == "ALL") & (gap["health_place_code"] == "ALL")
    today = float(gap.loc[cell & (gap["horizon_years"] == 0), "specialist_count"].iloc[0])
    centre = round(today / 5) * 5
    seen = []
    for candidate in range(centre - 2, centre + 3):
        other = gap.copy()
        columns = ["specialist_count", "specialist_low", "specialist_high"]
        other.loc[cell, columns] = other.loc[cell, columns] * (candidate / today)
        other.loc[cell & (other["horizon_years"] == 0), columns] = float(candidate)
        table = release(**{**made, "gap": other}).sufficiency
        seen.append(table[(table["need_code"] == "ASD")][ENDS])
    for frame in seen[1:]:
        pd.testing.assert_frame_equal(frame, seen[0])


def test_the_audit_passes_on_the_whole_release(released):
    assert released.audit["confidential"] > 5 and released.audit["cells"] > 250


def test_matches_and_sources_follow_the_rule_too(released):
    assert list(released.matches["matched"]) == [1_900, 1_140, 9_005]
    assert "submission" not in released.sources.columns


def test_a_withheld_base_stays_withheld_in_its_table(made, monkeypatch):
    """A denominator the audit withholds must not come back through the rounding of the table."""
    genuine = audit.protect

    def withhold(cells, relations):
        found = genuine(cells, relations)
        base = found.index[
            (found["table"] == "base") & (found["breakdown"] == "Under 5") & (found["area_code"] == "NP")
        ]
        found.loc[base, "value"], found.loc[base, "symbol"] = pd.NA, "x"
        return found

    monkeypatch.setattr("pipelines.publish.audit.protect", withhold)
    table = release(**made).needs
    row = table[(table["base"] == "pupils_on_roll") & (table["area_code"] == "NP") & (table["breakdown"] == "Under 5")]
    assert row["base_people"].isna().all() and list(row["base_people_symbol"]) == ["x"]
    assert row["rate_pct"].isna().all()


def test_the_least_complete_source_is_named() -> None:
    sources = pd.DataFrame({
        "agency_name": ["Council", "Trust", "Trust"],
        "dataset_title": ["Register", "Contacts", "Staff"],
        "accepted_pct": [99.97, 50.04, None],
    })  # fmt: skip
    made = Release(*[sources] * 4, audit={})
    assert page.completeness(made.sources) == (
        "Completeness: 1 of 2 sources had at least 99% of their rows accepted; the least complete is Contacts of "
        "Trust, with 50.0%."
    )
    assert page.completeness(made.sources[:1]) == (
        "Completeness: at least 99.9% of the rows of every source were accepted."
    )
    made.sources.loc[1, "accepted_pct"] = 99.99
    assert page.completeness(made.sources) == "Completeness: at least 99.9% of the rows of every source were accepted."


def test_how_often_sources_differ_is_for_the_partnership(made):
    sources = made["sources"].assign(sex_differs_pct=12.5)
    assert not [name for name in release(**made | {"sources": sources}).sources if name.endswith("_differs_pct")]
