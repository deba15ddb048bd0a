"""Start Airflow's scheduler with the heavy libraries in memory: `python -m pipelines.local.warm scheduler [options]`.

Tasks of the LocalExecutor are forked from the scheduler. What it has imported, they need not import again: Great
Expectations alone costs seconds of work for each delivery otherwise, and its pages of memory are then shared by all.
Only modules are loaded here, nothing that is declared: a changed contract or agreement counts from the next task on.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys

# What tasks import sooner or later, the dearest first; none of them opens a file, a connection or a thread.
HEAVY = (
    "great_expectations",
    "splink",
    "pipelines.flow",
    "pipelines.receive",
    "pipelines.validate.dialect",
    "pipelines.link",
    "pipelines.conform",
    "pipelines.integrate",
    "pipelines.sufficiency",
    "pipelines.watch",
)


def load() -> None:
    """Import the heavy libraries; numerical ones must not start threads, which a fork would not take along."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    for name in HEAVY:
        importlib.import_module(name)


if __name__ == "__main__":
    load()
    sys.argv[0] = "airflow"
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
