"""What a person must hear of the matching: it was stopped, or it has moved further than it does by itself."""

from __future__ import annotations

from typing import Any

import psycopg


def stopped(connection: psycopg.Connection[Any]) -> list[str]:
    """The circuit-breaker tripped and no run has gone through since, with the counts of the first that was stopped."""
    row = connection.execute(
        """SELECT run_key, (counts ->> 'would_merge_or_split')::int, (counts ->> 'persons')::int
           FROM ops.run
           WHERE stage = 'link' AND counts ? 'would_merge_or_split' AND run_key > (
               SELECT coalesce(max(run_key), 0) FROM ops.run WHERE stage = 'link' AND state = 'success')
           ORDER BY run_key LIMIT 1"""
    ).fetchone()
    return [f"run {row[0]} would merge or split {row[1]:,} of {row[2]:,} persons"] if row else []


def drifted(connection: psycopg.Connection[Any]) -> list[str]:
    """What moved past its bound in the last run of the matcher: `run <number>: <what>`."""
    row = connection.execute(
        """SELECT link_run_key, summary #> '{drift,warnings}' FROM link.run ORDER BY link_run_key DESC LIMIT 1"""
    ).fetchone()
    return [f"matching {row[0]}: {warning}" for warning in row[1] or ()] if row else []
