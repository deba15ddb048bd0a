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


@pytest.fixture(scope="session")
def metadata():
    """Airflow's own tables, in the home that conftest.py made."""
    from airflow.utils import db

    db.initdb()


@pytest.fixture
def run(bag, metadata):
    """Run a DAG to its end; its state, and the states and return values of its tasks by name and map index."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    def to_the_end(dag_id):
        found = bag.dags[dag_id].test()
        with create_session() as session:
            tasks = {(ti.task_id, ti.map_index): ti.state for ti in found.get_task_instances(session=session)}
            values = {
                (x.task_id, x.map_index): XComModel.deserialize_value(x)
                for x in session.query(XComModel).filter_by(run_id=found.run_id, dag_id=dag_id, key="return_value")
            }
        return str(found.state), {name: str(state) for name, state in tasks.items()}, values

    return to_the_end
