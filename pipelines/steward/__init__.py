"""What people decide: held rows released or kept, a submission judged again, or taken out for good.

Each decision is written down with who took it and why, and the picture follows at the next refresh. Nothing here shows
a value: rows are named by their number in the sender's file.
"""

from __future__ import annotations

from pipelines.steward.quarantine import Held, held, held_rows, keep, question, release
from pipelines.steward.rerun import STAGES, Replay, check, read_replay, rerun
from pipelines.steward.withdrawal import withdraw

__all__ = [
    "STAGES", "Held", "Replay", "check", "held", "held_rows", "keep", "question", "read_replay", "release",
    "rerun", "withdraw",
]  # fmt: skip
