"""``/metrics``: what a monitor (Prometheus) asks every few seconds. Names end with their unit; XBT and USD are whole.

Gauges are read from the bot's state when they are asked for; counters and histograms run from its start.
"""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from adapters.venue import LinkState
from bot.model.events import Alerted, FillBooked, Recorded
from bot.model.order_states import Belief
from bot.model.trading_state import TradingState
from bot.surfaces.served import Served
from bot.surfaces.views import asked
from risk.basis import mid_basis

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# From a fifth of a millisecond, which a quiet machine needs, to what a person must hear of.
_HEDGE_BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)


class Metrics(Collector):
    """All of one bot's figures. It listens to the engine from its making on."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._registry = CollectorRegistry()
        self._fills = Counter(
            "basisbot_fills", "Executions booked since the start.", ["venue"], registry=self._registry
        )
        self._alerts = Counter(
            "basisbot_alerts", "Alerts raised since the start.", ["code"], registry=self._registry
        )
        self._hedges = Histogram(
            "basisbot_hedge_seconds",
            "From a fill's being heard to its hedge's being handed to the venue's client.",
            buckets=_HEDGE_BUCKETS,
            registry=self._registry,
        )
        self._lag = Histogram(
            "basisbot_input_wait_seconds",
            "How long what was heard waited to be decided on.",
            buckets=_HEDGE_BUCKETS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        engine = served.engine
        engine.listeners.append(self._hear)
        engine.on_hedge, engine.on_input = self._hedges.observe, self._lag.observe

    def text(self) -> bytes:
        """Return everything in the monitor's own format."""
        return generate_latest(self._registry)

    def _hear(self, recorded: Recorded) -> None:
        match recorded.event:
            case FillBooked(fill=fill):
                self._fills.labels(fill.instrument.venue).inc()
            case Alerted(code=code):
                self._alerts.labels(code).inc()

    def collect(self) -> Iterator[Metric]:
        yield from self._standing()
        yield from self._exposure()
        yield from self._work()

    def _standing(self) -> Iterator[Metric]:
        served, state, market = self._served, self._served.engine.state, self._served.engine.market
        about = served.about
        yield _family(
            "info", "Which bot this is.", {(about["instance"], about["mode"]): 1}, "instance", "mode"
        )
        states = {(each.value,): each is state.trading for each in TradingState}
        yield _family("trading_state", "1 for the trading state in force.", states, "state")
        yield _plain("reconciled", "1 while ledger and venues are known to agree.", market.reconciled)
        yield _plain("latched", "1 while the emergency command is in charge.", served.latched() is not None)
        links = {(venue,): market.links.get(venue) is LinkState.UP for venue in served.venues}
        yield _family("link_up", "1 while a venue's link is up.", links, "venue")
        now = served.clock.now()
        ages = {(str(key),): quote.age(now).total_seconds() for key, quote in market.quotes.items()}
        yield _family("quote_age_seconds", "How old the last quote is.", ages, "instrument")

    def _exposure(self) -> Iterator[Metric]:
        served, state, market = self._served, self._served.engine.state, self._served.engine.market
        yield _plain("delta_xbt", "Δ by the ledger.", state.delta())
        if market.delta_venues is not None:
            yield _plain(
                "delta_venues_xbt", "Δ by the venues' own words, when last compared.", market.delta_venues
            )
        naked = sum((abs(plan.unhedged) for plan in state.active_plans()), Decimal(0))
        yield _plain("naked_xbt", "What has filled and is not hedged yet, of active plans.", naked)
        positions = {(str(key),): contracts for key, contracts in state.positions.items()}
        yield _family("position_contracts", "Contracts held, signed.", positions, "instrument")
        wallets = {
            (venue, account.currency.value): account.wallet.amount
            for venue, account in market.accounts.items()
        }
        yield _family("wallet", "Cash by the venue's word, in its currency.", wallets, "venue", "currency")
        linear, inverse = market.quotes.get(served.linear), market.quotes.get(served.inverse)
        basis = None if linear is None or inverse is None else mid_basis(linear, inverse)
        if basis is not None:
            yield _plain(
                "basis_usd", "Linear less inverse, between the middles of both books.", basis.absolute
            )

    def _work(self) -> Iterator[Metric]:
        served, state = self._served, self._served.engine.state
        beliefs = Tally(order.belief for order in state.unsettled.values())
        orders = {(belief.value,): beliefs[belief] for belief in Belief}
        yield _family("orders", "Orders that are not settled, by what is believed of them.", orders, "state")
        steps = {(name,): count for name, count in served.engine.market.transitions.items()}
        yield _family("order_steps", "Steps of the order states since the start.", steps, "step")
        yield _plain("plans_active", "Plans at work.", len(state.active_plans()))
        yield _plain("tickets_open", "Tickets that wait for a person.", len(asked(state)))
        appended, committed = served.ledger()
        yield _plain("ledger_events", "Events in the ledger.", appended)
        yield _plain("ledger_queue_events", "Events that are not on the disk yet.", appended - committed)


def _family(name: str, text: str, values: Mapping[Any, float | Decimal], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"basisbot_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _plain(name: str, text: str, value: float | Decimal) -> Metric:
    return GaugeMetricFamily(f"basisbot_{name}", text, value=float(value))
