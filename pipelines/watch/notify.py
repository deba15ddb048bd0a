"""How a person is told: mail, a webhook, or both. Addresses come from the environment, secrets from files.

    JOINT_NEEDS_NOTIFY_SMTP     smtp://host:25?from=hub@example.org&to=team@example.org
                                smtps:// is TLS from the start, smtp+starttls:// upgrades; add user=... and
                                password_file=/run/secrets/smtp_password where the server wants a login
    JOINT_NEEDS_NOTIFY_WEBHOOK  an http(s) address that takes a JSON document, or the path of a file that holds it (such
                                an address is a secret)

A message holds the kind of alert, what it is about (names of agencies, datasets, periods, runs), since when, and the
page of the runbook. Never data.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from pipelines.errors import SystemFault, UsageFault
from pipelines.settings import Settings

TIMEOUT_SECONDS = 20
# What each kind means, in one line of a message; the page docs/runbook/<kind>.md has the rest.
KINDS = {
    "failed_run": "A run in Airflow failed after its retries.",
    "overdue_agency": "A delivery that was agreed has not come.",
    "no_good_refresh": "The night ended without a good refresh: the picture is yesterday's.",
    "held_ours": "A submission waits because of us.",
    "agreement_ending": "A sharing agreement or its legal support ends soon; after that deliveries are refused.",
    "rejected": "A delivery cannot be taken; the supplier has to send it again.",
    "unfinished_delivery": "A delivery has been coming in for hours and is not whole.",
    "unknown_sender": "Something lies in the landing place under a name that is no agency's.",
    "linkage_stopped": "The matcher would have merged or split too many persons, and was stopped; nothing was changed.",
    "linkage_drift": "The matching went through, but something in it moved further than it does by itself.",
    "system_fault": "A stage broke, and no later run has mended it.",
}


class CouldNotTell(SystemFault):
    """The mail server or the webhook did not take a message."""


@dataclass(frozen=True)
class Alert:
    """What a person is told."""

    kind: str
    subject: str
    raised_at: datetime

    @property
    def meaning(self) -> str:
        """The kind in a sentence."""
        return KINDS.get(self.kind, "")

    @property
    def runbook(self) -> str:
        """The page that says what to do."""
        return f"docs/runbook/{self.kind}.md"

    def text(self) -> str:
        """The message as plain text."""
        return (
            f"{self.meaning}\n\nWhat: {self.subject}\nSince: {self.raised_at:%Y-%m-%d %H:%M %Z}\n"
            f"What to do: {self.runbook}\n\nThis is told once. `joint-needs status` lists what is open.\n"
        )


@dataclass(frozen=True)
class Notifier:
    """The ways of telling; an empty one cannot tell anybody and says so."""

    channels: tuple[Callable[[Alert], None], ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Notifier:
        """The ways that the settings name. Raises UsageFault where an address cannot be understood."""
        channels: list[Callable[[Alert], None]] = []
        if settings.notify_smtp:
            channels.append(Mail.parse(settings.notify_smtp))
        if settings.notify_webhook:
            channels.append(Webhook.parse(settings.notify_webhook))
        return cls(tuple(channels))

    def send(self, alert: Alert) -> None:
        """Tell by every way. Raises CouldNotTell where none is set or none of them worked: one that works is enough."""
        if not self.channels:
            raise CouldNotTell("set JOINT_NEEDS_NOTIFY_SMTP or JOINT_NEEDS_NOTIFY_WEBHOOK")
        problems = []
        for channel in self.channels:
            try:
                channel(alert)
            except (OSError, smtplib.SMTPException, ValueError) as error:
                problems.append(f"{type(channel).__name__.lower()}: {type(error).__name__}")
        if len(problems) == len(self.channels):
            raise CouldNotTell("; ".join(problems))


@dataclass(frozen=True)
class Mail:
    """A mail server and who writes to whom."""

    scheme: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password_file: Path | None = None

    @classmethod
    def parse(cls, address: str) -> Mail:
        """Read the address; the form is in this module's first lines."""
        parts, options = urlsplit(address), parse_qs(urlsplit(address).query)
        ports = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
        if parts.scheme not in ports or not parts.hostname or not options.get("from") or not options.get("to"):
            raise UsageFault(
                "JOINT_NEEDS_NOTIFY_SMTP looks like smtp://host:25?from=hub@example.org&to=team@example.org"
            )
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=parts.port or ports[parts.scheme],
            sender=options["from"][0],
            recipients=tuple(to for group in options["to"] for to in group.split(",")),
            user=options.get("user", [None])[0],
            password_file=Path(options["password_file"][0]) if "password_file" in options else None,
        )

    def __call__(self, alert: Alert) -> None:
        """Send one mail."""
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.recipients)
        message["Subject"] = f"[Joint Needs] {alert.kind}: {alert.subject}"
        message.set_content(alert.text())
        context = ssl.create_default_context()
        if self.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        with server:
            if self.scheme == "smtp+starttls":
                server.starttls(context=context)
            if self.user and self.password_file:
                server.login(self.user, self.password_file.read_text().strip())
            server.send_message(message)


@dataclass(frozen=True)
class Webhook:
    """An address that takes a JSON document: `text` for chat programs, the parts for others."""

    address: str

    @classmethod
    def parse(cls, address: str) -> Webhook:
        """Read the address, or the file that holds it."""
        text = address if "://" in address else Path(address).read_text().strip()
        if urlsplit(text).scheme not in ("http", "https"):
            raise UsageFault("JOINT_NEEDS_NOTIFY_WEBHOOK is an http(s) address, or a file that holds one")
        return cls(text)

    def __call__(self, alert: Alert) -> None:
        """Post one document; anything but a 2xx answer is an OSError (urllib's HTTPError)."""
        document = {
            "kind": alert.kind,
            "subject": alert.subject,
            "raised_at": alert.raised_at.isoformat(),
            "runbook": alert.runbook,
            "text": f"{alert.kind}: {alert.subject}\n{alert.text()}",
        }
        request = urllib.request.Request(  # noqa: S310
            self.address, json.dumps(document).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            pass
