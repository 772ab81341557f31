"""What the venue says of itself: GET /schema and /schema/websocketHelp."""

from typing import Any

from adapters.simulator.bitmex import schema
from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.schema import Schema
from adapters.simulator.bitmex.tables import TABLES
from adapters.simulator.bitmex.wire import Row

_MODELS: dict[str, Schema] = {
    found.name: found for found in vars(schema).values() if isinstance(found, Schema)
}


def models(wanted: str) -> Row:
    """Return the columns of every row type, or of the one ``wanted``. Raises ApiError 404."""
    if wanted and wanted not in _MODELS:
        raise ApiError(404, "Not Found")
    chosen = {wanted: _MODELS[wanted]} if wanted else _MODELS
    keys = {id(table.types): list(table.keys) for table in TABLES.values()}
    return {
        name: {"keys": keys.get(id(found.types), []), "types": dict(found.types)}
        for name, found in sorted(chosen.items())
    }


def websocket_help() -> dict[str, Any]:
    private = sorted(name for name, table in TABLES.items() if table.private)
    public = sorted(name for name, table in TABLES.items() if not table.private)
    return {
        "info": "See https://www.bitmex.com/app/wsAPI.",
        "usage": 'Send JSON: {"op": "<op>", "args": ["<arg>", …]}.',
        "ops": ["authKeyExpires", "cancelAllAfter", "ping", "subscribe", "unsubscribe"],
        "subscribe": "A topic is a table, or a table and a symbol: trade, trade:XBTUSD.",
        "subscriptionSubjects": {"authenticationRequired": private, "public": public},
    }
