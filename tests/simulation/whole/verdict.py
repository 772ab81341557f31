"""What must be so once everything has come to rest: the books are the exchanges', and all was allowed."""

from decimal import Decimal
from typing import TYPE_CHECKING

from bot.ledger.balances import Books
from bot.ledger.proof import Proof
from bot.ledger.verify import verify
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
        books, proof, again = Books(), Proof(), BotState()
        for entry in events:
            books.see(entry)
            apply(again, entry.event, entry.at)
            self._problems(proof.see(entry))
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

    def _problems(self, problems: list[str]) -> None:
        for problem in problems:
            # What fills after the venue has called it off may come to more than was approved; it says so.
            if not any(self._life.watch.called_off):
                self._broken(f"proof: {problem}")

    def _books(self, books: Books) -> None:
        """Positions, cash and Δ, by the exchanges' own integers."""
        life, balances = self._life, books.balances()
        delta = 0
        for exchange, key in zip(life.exchanges, (life.inverse, life.linear), strict=True):
            account, position = exchange.account("me"), exchange.position("me", key.symbol)
            currency = Currency(exchange.rules.currency)
            if currency is Currency.XBT:
                delta += account.wallet + position.cost
            else:
                delta += position.contracts * exchange.spec(key.symbol).multiplier
            if balances.positions.get(key, 0) != position.contracts:
                self._broken(f"{key}: {balances.positions.get(key, 0)} booked, {position.contracts} held")
            cash = balances.cash.get((exchange.name, currency))
            if (0 if cash is None else cash.units) != account.wallet:
                self._broken(f"{exchange.name}: {cash} booked, the wallet holds {account.wallet}")
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
