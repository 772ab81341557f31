"""Scenarios from TOML.

seed = 7

[calendar]                   # the market's time: prices, CME's hours and funding follow it, the wire does not
# starts = 2026-11-23T00:00:00Z  # what it is at the start; left out: the clock's
speed = 1                    # 288: a day in five minutes

[market]
index = 80000                # USD
volatility = 0.6             # a year
basis = 0.009                # mean of CME over the index
basis_deviation = 0.001      # and how far it strays
basis_reversion_seconds = 3600
premium_deviation = 0.0001   # of the perpetual over the index
premium_reversion_seconds = 60
step_milliseconds = 200
levels = 10                  # per side of a book
xbt_depth = 40000            # contracts per level
mbt_depth = 4
btc_depth = 1
thinning = 0.002             # a run of the index within a minute beyond which depth shrinks
volatility_swing = 0.0       # of volatility itself, and how long a swing lasts
volatility_reversion_seconds = 86400
basis_noise = 0.0            # the basis's quick part
basis_noise_reversion_seconds = 1200
index_apart = 0              # of CME's index over the inverse venue's: 0.004 is 0.4 % above it
gaps = []                    # [seconds from the start, jump]: [[60, -0.2]] falls by a fifth after a minute
outages = []                 # [seconds from the start, seconds]: nobody quotes
# data = "quotes.csv.gz"     # a recording to play instead, its path from where the program was started
# data_from = 2020-03-12T00:00:00Z
speed = 1                    # of the recording

[inverse]
account = "1234567"
api_key = "sim-key"
api_secret = "sim-secret"
wallet = 1.0                 # XBT
funding_rate = 0.0001        # per interval; longs pay when positive
funding_every_seconds = 10   # by the clock; left out: 04:00, 12:00, 20:00 UTC of the calendar
futures = ["2026-12"]        # dated contracts beside the perpetual
sheds_load = false           # whether new orders meet "overloaded" when prices run
clock_ahead_seconds = 0      # of the venue's clock; negative: behind
may_withdraw = false         # whether the key has that right as well, which the bot refuses
latency_milliseconds = 20
deposits = []                # [seconds from the start, XBT]: [[60, 0.3]]
deleveraged = []             # [seconds from the start, part]: [[90, 0.4]] closes two fifths of the position

[inverse.faults]             # any of the venue's kinds; left out, none
quiet_seconds = 5            # none before so long after the start
at_most = 3                  # of each kind; left out: without end
unanswered = 0.05            # of its opportunities
hung = 0.01
hung_milliseconds = 2000     # how long one lasts, where a kind lasts

[linear]
account = "DU0000001"
cash = 2000000               # USD
month = "2026-12"            # left out: the first with two weeks to live
months = ["2026-12"]         # if any, MBT of these is all that is listed
sessions = "always"          # or a list of [opens, closes], each a time with its offset
hours = "always"             # or CME's: "round-the-clock" (since May 2026), "weekdays" (before)
price_band = 0.03            # how far beyond the mark an order may take (code 163); 0 is any
indices = "live"             # what the login gets of CME's indices; "unsubscribed": no data (354); "unlisted" (200)
clock_ahead_seconds = 0      # of the gateway's clock
latency_milliseconds = 20

[linear.faults]              # as above; of the gateway's kinds
corrected = 0.05
gateway_restart = 0.01
"""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.simulator.bitmex.faults import BITMEX_FAULTS
from adapters.simulator.exchange.cme_hours import Hours
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Session, Sessions
from adapters.simulator.faults import FaultKind, FaultRates
from adapters.simulator.scenario import Scenario, ScenarioError
from adapters.simulator.tws.faults import TWS_FAULTS
from adapters.simulator.tws.index_service import IndexService

UNITS = 100_000_000
PPM = 1_000_000
Reader = Callable[[object], object]


