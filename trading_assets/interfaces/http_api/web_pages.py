"""The pages for people: a bundle of files that was built before, served as it is."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

BUNDLE = Path(__file__).parent.parent / "web"
_FOREVER = "public, max-age=31536000, immutable"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


def mount(app: FastAPI, bundle: Path = BUNDLE) -> None:
    """Serve every file of the bundle by its name, and its index as `/`; pages are fragments of it.

    The files are listed once: what a request names is looked up, never joined to a path.
    """
    files = {
        path.relative_to(bundle).as_posix(): path
        for path in sorted(bundle.rglob("*"))
        if path.is_file() and path.suffix in _KINDS
    }

    async def page(request: Request) -> Response:
        name = request.path_params["name"]
        path = files.get(name or "index.html")
        if path is None:
            raise HTTPException(404, "There is no such page")
        headers = {"Cache-Control": _FOREVER if name.startswith("assets/") else "no-cache"}
        return FileResponse(path, media_type=_KINDS[path.suffix], headers=headers)

    app.add_route("/{name:path}", page, methods=["GET"], include_in_schema=False)


def mount_documents(app: FastAPI, home: Path) -> None:
    """Serve the documents of a checkout as they are written: its README, and what it links to."""
    found = [home / "README.md", home / "CHANGELOG.md", *sorted((home / "docs").rglob("*"))]
    files = {
        path.relative_to(home).as_posix(): path
        for path in found
        if path.is_file() and path.suffix in {".md", ".png"}
    }

    async def read(request: Request) -> Response:
        name = request.path_params.get("name")
        path = files.get(f"docs/{name}" if name else "README.md")
        if path is None:
            raise HTTPException(404, "There is no such document")
        kind = "image/png" if path.suffix == ".png" else "text/plain; charset=utf-8"
        return FileResponse(path, media_type=kind)

    app.add_route("/docs", read, methods=["GET"], include_in_schema=False)
    app.add_route("/docs/{name:path}", read, methods=["GET"], include_in_schema=False)
