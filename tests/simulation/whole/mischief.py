"""What happens to the exchanges, the machine and the bot itself, beside the faults of each venue's link."""

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from adapters.simulator.exchange.orders import NewOrder, Side, Tif
from adapters.simulator.exchange.refusal import ExchangeRefusal
from bot.flatten import Flatten
from bot.model.flatten_journal import FlattenJournal
from bot.runtime.emergency import earlier_orders, latch

if TYPE_CHECKING:
    from tests.simulation.whole.life import Life

ACCOUNT = "me"


class Mischief:
    def __init__(self, life: "Life") -> None:
        self._life = life
        self._random = Random(f"mischief:{life.setting.seed}")
        self._flattens = 0
        self._flattening: asyncio.Task[None] | None = None
        self._kinds: dict[str, Callable[[], None]] = {
            "crash": self._crash,
            "cut_inverse": lambda: self._cut(0),
            "cut_linear": lambda: self._cut(1),
            "foreign_inverse": lambda: self._foreign(0),
            "foreign_linear": lambda: self._foreign(1),
            "close_linear": lambda: self._close(1),
            "halt_inverse": lambda: self._close(0),
            "jump_together": self._jump_together,
            "jump_apart": self._jump_apart,
            "deposit": lambda: self._move_cash(1),
            "withdrawal": lambda: self._move_cash(-1),
            "deleverage": self._deleverage,
            "slow_disk": lambda: self._disk(0.4),
            "stuck_disk": lambda: self._disk(6),
            "full_disk": self._full_disk,
            "thin_book": self._thin,
            "flatten": self._flatten,
        }

    async def live(self) -> None:
        setting, dice = self._life.setting, self._random
        while setting.mischief:
            await asyncio.sleep(setting.every * dice.uniform(0.2, 1.8))
            kind = dice.choice(setting.mischief)
            self._kinds[kind]()

    def end(self) -> None:
        """From now on everything goes well."""
        life = self._life
        for faults in life.faults:
            faults.plan.enabled = False
        for exchange in life.exchanges:
            exchange.resume(exchange.specs()[0].symbol)
        life.stuck = 0.0

    async def flattened(self) -> None:
        """Return when no emergency command is at work any more."""
        if self._flattening is not None:
            await asyncio.wait([self._flattening])

    async def stop(self) -> None:
        """End the emergency command too, where it is still at work."""
        if self._flattening is not None:
            self._flattening.cancel()
            await asyncio.gather(self._flattening, return_exceptions=True)

    def _done(self, kind: str) -> None:
        self._life.tally.count("mischief", kind)
        self._life.watch.trouble_now()

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, do)

    def _crash(self) -> None:
        death = self._life.death
        if death is not None and not death.done() and self._life.core is not None:
            self._done("crash")
            death.set_result(None)

    def _cut(self, side: int) -> None:
        if self._life.core is not None:
            self._done(("cut_inverse", "cut_linear")[side])
            venue, down = self._life.venues[side], self._random.choice((0.3, 3, 15, 40))
            venue.drop_link("pulled out")
            self._later(down, venue.restore_link)

    def _foreign(self, side: int) -> None:
        exchange, price = self._life.exchanges[side], self._life.market.prices[side]
        spec = exchange.specs()[0]
        way = self._random.choice((Side.BUY, Side.SELL))
        limit = price * (1000 + 5 * way.sign) // 1000 // spec.tick * spec.tick
        quantity = self._random.randint(1, 5) * (spec.lot * 20 if spec.is_inverse else 1)
        try:
            exchange.place(ACCOUNT, NewOrder(spec.symbol, way, quantity, limit, Tif.IOC))
        except ExchangeRefusal:
            return
        self._done(("foreign_inverse", "foreign_linear")[side])

    def _close(self, side: int) -> None:
        exchange = self._life.exchanges[side]
        symbol = exchange.specs()[0].symbol
        self._done(("halt_inverse", "close_linear")[side])
        exchange.halt(symbol)
        self._later(self._random.choice((2, 10, 30)), lambda: exchange.resume(symbol))

    def _jump_together(self) -> None:
        ppm = self._random.choice((-1, 1)) * self._random.choice((3_000, 10_000, 60_000, 150_000))
        self._life.market.jump(0, ppm)
        self._life.market.jump(1, ppm)
        self._done("jump_together")

    def _jump_apart(self) -> None:
        side = self._random.randrange(2)
        self._life.market.jump(side, self._random.choice((-1, 1)) * self._random.choice((500, 2_000, 8_000)))
        self._done("jump_apart")

    def _move_cash(self, sign: int) -> None:
        exchange = self._life.exchanges[0]
        most = exchange.account(ACCOUNT).withdrawable // 2
        amount = self._random.randint(1, 10**8) if sign > 0 else -min(self._random.randint(1, 10**8), most)
        if amount:
            exchange.deposit(ACCOUNT, amount)
            self._done("deposit" if sign > 0 else "withdrawal")

    def _deleverage(self) -> None:
        exchange = self._life.exchanges[0]
        symbol = exchange.specs()[0].symbol
        held = abs(exchange.position(ACCOUNT, symbol).contracts)
        if held >= 200:
            exchange.deleverage(ACCOUNT, symbol, held // 200 * 100)
            self._done("deleverage")

    def _disk(self, seconds: float) -> None:
        life = self._life
        life.stuck = seconds
        self._done("slow_disk" if seconds < 1 else "stuck_disk")

        def mend() -> None:
            life.stuck = 0.0

        self._later(self._random.choice((3, 10)), mend)

    def _full_disk(self) -> None:
        if self._life.core is not None:
            self._done("full_disk")
            self._life.ledger.fail("no space left on device")

    def _thin(self) -> None:
        market, side = self._life.market, self._random.randrange(2)
        market.thin[side] = True
        self._done("thin_book")

        def deep() -> None:
            market.thin[side] = False

        self._later(self._random.choice((5, 20)), deep)

    # --- the emergency command -----------------------------------------------------------------------------

    def _flatten(self) -> None:
        if self._flattening is None or self._flattening.done():
            self._done("flatten")
            self._flattening = asyncio.ensure_future(self._run_flatten())

    async def _run_flatten(self) -> None:
        """As ``basisbot flatten`` does, in a process of its own: a login, a journal and a latch."""
        life = self._life
        self._flattens += 1
        name = f"f{self._flattens}"
        said: list[str] = []
        descriptor = latch(life.files)
        journal = FlattenJournal(life.files.data_dir / f"flatten-{name}.jsonl")
        inverse, linear = life.venue(0), life.venue(1)
        run = Flatten(
            inverse,
            life.inverse,
            linear,
            life.linear,
            life.clock,
            journal,
            name,
            "anna",
            said.append,
            earlier=earlier_orders(life.files, said.append),
        )
        for plan in life.watch.plans.values():
            plan.excused = True
        try:
            await run.plan()
            limit = timedelta(seconds=self._random.choice((5, 30, 60)))
            outcome = await run.run(limit)
            life.tally.count("flatten", "flat" if outcome.flat else "not flat")
        finally:
            await run.close()
            journal.close()
            os.close(descriptor)
