"""Mutate extracts and send them through the door: `python -m tests.fuzz --runs 1000000`, or `--seconds 60`.

atheris watches which lines an input reaches and keeps those that reach new ones. Progress goes to stderr: inputs tried,
lines reached (`cov`), inputs a second, memory. What fails is written to var/fuzz/, and `python -m tests.fuzz FILE`
tries it again.
"""

import random
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import atheris
import typer

with atheris.instrument_imports(include=["pipelines.extract", "pipelines.seal"]):
    from tests.fuzz.seeds import WORDS, registry, seeds
    from tests.fuzz.target import Target

LONGEST = 1 << 14
MOST_MEMORY_MB = 1_200
FOUND = Path("var/fuzz")


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Change an input a little: lines, words that readers trip over, repetitions; else single bytes."""
    rng = random.Random(seed)  # noqa: S311
    way = rng.randrange(8)
    kind, text = data[:1], data[1:]
    if way < 3 or not text:
        return atheris.Mutate(data, most)
    start, end = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    if way == 3:
        text = text[:start] + rng.choice(WORDS) + text[start:]
    elif way == 4:
        text = text[:start] + rng.choice(WORDS) + text[min(end, start + 12) :]
    elif way == 5:
        text = text[:end] + text[start:end] * rng.randrange(1, 9) + text[end:]
    else:
        lines = text.splitlines(keepends=True)
        one, other = (rng.randrange(len(lines)) for _ in range(2))
        if way == 6:
            lines[one], lines[other] = lines[other], lines[one]
        else:
            lines.insert(one, lines[other])
        text = b"".join(lines)
    return (kind + text)[:most]


def main(
    again: Annotated[Path | None, typer.Argument(help="an input that failed")] = None,
    runs: Annotated[int, typer.Option(help="inputs to try; -1: no end")] = -1,
    seconds: Annotated[int, typer.Option(help="time to take; 0: no end")] = 0,
    seed: Annotated[int, typer.Option(help="of the mutations; 0: another one each time")] = 0,
) -> None:
    """Try mutated extracts until one fails, or for so many runs or seconds."""
    with tempfile.TemporaryDirectory(prefix="joint-needs-fuzz-") as folder:
        corpus = Path(folder) / "corpus"
        for name in ("corpus", "seeds", "now"):
            (Path(folder) / name).mkdir()
        target = Target(registry(), Path(folder) / "now")
        if again:
            target(again.read_bytes())
            return
        for number, data in enumerate(seeds(Path(folder) / "seeds")):
            target(data)
            (corpus / str(number)).write_bytes(data)
        FOUND.mkdir(parents=True, exist_ok=True)
        options = [
            f"-runs={runs}",
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST}",
            f"-seed={seed}",
            "-len_control=0",
        ]
        options += [
            f"-rss_limit_mb={MOST_MEMORY_MB}",
            "-timeout=30",
            f"-artifact_prefix={FOUND}/",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], target, custom_mutator=mutate, internal_libfuzzer=True)
        atheris.Fuzz()


if __name__ == "__main__":
    typer.run(main)
