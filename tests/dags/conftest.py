"""Airflow for the tests of this folder: a home of its own, set before anything imports Airflow."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

DAGS = Path(__file__).resolve().parents[2] / "dags"

_home = tempfile.mkdtemp(prefix="joint-needs-airflow-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ |= {
    "AIRFLOW_HOME": _home,
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}


@pytest.fixture(scope="session")
def bag():
    """All DAGs of the house, without an import error."""
    from airflow.dag_processing.dagbag import DagBag

    # Airflow's own processes put the DAG folder on the path.
    sys.path.insert(0, str(DAGS))
    try:
        found = DagBag(str(DAGS))
    finally:
        sys.path.remove(str(DAGS))
    assert found.import_errors == {}
    return found
