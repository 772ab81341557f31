"""A BitMEX contract's terms, accepted only if it is what this program can trade: inverse, in XBT."""

from decimal import Decimal

from adapters.bitmex import wire
from adapters.bitmex.executions import SATOSHI
from adapters.bitmex.wire import Malformed, Row
from risk.instruments import Instrument, InstrumentId
from risk.terms import Kind, Terms

SATOSHI_PER_XBT = 100_000_000
_GONE = frozenset({"Settled", "Unlisted", "Expired"})


class NotUnderstood(Exception):
    """A contract that is not inverse, in USD, settled in XBT, and alive."""


def instrument(venue: str, row: Row) -> Instrument:
    """Read a row of GET /instrument. Raises NotUnderstood or Malformed.

    An inverse contract's multiplier is negative, in satoshi per USD: −100,000,000 means one contract is worth
    one USD. BitMEX rounds value to a satoshi once per lot.
    """
    symbol = wire.text(row, "symbol")
    lot, multiplier = wire.whole(row, "lotSize"), wire.whole(row, "multiplier")
    for is_so, complaint in (
        (wire.flag(row, "isInverse"), "it is not inverse"),
        (not wire.flag(row, "isQuanto"), "it is a quanto"),
        (row.get("settlCurrency") == SATOSHI, f"it settles in {row.get('settlCurrency')!r}, not {SATOSHI}"),
        (row.get("quoteCurrency") == "USD", f"it is quoted in {row.get('quoteCurrency')!r}, not USD"),
        (multiplier < 0, f"its multiplier {multiplier} is not an inverse contract's"),
        (wire.text(row, "state") not in _GONE, f"its state is {row.get('state')!r}"),
    ):
        if not is_so:
            raise NotUnderstood(f"{symbol} is no contract for this trade: {complaint}")
    try:
        terms = Terms(
            kind=Kind.INVERSE,
            lot=lot,
            tick=wire.price(row, "tickSize"),
            multiplier=Decimal(-multiplier) / SATOSHI_PER_XBT,
            rounding_unit=lot,
            maker_fee=wire.number(row, "makerFee"),
            taker_fee=wire.number(row, "takerFee"),
            initial_margin=wire.number(row, "initMargin"),
            maintenance_margin=wire.number(row, "maintMargin"),
            expiry=wire.moment_or_none(row, "expiry"),
        )
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"{symbol}: {error}") from error
    return Instrument(InstrumentId(venue, symbol), terms)
