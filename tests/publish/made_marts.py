"""Mart rows of an invented area, made from drawn children, so that totals and breakdowns truly belong together."""

from datetime import date

import numpy as np
import pandas as pd

from pipelines.integrate import marts, shape
from pipelines.sufficiency.drift import HORIZON, WINDOW
from pipelines.sufficiency.gap import COLUMNS, rows_of
from pipelines.sufficiency.panel import PHASES, Panel
from pipelines.sufficiency.simulate import simulate

DAY = date(2026, 3, 20)
AS_AT = date(2026, 3, 15)
NEEDS = {"ASD": 0.315, "SLCN": 0.213, "SEMH": 0.207, "MLD": 0.106, "PD": 0.04, "SLD": 0.039, "SPLD": 0.026, "HI": 0.02}
NEEDS |= {"PMLD": 0.013, "VI": 0.008, "MSI": 0.003, "OTH": 0.01}
PLACES = {"MS": "Merebrook South", "NP": "North Point"}
BANDS = {"Under 5": range(0, 5), "5 to 10": range(5, 11), "11 to 15": range(11, 16), "16 to 19": range(16, 20)}
BANDS |= {"20 to 25": range(20, 26)}
AGE_WEIGHT = np.array([1] * 5 + [4] * 6 + [7] * 5 + [5] * 4 + [1.5] * 6, dtype=float)


def children(seed=1, plans=3_600, support=6_000):
    """One row per child with a plan or on SEN support."""
    draw = np.random.default_rng(seed)
    size = plans + support
    weight = np.array(list(NEEDS.values())) / sum(NEEDS.values())
    age = draw.choice(26, size, p=AGE_WEIGHT / AGE_WEIGHT.sum())
    place = draw.choice(list(PLACES), size, p=[0.62, 0.38])
    frame = pd.DataFrame({
        "is_plan": np.arange(size) < plans,
        "Need": draw.choice(list(NEEDS), size, p=weight),
        "age": age,
        "area": place,
        "ward": np.where(place == "MS", draw.integers(1, 14, size), draw.integers(14, 23, size)),
        "Sex": draw.choice(["Male", "Female", "Not known"], size, p=[0.68, 0.315, 0.005]),
        "specialist": draw.random(size) < 0.42,
    })  # fmt: skip
    return frame.assign(**{"Age band": [next(b for b, ages in BANDS.items() if a in ages) for a in age]})


