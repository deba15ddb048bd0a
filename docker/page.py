"""The web server of the published page: the files of the newest snapshot, nothing else, and nothing to change."""

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

SNAPSHOTS = Path(os.environ["SNAPSHOTS"])
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Snapshots(StaticFiles):
    """Static files with headers that allow nothing from elsewhere."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """A file, or the browser's copy of it where that is still right."""
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(HEADERS)
        return response


async def newest(_: Request) -> Response:
    """Lead to the newest snapshot; folders are named by date."""
    pages = sorted(SNAPSHOTS.glob("[0-9]*/index.html"))
    if not pages:
        return PlainTextResponse("Nothing is published yet.\n", status_code=404)
    return RedirectResponse(f"/{pages[-1].parent.name}/index.html")


async def health(_: Request) -> Response:
    """For the health check."""
    return JSONResponse({"page": {"status": "healthy"}})


app = Starlette(
    routes=[Route("/", newest), Route("/health", health), Mount("/", Snapshots(directory=SNAPSHOTS, check_dir=False))]
)
