"""The contracts the simulated venues list, with the terms their venues published.

Commissions are the simulated broker's all-in charge per contract and side: 10.02 USD for BTC, 2.37 for MBT.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from adapters.simulator.exchange.contract import ContractKind, ContractSpec
from adapters.simulator.exchange.holidays import ends_earlier

MONTH_CODES = "FGHJKMNQUVXZ"
SATOSHI = 100_000_000
LEAST_LIFE = timedelta(days=14)
"""A month nearer to its end than this is no longer the front month: the demo should not meet an expiry."""


def xbtusd() -> ContractSpec:
    """Return the inverse perpetual: lot 100, tick 0.1 USD, margin 1 % / 0.5 %, fees 0.05 %, risk 200 + 150 XBT."""
    return ContractSpec(
        symbol="XBTUSD",
        root="XBT",
        kind=ContractKind.INVERSE,
        lot=100,
        tick=10,
        multiplier=1,
        rounding_unit=100,
        maker_fee=500,
        taker_fee=500,
        risk_limit=200 * SATOSHI,
        risk_step=150 * SATOSHI,
    )


def xbt_future(year: int, month: int) -> ContractSpec:
    """Return an inverse future (XBTZ26): tick 0.5 USD; ends the last Friday, 12:00 UTC, holidays ignored."""
    return ContractSpec(
        symbol=f"XBT{MONTH_CODES[month - 1]}{year % 100:02}",
        root="XBT",
        kind=ContractKind.INVERSE,
        lot=100,
        tick=50,
        multiplier=1,
        rounding_unit=100,
        maker_fee=500,
        taker_fee=500,
        risk_limit=75 * SATOSHI,
        risk_step=75 * SATOSHI,
        expiry=datetime.combine(last_friday(year, month), time(12), UTC),
    )


def btc(year: int, month: int) -> ContractSpec:
    """Return a CME Bitcoin future (BTCZ6): 5 XBT, tick 5 USD per XBT."""
    return _cme("BTC", year, month, multiplier=5 * SATOSHI, commission_cents=1_002)


def mbt(year: int, month: int) -> ContractSpec:
    """Return a CME Micro Bitcoin future (MBTZ6): 0.1 XBT, tick 5 USD per XBT."""
    return _cme("MBT", year, month, multiplier=SATOSHI // 10, commission_cents=237)


def front_month(now: datetime) -> tuple[int, int]:
    """Return year and month of the first CME contract with at least two weeks to live."""
    year, month = now.year, now.month
    while cme_expiry(year, month) - now < LEAST_LIFE:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return year, month


def cme_expiry(year: int, month: int) -> datetime:
    """Return when BTC and MBT stop trading: 16:00 London on the month's last Friday.

    Where that is Christmas, Boxing Day or Good Friday: the business day before it.
    """
    day = last_friday(year, month)
    while ends_earlier(day):
        day -= timedelta(days=1)
    return datetime.combine(day, time(16), ZoneInfo("Europe/London")).astimezone(UTC)


def last_friday(year: int, month: int) -> date:
    after = date(year + month // 12, month % 12 + 1, 1)
    return after - timedelta(days=(after.weekday() - 4 - 1) % 7 + 1)


def _cme(root: str, year: int, month: int, multiplier: int, commission_cents: int) -> ContractSpec:
    return ContractSpec(
        symbol=f"{root}{MONTH_CODES[month - 1]}{year % 10}",
        root=root,
        kind=ContractKind.LINEAR,
        lot=1,
        tick=500,
        multiplier=multiplier,
        commission=commission_cents * 1_000_000,
        initial_margin_long=500_000,
        initial_margin_short=1_000_000,
        maintenance_margin_long=500_000,
        maintenance_margin_short=1_000_000,
        expiry=cme_expiry(year, month),
        max_quantity=10_000,
        max_open_orders=20,
    )