def load(path: Path) -> Scenario:
    """Read a scenario. Raises ScenarioError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"scenario {path}: cannot be read: {_reason(error)}") from error
    try:
        return parse(text)
    except ScenarioError as error:
        raise ScenarioError(f"scenario {path}: {error}") from error


def parse(text: str) -> Scenario:
    """Read a scenario from the text of a TOML file. Raises ScenarioError."""
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"not TOML: {error}") from error
    unknown = sorted(data.keys() - {"seed", *_SECTIONS})
    if unknown:
        raise ScenarioError(f"no such section or key: {', '.join(unknown)}")
    default = Scenario()
    return Scenario(
        seed=_read("seed", data.get("seed", default.seed), _integer(0, 2**63)),
        calendar=_section(default.calendar, "calendar", data),
        market=_section(default.market, "market", data),
        inverse=_section(default.inverse, "inverse", data),
        linear=_section(default.linear, "linear", data),
    )


def _section(default: Any, name: str, data: Mapping[str, Any]) -> Any:
    table, fields = data.get(name, {}), _SECTIONS[name]
    if not isinstance(table, dict):
        raise ScenarioError(f"{name} must be a table, [{name}]")
    unknown = sorted(table.keys() - fields.keys())
    if unknown:
        raise ScenarioError(f"[{name}] has no {', '.join(unknown)}; it may have {', '.join(fields)}")
    changes = {}
    for key, raw in table.items():
        attribute, reader = fields[key]
        changes[attribute] = _read(f"[{name}] {key}", raw, reader)
    return replace(default, **changes)


def _read(where: str, raw: object, reader: Reader) -> Any:
    try:
        return reader(raw)
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}") from error


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"


def _integer(least: int, most: int = 10**9) -> Callable[[object], int]:
    def read(raw: object) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool) or not least <= raw <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, not {raw!r}")
        return raw

    return read


def _scaled(scale: int, least: str, most: str) -> Callable[[object], int]:
    """Read a number between ``least`` and ``most`` and return it times ``scale``, which must come out whole."""

    def read(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | Decimal) or not Decimal(raw).is_finite():
            raise ValueError(f"must be a number, not {raw!r}")
        if not Decimal(least) <= raw <= Decimal(most):
            raise ValueError(f"must be from {least} to {most}, not {raw}")
        scaled = Decimal(raw) * scale
        if scaled != int(scaled):
            raise ValueError(f"is too fine: {raw} is no whole multiple of {1 / Decimal(scale):f}")
        return int(scaled)

    return read


def _seconds(least: int, unit: timedelta) -> Reader:
    whole = _integer(least)
    return lambda raw: whole(raw) * unit


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"must be a text, not {raw!r}")
    return raw


def _flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(f"must be true or false, not {raw!r}")
    return raw


def _month(raw: object) -> tuple[int, int]:
    try:
        day = datetime.strptime(_text(raw), "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f'must be a month like "2026-12", not {raw!r}') from None
    if not 2009 <= day.year <= 2099:
        raise ValueError(f"must be a month from 2009 to 2099, not {raw!r}")
    return day.year, day.month


def _gaps(raw: object) -> tuple[tuple[timedelta, int], ...]:
    jump = _scaled(PPM, "-0.99", "100")
    return tuple((after, jump(move)) for after, move in _timed(raw))


def _deposits(raw: object) -> tuple[tuple[timedelta, int], ...]:
    amount = _scaled(UNITS, "0.00000001", "1000000")
    return tuple((after, amount(xbt)) for after, xbt in _timed(raw))


def _deleveraged(raw: object) -> tuple[tuple[timedelta, int], ...]:
    part = _scaled(PPM, "0.000001", "1")
    return tuple((after, part(of)) for after, of in _timed(raw))


def _outages(raw: object) -> tuple[tuple[timedelta, timedelta], ...]:
    whole = _integer(1)
    return tuple((after, whole(length) * _SECOND) for after, length in _timed(raw))


def _timed(raw: object) -> list[tuple[timedelta, object]]:
    if not isinstance(raw, list):
        raise ValueError(f"must be a list of pairs, not {raw!r}")
    whole = _integer(0)
    pairs = []
    for item in raw:
        if not isinstance(item, list) or len(item) != 2:
            raise ValueError(f"must hold pairs [seconds, …], not {item!r}")
        pairs.append((whole(item[0]) * _SECOND, item[1]))
    return pairs


def _path(raw: object) -> Path:
    return Path(_text(raw))


def _months(raw: object) -> tuple[tuple[int, int], ...]:
    if not isinstance(raw, list):
        raise ValueError(f"must be a list of months, not {raw!r}")
    return tuple(_month(item) for item in raw)


def _sessions(raw: object) -> Sessions:
    if raw == "always":
        return ALWAYS_OPEN
    if not isinstance(raw, list):
        raise ValueError(f'must be "always" or a list of [opens, closes], not {raw!r}')
    sessions = []
    for item in raw:
        if not isinstance(item, list) or len(item) != 2:
            raise ValueError(f"must hold pairs [opens, closes], not {item!r}")
        opens, closes = (_time(end) for end in item)
        sessions.append(Session(opens, closes))
    return Sessions.of(sessions)


def _faults(table: str, kinds: Collection[FaultKind]) -> Reader:
    """Read rates by kind, and how long those last that do; only ``kinds`` are possible in ``table``."""

    def read(raw: object) -> FaultRates:
        if not isinstance(raw, dict):
            raise ValueError("must be a table")
        rest = dict(raw)

        def take(key: str, reader: Reader) -> Any:
            return _read(f"[{table}] {key}", rest.pop(key), reader)

        rates = {kind: take(kind, _scaled(PPM, "0", "1")) for kind in FaultKind if kind in rest}
        if strange := sorted(rates.keys() - kinds):
            raise ValueError(f"this venue has no fault {', '.join(strange)}")
        lasts = {
            kind: take(f"{kind}_milliseconds", _seconds(1, _MILLISECOND))
            for kind in FaultKind
            if f"{kind}_milliseconds" in rest
        }
        quiet = take("quiet_seconds", _seconds(0, _SECOND)) if "quiet_seconds" in rest else timedelta(0)
        at_most = take("at_most", _integer(1)) if "at_most" in rest else None
        if rest:
            raise ValueError(f"no such fault or setting: {', '.join(sorted(rest))}")
        return FaultRates(rates, lasts, quiet, at_most)

    return read


def _hours(raw: object) -> Hours:
    try:
        return Hours(_text(raw))
    except ValueError:
        raise ValueError(f"must be one of {', '.join(Hours)}, not {raw!r}") from None


def _index_service(raw: object) -> IndexService:
    try:
        return IndexService(_text(raw))
    except ValueError:
        raise ValueError(f"must be one of {', '.join(IndexService)}, not {raw!r}") from None


def _time(raw: object) -> datetime:
    if not isinstance(raw, datetime) or raw.tzinfo is None:
        raise ValueError(f"must be a time with its offset, like 2026-11-23T00:00:00Z, not {raw!r}")
    return raw.astimezone(UTC)


_SECOND, _MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)
_LATENCY = ("latency", _seconds(0, _MILLISECOND))
_SECTIONS: dict[str, dict[str, tuple[str, Reader]]] = {
    "calendar": {
        "starts": ("starts", _time),
        "speed": ("speed", _integer(1, 100_000)),
    },
    "market": {
        "index": ("index", _scaled(100, "100", "900000")),
        "volatility": ("volatility", _scaled(PPM, "0", "100")),
        "basis": ("basis", _scaled(PPM, "-0.5", "1")),
        "basis_deviation": ("basis_deviation", _scaled(PPM, "0", "1")),
        "basis_reversion_seconds": ("basis_reversion", _integer(1)),
        "premium_deviation": ("premium_deviation", _scaled(PPM, "0", "1")),
        "premium_reversion_seconds": ("premium_reversion", _integer(1)),
        "step_milliseconds": ("step", _seconds(10, _MILLISECOND)),
        "levels": ("levels", _integer(1, 1_000)),
        "xbt_depth": ("xbt_depth", _integer(100)),
        "mbt_depth": ("mbt_depth", _integer(1)),
        "btc_depth": ("btc_depth", _integer(1)),
        "thinning": ("thinning", _scaled(PPM, "0.0001", "10")),
        "volatility_swing": ("volatility_swing", _scaled(PPM, "0", "2")),
        "volatility_reversion_seconds": ("volatility_reversion", _integer(1)),
        "basis_noise": ("basis_noise", _scaled(PPM, "0", "1")),
        "basis_noise_reversion_seconds": ("basis_noise_reversion", _integer(1)),
        "index_apart": ("index_apart", _scaled(PPM, "-0.5", "0.5")),
        "gaps": ("gaps", _gaps),
        "outages": ("outages", _outages),
        "data": ("data", _path),
        "data_from": ("data_from", _time),
        "speed": ("speed", _integer(1, 100_000)),
    },
    "inverse": {
        "account": ("account", _text),
        "api_key": ("api_key", _text),
        "api_secret": ("api_secret", _text),
        "wallet": ("wallet", _scaled(UNITS, "0", "1000000000")),
        "funding_rate": ("funding_rate", _scaled(PPM, "-1", "1")),
        "funding_every_seconds": ("funding_every", _seconds(1, _SECOND)),
        "futures": ("futures", _months),
        "sheds_load": ("sheds_load", _flag),
        "clock_ahead_seconds": ("clock_ahead", _seconds(-86_400, _SECOND)),
        "may_withdraw": ("may_withdraw", _flag),
        "deposits": ("deposits", _deposits),
        "deleveraged": ("deleveraged", _deleveraged),
        "latency_milliseconds": _LATENCY,
        "faults": ("faults", _faults("inverse.faults", BITMEX_FAULTS)),
    },
    "linear": {
        "account": ("account", _text),
        "cash": ("cash", _scaled(UNITS, "0", "1000000000")),
        "month": ("month", _month),
        "months": ("months", _months),
        "sessions": ("sessions", _sessions),
        "hours": ("hours", _hours),
        "price_band": ("price_band", _scaled(PPM, "0", "1")),
        "indices": ("indices", _index_service),
        "clock_ahead_seconds": ("clock_ahead", _seconds(-86_400, _SECOND)),
        "latency_milliseconds": _LATENCY,
        "faults": ("faults", _faults("linear.faults", TWS_FAULTS)),
    },
}
