"""The venue's JSON: exact decimal numbers, millisecond UTC times.

Numbers never pass through binary floating point: what comes in is parsed to Decimal, what goes out is
written digit by digit.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from json.encoder import encode_basestring_ascii
from typing import Any

Row = dict[str, Any]


def timestamp(at: datetime) -> str:
    """Write a time as the venue does: ``2018-02-08T04:30:37.123Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def dumps(value: Any) -> str:
    """Return ``value`` as compact JSON. Takes dicts, lists, tuples, str, int, bool, None, Decimal, datetime."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Enum():
            return dumps(value.value)
        case int():
            return str(value)
        case Decimal():
            return _number(value)
        case str():
            return encode_basestring_ascii(value)
        case datetime():
            return f'"{timestamp(value)}"'
        case dict():
            return (
                "{"
                + ",".join(f"{encode_basestring_ascii(key)}:{dumps(item)}" for key, item in value.items())
                + "}"
            )
        case list() | tuple():
            return "[" + ",".join(map(dumps, value)) + "]"
        case _:
            raise TypeError(f"the venue's JSON has no {type(value).__name__}")


def loads(text: str) -> Any:
    """Parse JSON, numbers with a fraction as Decimal; raise ValueError on anything else (NaN included)."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} cannot be written as JSON")
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
