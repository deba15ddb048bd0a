"""Splink over tokens: which named profiles are probably one person, with a probability for each pair.

The model is trained by expectation maximisation on the records themselves and then pinned: a night's predictions change
only with its data. Too few records to train on leave the starting values of `agreement.py`.
"""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import duckdb

from pipelines import durable
from pipelines.errors import UsageFault
from pipelines.link import agreement

FORMAT = 4
SEED = 20260101
# Below so many named profiles, or so many pairs that are surely right, the estimates would be noise.
ENOUGH_TO_TRAIN, ENOUGH_SURE = 5_000, 500
REVIEW, ACCEPT = 0.1, 0.9
PAIRS_FOR_U, PAIRS_FOR_EM = 1_000_000, 500_000
RAREST, RAREST_BY_CHANCE = 0.0005, 0.000001

# A pair is compared where one of these holds: each pair of faults that is likely together leaves one of them standing.
_NAMES = ("forename", "surname")


def _all(*columns: str) -> str:
    return " AND ".join(f"l.{column} = r.{column}" for column in columns)


def _listed(lists: str, *columns: str) -> dict[str, Any]:
    """A rule over one value of a list and further columns."""
    return {"blocking_rule": _all(lists, *columns), "arrays_to_explode": [lists], "sql_dialect": "duckdb"}


BLOCKING = (
    _all("birth_date", "forename_initial"),
    _all("birth_date", "surname_phonetic"),
    _all("birth_date", "postcode"),
    *(f"l.birth_date = r.birth_date_swapped AND l.{c} = r.{c}" for c in ("forename", "surname_phonetic")),
    _all(*_NAMES),
    *(_all("postcode", other) for other in ("surname_phonetic", "forename_phonetic")),
    _all("postcode_sector", "forename_phonetic", "surname_phonetic"),
    *(f"l.forename = r.surname_as_forename AND l.{c} = r.{c}" for c in ("birth_date", "postcode")),
    "l.forename = r.surname_as_forename AND l.surname_as_forename = r.forename",
    *(_listed("birth_pairs", other) for other in (*_NAMES, "postcode")),
    _listed("surname_near", "forename"),
    *(_listed(f"{name}_near", "postcode") for name in _NAMES),
    *(_listed("address", other) for other in ("forename_phonetic", "surname_phonetic", "birth_date")),
)
# Deterministic pairs that are nearly always right: their number, over the share of true pairs they find, is the prior.
_SURE = ("l.forename = r.forename AND l.surname = r.surname AND l.birth_date = r.birth_date",)
_SURE_FINDS = 0.85
# Each session leaves out what it blocks on; between them every field is trained at least once.
_SESSIONS = ("l.forename = r.forename AND l.surname = r.surname", "l.birth_date = r.birth_date")


def start(*, trained: bool) -> dict[str, Any]:
    """Splink settings before training. trained: whether name frequencies can be counted on."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "place",
        "probability_two_random_records_match": 0.00001,
        "em_convergence": 0.0005,
        "comparisons": [field.comparison(frequencies=trained) for field in agreement.ALL],
        "blocking_rules_to_generate_predictions": list(BLOCKING),
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
    }


def _linker(db: duckdb.DuckDBPyConnection, settings: dict[str, Any], table: str) -> Any:
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    return Linker(DuckDBAPI(db).register(table), settings, log_level=None)


def named(db: duckdb.DuckDBPyConnection) -> int:
    """Make `named_record`, a look with names for each profile, on which a model is trained; returns its rows."""
    db.execute("""
        CREATE OR REPLACE TABLE named_record AS
        SELECT row_number() OVER (ORDER BY record_id, look_id)::INTEGER AS place, look.* EXCLUDE (look_id, is_named)
        FROM profile JOIN look USING (look_id) WHERE look.is_named""")
    return int(db.execute("SELECT count(*) FROM named_record").fetchall()[0][0])


def can_train(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether there are enough named profiles, and enough of them alike, to learn from."""
    if named(db) < ENOUGH_TO_TRAIN:
        return False
    sure = f"SELECT count(*) FROM named_record l JOIN named_record r ON {_SURE[0]} AND l.place < r.place"  # noqa: S608
    return int(db.execute(sure).fetchall()[0][0]) >= ENOUGH_SURE


