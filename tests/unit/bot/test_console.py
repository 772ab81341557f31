"""The console's page, and who may ask at all."""

import asyncio
import base64
import hashlib
import re
from typing import Any

import pytest

from bot.surfaces.console import PAGE, OnlyFromHere, policy

TEXT = PAGE.read_text("utf-8")


def answered(headers: dict[str, str]) -> int:
    """Ask, and return the status: 204 is the application's own."""
    told: list[int] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            told.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(OnlyFromHere(app)({"type": "http", "headers": raw}, receive, send))
    [status] = told
    return status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8460", "localhost:8460", "localhost", "[::1]:8460", "10.0.0.5:8460"]
)
def test_who_calls_it_by_its_address_is_answered(host: str) -> None:
    assert answered({"host": host}) == 204
    assert answered({"host": host, "origin": f"http://{host}"}) == 204


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8460", "127.0.0.1.evil.example", "[::1", "localhost.evil"]
)
def test_a_name_that_leads_here_is_not(host: str) -> None:
    assert answered({"host": host}) == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8460", "x"]
)
def test_nor_is_a_page_of_another_origin(origin: str) -> None:
    assert answered({"host": "127.0.0.1:8460", "origin": origin}) == 403


def test_the_page_runs_its_own_script_and_loads_nothing() -> None:
    [script] = re.findall(r"<script>(.*?)</script>", TEXT, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    told = policy(TEXT)
    assert f"script-src 'sha256-{digest}'" in told
    assert "default-src 'none'" in told
    assert "frame-ancestors 'none'" in told
    assert "unsafe" not in told
    assert not re.findall(r"https?://|src=|@import|url\(", TEXT)
    # What the bot tells is text: nothing of it may become markup, or an attribute that runs.
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|\son\w+=\"", TEXT)
