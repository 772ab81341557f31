"""Where orders are held against the rules of ``risk.checks``: when proposed, when approved, when sent."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bot.model.ids import Role
from bot.model.policy import Policy
from bot.orders.drafts import Draft, LegDraft
from bot.orders.margining import margin
from bot.orders.market import Market
from bot.orders.state import BotState, LegState, PlanState
from risk.approval import Purpose
from risk.checks.all import Verdict, hold
from risk.checks.case import Case, Live, Order, Stage
from risk.instruments import InstrumentId
from risk.orders import OrderRequest

_PURPOSE = {Role.WORKING: Purpose.WORK, Role.HEDGE: Purpose.HEDGE, Role.SINGLE: Purpose.WORK}


class Checks:
    """The rules, asked about one moment's state and market."""

    def __init__(self, state: BotState, market: Market, policy: Policy, now: datetime) -> None:
        self._state = state
        self._market = market
        self._policy = policy
        self._now = now

    def proposed(self, plan: PlanState, draft: Draft) -> Verdict | None:
        """Hold every leg of a tranche against the rules, before anybody is asked to approve it."""
        for leg in draft.legs:
            partner = next((other.instrument for other in draft.legs if other is not leg), None)
            verdict = self._leg(Stage.PROPOSED, plan, leg, partner)
            if verdict is not None:
                return verdict
        return None

    def approved(self, plan: PlanState, leg: LegState) -> Verdict | None:
        """Hold a leg against the rules again as a person approves it: much may have changed since it was proposed."""
        ticket = leg.ticket
        material = ticket.material
        draft = LegDraft(leg.key.role, leg.instrument, material.side, ticket.contracts, material.reduce_only)
        return self._leg(Stage.APPROVED, plan, draft, self._partner(leg))

    def sent(self, leg: LegState, purpose: Purpose, request: OrderRequest) -> Verdict | None:
        """Hold an order against the rules in the last moment."""
        instrument = self._state.instruments[request.instrument]
        order = Order(
            purpose,
            instrument,
            request.side,
            request.quantity,
            request.price,
            request.reduce_only,
            request.client_order_id,
        )
        plan = self._state.plans[leg.key.plan_id]
        case = self._case(Stage.SENT, plan, order, self._partner(leg))
        return hold(replace(case, used=request.client_order_id in leg.orders))

    def _leg(
        self, stage: Stage, plan: PlanState, leg: LegDraft, partner: InstrumentId | None
    ) -> Verdict | None:
        instrument = self._state.instruments[leg.instrument]
        quote = self._market.quotes.get(leg.instrument)
        level = None if quote is None else quote.take(leg.side)
        price = self._market.last_mids.get(leg.instrument) if level is None else level.price
        if price is None:
            return None  # never quoted: nothing can be drafted, or sent, before it is
        purpose = _PURPOSE[leg.role] if plan.spec.stops is None else Purpose.PROTECT
        # A roll's new month takes the margin that the old one has just freed: nothing grows.
        frees = leg.reduce_only or plan.spec.is_roll
        order = Order(purpose, instrument, leg.side, leg.contracts, price, frees)
        clip = None
        if leg.role is Role.WORKING:
            clip = instrument.contracts_for(self._policy.max_unattended_delta, price)
        state, market = self._state, self._market
        use = margin(state, market, instrument, leg.side, leg.contracts, price)
        return hold(replace(self._case(stage, plan, order, partner), clip=clip, margin=use))

    def _case(self, stage: Stage, plan: PlanState, order: Order, partner: InstrumentId | None) -> Case:
        state, market = self._state, self._market
        key = order.instrument.id
        known = [state.instruments[one] for one in (key, partner) if one is not None]
        return Case(
            now=self._now,
            stage=stage,
            order=order,
            limits=self._policy,
            sight=market.sight(key, self._now, self._policy),
            partner=None if partner is None else market.sight(partner, self._now, self._policy),
            contracts=tuple(known),
            delta=state.delta(),
            target=plan.spec.target_delta,
            live=tuple(self._live(key.venue)),
            rate_left=market.rates_left.get(key.venue),
        )

    def _live(self, venue: str) -> Iterator[Live]:
        for client_id, order in self._state.unsettled.items():
            request = order.request
            if request.instrument.venue == venue and order.outstanding:
                yield Live(client_id, request.instrument, request.side, request.quantity, request.price)

    def _partner(self, leg: LegState) -> InstrumentId | None:
        plan = self._state.plans[leg.key.plan_id]
        for tranche in plan.tranches:
            if tranche.number == leg.key.tranche:
                return next((other.instrument for other in tranche.legs.values() if other is not leg), None)
        return None
