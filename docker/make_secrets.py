"""Make the secrets of a deployment: `python3 docker/make_secrets.py a.khan:op b.jones:viewer`.

Writes one file per secret into docker/secrets/, once: what is there stays. Users are named persons with a role of
Airflow's: viewer, user (starts DAGs), op (also pools and variables) or admin; there is no user without a name and no
default password. The folder is the owner's alone (0700); the files in it are readable, since the containers, which get
them one by one, run as another user.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "secrets"
ROLES = ("viewer", "user", "op", "admin")


def make(users: list[str], folder: Path = FOLDER) -> list[str]:
    """Write the files that are missing; their names."""
    named = [re.fullmatch(r"([a-z][a-z0-9._-]+):(\w+)", user) for user in users]
    if not users or not all(found and found[2] in ROLES for found in named):
        sys.exit(f"name the users, each with a role of {', '.join(ROLES)}: a.khan:op b.jones:viewer")
    if all(found[2] == "admin" for found in named if found):
        sys.exit("not everybody can be an admin: give somebody the role op")
    contents = {
        "postgres_password": secrets.token_urlsafe(32),
        "airflow_database": secrets.token_urlsafe(32),
        "warehouse_database": secrets.token_urlsafe(32),
        "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "jwt_secret": secrets.token_urlsafe(48),
        "api_secret": secrets.token_urlsafe(48),
        "airflow_users": ",".join(users),
        "airflow_passwords": json.dumps({user.split(":")[0]: secrets.token_urlsafe(15) for user in users}),
    }
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    missing = [name for name in contents if not (folder / name).exists()]
    for name in missing:
        (folder / name).write_text(contents[name])
        (folder / name).chmod(0o444)
    return [*missing, *_certificate(folder)]


def _certificate(folder: Path) -> list[str]:
    """The database server's key and its certificate, which is its own root and good for two years."""
    names = ["database_key", "database_certificate"]
    if all((folder / name).exists() for name in names):
        return []
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "730", "-subj", "/CN=postgres", "-addext", "subjectAltName=DNS:postgres"]
    command += ["-keyout", str(folder / names[0]), "-out", str(folder / names[1])]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        sys.exit("openssl is needed for the database's certificate; install it and run this again")
    for name in names:
        (folder / name).chmod(0o444)
    return names


if __name__ == "__main__":
    for made in make(sys.argv[1:]):
        print(f"made docker/secrets/{made}")
