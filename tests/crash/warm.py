"""What the forked processes have in memory from the start: every import, and what is declared, read once.

Fewer draws of uncertain ties than in earnest: they are counted one by one, and fifty of them are most of a small night.
"""

import adbc_driver_postgresql.dbapi  # noqa: F401
import pyarrow.dataset  # noqa: F401

from pipelines import registry, routes  # noqa: F401
from pipelines.integrate import ranges
from pipelines.link import draws, estimate, matcher, solve  # noqa: F401
from pipelines.local import warm

warm.load()
registry.load(registry.PACKAGE / "agencies")
for module in (draws, ranges, estimate):
    module.DRAWS = 4
