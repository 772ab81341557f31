"""Where executions become money: wallets, positions, funding, deposits, and the views of them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from adapters.simulator.exchange.accounts import Account, account_view, initial_margin, position_view
from adapters.simulator.exchange.events import AccountChanged, CashMoved, Executed, PositionChanged
from adapters.simulator.exchange.ids import VenueIds
from adapters.simulator.exchange.leverage import risk_limit
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.margin import risk_value
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
        return [position_view(account, symbol, self._listings, now) for symbol in sorted(account.positions)]

    def position_view(self, name: str, symbol: str, now: datetime) -> PositionView:
        return position_view(self.get(name), symbol, self._listings, now)

    def backing(self, name: str, symbol: str, now: datetime) -> int:
        """Return the units that stand behind a cross position: the wallet and what the others gain and take."""
        others = [view for view in self.position_views(name, now) if view.symbol != symbol]
        return self.get(name).wallet + sum(view.unrealised - view.maintenance for view in others)

    def initial_margin(self, name: str, orders: list[SimOrder], now: datetime) -> int:
        """Return the initial margin the account would need if ``orders`` were its live ones."""
        return initial_margin(self.get(name), self._listings, orders, now)

    def check_risk(self, name: str, symbol: str, before: list[SimOrder], after: list[SimOrder]) -> None:
        """Refuse what would raise the risk value of a contract beyond the position's limit."""
        position = self.position(name, symbol)
        limit = risk_limit(position.spec, position)
        if not limit:
            return
        values = [
            risk_value(position.spec, position, [order for order in orders if order.symbol == symbol])
            for orders in (before, after)
        ]
        if values[1] > max(limit, values[0]):
            raise ExchangeRefusal(
                RefusalCode.RISK_LIMIT,
                f"Value of position and orders exceeds position Risk Limit, {limit}",
                required=values[1],
                limit=limit,
            )

    def trade(
        self, order: SimOrder, quantity: int, price: int, liquidity: Liquidity, now: datetime
    ) -> Execution:
        """Book a fill of ``order``; return its execution."""
        listing = self._listings[order.symbol]
        signed = order.side.sign * quantity
        paid = fee(listing.spec, quantity, value(listing.spec, signed, price), liquidity)
        listing.last = price
        kind = ExecKind.LIQUIDATION if order.forced and listing.spec.is_inverse else ExecKind.TRADE
        bare = self._book(kind, order.account, listing, signed, price, paid, now)
        execution = replace(
            bare, order_id=order.order_id, client_id=order.client_id, ref=order.ref, liquidity=liquidity
        )
        self._store.record(execution)
        return execution

    def move(
        self, kind: ExecKind, name: str, listing: Listing, signed: int, price: int, paid: int, now: datetime
    ) -> Execution:
        """Change a position by ``signed`` contracts at ``price`` without an order, for a fee of ``paid``."""
        execution = self._book(kind, name, listing, signed, price, paid, now)
        self._store.record(execution)
        self._outbox.post(Executed(execution, None))
        return execution

    def restated(self, was: Execution, quantity: int, price: int, now: datetime) -> Execution:
        """Return ``was`` with other figures, nothing booked yet; what it realises is still to be played."""
        listing = self._listings[was.symbol]
        cost = value(listing.spec, was.side.sign * quantity, price)
        paid = 0 if was.liquidity is None else fee(listing.spec, quantity, cost, was.liquidity)
        exec_id, number = self._ids.correction(was.first.exec_id, was.revision + 1)
        return replace(
            was,
            exec_id=exec_id,
            number=number,
            kind=ExecKind.CORRECTION if quantity else ExecKind.BUST,
            quantity=quantity,
            price=price,
            cost=cost,
            fee=paid,
            at=now,
            revision=was.revision + 1,
            was=was,
        )

    def take_over(self, stands: Execution, position: Position) -> None:
        """Book a restated trade: the wallet by what it changes, the position as it was played again."""
        account = self.get(stands.account)
        account.wallet += stands.realised - stands.fee_change
        held = account.position(self._listings[stands.symbol])
        held.contracts, held.cost, held.realised = position.contracts, position.cost, position.realised

    def _book(
        self, kind: ExecKind, name: str, listing: Listing, signed: int, price: int, paid: int, now: datetime
    ) -> Execution:
        account = self.get(name)
        cost = value(listing.spec, signed, price)
        realised = account.position(listing).trade(signed, cost)
        account.wallet += realised - paid
        exec_id, number = self._ids.execution()
        return Execution(
            exec_id=exec_id,
            number=number,
            kind=kind,
            account=name,
            symbol=listing.spec.symbol,
            order_id="",
            client_id="",
            ref="",
            side=Side.BUY if signed > 0 else Side.SELL,
            quantity=abs(signed),
            price=price,
            cost=cost,
            fee=paid,
            realised=realised,
            liquidity=None,
            at=now,
        )

    def pay_funding(self, listing: Listing, mark: int, rate: int, now: datetime) -> None:
        """Charge every position of a perpetual ``value at mark × rate`` (ppm): longs pay a positive rate.

        An isolated position pays out of its own margin, and receives into it: its liquidation price moves.
        """
        symbol = listing.spec.symbol
        for account in self._accounts.values():
            position = account.positions.get(symbol)
            if position is None or position.contracts == 0:
                continue
            worth = value(listing.spec, position.contracts, mark)
            payment = half_even(worth * rate, PPM)
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
            if position.leverage:
                position.transferred -= payment
            self.tell(account.name, symbol, now)

    def deposit(self, name: str, amount: int, now: datetime) -> CashEntry:
        account = self.get(name)
        if amount < 0:
            view = self.view(name, now)
            free = view.withdrawable
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
