"""The wheel is whole: the door installs without Airflow or a database and seals a file, with suites and SQL inside."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).parent / "uv"
# A namespace of its own in which there is no network, where this machine allows one.
_UNSHARE = ["unshare", "--user", "--map-root-user", "--net"]
WITHOUT_NETWORK = _UNSHARE if shutil.which("unshare") and subprocess.run([*_UNSHARE, "true"]).returncode == 0 else []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    return next(folder.glob("*.whl"))


def test_suites_and_sql_ship_inside(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("expectations", "sql"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"pipelines/_shipped/{path.relative_to(ROOT)}" in names
    assert not any(name.startswith(("tests/", "dags/")) for name in names)


@pytest.mark.slow
@pytest.mark.skipif(not UV.exists(), reason="uv is not in this environment; `make` puts it there")
def test_the_door_alone_installs_and_seals(wheel, tmp_path):
    venv = tmp_path / "venv"
    python = venv / "bin/python"
    quiet = {"capture_output": True, "text": True, "check": True}
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, venv], **quiet)
    install = [UV, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, "--require-hashes", "-r", ROOT / "locks/door.txt"], **quiet)
    subprocess.run([*install, "--no-deps", wheel], **quiet)
    missing = "import importlib.util as u; print([m for m in ('airflow', 'pandas', 'psycopg') if u.find_spec(m)])"
    assert subprocess.run([python, "-c", missing], **quiet).stdout.strip() == "[]"

    raw = tmp_path / "geography.csv"
    raw.write_text(
        "lsoa21,lsoa21_name,ward,ward_name,health_place,health_place_name,imd_decile\n"
        "E01990001,Merebrook 001A,E05990001,Harbour,MS,Merebrook South,1\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JOINT_NEEDS_")}
    joint_needs = [*WITHOUT_NETWORK, venv / "bin/joint-needs"]
    run = {**quiet, "cwd": tmp_path, "env": environment}
    for words in (
        "keys hub --keys hub --epoch 2026a",
        "keys partner --keys mine --linker hub/linker.pub",
        "keys link --keys mine --epoch 2026a",
        "keys trust --keys hub --agency planning --public mine/signing.pub",
    ):
        subprocess.run([*joint_needs, *shlex.split(words)], **run)
    what = shlex.split("--agency planning --dataset geography --period 2026 --keys mine --out out --pack --json")
    sealed = subprocess.run([*joint_needs, "seal", raw, *what], **run)
    assert json.loads(sealed.stdout)[0]["state"] == "success"
    assert list((tmp_path / "out").rglob("manifest.sig")) and list((tmp_path / "out").glob("*.tar"))

    drop = tmp_path / "drop/planning/geography/2026"
    drop.mkdir(parents=True)
    laid = raw.rename(drop / raw.name)
    (tmp_path / "keys").mkdir()
    (tmp_path / "mine").rename(tmp_path / "keys/planning")
    subprocess.run(
        [*joint_needs, *shlex.split("door serve --drop drop --keys keys --out out --settle 0 --once")], **run
    )
    assert not laid.exists() and len(list((tmp_path / "out/planning").iterdir())) == 1
    raw.write_text("lsoa21,lsoa21_name\n")

    run["check"] = False
    checked = subprocess.run([*joint_needs, "check", raw], **run)
    assert checked.returncode == 2
    assert "joint-needs[hub]" in checked.stderr and "Traceback" not in checked.stderr
