"""From the profile to the two venues. The client libraries are imported here, so that nothing else waits for them."""

from dataclasses import dataclass, replace
from typing import Any

from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.venue import BitmexVenue
from adapters.clock import Clock
from adapters.ibkr.settings import ContractSettings, IbkrSettings, IndexSettings
from adapters.ibkr.venue import IbkrVenue
from adapters.venue import IndexRole, Venue
from config.secrets import ApiKeys, api_keys, watchdog_keys
from config.settings import Inverse, Linear, Settings, Watchdog
from risk.instruments import InstrumentId

INVERSE, LINEAR = "bitmex", "cme"


@dataclass(frozen=True, slots=True)
class Venues:
    """The pair, and which contract is traded at each. ``next_id``, ``next_inverse_id``: what they are rolled into."""

    inverse: Venue
    linear: Venue
    inverse_id: InstrumentId
    linear_id: InstrumentId
    next_id: InstrumentId | None = None
    next_inverse_id: InstrumentId | None = None

    @property
    def months(self) -> tuple[InstrumentId, ...]:
        """The linear leg's, the nearest first."""
        return (self.linear_id,) if self.next_id is None else (self.linear_id, self.next_id)

    @property
    def inverses(self) -> tuple[InstrumentId, ...]:
        """The inverse leg's, the nearest first."""
        return (self.inverse_id,) if self.next_inverse_id is None else (self.inverse_id, self.next_inverse_id)

    @property
    def later(self) -> tuple[InstrumentId, ...]:
        """What either leg may have been rolled into."""
        return (*self.inverses[1:], *self.months[1:])

    @property
    def by_name(self) -> dict[str, Venue]:
        return {self.inverse.name: self.inverse, self.linear.name: self.linear}

    def symbols(self, venue: Venue) -> list[str]:
        return [key.symbol for key in (*self.inverses, *self.months) if key.venue == venue.name]


def build(settings: Settings, clock: Clock, *, for_flatten: bool = False, for_doctor: bool = False) -> Venues:
    """Build both adapters, unconnected. ``for_flatten``, ``for_doctor``: with a login of its own at
    the broker.

    Raises ConfigError when a key cannot be had.
    """
    broker = _ibkr(settings.linear, for_flatten)
    if for_doctor:
        broker = replace(broker, client_id=settings.linear.doctor_client_id)
    inverse = _bitmex(settings, settings.inverse, for_flatten)
    if not for_flatten:
        inverse, broker = _with_indices(settings, inverse, broker)
    return _pair(settings, clock, inverse, broker)


def build_for_watchdog(settings: Settings, watchdog: Watchdog, clock: Clock) -> Venues:
    """Build both adapters, unconnected, with login and keys of the watchdog's own. Raises ConfigError."""
    keys = watchdog_keys(settings) or api_keys(settings)
    inverse = _bitmex(settings, settings.inverse, for_flatten=True, of_watchdog=keys)
    broker = replace(_ibkr(settings.linear, for_flatten=True), client_id=watchdog.client_id)
    return _pair(settings, clock, inverse, broker)


def _with_indices(
    settings: Settings, inverse: BitmexSettings, broker: IbkrSettings
) -> tuple[BitmexSettings, IbkrSettings]:
    """Have both venues tell the indices the profile watches."""
    watch, contract = settings.automation.settlement, settings.linear.contract
    if watch is None:
        return inverse, broker
    spot, average = IndexRole.SPOT, IndexRole.SETTLEMENT
    symbols = {spot: watch.inverse_index, average: watch.inverse_average}
    names = {spot: watch.linear_index, average: watch.linear_average}
    told = {role: symbol for role, symbol in symbols.items() if symbol is not None}
    asked = {
        role: IndexSettings(name, contract.exchange, contract.currency)
        for role, name in names.items()
        if name is not None
    }
    return replace(inverse, indices=told), replace(broker, indices=asked)


def _pair(settings: Settings, clock: Clock, inverse: BitmexSettings, broker: IbkrSettings) -> Venues:
    later, beyond = settings.linear.next_contract, settings.inverse.next_symbol
    return Venues(
        BitmexVenue(inverse, clock),
        IbkrVenue(broker, clock),
        InstrumentId(INVERSE, settings.inverse.symbol),
        InstrumentId(LINEAR, settings.linear.contract.symbol),
        None if later is None else InstrumentId(LINEAR, later.symbol),
        None if beyond is None else InstrumentId(INVERSE, beyond),
    )


def _bitmex(
    settings: Settings, inverse: Inverse, for_flatten: bool, of_watchdog: ApiKeys | None = None
) -> BitmexSettings:
    keys = of_watchdog or api_keys(settings)
    # The venue allows 120 requests a minute and 10 orders a second: the bot leaves a share to the emergency. That
    # leaves nothing to anybody: it takes whatever the venue says remains.
    share: dict[str, Any] = (
        {"requests_per_minute": 120, "orders_per_second": 10, "kept_for_orders": 8}
        if for_flatten
        else {"requests_per_minute": 80, "orders_per_second": 7}
    )
    return BitmexSettings(
        base_url=inverse.base_url,
        ws_url=inverse.ws_url,
        api_key=keys.key.get_secret_value(),
        api_secret=keys.secret.get_secret_value(),
        name=INVERSE,
        request_timeout=inverse.request_timeout_seconds,
        connect_timeout=inverse.connect_timeout_seconds,
        signature_life=8,
        cross_only=not for_flatten,
        cancels_only=of_watchdog is not None,
        **share,
    )


def _ibkr(linear: Linear, for_flatten: bool) -> IbkrSettings:
    contracts = [linear.contract] if linear.next_contract is None else [linear.contract, linear.next_contract]
    return IbkrSettings(
        host=linear.host,
        port=linear.port,
        client_id=linear.flatten_client_id if for_flatten else linear.client_id,
        account=linear.account,
        contracts={
            contract.symbol: ContractSettings(
                ib_symbol=contract.ib_symbol,
                trading_class=contract.trading_class,
                expiry=contract.expiry,
                multiplier=contract.multiplier,
                min_tick=contract.min_tick,
                exchange=contract.exchange,
                currency=contract.currency,
            )
            for contract in contracts
        },
        name=LINEAR,
        connect_timeout=linear.connect_timeout_seconds,
        question_timeout=linear.question_timeout_seconds,
        order_timeout=linear.order_timeout_seconds,
        heartbeat=linear.heartbeat_seconds,
    )
