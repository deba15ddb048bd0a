"""The model: what each grade of agreement says about two records, estimated by Splink over tokens and then pinned.

Training is apart from prediction (predict.py): expectation maximisation on the records themselves, once; a night's
scores change only with its records. Too few records to train on leave the starting values of `agreement.py`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from pathlib import Path
from typing import Any

import duckdb

from pipelines import durable
from pipelines.errors import UsageFault
from pipelines.link import agreement, twins

NAME, FORMAT = "model.json", 7
SEED = 20260101
# Below so many named profiles, or so many pairs that are surely right, the estimates would be noise.
ENOUGH_TO_TRAIN, ENOUGH_SURE = 5_000, 500
PAIRS_FOR_U, PAIRS_FOR_EM = 1_000_000, 500_000
RAREST, RAREST_BY_CHANCE = 0.0005, 0.000001

# Deterministic pairs that are nearly always right: their number, over the share of true pairs they find, is the prior.
# That share is a guess until training has told how often each of the three agrees.
_SURE = ("l.forename = r.forename AND l.surname = r.surname AND l.birth_date = r.birth_date",)
_SURE_FIELDS, _SURE_FINDS = ("forename", "surname", "birth_date"), 0.85
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
        "blocking_rules_to_generate_predictions": list(_SURE),
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
    return _with_prior(_with_floor(linker.misc.save_model_to_json()))


def _with_prior(model: dict[str, Any]) -> dict[str, Any]:
    """The prior by the share of true pairs that the sure ones are, as training found it."""
    found = math.prod(max(twins.by_level(model, name, "m_probability").items())[1] for name in _SURE_FIELDS)
    model["probability_two_random_records_match"] *= _SURE_FINDS / found
    return model


def _with_floor(model: dict[str, Any]) -> dict[str, Any]:
    """A grade of agreement that training saw in no true pair is rare, not impossible."""
    for comparison in model["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                level["m_probability"] = max(level.get("m_probability") or 0.0, RAREST)
                level["u_probability"] = max(level.get("u_probability") or 0.0, RAREST_BY_CHANCE)
    return model


def made(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """A model for the records at hand: trained where they are enough, else as it starts.

    {"format", "sources": ["agency/dataset"], "trained", "model": Splink's settings, "by_chance": twins.by_chance}
    """
    enough = can_train(db)
    model = train(db) if enough else start(trained=False)
    return {
        "format": FORMAT, "sources": _sources(db), "trained": enough, "model": model, "by_chance": twins.by_chance(db),
    }  # fmt: skip


def version(kept: dict[str, Any]) -> str:
    """A short name of a model, another for each content."""
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def pinned_version(path: Path) -> str | None:
    """The version of a pinned model, or None where there is none that serves."""
    try:
        return version(read_model(path))
    except UsageFault:
        return None


def _sources(db: duckdb.DuckDBPyConnection) -> list[str]:
    return ["/".join(s) for s in db.execute("SELECT agency, dataset FROM source ORDER BY source_id").fetchall()]


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

    A model is for the set of sources it was trained on: another source brings other habits of writing. It is trained
    anew too where the one there is was made when there was too little to train on, and where its file is gone (forget).
    """
    try:
        kept = read_model(path)
        if kept["sources"] == _sources(db) and (kept["trained"] or not can_train(db)):
            return kept, False
    except UsageFault:
        pass
    kept = made(db)
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write(path, json.dumps(kept, indent=1).encode())
    return kept, True


def forget(path: Path) -> bool:
    """Take a pinned model away, so that the next run trains anew; whether there was one."""
    is_there = path.exists()
    path.unlink(missing_ok=True)
    return is_there