def needs_prevalence(kids):
    """The mart's rows for plans of residents and SEN support of pupils."""
    rows = []
    for base, measure, counted, people in (
        ("residents_0_25", "ehc_plan", kids[kids["is_plan"]], 76_000),
        ("pupils_on_roll", "sen_support", kids[~kids["is_plan"]], 40_000),
    ):
        areas = [("area", "ALL", "Local area", counted, 1.0)]
        areas += [
            ("health_place", c, n, counted[counted["area"] == c], {"MS": 0.6, "NP": 0.4}[c]) for c, n in PLACES.items()
        ]
        areas += [("ward", f"E0599{w:04}", f"Ward {w:02}", counted[counted["ward"] == w], 1 / 22) for w in range(1, 23)]
        for level, code, name, here, share in areas:
            for topic in ("Total", "Need", "Age band", "Sex"):
                values = {
                    "Total": {"Total": 1},
                    "Need": NEEDS,
                    "Sex": {"Male": 0.5, "Female": 0.5, "Not known": 0},
                }.get(topic, {band: len(ages) / 26 for band, ages in BANDS.items()})
                for value, part in values.items():
                    count = len(here) if topic == "Total" else int((here[topic] == value).sum())
                    denominator = round(people * share * (1 if topic == "Need" else part))
                    rows.append(
                        (DAY, level, code, name, base, topic, value, measure, count, denominator or None, AS_AT)
                    )
    columns = ["time_period", "geographic_level", "area_code", "area_name", "base", "breakdown_topic", "breakdown"]
    frame = pd.DataFrame(rows, columns=[*columns, "measure", "children_count", "denominator_count", "data_as_at"])
    # Where matching leaves something open: more in larger counts, nothing in some.
    width = (frame["children_count"] // 60).where(frame["breakdown"] != "Male", 0)
    frame = frame.assign(
        children_low=frame["children_count"] - width, children_high=frame["children_count"] + 2 * width
    )
    frame = frame.astype({"denominator_count": "Int64"})
    rate = 100 * frame["children_count"].astype("Float64") / frame["denominator_count"].astype("Float64")
    return frame.assign(rate_pct=rate.round(2))


def sufficiency_gap(kids, then=0.76, places_share=0.36):
    """The mart's rows by the real method, for the same children."""
    needs, places = tuple(sorted(NEEDS)), tuple(PLACES)
    plans = np.zeros((2, len(needs), 27, 2), dtype=np.int64)
    counted = kids[kids["is_plan"]].assign(n=1, s=lambda f: f["specialist"].astype(int))
    for (need, age, place), rows in counted.groupby(["Need", "age", "area"]):
        at = needs.index(need), age, places.index(place)
        plans[(0, *at)], plans[(1, *at)] = len(rows), rows["s"].sum()
    now = plans[0].sum(axis=(1, 2)).astype(float)
    capacity = np.zeros((len(needs), len(PHASES) + 1, 2, HORIZON + 1))
    for at, ages in enumerate(PHASES.values()):
        share = plans[0][:, ages.start : ages.stop].sum(axis=1) * places_share
        capacity[:, at] = np.round(share)[..., None] * np.array([1, 1, 1.06, 1.06, 1.1, 1.1])
    residents = np.full((27, 2, HORIZON + 1), 1_400.0) * np.array([1, 0.995, 0.99, 0.985, 0.98, 0.97])
    stock = np.linspace(now, now * then, WINDOW + 1).T
    panel = Panel(AS_AT, needs, places, plans[0], plans[1], residents, 1.0, stock, np.zeros(WINDOW + 1), capacity)
    frame = pd.DataFrame(rows_of(panel, simulate(panel, seed=1)), columns=list(COLUMNS))
    return frame


def data_quality():
    rows = [
        ("education", "Merebrook Council, education", "plans", "SEN2 person-level return", 3_800, 3_781, AS_AT),
        ("north_trust", "North trust", "services", "Community services data set", 21_000, 20_350, date(2026, 2, 28)),
        ("planning", "Merebrook Council, place planning", "places", "Provision capacity", 96, 96, date(2026, 1, 31)),
    ]
    columns = ["agency_code", "agency_name", "dataset_code", "dataset_title", "rows_in", "accepted_count", "data_as_at"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        time_period=DAY,
        submission=frame["agency_code"] + "/x/2026-03/1",
        period="2026-03",
        quarantined_count=frame["rows_in"] - frame["accepted_count"],
        rejected_count=0,
        accepted_pct=(100 * frame["accepted_count"] / frame["rows_in"]).round(2),
        rules_checked_count=12,
        rules_failed_count=2,
        age_days=[(DAY - day).days for day in frame["data_as_at"]],
    )


def match_quality():
    rows = [
        ("education", "plans", "education", "health", "Total", "Total", 3_781, 3_781, 1_902),
        ("education", "plans", "education", "social_care", "Total", "Total", 3_781, 3_781, 1_140),
        ("north_trust", "services", "health", "education", "Total", "Total", 20_350, 20_350, 9_004),
        ("north_trust", "services", "health", "education", "Sex", "Not known", 3, 3, 1),
    ]
    columns = ["agency_code", "dataset_code", "group_code", "to_group", "breakdown_topic", "breakdown"]
    frame = pd.DataFrame(rows, columns=[*columns, "records_count", "persons_count", "matched_count"])
    share = (100 * frame["matched_count"] / frame["records_count"]).round(2)
    frame = frame.assign(to_agency_code="ALL", to_dataset_code="ALL")
    between = frame.iloc[[0]].assign(to_agency_code="north_trust", to_dataset_code="services", matched_count=1_700)
    frame, share = (
        pd.concat([frame, between], ignore_index=True),
        pd.concat([share, share.iloc[[0]]], ignore_index=True),
    )
    ends = {"matched_low": frame["matched_count"] - 1, "matched_high": frame["matched_count"] + 1}
    return frame.assign(**ends, time_period=DAY, matched_pct=share, data_as_at=AS_AT)


def frames(seed=1, plans=3_600, support=6_000):
    """The four marts, as the arguments of `release`."""
    kids = children(seed, plans, support)
    return {
        "needs": needs_prevalence(kids),
        "gap": sufficiency_gap(kids),
        "sources": data_quality(),
        "matches": match_quality(),
    }


def load(connection, made):
    """The frames as marts of a migrated database, with the mark of a refresh."""
    names = {
        "needs": "needs_prevalence",
        "gap": "sufficiency_gap",
        "sources": "data_quality",
        "matches": "match_quality",
    }
    definitions = {mart.name: mart for mart in marts.load()}
    for key, mart in names.items():
        shape.ensure(connection, mart, definitions[mart].definition)
        frame = made[key].astype(object).where(made[key].notna(), None)
        with connection.cursor().copy(f"COPY mart.{mart} ({', '.join(frame.columns)}) FROM STDIN") as copy:
            for row in frame.itertuples(index=False):
                copy.write_row(row)
    connection.execute(
        """INSERT INTO ops.refresh (as_of, submissions, conformed, changed, code_version)
           VALUES (%s, '{}', '{}', '{}', 'test')""",
        (DAY,),
    )
    connection.commit()
