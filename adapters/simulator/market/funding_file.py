"""Recorded funding rates: what the perpetual paid, by when."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from adapters.simulator.exchange.value import PPM
from adapters.simulator.market.formats import Kind, open_rows, time_of
from adapters.simulator.scenario import ScenarioError

_MOST = Decimal("0.1")


def read_funding(path: Path) -> Mapping[datetime, int]:
    """Return rates (ppm an interval, longs pay when positive) by the time they fell due. Raises ScenarioError."""
    known, rows = open_rows(path)
    if known.kind is not Kind.FUNDING:
        rows.close()
        raise ScenarioError(f"{path}: holds {known.kind}, and no funding rates")
    rates = {}
    for row in rows:
        if row["symbol"] != "XBTUSD":
            raise rows.wrong(f"funding of {row['symbol']!r}, not of XBTUSD")
        try:
            rate = Decimal(row["fundingRate"])
        except InvalidOperation:
            rate = Decimal("NaN")
        if not rate.is_finite() or abs(rate) > _MOST:
            raise rows.wrong(f"no funding rate: {row['fundingRate']!r}")
        rates[time_of(row["timestamp"])] = round(rate * PPM)
    if not rates:
        raise ScenarioError(f"{path}: no funding rate is recorded in it")
    return rates
