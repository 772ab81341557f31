"""HTTP answers: the venue's JSON, a status, headers."""

from typing import Any

from aiohttp import web

from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.wire import dumps


def json_answer(status: int, payload: Any, headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=status, text=dumps(payload), content_type="application/json", charset="utf-8", headers=headers
    )


def refusal_answer(error: ApiError) -> web.Response:
    return json_answer(error.status, error.body(), error.headers)
