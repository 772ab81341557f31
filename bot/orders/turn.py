"""One turn of the engine: what a decision reads, and what it decides."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.model.actions import Action, Submit
from bot.model.events import Alerted, Event, OrderIntended
from bot.model.policy import Policy
from bot.orders.checking import Checks
from bot.orders.fold import apply
from bot.orders.market import Market
from bot.orders.state import BotState, LegState, PlanState
from risk.approval import Denied, Purpose, authorize
from risk.checks.all import Verdict
from risk.instruments import InstrumentId
from risk.orders import OrderRequest, Side, TimeInForce

_ALERT_AGAIN = timedelta(minutes=1)


@dataclass(slots=True)
class Turn:
    """Decisions emit events, which change the state at once, and ask for actions, which the engine carries out."""

    state: BotState
    market: Market
    policy: Policy
    now: datetime
    events: list[Event] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    refused: Denied | None = None
    """Why a rule refused the order tried last, for good."""

    def emit(self, event: Event) -> None:
        apply(self.state, event, self.now)
        self.events.append(event)

    def act(self, action: Action) -> None:
        self.actions.append(action)
        if isinstance(action, Submit):
            self.market.under_way.add(action.order.request.client_order_id)

    def has_passed(self, duration: timedelta, since: datetime) -> bool:
        """Say whether ``duration`` has passed; a clock that was set back since then keeps nothing waiting."""
        return not timedelta(0) <= self.now - since < duration

    def has_ended(self, key: InstrumentId) -> bool:
        """Say whether the last trade of a contract is over."""
        return self.state.instruments[key].terms.has_ended(self.now)

    @property
    def checks(self) -> Checks:
        """The pre-trade rules, as of now."""
        return Checks(self.state, self.market, self.policy, self.now)

    def wait(self, plan: PlanState, reason: Verdict | Denied | str) -> None:
        """Say why a plan sends nothing now. It holds until the next turn."""
        self.market.waiting[plan.spec.plan_id] = str(reason)

    def alert(self, code: str, text: str, about: str = "") -> None:
        """Raise an alert; again about the same thing (by default: in the same words) only after a minute."""
        key = (code, about or text)
        last = self.market.alerted.get(key)
        if last is None or self.has_passed(_ALERT_AGAIN, last):
            self.market.alerted[key] = self.now
            self.emit(Alerted(code, text))

    def send(
        self,
        leg: LegState,
        purpose: Purpose,
        side: Side,
        contracts: int,
        price: Decimal,
        basis: Decimal | None = None,
        *,
        rests: bool = False,
        trigger: Decimal | None = None,
    ) -> bool:
        """Send one limit order under the leg's approval, immediate or cancel unless it ``rests``, or is a stop that
        waits for its ``trigger``. False, with an alert, if it may not go."""
        self.refused = None
        if self.market.latched is not None:
            return False
        if leg.envelope is None or not leg.attempts_left:
            self.alert(
                "ATTEMPTS_SPENT", f"{leg.key}: the approval's {leg.last_attempt} order ids are used up"
            )
            return False
        against = purpose is Purpose.CONTINGENCY
        request = OrderRequest(
            client_order_id=leg.key.client_order_id(leg.next_attempt),
            instrument=leg.instrument,
            side=side,
            quantity=contracts,
            price=price,
            # An unwind takes back what the leg did: it reduces where the leg opened, and the reverse.
            reduce_only=leg.envelope.reduce_only is not against,
            **(self._resting(leg.instrument.venue) if rests else {}),
            **_stopping(trigger),
        )
        verdict = self.checks.sent(leg, purpose, request)
        if verdict is not None:
            self.wait(self.state.plans[leg.key.plan_id], verdict)
            if not verdict.passes:
                self.refused = verdict.denied
                self._deny(leg, request, verdict.denied)
            return False
        instrument = self.state.instruments[leg.instrument]
        order = authorize(request, purpose, leg.envelope, instrument, self.state.usage(leg), self.now, basis)
        if isinstance(order, Denied):
            self._deny(leg, request, order)
            return False
        self.emit(OrderIntended(request, purpose, leg.envelope.approval_id, leg.key))
        # A late fill can ask for a hedge of a tranche that has ended: nothing would look for it after a crash.
        current = self.state.plans[leg.key.plan_id].hedges_unwritten
        unwritten = purpose is Purpose.HEDGE and current is not None and current.number == leg.key.tranche
        self.act(Submit(order, wait_durable=rests or not unwritten))
        return True

    def _resting(self, venue: str) -> dict[str, Any]:
        """How an order may rest at a venue: guarded by its dead man's switch, else for seconds."""
        if venue in self.market.switches:
            self.market.armed[venue] = self.now
            return {"time_in_force": TimeInForce.GTC, "post_only": True}
        return {"time_in_force": TimeInForce.GTD, "expires_at": self.now + self.policy.rest}

    def _deny(self, leg: LegState, request: OrderRequest, denied: Denied) -> None:
        # The prices in the text change with every quote; what is wrong does not.
        self.alert(
            "ORDER_DENIED",
            f"{request.client_order_id} {request.side} {request.quantity} {leg.instrument}: {denied}",
            about=f"{leg.key} {denied.code}",
        )


def _stopping(trigger: Decimal | None) -> dict[str, Any]:
    """How a stop rests: until cancelled, whatever becomes of us."""
    return {} if trigger is None else {"time_in_force": TimeInForce.GTC, "trigger": trigger}
