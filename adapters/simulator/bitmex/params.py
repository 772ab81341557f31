"""What a request carries: query string, JSON or form body, read as typed values.

Numbers may come as JSON numbers or as text, as the venue allows; anything else is refused by the
parameter's name.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.wire import loads

_DIGITS = 18
"""Digits a number may have before its point, and after it."""


def parse_body(body: bytes, content_type: str) -> dict[str, Any]:
    """Return a body's parameters; raise ApiError if it is neither a JSON object nor a form."""
    if not body:
        return {}
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ApiError(400, "The body is not UTF-8.", "SyntaxError") from error
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        values = loads(text)
    except ValueError as error:
        raise ApiError(400, f"Unexpected token in JSON: {error}", "SyntaxError") from error
    if not isinstance(values, dict):
        raise ApiError(400, "The body must be a JSON object.", "SyntaxError")
    return values


class Params:
    """Parameters by name; null and absent are the same. Every getter raises ApiError 400 on a wrong type."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def required(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise ApiError(400, f"'{name}' is a required arg.")
        return text

    def text(self, name: str) -> str:
        value = self._values.get(name, "")
        if not isinstance(value, str):
            raise _invalid(name)
        return value

    def number(self, name: str) -> Decimal | None:
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            raise _invalid(name)
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise _invalid(name) from error
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -_DIGITS or number.adjusted() > _DIGITS:
            raise _invalid(name)
        return number

    def integer(self, name: str) -> int | None:
        number = self.number(name)
        if number is None:
            return None
        if number != number.to_integral_value():
            raise _invalid(name)
        return int(number)

    def boolean(self, name: str, default: bool = False) -> bool:
        value = self._values.get(name)
        match value:
            case None | "":
                return default
            case bool():
                return value
            case "true":
                return True
            case "false":
                return False
            case _:
                raise _invalid(name)

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        return parse_time(text, name) if text else None

    def json(self, name: str) -> Any:
        """Return a parameter that is JSON, or JSON in a string (in a query); None if absent."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return loads(value)
        except ValueError as error:
            raise _invalid(name) from error

    def texts(self, name: str) -> list[str]:
        """Return a list of texts, sent as a JSON array, as text with commas, or as one text."""
        value = self._values.get(name)
        if isinstance(value, str) and value.startswith("["):
            value = self.json(name)
        if value is None or value == "":
            return []
        if isinstance(value, str):
            return [part.strip() for part in value.split(",")]
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return value
        raise _invalid(name)


def parse_time(text: str, name: str) -> datetime:
    """Parse an ISO 8601 time (UTC where it says no zone); raise ApiError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(name) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _invalid(name: str) -> ApiError:
    return ApiError(400, f"{name} is invalid")