def train(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """A Splink model as its JSON settings, trained on `named_record`."""
    linker = _linker(db, start(trained=True), "named_record")
    training = linker.training
    training.estimate_probability_two_random_records_match(list(_SURE), recall=_SURE_FINDS)
    training.estimate_u_using_random_sampling(max_pairs=PAIRS_FOR_U, seed=SEED)
    for rule in _SESSIONS:
        training.estimate_parameters_using_expectation_maximisation(
            rule, estimate_without_term_frequencies=True, max_pairs=PAIRS_FOR_EM, record_sample_proportion=0.1
        )
    return _with_floor(linker.misc.save_model_to_json())


def _with_floor(model: dict[str, Any]) -> dict[str, Any]:
    """A grade of agreement that training saw in no true pair is rare, not impossible."""
    for comparison in model["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                level["m_probability"] = max(level.get("m_probability") or 0.0, RAREST)
                level["u_probability"] = max(level.get("u_probability") or 0.0, RAREST_BY_CHANCE)
    return model


def made(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """A model for the records at hand: trained where they are enough, else as it starts."""
    enough = can_train(db)
    sources = ["/".join(s) for s in db.execute("SELECT agency, dataset FROM source ORDER BY source_id").fetchall()]
    model = train(db) if enough else start(trained=False)
    return {"format": FORMAT, "sources": sources, "trained": enough, "model": model}


def read_model(path: Path) -> dict[str, Any]:
    """A pinned model; UsageFault where the file is none."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        kept = {}
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise UsageFault(f"{path} is not a model of this version")
    return kept


def pinned(db: duckdb.DuckDBPyConnection, path: Path) -> tuple[dict[str, Any], bool]:
    """The pinned model of these sources, trained and pinned first where there is none; whether it is new.

    A model is for the set of sources it was trained on: another source brings other habits of writing.
    """
    sources = ["/".join(s) for s in db.execute("SELECT agency, dataset FROM source ORDER BY source_id").fetchall()]
    kept = json.loads(path.read_text()) if path.exists() else {}
    enough = can_train(db)
    if kept.get("format") == FORMAT and kept.get("sources") == sources and (kept["trained"] or not enough):
        return kept, False
    kept = made(db)
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write(path, json.dumps(kept, indent=1).encode())
    return kept, True


def predict(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> None:
    """Make `scored(look_l, look_r, weight, probability)`: pairs of looks at or above the review threshold.

    look_l <= look_r: a look that several records have is scored with itself. weight is Splink's match weight in bits.
    """
    db.execute("DROP TABLE IF EXISTS named_record")
    db.execute(
        "CREATE TABLE named_look AS SELECT look_id AS place, * EXCLUDE (look_id, is_named) FROM look WHERE is_named"
    )
    db.execute("CREATE TABLE scored (look_l INTEGER, look_r INTEGER, weight DOUBLE, probability DOUBLE)")
    if db.execute("SELECT count(*) FROM named_look").fetchall()[0][0] > 1:
        linker = _linker(db, model, "named_look")
        pairs = linker.inference.predict(threshold_match_probability=REVIEW, warning_mode="never")
        db.execute(f"""
            INSERT INTO scored
            SELECT least(place_l, place_r), greatest(place_l, place_r), round(match_weight, 6),
                   round(match_probability, 6)
            FROM {pairs.physical_name}""")  # noqa: S608
        pairs.drop_table_from_database_and_remove_from_cache()
    _score_alike(db, model)
    db.execute("DROP TABLE named_look")


def _score_alike(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> None:
    """Add to `scored` each look that several records have, with the weight of two that agree in all they say."""
    prior = model["probability_two_random_records_match"]
    weight = [str(math.log2(prior / (1 - prior)))]
    for comparison in model["comparisons"]:
        column = comparison["output_column_name"]
        best = next(level for level in comparison["comparison_levels"] if not level.get("is_null_level"))
        by_chance = f"{column}_share" if best.get("tf_adjustment_column") else str(best["u_probability"])
        bits = f"log2({best['m_probability']} / {by_chance})"
        weight.append(f"CASE WHEN {column} IS NULL THEN 0 ELSE {bits} END")
    shares = ", ".join(
        f"count({c}) OVER (PARTITION BY {c}) / count({c}) OVER () AS {c}_share"
        for c in ("forename", "surname", "postcode")
    )
    db.execute(f"""
        INSERT INTO scored
        WITH shared AS (
            SELECT look_id FROM profile WHERE is_named GROUP BY look_id HAVING count(DISTINCT record_id) > 1
        ),
        weighed AS (SELECT place, {" + ".join(weight)} AS weight FROM (SELECT *, {shares} FROM named_look))
        SELECT place, place, round(weight, 6), round(pow(2, weight) / (1 + pow(2, weight)), 6) AS p
        FROM weighed JOIN shared ON look_id = place WHERE p >= {REVIEW}""")  # noqa: S608
