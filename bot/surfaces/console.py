"""The console: one page, served at ``/``, that shows how things stand and takes decisions. And who may ask at all.

The page holds nothing secret and loads nothing else; what it shows and does goes through the API, with the token in a
header that no other site can send. It gets the token from the part of its address behind ``#``, which never leaves
the browser (``basisbot console`` prints it), or by hand.
"""

import base64
import hashlib
import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

PAGE = Path(__file__).with_name("console.html")


def console() -> APIRouter:
    """Build the route of the page."""
    page = PAGE.read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": policy(page),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    async def root() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    return router


def policy(page: str) -> str:
    """Return what the page may do: run its own script, and talk to its own server. Nothing may frame it."""

    def allowed(tag: str) -> str:
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    return (
        f"default-src 'none'; script-src {allowed('script')}; style-src {allowed('style')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class OnlyFromHere:
    """Refuses what a page of another site makes a browser send: a name that was pointed at this machine, or another
    site's origin. Who calls the bot calls it by its address, or by ``localhost``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = None if scope["type"] != "http" else objection(Headers(scope=scope))
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await JSONResponse({"detail": problem}, 403)(scope, receive, send)


def objection(headers: Headers) -> str | None:
    """Return why a request is not answered, None if it is."""
    host, origin = headers.get("host", ""), headers.get("origin")
    if not _is_address(host):
        return f"ask for this by address (127.0.0.1) or as localhost, not as {host[:80]!r}"
    if origin is not None and urlsplit(origin).netloc != host:
        return f"a page of {origin[:80]!r} may not ask here"
    return None


def _is_address(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False
