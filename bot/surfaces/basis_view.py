"""The basis as plain JSON values: by the middle, executable both ways, and what costs leave of it."""

from datetime import datetime
from decimal import Decimal

from adapters.venue import IndexRole
from bot.orders.market import Market
from bot.orders.state import BotState
from bot.surfaces.views import View, plain, quote_view
from risk.basis import mid_basis
from risk.carry import Carry, Rates, carry
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, from_units

_CENT = Decimal("0.01")
_PLACES = Decimal("0.0001")
_SPOT = IndexRole.SPOT
_LATEST = 20  # fills whose commissions are looked at


class NoBasis(Exception):
    """There is none to be had now; ``str(error)`` says why."""


def basis(
    state: BotState, market: Market, inverse: InstrumentId, linear: InstrumentId, now: datetime
) -> View:
    """Return the basis between two contracts. Raises NoBasis."""
    pair = {"inverse": inverse, "linear": linear}
    for key in pair.values():
        if key not in state.instruments:
            raise NoBasis(f"{key} is not known yet: {key.venue} has not been reached since the start")
        quote = market.quotes.get(key)
        if quote is None or quote.mid is None:
            raise NoBasis(
                f"there is no two-sided quote of {key}: its market may be closed (see: basisbot status)"
            )
    quotes = {name: market.quotes[key] for name, key in pair.items()}
    middle = mid_basis(quotes["linear"], quotes["inverse"])
    if middle is None:
        raise NoBasis("a book is one-sided")
    commission = _commission(state, linear)
    fee = state.instruments[inverse].terms.taker_fee
    rates = Rates(fee, (commission or Decimal(0)) / state.instruments[linear].terms.multiplier)
    ends = _first_expiry(state.instruments[inverse], state.instruments[linear])
    left = None if ends is None or ends <= now else ends
    return {
        "at": now.isoformat(),
        **{name: quote_view(market, key, now) for name, key in pair.items()},
        "indices": [
            _index(market, key, now) for key in (linear, inverse) if (key.venue, _SPOT) in market.indices
        ],
        "usd": plain(middle.absolute.quantize(_CENT)),
        "percent": plain(middle.percent.quantize(_PLACES)),
        "annualised_percent": None if left is None else plain(middle.annualised(now, left).quantize(_PLACES)),
        "expiry": None if ends is None else ends.isoformat(),
        "inverse_fee_percent": plain(fee * 100),
        "linear_commission_usd": plain(commission),
        "directions": [
            _way(found, now, left)
            for direction in Direction
            if (found := carry(direction, quotes["linear"], quotes["inverse"], rates)) is not None
        ],
    }


def _index(market: Market, key: InstrumentId, now: datetime) -> View:
    """Return the index a contract stands beside, as last told."""
    told = market.indices[key.venue, _SPOT]
    return {
        "venue": key.venue,
        "index": told.symbol,
        "price": plain(told.price),
        "age_seconds": None if told.at is None else round(max((now - told.at).total_seconds(), 0), 1),
        "problem": told.note or None,
    }


def _way(found: Carry, now: datetime, ends: datetime | None) -> View:
    return {
        "direction": found.direction,
        "received_usd": plain(found.received.quantize(_CENT)),
        "fees_in_usd": plain(found.fees_in.quantize(_CENT)),
        "fees_out_usd": plain(found.fees_out.quantize(_CENT)),
        "crossing_out_usd": plain(found.crossing_out.quantize(_CENT)),
        "net_usd": plain(found.net.quantize(_CENT)),
        "net_percent": plain(found.percent.quantize(_PLACES)),
        "net_annualised_percent": None
        if ends is None
        else plain(found.annualised(now, ends).quantize(_PLACES)),
        "closing_now_usd": plain(found.closing.received.quantize(_CENT)),
    }


def _first_expiry(*instruments: Instrument) -> datetime | None:
    """Return when the first of them ends: what of the basis is left then, is left naked."""
    return min((one.terms.expiry for one in instruments if one.terms.expiry is not None), default=None)


def _commission(state: BotState, linear: InstrumentId) -> Decimal | None:
    """Return what the broker has charged for a contract, by the latest fills whose commission it has told; None before
    the first: it announces none."""
    charged = contracts = 0
    seen = 0
    for key, execution in reversed(state.executions.items()):
        fee = state.commissions.get(key) if key[0] == linear.venue else None
        fill = execution.fill
        if fee is None or fill is None or fill.instrument != linear or fee.fee.currency is not Currency.USD:
            continue
        charged += fee.fee.units
        contracts += fill.quantity
        seen += 1
        if seen == _LATEST:
            break
    return None if not contracts else (from_units(charged) / contracts).quantize(_PLACES)
