"""All that happens in one simulated life, a line each, on standard output."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from adapters.simulator.exchange.events import ExchangeEvent, Executed, OrderChanged
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.faults import FaultKind
from bot.model.describe import describe
from bot.model.events import Recorded

if TYPE_CHECKING:
    from tests.simulation.whole.life import Life


def traced(life: "Life") -> None:
    """Print what the bot says, what the exchanges do, and what goes wrong."""

    def line(who: str, text: str) -> None:
        print(f"{life.clock.elapsed:10.3f} {who:<9} {text}")

    def hear(entry: Recorded) -> None:
        line("bot", f"[{entry.seq}] {describe(entry.event)}")

    life.listeners.append(hear)
    life.tally.listeners.append(line)
    for exchange in life.exchanges:
        _follow(exchange, line)
    for name, faults in zip(("inverse", "linear"), life.faults, strict=True):

        def struck(kind: FaultKind, name: str = name) -> None:
            line("fault", f"{name} {kind}")

        faults.plan.listeners.append(struck)


def _follow(exchange: Exchange, line: Callable[[str, str], None]) -> None:
    def heard(event: ExchangeEvent) -> None:
        if isinstance(event, Executed):
            one = event.execution
            text = f"{one.kind} {one.client_id} {one.side} {one.quantity} at {one.price / 100}"
        elif isinstance(event, OrderChanged):
            order = event.order
            text = f"order {order.client_id} {order.side} {order.quantity} at {order.price / 100}: {order.status}"
            text += f", {order.cum} filled {order.reason}"
        else:
            return
        line(exchange.name, text)

    exchange.subscribe(heard)
