"""How an agency's deliveries come. Secrets are named, never written: an environment variable or a file holds them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pipelines.contracts import Strict
from pipelines.errors import SystemFault


class Secret(Strict):
    """Where a secret is: `{env: NAME}` or `{file: /run/secrets/name}`."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is in one place: {env: NAME} or {file: PATH}")
        return self

    def read(self) -> str:
        """The secret. Raises SystemFault with the name of the variable or file where it is not there."""
        try:
            return os.environ[self.env] if self.env else (self.file or Path()).read_text().strip()
        except KeyError:
            raise SystemFault(f"the environment variable {self.env} is not set") from None
        except OSError as error:
            raise SystemFault(f"{self.file} cannot be read: {error.strerror}") from None


class FolderRoute(Strict):
    """A folder that the hub can see, such as a network share; without a path the landing place itself.

    reports: here and below, where reports on deliveries are handed back: a folder, a prefix, a mailbox; nowhere unless
    it is given.
    """

    kind: Literal["folder"] = "folder"
    path: Path | None = None
    reports: Path | None = None


class SftpRoute(Strict):
    """An SFTP server. host_key: its public key as `ssh-ed25519 AAAA...`; no other server is spoken to."""

    kind: Literal["sftp"]
    host: str
    port: int = Field(default=22, ge=1, le=65535)
    user: str
    path: str = "."
    reports: str | None = None
    host_key: str = Field(pattern=r"^(ssh-|ecdsa-)[a-z0-9-]+ [A-Za-z0-9+/=]+$")
    private_key: Secret


class S3Route(Strict):
    """S3-compatible object storage. endpoint: its address, where it is not Amazon's own."""

    kind: Literal["s3"]
    bucket: str
    prefix: str = ""
    reports: str | None = None
    endpoint: str | None = Field(default=None, pattern=r"^https?://")
    region: str | None = None
    access_key: Secret
    secret_key: Secret


class MeshRoute(Strict):
    """A mailbox of NHS MESH, in which each message is one packed delivery (`joint-needs seal --pack`).

    url: the service's address; certificate, key and authority are files, as MESH issues them. workflow: take messages
    of this workflow alone, and leave the others. reports_workflow: the workflow under which reports are sent.
    """

    kind: Literal["mesh"]
    url: str = Field(pattern=r"^https?://")
    mailbox: str
    password: Secret
    shared_key: Secret
    certificate: Path | None = None
    certificate_key: Path | None = None
    authority: Path | None = None
    workflow: str | None = None
    reports: str | None = None
    reports_workflow: str = "JOINT_NEEDS_REPORT"


Route = FolderRoute | SftpRoute | S3Route | MeshRoute
