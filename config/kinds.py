"""The kinds of value a profile holds, each saying what it allows."""

import re
from datetime import time
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from config.place import NAME
from risk.closures import Weekly

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Section(BaseModel):
    """A table of a profile: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _named(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("must be 1 to 32 of a-z, 0-9 and -, and not begin with -")
    return value


def _text(value: str) -> str:
    if not value or value != value.strip():
        raise ValueError("must not be empty, nor begin or end with a space")
    return value


def _variable(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError("must be the name of an environment variable (letters, digits, _)")
    return value


def _address(value: str, schemes: tuple[str, ...], *, path: bool) -> str:
    allowed = " or ".join(f"{scheme}://HOST[:PORT]{'/PATH' if path else ''}" for scheme in schemes)
    try:
        parts = urlsplit(value)
        # Reading the port is what checks it.
        good = parts.scheme in schemes and parts.hostname and (parts.port is None or parts.port >= 0)
    except ValueError:
        good = False
        parts = urlsplit("")
    if not good or parts.query or parts.fragment or parts.username or (parts.path and not path):
        raise ValueError(f"must be {allowed}")
    return value


def _http(value: str) -> str:
    return _address(value, ("https", "http"), path=False)


def _websocket(value: str) -> str:
    return _address(value, ("wss", "ws"), path=True)


def _expiry(value: str) -> str:
    if value != "front" and not re.fullmatch(r"20\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])?", value):
        raise ValueError('must be "front", or written YYYYMM or YYYYMMDD')
    return value


_WINDOW = re.compile(
    rf"({'|'.join(DAYS)}) ([01]\d|2[0-3]):([0-5]\d) to ({'|'.join(DAYS)}) ([01]\d|2[0-3]):([0-5]\d) (\S+)"
)


def weekly(value: str) -> Weekly:
    """Return the window a text like "Fri 16:00 to Mon 09:00 America/New_York" names. Raises ValueError."""
    found = _WINDOW.fullmatch(value)
    if found is None:
        raise ValueError('must be written like "Fri 16:00 to Mon 09:00 America/New_York"')
    first, hour, minute, last, to_hour, to_minute, zone = found.groups()
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"names no time zone that is known: {zone}") from error
    return Weekly(
        value,
        DAYS.index(first),
        time(int(hour), int(minute)),
        DAYS.index(last),
        time(int(to_hour), int(to_minute)),
        place,
    )


def _window(value: str) -> str:
    weekly(value)
    return value


Name = Annotated[str, AfterValidator(_named)]
Text = Annotated[str, AfterValidator(_text)]
Variable = Annotated[str, AfterValidator(_variable)]
HttpAddress = Annotated[str, AfterValidator(_http)]
WebsocketAddress = Annotated[str, AfterValidator(_websocket)]
Expiry = Annotated[str, AfterValidator(_expiry)]
WeeklyWindow = Annotated[str, AfterValidator(_window)]
Port = Annotated[int, BeforeValidator(_number), Field(ge=0, le=65535)]
Count = Annotated[int, BeforeValidator(_number), Field(ge=1)]
Seconds = Annotated[float, BeforeValidator(_number), Field(gt=0, le=86_400)]
Number = Annotated[Decimal, BeforeValidator(_number)]
Positive = Annotated[Decimal, BeforeValidator(_number), Field(gt=0)]
Percent = Annotated[Decimal, BeforeValidator(_number), Field(gt=0, le=100)]


def is_loopback(host: str) -> bool:
    """Say whether ``host`` (a name or an address) can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
