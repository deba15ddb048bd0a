"""Every command in the README runs, in the order in which it stands there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_the_make_targets_exist():
    for target in re.findall(r"make (\w+)", "\n".join(commands()) + README):
        done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_commands_run_in_their_order(tmp_path):
    binaries = tmp_path / ".venv/bin"
    binaries.mkdir(parents=True)
    (binaries / "joint-needs").symlink_to(Path(sys.executable).parent / "joint-needs")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JOINT_NEEDS_")}
    ran = 0
    try:
        for command in commands():
            words = shlex.split(command)
            if words[0] == "export":
                name, value = words[1].split("=", 1)
                environment[name] = value
            elif words[0] != "make":
                done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
                assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
                ran += 1
    finally:
        stop = [binaries / "joint-needs", "db", "stop"]
        subprocess.run(stop, cwd=tmp_path, env=environment | {"JOINT_NEEDS_HOME": "try"})
    assert ran >= 10
