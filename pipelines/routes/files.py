"""Routes on which a delivery is a folder: a share, an SFTP server, an object store; fsspec sees them all alike."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from pipelines.agencies import FolderRoute, Route, S3Route, SftpRoute
from pipelines.errors import SystemFault
from pipelines.receive.landing import is_unfinished_name
from pipelines.seal.manifest import NAME
from pipelines.seal.packing import NAMES

TIMEOUT_SECONDS = 30
# A manifest is a few kilobytes; nothing larger is read into memory.
LARGEST_MANIFEST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Files:
    """Folders below `root` of a file system. remove: takes an empty folder away, where there are such things.

    reports: the folder into which reports are handed back.
    """

    system: Any
    root: str
    remove: Callable[[str], object] | None
    reports: str = ""

    @classmethod
    def open(cls, route: Route) -> Files:
        """Connect to the route."""
        if isinstance(route, SftpRoute):
            server = _sftp(route)
            return cls(server, route.path, server.rm, route.reports or "")
        if isinstance(route, S3Route):
            root, reports = (
                posixpath.join(route.bucket, part).rstrip("/") for part in (route.prefix, route.reports or "")
            )
            return cls(_s3(route), root, None, reports)
        if isinstance(route, FolderRoute):
            local = LocalFileSystem()
            return cls(local, str(route.path or ""), local.rmdir, str(route.reports or ""))
        raise SystemFault(f"a route of kind {route.kind} is not made of files")

    def names(self) -> list[str]:
        """Folders that are not called as something unfinished."""
        folders = [entry["name"] for entry in self.system.ls(self.root, detail=True) if entry["type"] == "directory"]
        names = (posixpath.basename(folder.rstrip("/")) for folder in folders)
        return sorted(name for name in names if not is_unfinished_name(name))

    def manifest(self, name: str) -> bytes | None:
        """See `Source`."""
        path = self._at(name, NAME)
        if not self.system.exists(path) or self.system.size(path) > LARGEST_MANIFEST_BYTES:
            return None
        content: bytes = self.system.cat_file(path)
        return content

    def copy(self, name: str, into: Path) -> None:
        """See `Source`. What a sealed folder does not have, such as a file server's own files, stays where it is."""
        for inside in self._files(name):
            if NAMES.fullmatch(inside):
                (into / inside).parent.mkdir(mode=0o770, exist_ok=True)
                self.system.get_file(self._at(name, inside), str(into / inside))

    def confirm(self, name: str) -> None:
        """Delete the folder, its manifest last: what a kill leaves is known again by it."""
        files = self._files(name)
        for inside in sorted(files, key=lambda inside: (inside == NAME, inside)):
            self.system.rm_file(self._at(name, inside))
        if self.remove:
            for folder in sorted({posixpath.dirname(inside) for inside in files} | {""}, reverse=True):
                self.remove(self._at(name, folder).rstrip("/"))

    def give(self, name: str, content: bytes) -> None:
        """See `Source`. Object stores show a file once it is whole; elsewhere it gets its name then."""
        whole = posixpath.join(self.reports, name)
        if self.system.exists(whole):
            return
        if self.remove is None:
            self.system.pipe_file(whole, content)
            return
        self.system.makedirs(self.reports, exist_ok=True)
        partial = posixpath.join(self.reports, f".{name}.part")
        self.system.pipe_file(partial, content)
        self.system.mv(partial, whole)

    def _files(self, name: str) -> list[str]:
        """The paths of all files of a delivery, within its folder."""
        folder = self._at(name)
        return [posixpath.relpath(path, folder) for path in self.system.find(folder)]

    def _at(self, *parts: str) -> str:
        return posixpath.join(self.root, *parts)


def _sftp(route: SftpRoute) -> Any:
    """A connection to the one server whose key is known; nothing of this machine's own SSH settings is used."""
    import asyncssh
    from sshfs import SSHFileSystem

    address = route.host if route.port == 22 else f"[{route.host}]:{route.port}"
    return SSHFileSystem(
        route.host,
        port=route.port,
        username=route.user,
        client_keys=[asyncssh.import_private_key(route.private_key.read() + "\n")],
        known_hosts=asyncssh.import_known_hosts(f"{address} {route.host_key}\n"),
        agent_path=None,
        config=None,
        password=None,
        connect_timeout=TIMEOUT_SECONDS,
        login_timeout=TIMEOUT_SECONDS,
        keepalive_interval=TIMEOUT_SECONDS,
        skip_instance_cache=True,
    )


def _s3(route: S3Route) -> Any:
    from s3fs import S3FileSystem

    return S3FileSystem(
        key=route.access_key.read(),
        secret=route.secret_key.read(),
        endpoint_url=route.endpoint,
        client_kwargs={"region_name": route.region} if route.region else {},
        config_kwargs={"connect_timeout": TIMEOUT_SECONDS, "read_timeout": TIMEOUT_SECONDS},
        use_listings_cache=False,
        skip_instance_cache=True,
    )
