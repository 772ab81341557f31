"""Where executions become money: wallets, positions, funding, deposits, and the views of them."""

from collections.abc import Mapping
from datetime import datetime

from adapters.simulator.exchange.accounts import Account, account_view, initial_margin, position_view
from adapters.simulator.exchange.events import AccountChanged, CashMoved, Executed, PositionChanged
from adapters.simulator.exchange.ids import VenueIds
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.orders import ExecKind, Execution, Liquidity, Side, SimOrder
from adapters.simulator.exchange.outbox import Outbox
from adapters.simulator.exchange.position import Position
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import VenueRules
from adapters.simulator.exchange.value import PPM, fee, half_even, value
from adapters.simulator.exchange.views import AccountView, CashEntry, CashKind, PositionView


class Clearing:
    """``wallet + cost`` (inverse; linear ``wallet − cost``) changes by exec costs, fees and cash flows only."""

    def __init__(
        self,
        rules: VenueRules,
        listings: Mapping[str, Listing],
        store: OrderStore,
        ids: VenueIds,
        outbox: Outbox,
    ) -> None:
        self._rules = rules
        self._listings = listings
        self._store = store
        self._ids = ids
        self._outbox = outbox
        self._accounts: dict[str, Account] = {}

    def open(self, name: str) -> None:
        self._accounts.setdefault(name, Account(name))

    def names(self) -> list[str]:
        return list(self._accounts)

    def get(self, name: str) -> Account:
        account = self._accounts.get(name)
        if account is None:
            raise ExchangeRefusal(RefusalCode.UNKNOWN_ACCOUNT, f"No account {name}")
        return account

    def position(self, name: str, symbol: str) -> Position:
        return self.get(name).position(self._listings[symbol])

    def view(self, name: str, now: datetime) -> AccountView:
        account = self.get(name)
        return account_view(account, self._rules.kind, self._listings, self._store.live(name), now)

    def position_views(self, name: str, now: datetime) -> list[PositionView]:
        account = self.get(name)
        return [
            position_view(name, account.positions[symbol], self._listings[symbol], now)
            for symbol in sorted(account.positions)
        ]

    def position_view(self, name: str, symbol: str, now: datetime) -> PositionView:
        listing = self._listings[symbol]
        return position_view(name, self.get(name).position(listing), listing, now)

    def initial_margin(self, name: str, orders: list[SimOrder], now: datetime) -> int:
        """Return the initial margin the account would need if ``orders`` were its live ones."""
        return initial_margin(self.get(name), self._listings, orders, now)

    def trade(
        self, order: SimOrder, quantity: int, price: int, liquidity: Liquidity, now: datetime
    ) -> Execution:
        """Book a fill of ``order``; return its execution."""
        account, listing = self.get(order.account), self._listings[order.symbol]
        signed = order.side.sign * quantity
        cost = value(listing.spec, signed, price)
        paid = fee(listing.spec, quantity, cost, liquidity)
        realised = account.position(listing).trade(signed, cost)
        account.wallet += realised - paid
        listing.last = price
        exec_id, number = self._ids.execution()
        execution = Execution(
            exec_id=exec_id,
            number=number,
            kind=ExecKind.TRADE,
            account=order.account,
            symbol=order.symbol,
            order_id=order.order_id,
            client_id=order.client_id,
            ref=order.ref,
            side=order.side,
            quantity=quantity,
            price=price,
            cost=cost,
            fee=paid,
            realised=realised,
            liquidity=liquidity,
            at=now,
        )
        self._store.record(execution)
        return execution

    def pay_funding(self, listing: Listing, mark: int, now: datetime) -> None:
        """Charge every position of a perpetual ``value at mark × rate``: longs pay a positive rate."""
        symbol = listing.spec.symbol
        for account in self._accounts.values():
            position = account.positions.get(symbol)
            if position is None or position.contracts == 0:
                continue
            worth = value(listing.spec, position.contracts, mark)
            payment = half_even(worth * listing.funding_rate, PPM)
            exec_id, number = self._ids.execution()
            execution = Execution(
                exec_id=exec_id,
                number=number,
                kind=ExecKind.FUNDING,
                account=account.name,
                symbol=symbol,
                order_id="",
                client_id="",
                ref="",
                side=Side.BUY if position.contracts > 0 else Side.SELL,
                quantity=abs(position.contracts),
                price=mark,
                cost=worth,
                fee=payment,
                realised=0,
                liquidity=None,
                at=now,
            )
            self._store.record(execution)
            self._outbox.post(Executed(execution, None))
            self._move(account, CashKind.FUNDING, -payment, now, symbol, exec_id)
            self.tell(account.name, symbol, now)

    def deposit(self, name: str, amount: int, now: datetime) -> CashEntry:
        account = self.get(name)
        if amount < 0:
            view = self.view(name, now)
            free = max(0, view.available - max(0, view.unrealised))
            if -amount > free:
                raise ExchangeRefusal(
                    RefusalCode.INSUFFICIENT_FUNDS,
                    f"Only {free} can be withdrawn",
                    required=-amount,
                    available=free,
                )
        kind = CashKind.DEPOSIT if amount >= 0 else CashKind.WITHDRAWAL
        entry = self._move(account, kind, amount, now, None, self._ids.entry())
        self._outbox.post(AccountChanged(self.view(name, now)))
        return entry

    def tell(self, name: str, symbol: str | None, now: datetime) -> None:
        """Post the account's state, and the position's in ``symbol`` before it."""
        if symbol is not None:
            self._outbox.post(PositionChanged(self.position_view(name, symbol, now)))
        self._outbox.post(AccountChanged(self.view(name, now)))

    def _move(
        self, account: Account, kind: CashKind, amount: int, now: datetime, symbol: str | None, entry_id: str
    ) -> CashEntry:
        account.wallet += amount
        entry = CashEntry(entry_id, account.name, kind, amount, account.wallet, now, symbol)
        account.cash.append(entry)
        self._outbox.post(CashMoved(entry))
        return entry
