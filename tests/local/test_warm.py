"""What the scheduler has in memory before it forks tasks."""

import json
import subprocess
import sys

SAY = """
import json, sys, threading
from pipelines.local import warm
warm.load()
heavy = [name for name in ("great_expectations", "splink", "duckdb", "pandas") if name in sys.modules]
print(json.dumps({"heavy": heavy, "threads": threading.active_count(), "airflow": "airflow" in sys.modules}))
"""


def test_heavy_libraries_are_loaded_and_nothing_runs_that_a_fork_would_lose():
    done = subprocess.run([sys.executable, "-c", SAY], text=True, capture_output=True, check=True)
    found = json.loads(done.stdout)
    assert found == {"heavy": ["great_expectations", "splink", "duckdb", "pandas"], "threads": 1, "airflow": False}
