"""Messages as bytes and fields: a four-byte length, then fields each ended by a zero byte."""

import struct
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

GREETING = b"API\0"
LONGEST = 0xFFFFFF
UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"

_LENGTH = struct.Struct(">I")

Value = str | int | Decimal | None
"""What may stand in a field; a bool is written 1 or 0, None as an empty field."""


class Malformed(Exception):
    """A message that cannot be read. ``str(error)`` says which field."""


def render(value: Value) -> str:
    """Return a field's text: decimals plainly, without an exponent or trailing zeros."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", " ")
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def frame(fields: Iterable[Value]) -> bytes:
    """Return one message ready for the socket."""
    body = "".join(f"{render(value)}\0" for value in fields).encode("ascii", errors="replace")
    return _LENGTH.pack(len(body)) + body


def length(prefix: bytes) -> int:
    """Return the length a four-byte prefix announces. Raises Malformed if no message is that long."""
    (size,) = _LENGTH.unpack(prefix)
    if not 0 < size <= LONGEST:
        raise Malformed(f"a message of {size} bytes")
    return int(size)


def split(body: bytes) -> list[str]:
    """Return the fields of a message's body. Raises Malformed."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Malformed("not text") from None
    if not text.endswith("\0"):
        raise Malformed("the last field is not ended")
    return text[:-1].split("\0")


class Reader:
    """Takes fields one after another. Every method raises Malformed where the message does not fit."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self._next = 0

    def text(self, name: str) -> str:
        if self._next >= len(self._fields):
            raise Malformed(f"{name} is missing")
        self._next += 1
        return self._fields[self._next - 1]

    def skip(self, *names: str) -> None:
        """Pass over fields that mean nothing here."""
        for name in names:
            self.text(name)

    def integer(self, name: str, default: int | None = None) -> int:
        """Read a whole number; an empty or unset field is ``default``, and Malformed without one."""
        text = self.text(name)
        if text in ("", UNSET_INTEGER) and default is not None:
            return default
        try:
            return int(text)
        except ValueError:
            raise Malformed(f"{name} is not a whole number: {text[:40]!r}") from None

    def decimal(self, name: str) -> Decimal | None:
        """Read a number; None for an empty or unset field."""
        text = self.text(name)
        if text == "":
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise Malformed(f"{name} is not a number: {text[:40]!r}") from None
        if not number.is_finite():
            raise Malformed(f"{name} is not a finite number: {text[:40]!r}")
        return None if number.adjusted() >= 300 else number

    def flag(self, name: str) -> bool:
        """Read a yes or no: 1, 0, true, false; empty is no."""
        text = self.text(name).lower()
        if text not in ("", "0", "1", "true", "false"):
            raise Malformed(f"{name} is neither 1 nor 0: {text[:40]!r}")
        return text in ("1", "true")
