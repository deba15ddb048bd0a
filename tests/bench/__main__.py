"""Time and memory of the flow against floors on the same files in the same run, into var/bench.json.

    python -m tests.bench                             everything, at 76,000 and 760,000 children; about an hour
    python -m tests.bench flow --children 7600 76000  the flow at other sizes
    python -m tests.bench validate                    a million rows against 25 rules

Machines are noisy: read the ratios, each with its goal.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pipelines.local import postgres
from pipelines.settings import Settings
from tests.bench import area, rules

SIZES = (76_000, 760_000)
GOALS = {
    "marginal_ratio": 4,
    "fixed_seconds": 25,
    "night_1pct_ratio": 0.15,
    "nothing_new_seconds": 5,
    "link_ratio": 1.3,
    "validate_ratio": 5,
}


def one_size(children: int, *, with_link_floor: bool) -> dict[str, Any]:
    """`area.measure` in a process and a home of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="joint-needs-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        command = [sys.executable, "-m", "tests.bench", "one", "--children", str(children), "--home", folder]
        command += ["--link-floor"] * with_link_floor
        try:
            subprocess.run(command, check=True)
            found: dict[str, Any] = json.loads((home / "measured.json").read_text())
        finally:
            postgres.stop(Settings(home=home))
    return found


def flow(sizes: list[int]) -> dict[str, Any]:
    """The flow at each size, and between the smallest and the largest what one more child costs.

    marginal_ratio: seconds of everything but linkage, over the floor, between the sizes. fixed_seconds: what the
    straight line through both leaves for no child at all. The night and the empty night are those of the smallest.
    """
    found = {children: one_size(children, with_link_floor=children == min(sizes)) for children in sorted(sizes)}
    small, large = found[min(found)], found[max(found)]
    result = {
        "night_1pct_ratio": small["night_1pct_ratio"],
        "nothing_new_seconds": small["nothing_new_seconds"],
        "link_ratio": small["link_ratio"],
        "peak_mb": {str(children): one["peak_mb"] for children, one in found.items()},
        "stages": {str(children): one["stages"] for children, one in found.items()},
        "sizes": {str(children): one for children, one in found.items()},
    }
    if small is not large:
        more = {name: large[name] - small[name] for name in ("children", "work_seconds", "floor_seconds")}
        each = more["work_seconds"] / more["children"]
        result["marginal_ratio"] = round(more["work_seconds"] / more["floor_seconds"], 2)
        result["fixed_seconds"] = round(small["work_seconds"] - each * small["children"], 1)
    return result


def told(found: dict[str, Any]) -> list[str]:
    """What was measured, one line for each figure that has a goal, then where the time went."""
    lines = [
        f"{name:<20} {found[name]:>8} (goal {goal}){'' if found[name] <= goal else '  missed'}"
        for name, goal in GOALS.items()
        if name in found
    ]
    for children, stages in found.get("stages", {}).items():
        spent = ", ".join(f"{name} {seconds}" for name, seconds in stages.items())
        rows = found["sizes"][children]["sealed_rows_per_second"]
        lines.append(
            f"{int(children):,} children: {spent}; peak {found['peak_mb'][children]:,} MB; sealed {rows:,} rows/s"
        )
    return lines


def main() -> None:
    """Measure all or one part, print the ratios, and put what was measured into var/bench.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["flow", "validate", "one"], help="one part alone")
    parser.add_argument("--children", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--link-floor", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part == "one":
        measured = area.measure(asked.children[0], asked.home, with_link_floor=asked.link_floor)
        (asked.home / "measured.json").write_text(json.dumps(measured))
        return
    out = Path("var/bench.json")
    found = json.loads(out.read_text()) if asked.part and out.exists() else {}
    if asked.part in (None, "validate"):
        found |= rules.measure()
    if asked.part in (None, "flow"):
        found |= flow(asked.children)
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join([*told(found), f"written to {out}"]))


if __name__ == "__main__":
    main()
