"""Where things are, read once from the environment; every room takes what it needs from here and nowhere else.

Variables (all optional):
    JOINT_NEEDS_HOME          the hub's folder: landing, lake, keys, link store, reports, database. Default `var`.
    JOINT_NEEDS_DATABASE_URL  a PostgreSQL instead of the embedded one, e.g. `postgresql://user@host/joint_needs`.
    JOINT_NEEDS_LANDING       where sealed submissions arrive. Default `landing` in the hub's folder.
    JOINT_NEEDS_ENVIRONMENT   name that tolerances in `agencies/*.yaml` may be keyed by. Default `production`.
    JOINT_NEEDS_AGENCIES      folder of the agency files, when they are not the ones shipped.
    JOINT_NEEDS_NOTIFY_SMTP, JOINT_NEEDS_NOTIFY_WEBHOOK
                              how a person is told of alerts; the forms are in `pipelines/watch/notify.py`.
    JOINT_NEEDS_MOST_KEY_CHANGES
                              share of persons that may merge or split in a run of the matcher. Default 0.02.
    JOINT_NEEDS_NEAR_TOKENS   `off` leaves out the door's tokens of names one letter apart (ADR 33). Default `on`.
    JOINT_NEEDS_CHECK_ENGINE  `pandas` checks rules in memory with pandas instead of DuckDB. Default `duckdb`.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pipelines.errors import UsageFault

PACKAGE = Path(__file__).resolve().parent


@cache
def shipped(name: str) -> Path:
    """The folder `sql` or `expectations`: beside the package in a checkout, inside it in an installed wheel."""
    beside = PACKAGE.parent / name
    return beside if (PACKAGE.parent / "pyproject.toml").exists() and beside.is_dir() else PACKAGE / "_shipped" / name


def _share(name: str, default: float) -> float:
    """A share from 0 to 1 from the environment; UsageFault where it is anything else."""
    text = os.environ.get(name) or str(default)
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise UsageFault(f"{name} is a share from 0 to 1 such as {default}, or 1 for no bound; it is set to {text!r}")
    return share


def near_tokens() -> bool:
    """Whether the door makes tokens of names that are one letter away; a partner without a hub has this setting too."""
    return os.environ.get("JOINT_NEEDS_NEAR_TOKENS", "on") != "off"


@dataclass(frozen=True)
class Settings:
    """Folders and addresses of one hub. Build it with `Settings.from_environment()`; tests build their own."""

    home: Path
    database_url: str | None = None
    landing_place: Path | None = None
    environment: str = "production"
    agencies: Path = PACKAGE / "agencies"
    notify_smtp: str | None = None
    notify_webhook: str | None = None
    check_engine: Literal["duckdb", "pandas"] = "duckdb"
    most_key_changes: float = 0.02

    @classmethod
    def from_environment(cls) -> Settings:
        """Settings as the process's environment gives them."""
        return cls(
            home=Path(os.environ.get("JOINT_NEEDS_HOME", "var")).resolve(),
            database_url=os.environ.get("JOINT_NEEDS_DATABASE_URL") or None,
            landing_place=Path(landing).resolve() if (landing := os.environ.get("JOINT_NEEDS_LANDING")) else None,
            environment=os.environ.get("JOINT_NEEDS_ENVIRONMENT", "production"),
            agencies=Path(os.environ.get("JOINT_NEEDS_AGENCIES", PACKAGE / "agencies")).resolve(),
            notify_smtp=os.environ.get("JOINT_NEEDS_NOTIFY_SMTP") or None,
            notify_webhook=os.environ.get("JOINT_NEEDS_NOTIFY_WEBHOOK") or None,
            check_engine="pandas" if os.environ.get("JOINT_NEEDS_CHECK_ENGINE") == "pandas" else "duckdb",
            most_key_changes=_share("JOINT_NEEDS_MOST_KEY_CHANGES", 0.02),
        )

    @property
    def landing(self) -> Path:
        """Where sealed submissions arrive: `landing/<agency>/<any folder with a manifest.json>`."""
        return self.landing_place or self.home / "landing"

    @property
    def received(self) -> Path:
        """Payloads of received submissions, one folder each; kept until accepted or rejected for good."""
        return self.home / "received"

    @property
    def work(self) -> Path:
        """Scratch between validate and accept; safe to delete when nothing runs."""
        return self.home / "work"

    @property
    def lake(self) -> Path:
        """Accepted rows as immutable Parquet, `lake/<dataset>/<agency>/<period>/<table>.<hash>.parquet`."""
        return self.home / "lake"

    @property
    def link_store(self) -> Path:
        """The linker's own store: re-keyed linkage files, encrypted to the linker. Never beside payload."""
        return self.home / "link"

    @property
    def link_kept(self) -> Path:
        """What the linker keeps of its last run, encrypted to itself; made again where it is gone."""
        return self.link_store / "kept"

    @property
    def conformed(self) -> Path:
        """The last conformed state, one Parquet per canonical table."""
        return self.home / "conformed"

    @property
    def hub_keys(self) -> Path:
        """Keys of the hub: its second pass, the linker's identity, the partners' public signing keys."""
        return self.home / "keys" / "hub"

    @property
    def reports(self) -> Path:
        """Supplier reports and linkage reports, without values."""
        return self.home / "reports"

    @property
    def snapshots(self) -> Path:
        """Published snapshots, one folder per date."""
        return self.home / "snapshots"

    @property
    def postgres(self) -> Path:
        """Data folder and generated passwords of the embedded PostgreSQL."""
        return self.home / "postgres"
