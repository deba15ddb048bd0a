"""NHS MESH: each message of the hub's mailbox is one packed delivery, fetched by the NHS's own client library."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mesh_client import MeshClient

from pipelines.agencies import MeshRoute
from pipelines.extract.faults import fault
from pipelines.seal.manifest import NAME
from pipelines.seal.packing import unpack

TIMEOUT_SECONDS = 60


class Mailbox:
    """The messages of a mailbox. Each is unpacked once, into a scratch folder that goes when the mailbox is closed."""

    def __init__(self, client: MeshClient, scratch: Path, route: MeshRoute) -> None:
        self._client, self._scratch, self._route = client, scratch, route

    @classmethod
    @contextmanager
    def open(cls, route: MeshRoute) -> Iterator[Mailbox]:
        """Log in to the mailbox."""
        certificate = (str(route.certificate), str(route.certificate_key)) if route.certificate else None
        client = MeshClient(
            route.url,
            route.mailbox,
            route.password.read(),
            shared_key=route.shared_key.read().encode(),
            cert=certificate,
            verify=str(route.authority) if route.authority else None,
            timeout=TIMEOUT_SECONDS,
            application_name="joint-needs",
        )
        with client, tempfile.TemporaryDirectory(prefix="joint-needs-mesh-") as scratch:
            client.handshake()
            yield cls(client, Path(scratch), route)

    def names(self) -> list[str]:
        """Identifiers of the messages, as the service lists them: the oldest first."""
        return list(self._client.iterate_message_ids(workflow_filter=self._route.workflow))

    def manifest(self, name: str) -> bytes:
        """See `Source`: MESH hands out whole messages only. Raises DataFault `FILE-037`."""
        return (self._unpacked(name) / NAME).read_bytes()

    def copy(self, name: str, into: Path) -> None:
        """See `Source`."""
        shutil.copytree(self._unpacked(name), into, dirs_exist_ok=True)
        shutil.rmtree(self._scratch / name)

    def confirm(self, name: str) -> None:
        """Acknowledge a message, which takes it out of the mailbox."""
        self._client.acknowledge_message(name)

    def give(self, name: str, content: bytes) -> None:
        """See `Source`. MESH carries the file's name with the message."""
        self._client.send_message(
            str(self._route.reports), content, workflow_id=self._route.reports_workflow, filename=name
        )

    def _unpacked(self, name: str) -> Path:
        folder = self._scratch / name
        if not folder.exists():
            folder.mkdir()
            message = self._client.retrieve_message(name)
            try:
                unpack(cast(BinaryIO, message), folder)
            finally:
                message.close()
        if not (folder / NAME).is_file():
            raise fault("FILE-037")
        return folder
