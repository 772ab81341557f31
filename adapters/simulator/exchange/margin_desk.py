"""What an account sets for a position at the inverse venue: its leverage, its risk limit, its margin."""

from collections.abc import Callable, Mapping
from datetime import datetime

from adapters.simulator.exchange.clearing import Clearing
from adapters.simulator.exchange.leverage import most_steps, position_margin, risk_limit, whole_limit
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.margin import risk_value
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.position import Position
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.value import PPM

_LEAST_LEVERAGE = 100


class MarginDesk:
    """Each change either leaves the account solvent and the position alive, or is refused and undone."""

    def __init__(self, listings: Mapping[str, Listing], clearing: Clearing, store: OrderStore) -> None:
        self._listings = listings
        self._clearing = clearing
        self._store = store

    def set_leverage(self, account: str, symbol: str, leverage: int, now: datetime) -> None:
        spec = self._listings[symbol].spec
        most = 100 * PPM // spec.initial_margin_long
        if leverage and not _LEAST_LEVERAGE <= leverage <= most:
            raise ExchangeRefusal(
                RefusalCode.LEVERAGE, f"Leverage must be 0, or 1 to {most / 100:g}", maximum=most
            )
        position = self._position(account, symbol)

        def change() -> None:
            position.leverage, position.transferred = leverage, 0

        self._attempt(account, position, change, now)

    def set_risk_limit(self, account: str, symbol: str, limit: int, now: datetime) -> None:
        position = self._position(account, symbol)
        spec = position.spec
        whole = whole_limit(spec, limit)
        most = spec.risk_limit + most_steps(spec) * spec.risk_step
        if not 0 < whole <= most:
            raise ExchangeRefusal(RefusalCode.RISK_LIMIT, "Invalid risk limit", required=limit, limit=most)
        used = risk_value(spec, position, self._store.live(account, symbol))
        if used > whole:
            raise ExchangeRefusal(
                RefusalCode.RISK_LIMIT,
                f"Risk limit {whole} is below the value of position and orders, {used}",
                required=used,
                limit=whole,
            )

        def change() -> None:
            position.risk_limit = whole

        self._attempt(account, position, change, now)

    def transfer(self, account: str, symbol: str, amount: int, now: datetime) -> None:
        position = self._position(account, symbol)
        if not position.contracts or not position.leverage:
            raise ExchangeRefusal(
                RefusalCode.NO_POSITION, "Only an isolated position holds margin of its own"
            )

        def change() -> None:
            position.transferred += amount

        self._attempt(account, position, change, now)

    def lower_risk_limit(self, account: str, symbol: str) -> bool:
        """Bring the limit down to what the position needs; say whether that lowered it."""
        position = self._position(account, symbol)
        needed = whole_limit(position.spec, abs(position.cost))
        if needed >= risk_limit(position.spec, position):
            return False
        position.risk_limit = needed
        return True

    def _attempt(self, account: str, position: Position, change: Callable[[], None], now: datetime) -> None:
        """Make a change; undo it and refuse if what it takes is not there, or would end the position."""
        kept = position.leverage, position.risk_limit, position.transferred
        before = self._clearing.view(account, now)
        change()
        after = self._clearing.view(account, now)
        taken = (after.initial + after.maintenance) - (before.initial + before.maintenance)
        view = self._clearing.position_view(account, position.spec.symbol, now)
        lacking = taken > 0 and after.available < 0
        if not lacking and not view.is_due:
            return
        least = position_margin(position.spec, position)
        position.leverage, position.risk_limit, position.transferred = kept
        raise ExchangeRefusal(
            RefusalCode.INSUFFICIENT_MARGIN,
            f"Account has insufficient Available Balance, {max(taken, least.least)} required",
            required=max(taken, least.least),
            available=before.available,
        )

    def _position(self, account: str, symbol: str) -> Position:
        if not self._listings[symbol].spec.is_inverse:
            raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue's margin is the broker's")
        return self._clearing.position(account, symbol)
