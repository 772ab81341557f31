"""What the gateway itself checks before an order leaves for the exchange."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.simulator.exchange.orders import NewOrder, Side, Tif
from adapters.simulator.exchange.sessions import Sessions
from adapters.simulator.tws.api_errors import (
    BAD_TIME,
    OFF_TICK,
    UNSUPPORTED_TYPE,
    ZERO_SIZE,
    Refuse,
    invalid,
    rejected,
)
from adapters.simulator.tws.contracts import Catalogue, IbContract
from adapters.simulator.tws.gateway_order import CENTS
from adapters.simulator.tws.hours import CHICAGO, closes_at
from adapters.simulator.tws.place_order import OrderTicket

DAY = "DAY"
LIMIT, MARKET, STOP, STOP_LIMIT = "LMT", "MKT", "STP", "STP LMT"
_TYPES = frozenset({LIMIT, MARKET, STOP, STOP_LIMIT})
_TIFS = {DAY: Tif.GTD, "GTC": Tif.GTC, "GTD": Tif.GTD, "IOC": Tif.IOC, "FOK": Tif.FOK}
_OTHER_TYPES = frozenset({"TRAIL", "MIT", "LIT", "MTL", "MKT PRT", "STP PRT", "MIDPRICE"})


@dataclass(frozen=True, slots=True)
class Admitted:
    """A ticket that makes sense. ``limit``, ``stop`` in cents, None where its type has none; ``tif`` as shown."""

    contract: IbContract
    side: Side
    quantity: int
    order_type: str
    limit: int | None
    stop: int | None
    tif: str
    expires_at: datetime | None

    def request(self, order_ref: str, tag: str) -> NewOrder:
        return NewOrder(
            symbol=self.contract.spec.symbol,
            side=self.side,
            quantity=self.quantity,
            price=self.limit or 0,
            tif=_TIFS[self.tif],
            client_id=order_ref,
            expires_at=self.expires_at,
            ref=tag,
            is_market=self.limit is None,
            stop=self.stop,
        )


def admit(
    ticket: OrderTicket, catalogue: Catalogue, sessions: Sessions, account: str, now: datetime
) -> Admitted:
    """Check a ticket on its own. Raises Refuse in the broker's words."""
    if ticket.unserved:
        raise Refuse(invalid(f"not served by this simulator: {', '.join(ticket.unserved)}"))
    if not ticket.contract.exchange:
        raise Refuse(invalid("Missing order exchange"))
    if ticket.account not in ("", account):
        raise Refuse(invalid(f"Invalid account code '{ticket.account}'"))
    if ticket.action not in ("BUY", "SELL"):
        raise Refuse(invalid("Invalid action"))
    contract = catalogue.one(ticket.contract, now)
    kind = ticket.order_type
    if kind not in _TYPES:
        raise Refuse(UNSUPPORTED_TYPE if kind in _OTHER_TYPES else invalid("Invalid order type was entered"))
    tif = ticket.tif or DAY
    if tif not in _TIFS:
        raise Refuse(invalid("Invalid time in force was entered"))
    return Admitted(
        contract=contract,
        side=Side[ticket.action],
        quantity=_whole(ticket.quantity),
        order_type=kind,
        limit=_cents(ticket.limit, "A limit order needs a positive limit price")
        if kind in (LIMIT, STOP_LIMIT)
        else None,
        stop=_cents(ticket.aux, "A stop order needs a positive stop price")
        if kind in (STOP, STOP_LIMIT)
        else None,
        tif=tif,
        expires_at=_expiry(tif, ticket.good_till, sessions, now),
    )


def parse_time(text: str) -> datetime:
    """Read ``20261122 02:50:00 US/Central``, without a zone (Chicago), or ``20261122-02:50:00`` (UTC).

    Raises Refuse (391).
    """
    stem, zone = text[:17], text[17:].strip()
    try:
        moment = datetime.strptime(stem.replace("-", " ", 1), "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - zone follows
        if stem[8] == "-":
            if zone not in ("", "UTC"):
                raise Refuse(BAD_TIME)
            return moment.replace(tzinfo=UTC)
        return moment.replace(tzinfo=ZoneInfo(zone) if zone else CHICAGO).astimezone(UTC)
    except (ValueError, IndexError, ZoneInfoNotFoundError):
        raise Refuse(BAD_TIME) from None


def _whole(quantity: Decimal) -> int:
    if quantity <= 0:
        raise Refuse(ZERO_SIZE)
    if quantity != quantity.to_integral_value():
        raise Refuse(invalid("The order size must be a whole number of contracts"))
    return int(quantity)


def _cents(price: Decimal | None, need: str) -> int:
    if price is None or price <= 0:
        raise Refuse(invalid(need))
    if price * CENTS % 1:
        raise Refuse(OFF_TICK)
    return int(price * CENTS)


def _expiry(tif: str, good_till: str, sessions: Sessions, now: datetime) -> datetime | None:
    if tif == DAY:
        return closes_at(sessions, now)
    if tif != "GTD":
        return None
    moment = parse_time(good_till)
    if moment <= now:
        raise Refuse(rejected("Good till date is in the past."))
    return moment
