"""Reading what BitMEX sends: exact numbers, aware times, and a clear complaint where a field is not so."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime

Row = Mapping[str, object]


class Malformed(ValueError):
    """What the venue sent is not what its own description says."""


def decode(text: str) -> object:
    """Parse JSON with every fraction a Decimal. Raises Malformed."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise Malformed(f"not JSON: {text[:200]!r} ({error})") from error


def encode(fields: Mapping[str, object]) -> str:
    """Write a flat JSON object, Decimals as plain digits: never through a float."""
    return "{" + ",".join(f"{json.dumps(key)}:{_literal(value)}" for key, value in fields.items()) + "}"


def rows(answer: object) -> list[Row]:
    """Return a JSON array of objects. Raises Malformed."""
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise Malformed(f"not a list of rows: {str(answer)[:200]}")
    return answer


def row(answer: object) -> Row:
    """Return a JSON object. Raises Malformed."""
    if not isinstance(answer, dict):
        raise Malformed(f"not a row: {str(answer)[:200]}")
    return answer


def text(fields: Row, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _complaint(fields, name, "a text")
    return value


def text_or_none(fields: Row, name: str) -> str | None:
    """Return a text; None where it is absent, null or empty, which BitMEX uses alike."""
    return None if fields.get(name) in (None, "") else text(fields, name)


def flag(fields: Row, name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise _complaint(fields, name, "true or false")
    return value


def whole(fields: Row, name: str) -> int:
    value = number(fields, name)
    if value != value.to_integral_value():
        raise _complaint(fields, name, "a whole number")
    return int(value)


def whole_or_none(fields: Row, name: str) -> int | None:
    return None if fields.get(name) is None else whole(fields, name)


def number(fields: Row, name: str) -> Decimal:
    return exact(fields.get(name), name)


def exact(value: object, name: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Malformed(f"{name} should be a number, not {value!r}")
    if isinstance(value, Decimal) and not (value.is_finite() and value.adjusted() < 30):
        raise Malformed(f"{name} is out of any sensible range: {value}")
    return Decimal(value)


def price(fields: Row, name: str) -> Decimal:
    value = number(fields, name)
    if value <= 0:
        raise _complaint(fields, name, "a positive price")
    return value


def price_or_none(fields: Row, name: str) -> Decimal | None:
    return None if fields.get(name) is None else price(fields, name)


def moment(fields: Row, name: str) -> datetime:
    try:
        at = datetime.fromisoformat(text(fields, name))
    except ValueError as error:
        raise _complaint(fields, name, "a time") from error
    if at.tzinfo is None:
        raise _complaint(fields, name, "a time with its zone")
    return at.astimezone(UTC)


def moment_or_none(fields: Row, name: str) -> datetime | None:
    return None if fields.get(name) is None else moment(fields, name)


def stamp(at: datetime) -> str:
    """Write an aware time as BitMEX does: UTC, whole milliseconds (rounded down), Z."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _complaint(fields: Row, name: str, wanted: str) -> Malformed:
    return Malformed(f"{name} should be {wanted}, not {fields.get(name)!r}")


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no number")


def _literal(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        raise TypeError(f"a float never goes over the wire: {value!r}")
    return json.dumps(value)


def http_date(text: str | None) -> datetime | None:
    """Read an answer's Date header (whole seconds, cut off); None if there is none, or it says no time."""
    if not text:
        return None
    try:
        told = parsedate_to_datetime(text)
    except ValueError:
        return None
    return told.astimezone(UTC) if told.tzinfo is not None else None
