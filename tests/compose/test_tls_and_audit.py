"""The composed server's own settings on Debian's PostgreSQL: no plain connection, and who read what, without values."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.keeping import asked
from pipelines.local.airflow import free_port

ROOT = Path(__file__).resolve().parents[2]
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
AUDITED = [path for path in BINARIES if (path.parent / "lib" / "pgaudit.so").exists()]
TOKEN = "f00dfeedf00dfeedf00dfeedf00dfeed"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """How to connect, and `log`: the folder of the audit log."""
    if not AUDITED or os.geteuid() != 0:
        pytest.skip("needs root and Debian's PostgreSQL with pgaudit: apt-get install postgresql-15-pgaudit")
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("needs Debian's user postgres")
    home = Path("/var/tmp") / f"joint-needs-tls-{os.getpid()}"  # noqa: S108
    home.mkdir(mode=0o755)
    secrets = home / "secrets"
    made = [sys.executable, "-c", f"import sys; sys.path.insert(0, '{ROOT / 'docker'}'); import make_secrets, pathlib; "
            f"make_secrets.make(['a.khan:op'], pathlib.Path('{secrets}'))"]  # fmt: skip
    subprocess.run(made, check=True)
    secrets.chmod(0o755)
    for name in ("data", "log"):
        (home / name).mkdir(mode=0o700)
        os.chown(home / name, user.pw_uid, user.pw_gid)
    shutil.copy(secrets / "database_key", home / "server.key")
    os.chown(home / "server.key", user.pw_uid, user.pw_gid)
    (home / "server.key").chmod(0o600)
    conf = (ROOT / "docker/postgresql.conf").read_text()
    for theirs, ours in (
        ("/etc/joint-needs/pg_hba.conf", home / "pg_hba.conf"),
        ("/var/run/postgresql/server.key", home / "server.key"),
        ("/var/run/postgresql/server.crt", secrets / "database_certificate"),
        ("/var/log/postgresql/audit", home / "log"),
        ("listen_addresses = '*'", "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''"),
    ):
        assert theirs in conf
        conf = conf.replace(theirs, str(ours))
    (home / "postgresql.conf").write_text(conf)
    shutil.copy(ROOT / "docker/pg_hba.conf", home / "pg_hba.conf")
    port = str(free_port())

    def run(*words: str | Path) -> None:
        subprocess.run([str(word) for word in words], check=True, user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                       cwd="/", stdout=subprocess.DEVNULL)  # fmt: skip

    run(AUDITED[0] / "initdb", "-D", home / "data", "-U", "postgres", "-A", "scram-sha-256", "--no-sync",
        f"--pwfile={secrets / 'postgres_password'}")  # fmt: skip
    options = f"-c config_file={home / 'postgresql.conf'} -p {port}"
    run(AUDITED[0] / "pg_ctl", "-D", home / "data", "-w", "-o", options, "-l", home / "log" / "start", "start")
    try:
        yield {
            "port": port,
            "password": (secrets / "postgres_password").read_text(),
            "certificate": str(secrets / "database_certificate"),
            "log": str(home / "log"),
        }
    finally:
        run(AUDITED[0] / "pg_ctl", "-D", home / "data", "-m", "immediate", "stop")
        shutil.rmtree(home)


def connect(server: dict[str, str], **given: str) -> psycopg.Connection:
    known = {"host": "postgres", "hostaddr": "127.0.0.1", "port": server["port"], "dbname": "postgres"}
    tls = {"sslmode": "verify-full", "sslrootcert": server["certificate"]}
    return psycopg.connect(
        **{**known, **tls, "user": "postgres", "password": server["password"], **given}, autocommit=True
    )


def test_a_plain_connection_is_refused_and_reads_are_told_without_values(server, tmp_path):
    with pytest.raises(psycopg.OperationalError, match=r"no encryption|rejects connection"):
        connect(server, sslmode="disable", sslrootcert="")
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        connect(server, host="elsewhere.example.org")
    with connect(server) as admin:
        assert admin.execute("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (
            True,
            "TLSv1.3",
        )
        admin.execute("CREATE EXTENSION pgaudit")
        admin.execute("CREATE SCHEMA core CREATE TABLE core.person (record_pseudonym text)")
        admin.execute("CREATE TABLE core.closed (a text)")
        admin.execute("CREATE ROLE \"j.smith\" LOGIN PASSWORD 'only-for-this-test'")
        admin.execute('GRANT USAGE ON SCHEMA core TO "j.smith"; GRANT SELECT ON core.person TO "j.smith"')
    with connect(server, user="j.smith", password="only-for-this-test") as person:
        person.execute("SELECT * FROM core.person WHERE record_pseudonym = %s", (TOKEN,))
        person.execute(f"SELECT * FROM core.person WHERE record_pseudonym = '{TOKEN}'")
        for wrong in ("SELECT * FROM core.closed", f"SELECT '{TOKEN}'::integer"):
            with pytest.raises(psycopg.Error):
                person.execute(wrong)
    log = next(Path(server["log"]).glob("audit-*.json"))
    for _ in range(50):
        lines, _ = asked.report([log])
        if any(line["login"] == "j.smith" and line["times"] == 2 for line in lines):
            break
        time.sleep(0.1)
    mine = {(line["what"], line["object"]): line["times"] for line in lines if line["login"] == "j.smith"}
    assert mine == {("read", "core.person"): 2}
    month = json.loads(log.read_text().splitlines()[0])["timestamp"][:7]
    assert asked.report([log], month) == (lines, 0)
    assert asked.report([log], "1999-01") == ([], 0)
    whole = log.read_bytes().splitlines(keepends=True)
    torn = tmp_path / "torn.json"
    torn.write_bytes(b"".join([whole[0][:70], *whole, whole[-1][:70]]))
    assert asked.report([torn], month) == (lines, 2), "cut off in the middle and at the end"
    text = log.read_text()
    assert "AUDIT: SESSION" in text
    assert "only-for-this-test" not in text
    assert TOKEN not in text, "neither a statement, a parameter nor an error may quote it"
    assert "ROLE" in {json.loads(line)["message"].split(",")[3] for line in text.splitlines() if "AUDIT" in line}
