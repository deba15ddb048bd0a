"""Airflow's REST API, as far as a demonstration and a test need it. Standard library only; never through a proxy."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pipelines.errors import SystemFault

FINISHED = ("success", "failed")
_COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class AirflowApi:
    """A client of one Airflow. Methods raise SystemFault where it answers with an error."""

    address: str
    token: str | None = None

    @classmethod
    def login(cls, address: str, user: str, password: str) -> AirflowApi:
        """A client with a token for a user."""
        found = cls(address).call("POST", "/auth/token", {"username": user, "password": password})
        return cls(address, found["access_token"])

    def call(self, method: str, path: str, document: Any = None) -> Any:
        """One request; the JSON of the answer."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.address + path, body, headers, method=method)  # noqa: S310
        try:
            with _direct.open(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise SystemFault(f"Airflow answered {error.code} to {method} {path}") from None
        except OSError as error:
            raise SystemFault(f"Airflow does not answer at {self.address} ({type(error).__name__})") from None
        return json.loads(text) if text else None

    def unwell(self) -> list[str]:
        """The components that are not healthy; all of them while nothing answers."""
        try:
            health = self.call("GET", "/api/v2/monitor/health")
        except SystemFault:
            return ["api-server", *_COMPONENTS]
        return [name for name in _COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]

    def set_pools(self, pools: dict[str, dict[str, Any]]) -> None:
        """Make or change the pools; the form is that of `airflow pools import`."""
        entities = [{"name": name, **pool} for name, pool in pools.items()]
        action = {"action": "create", "action_on_existence": "overwrite", "entities": entities}
        self.call("PATCH", "/api/v2/pools", {"actions": [action]})

    def wait_for_dags(self, dag_ids: Iterable[str], seconds: float = 60) -> None:
        """Wait until the scheduler knows these DAGs. Raises SystemFault at an import error or when time is up."""
        deadline, wanted = time.monotonic() + seconds, set(dag_ids)
        while True:
            if errors := self.call("GET", "/api/v2/importErrors")["import_errors"]:
                raise SystemFault(f"DAG files cannot be imported: {', '.join(e['filename'] for e in errors)}")
            known = {dag["dag_id"] for dag in self.call("GET", "/api/v2/dags?limit=100")["dags"]}
            if wanted <= known:
                return
            if time.monotonic() > deadline:
                raise SystemFault(f"Airflow has not read these DAGs: {', '.join(sorted(wanted - known))}")
            time.sleep(0.5)

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run."""
        self.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run by hand; its id."""
        run = self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})
        return str(run["dag_run_id"])

    def runs(self, dag_id: str = "~") -> list[dict[str, Any]]:
        """Runs of a DAG, or of all DAGs, oldest first."""
        path = f"/api/v2/dags/{quote(dag_id)}/dagRuns?limit=1000&order_by=run_after"
        return list(self.call("GET", path)["dag_runs"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Task instances of a run."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances?limit=1000"
        return list(self.call("GET", path)["task_instances"])
