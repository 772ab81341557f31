"""The venue's generic table query: filter, columns, startTime, endTime, count, start, reverse."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.params import Params, parse_time
from adapters.simulator.bitmex.schema import Schema
from adapters.simulator.bitmex.wire import Row, timestamp


def select(
    rows: Iterable[Row],
    schema: Schema,
    params: Params,
    *,
    keys: tuple[str, ...] = (),
    default_count: int = 100,
    max_count: int = 500,
    reverse: bool = False,
    ignore: frozenset[str] = frozenset(),
) -> list[Row]:
    """Answer a query over ``rows`` (oldest first). Raises ApiError 400.

    ``keys`` are returned whatever ``columns`` asks for; ``ignore`` names filter keys the caller has applied
    itself; ``reverse`` is the route's default.
    """
    count, start = params.integer("count"), params.integer("start")
    if count is not None and not 0 < count <= max_count:
        raise ApiError(400, "count is invalid")
    if start is not None and start < 0:
        raise ApiError(400, "start is invalid")
    conditions = filter_of(params)
    since = params.time("startTime") or _time(conditions.pop("startTime", None), "startTime")
    until = params.time("endTime") or _time(conditions.pop("endTime", None), "endTime")
    conditions = {column: wanted for column, wanted in conditions.items() if column not in ignore}
    if not conditions.keys() <= schema.types.keys():
        raise ApiError(400, "filter columns are not valid")
    found = [row for row in rows if _matches(row, conditions) and _within(row, since, until)]
    if params.boolean("reverse", reverse):
        found.reverse()
    first = start or 0
    return project(found[first : first + (count or default_count)], schema, params, keys)


def project(rows: list[Row], schema: Schema, params: Params, keys: tuple[str, ...]) -> list[Row]:
    """Keep what ``columns`` asks for, and ``keys``."""
    columns = params.texts("columns")
    if not columns:
        return rows
    if not set(columns) <= schema.types.keys():
        raise ApiError(400, "columns are not valid")
    wanted = [column for column in schema.types if column in columns or column in keys]
    return [{column: row[column] for column in wanted} for row in rows]


def filter_of(params: Params) -> dict[str, Any]:
    conditions = params.json("filter")
    if conditions is None:
        return {}
    if not isinstance(conditions, dict):
        raise ApiError(400, "filter is invalid")
    return conditions


def _matches(row: Row, conditions: dict[str, Any]) -> bool:
    for column, wanted in conditions.items():
        value = row.get(column)
        if isinstance(value, datetime):
            value = timestamp(value)
        if value not in wanted if isinstance(wanted, list) else value != wanted:
            return False
    return True


def _within(row: Row, since: datetime | None, until: datetime | None) -> bool:
    if since is None and until is None:
        return True
    at = row.get("timestamp")
    if not isinstance(at, datetime):
        return False
    return (since is None or at >= since) and (until is None or at <= until)


def _time(value: Any, name: str) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ApiError(400, f"{name} is invalid")
    return parse_time(value, name)
