"""How common each name and postcode is: two who share a rare one are likelier to be one person.

Counted when a model is made and pinned with it, so that a night's scores change with its records and not with how often
others carry a name. They are shares of tokens, which only the linker may read (kept.py).

    frequency(field, value, share)    share of the named looks that have the value; whoever is not in it is as rare as
                                      the rarest
"""

from __future__ import annotations

import duckdb

from pipelines.link.agreement import ALL

FIELDS = tuple(level.frequency for field in ALL for level in field.levels if level.frequency)


def tables(db: duckdb.DuckDBPyConnection) -> None:
    """Count `frequency` where it is not there yet. Needs `look`."""
    counted = " UNION ALL ".join(
        f"""SELECT '{name}' AS field, {name} AS value, count(*) / sum(count(*)) OVER () AS share
            FROM look WHERE is_named AND {name} IS NOT NULL GROUP BY {name}"""  # noqa: S608
        for name in FIELDS
    )
    db.execute(f"CREATE TABLE IF NOT EXISTS frequency AS {counted}")


def shares(side: str) -> str:
    """SQL columns `<field>_share` of a look called `side`."""
    return ", ".join(
        f"""coalesce(
            (SELECT share FROM frequency f WHERE f.field = '{name}' AND f.value = {side}.{name}),
            (SELECT min(share) FROM frequency f WHERE f.field = '{name}'), 1) AS {name}_share"""  # noqa: S608
        for name in FIELDS
    )
