"""What must be so once everything has come to rest: the books are the exchanges', and all was allowed."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.ledger.balances import Books
from bot.ledger.proof import Proof
from bot.ledger.verify import verify
from bot.model.events import Adopted, Event, FillBooked, FillBusted
from bot.orders.fold import apply
from bot.orders.state import BotState
from risk.money import Currency, from_units

if TYPE_CHECKING:
    from tests.simulation.whole.life import Life

D = Decimal


class Verdict:
    def __init__(self, life: "Life") -> None:
        self._life = life
        self._broken = life.watch.broken
        self._latest: dict[str, datetime] = {}
        self._out_of_order: set[str] = set()

    async def reach(self) -> None:
        life = self._life
        core = life.core
        if core is None:
            self._broken("the bot is down at the end")
            return
        differences = await core.reconciler.run()
        if differences:
            self._broken(f"ledger and venues differ: {'; '.join(map(str, differences))}")
        events = life.ledger.recorded
        taken_back = {
            (entry.event.bust.instrument.venue, entry.event.bust.execution_id)
            for entry in events
            if isinstance(entry.event, FillBusted)
        }
        books, proof, again = Books(), Proof(taken_back), BotState()
        for entry in events:
            books.see(entry)
            apply(again, entry.event, entry.at)
            self._problems(proof.see(entry))
            self._order(entry.event)
        self._problems(proof.unresolved())
        if again != core.engine.state:
            self._broken("the events alone do not give the state again")
        self._books(books)
        self._hedged()
        self._nothing_rests()
        if life.path is not None:
            await life.ledger.durable(len(events))
            checked = verify(life.path)
            for problem in checked.problems:
                if not any(life.watch.called_off):
                    self._broken(f"ledger verify: {problem}")
            life.tally.count("ledgers", "verified in their file")

    def _order(self, event: Event) -> None:
        """Note where the ledger splits cash from cost otherwise than the venue, open positions being what they cost on
        average: where it heard of trades in another order, and where a person adopted a position at a price."""
        match event:
            case FillBooked(fill):
                venue = fill.instrument.venue
                if fill.at < self._latest.get(venue, fill.at):
                    self._out_of_order.add(venue)
                self._latest[venue] = max(fill.at, self._latest.get(venue, fill.at))
            case Adopted(cash=cash):
                self._out_of_order.update(item.venue for item in cash)

    def _problems(self, problems: list[str]) -> None:
        for problem in problems:
            # What fills after the venue has called it off may come to more than was approved; it says so.
            if not any(self._life.watch.called_off):
                self._broken(f"proof: {problem}")

    def _books(self, books: Books) -> None:
        """Positions, cash and Δ, by the exchanges' own integers."""
        life, balances = self._life, books.balances()
        delta = 0 if life.core is None else life.core.engine.state.moves.held(Currency.XBT)
        for exchange, key in zip(life.exchanges, (life.inverse, life.linear), strict=True):
            account, position = exchange.account("me"), exchange.position("me", key.symbol)
            currency = Currency(exchange.rules.currency)
            if currency is Currency.XBT:
                delta += account.wallet + position.cost
            else:
                delta += position.contracts * exchange.spec(key.symbol).multiplier
            if balances.positions.get(key, 0) != position.contracts:
                self._broken(f"{key}: {balances.positions.get(key, 0)} booked, {position.contracts} held")
            money, cost = balances.cash.get((exchange.name, currency)), balances.costs.get(key)
            cash, sign = 0 if money is None else money.units, 1 if currency is Currency.XBT else -1
            booked = cash + sign * (0 if cost is None else cost.units)
            if booked != account.wallet + sign * position.cost:
                self._broken(
                    f"{exchange.name}: cash and cost are {booked} in the ledger, not what the venue has"
                )
            if cash != account.wallet and exchange.name not in self._out_of_order:
                self._broken(f"{exchange.name}: {money} booked, the wallet holds {account.wallet}")
        if from_units(delta) != balances.delta_xbt:
            self._broken(f"Δ is {balances.delta_xbt} in the journal, {from_units(delta)} at the venues")

    def _hedged(self) -> None:
        life, core = self._life, self._life.core
        for name, plan in life.watch.plans.items():
            if core is None or core.engine.state.plans[name].flattened:
                continue
            booked = core.engine.state.plans[name].unhedged
            if abs(booked - plan.naked) > D("1e-9"):
                self._broken(
                    f"plan {name}: {booked:+.8f} XBT unhedged in the ledger, {plan.naked:+.8f} at the venues"
                )
            if (
                abs(plan.naked) >= life.watch.lot
                and not plan.excused
                and f"LEGGED_POSITION {name}" not in life.watch.alerts
            ):
                self._broken(f"plan {name}: {plan.naked:+.8f} XBT stay naked, and nobody was told")
        total = sum((plan.seconds for plan in life.watch.plans.values()), D(0))
        life.tally.count("naked", "milli-XBT·seconds", int(total * 1000))
        life.tally.count("naked", "plans", len(life.watch.plans))

    def _nothing_rests(self) -> None:
        for exchange in self._life.exchanges:
            for order in exchange.orders("me", live_only=True):
                if order.client_id:
                    self._broken(f"{exchange.name}: order {order.client_id} is still live")
