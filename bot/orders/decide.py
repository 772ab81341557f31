"""(state, input) → (events, actions): which decision answers which input."""

from datetime import timedelta

from adapters.venue import ClockSeen, FundingAnnounced, HoursAnnounced, IndexTold, Link, LinkState
from bot.model.actions import Ask
from bot.model.events import (
    AccountOpened,
    AttemptsSpent,
    CashBooked,
    FlattenFinished,
    FlattenOrdered,
    OrderIntended,
    PlanProposed,
    Reconciled,
    TradingStateChanged,
)
from bot.model.ids import UNWRITTEN_HEDGES, parse_client_order_id, parse_leg
from bot.model.inputs import (
    AdoptDifferences,
    AdoptJournal,
    ApproveTicket,
    CancelPlan,
    CancelTransfer,
    Command,
    Compared,
    Done,
    FinishTransfer,
    GrantStanding,
    Input,
    LoadInstrument,
    MarginAnswer,
    MeetAccount,
    OrderAnswer,
    ProposePlan,
    RecordConversion,
    RecordTransfer,
    RejectTicket,
    RevokeStanding,
    SetExit,
    SetTradingState,
    SpendAttempts,
    SubmitRefused,
    SubmitUnknown,
    Tick,
    Warn,
)
from bot.model.order_states import WORD_OF_STATUS, Word
from bot.model.plans import PlanKind, PlanSpec, PlanStatus
from bot.model.trading_state import Activity, TradingState, allows
from bot.orders import (
    accounting,
    adopting,
    exits,
    loading,
    settling,
    standing,
    tending,
    ticketing,
    transferring,
)
from bot.orders.asking import hear_margin
from bot.orders.hearing import hear_word
from bot.orders.legging import advance
from bot.orders.planning import objection
from bot.orders.state import OrderState
from bot.orders.turn import Turn
from risk.approval import Denied, Purpose
from risk.orders import Bust, CashFlow, CommissionReport, Fill, OrderRequest, OrderUpdate
from risk.portfolio import Quote
from risk.terms import Kind

# After which a mismatch that stays is told again, then every hour.
_REMINDERS = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=1))
_ASK_AT_REST = timedelta(seconds=15)
_ASK_STOP = timedelta(minutes=5)
# A venue may answer "no such order" while the order is still on its way to it.
# A request the venue may still accept (its signature's life, a broker's queue) can outlive the question about it.
_TRUST_ABSENCE_AFTER = timedelta(seconds=12)
_ABSENT_TWICE = 2


def decide(turn: Turn, given: Input) -> Done | Denied | None:
    """Take one input; commands get an answer."""
    match given:
        case Quote():
            turn.market.quote(given)
            exits.watch(turn)
        case HoursAnnounced():
            turn.market.hours[given.instrument] = given.hours
            if given.hours.trouble:
                turn.alert(
                    "HOURS_UNKNOWN",
                    f"{given.instrument}: nothing new is started there, for when it trades is not known: "
                    f"{given.hours.trouble}",
                )
        case Fill():
            accounting.book(turn, given, _recover_fill)
        case Bust():
            accounting.bust(turn, given)
        case OrderUpdate():
            _update(turn, given)
        case SubmitRefused():
            detail = f"{given.code}: {given.detail}"
            hear_word(turn, given.client_order_id, Word.REFUSED, detail, tried=given.reached_venue)
        case SubmitUnknown():
            hear_word(turn, given.client_order_id, Word.NO_ANSWER, given.detail)
        case OrderAnswer():
            _answer(turn, given)
        case CommissionReport():
            accounting.charge(turn, given)
        case CashFlow():
            known = (given.venue, given.flow_id) in turn.state.flows
            if not known and not accounting.before_the_books(turn, given.venue, given.at):
                turn.emit(CashBooked(given))
                transferring.match(turn, given)
        case Link():
            turn.market.link(given)
            # Whatever happened meanwhile was not heard: compare before trusting again. Not only when it goes
            # down: a comparison that had begun before may end in between.
            turn.market.reconciled = False
            if given.state is LinkState.DOWN:
                turn.alert("LINK_DOWN", f"{given.venue}: {given.detail or 'the link is down'}")
        case AdoptJournal():
            _adopt(turn, given)
        case MarginAnswer():
            hear_margin(turn, given)
        case FundingAnnounced():
            loading.announce(turn, given.instrument, given.funding)
        case IndexTold():
            turn.market.indices[given.venue, given.role] = given
        case ClockSeen():
            _set_clock(turn, given)
        case Tick():
            _ask_about_open_questions(turn)
            tending.stand_down(turn)
            settling.remind(turn)
            for plan in turn.state.active_plans():
                ticketing.expire(turn, plan)
            exits.watch(turn)
        case LoadInstrument():
            loading.load(turn, given.instrument)
        case MeetAccount():
            turn.market.accounts[given.account.venue] = given.account
            if given.account.venue not in turn.state.cash_and_cost:
                turn.emit(AccountOpened(given.account.venue, given.account.wallet))
        case Compared():
            _compared(turn, given)
        case Warn():
            turn.alert(given.code, given.text, given.about)
        case SpendAttempts():
            _doubt(turn, given)
            turn.emit(AttemptsSpent(given.leg, given.through))
        case _:
            answer = _command(turn, given)
            _advance_all(turn)
            return answer
    _advance_all(turn)
    return None


def _set_clock(turn: Turn, given: ClockSeen) -> None:
    skew, limit = given.skew, turn.policy.max_clock_skew
    turn.market.skews[given.venue] = skew
    if skew.certain > limit:
        word = "ahead of" if skew.least > limit else "behind"
        turn.alert(
            "CLOCK_SKEW",
            f"the clock of {given.venue} is at least {skew.certain.total_seconds():.1f} s {word} this machine's "
            f"(the limit is {limit.total_seconds():g} s): nothing new is sent",
            about=given.venue,
        )


def _advance_all(turn: Turn) -> None:
    for plan in turn.state.open_plans():
        advance(turn, plan)


def _command(turn: Turn, given: Command) -> Done | Denied:
    match given:
        case ProposePlan():
            return propose(turn, given.spec)
        case CancelPlan():
            plan = turn.state.plans.get(given.plan_id)
            if plan is None:
                return Denied("PLAN_UNKNOWN", "a plan that exists (see: basisbot plan list)", given.plan_id)
            if plan.status is not PlanStatus.ACTIVE:
                return Denied("PLAN_CLOSED", "an active plan", f"{given.plan_id} is {plan.status}")
            ticketing.stop_plan(turn, plan, f"cancelled by {given.by}")
            off = exits.declined(turn, given.plan_id, given.by) + standing.warning(turn, plan)
            return Done(
                f"plan {given.plan_id} sends no new working orders; what has filled is still hedged{off}"
            )
        case SetExit():
            return exits.set_exit(turn, given)
        case ApproveTicket():
            return ticketing.approve(turn, given)
        case RejectTicket():
            return _reject(turn, given)
        case GrantStanding():
            return standing.grant(turn, given)
        case RevokeStanding():
            return standing.revoke(turn, given)
        case SetTradingState():
            turn.emit(TradingStateChanged(given.state, given.by, given.reason))
            _warn_of_unfinished_flatten(turn)
            return Done(f"trading is {given.state}")
        case AdoptDifferences():
            return adopting.adopt(turn, given.adopted)
        case RecordTransfer() | FinishTransfer() | CancelTransfer() | RecordConversion():
            return transferring.carry_out(turn, given)


def propose(turn: Turn, spec: PlanSpec) -> Done | Denied:
    """Take a plan on, from a person or from a watch; its tickets follow with the next quotes."""
    opens = spec.kind in (PlanKind.OPEN, PlanKind.ROLL)
    activity = Activity.PROPOSE_OPENING if opens else Activity.PROPOSE_CLOSING
    if not allows(turn.state.trading, activity):
        return Denied("TRADING_STATE", activity, turn.state.trading)
    problem = objection(turn.state, turn.policy, spec)
    if problem is None and spec.exit is not None:
        problem = exits.rules_objection(turn, spec, spec.exit)
    if problem is not None:
        return Denied("PLAN_REFUSED", problem, f"plan {spec.plan_id}")
    turn.emit(PlanProposed(spec))
    return Done(f"plan {spec.plan_id} taken on: its tickets follow (see: basisbot tickets)")


def _reject(turn: Turn, given: RejectTicket) -> Done | Denied:
    answer = ticketing.reject(turn, given)
    key = parse_leg(given.ticket_id)
    if isinstance(answer, Denied) or key is None:
        return answer
    again = standing.warning(turn, turn.state.plans[key.plan_id])
    return Done(answer.text + exits.declined(turn, key.plan_id, given.by) + again)


def _recover_fill(turn: Turn, fill: Fill) -> OrderState | None:
    return _recover(turn, fill.client_order_id, fill)


def _recover(turn: Turn, client_order_id: str | None, source: Fill | OrderUpdate) -> OrderState | None:
    """Recognise an order sent just before a crash: its id was reserved with an approval, its intent not yet
    on disk."""
    parsed = parse_client_order_id(client_order_id or "")
    leg = None if parsed is None else turn.state.leg(parsed[0])
    if parsed is None or leg is None or leg.envelope is None or client_order_id is None:
        return None
    key, attempt = parsed
    if attempt > leg.last_attempt:
        return None
    against = source.side is not leg.envelope.side
    purpose = Purpose.CONTINGENCY if against else leg.envelope.purposes[0]
    quantity = source.quantity
    if isinstance(source, Fill) and not against:
        # A fill tells no order's size: the envelope bounds it, the venue's answer settles it.
        whole, instrument = leg.envelope.quantity, turn.state.instruments[leg.instrument]
        linear = instrument.terms.kind is Kind.LINEAR
        quantity = max(quantity, int(whole) if linear else instrument.contracts_for(whole, source.price))
    request = OrderRequest(
        client_order_id,
        leg.instrument,
        source.side,
        quantity,
        source.price or leg.envelope.price_low,
        reduce_only=leg.envelope.reduce_only is not against,
    )
    turn.emit(OrderIntended(request, purpose, leg.envelope.approval_id, key))
    turn.market.doubts.pop(client_order_id, None)
    return turn.state.orders[client_order_id]


def _doubt(turn: Turn, given: SpendAttempts) -> None:
    """The venue knows none of these ids so soon after the start; one sent at the last moment may be on its way."""
    for attempt in range(max(given.through - UNWRITTEN_HEDGES, 0) + 1, given.through + 1):
        client_id = given.leg.client_order_id(attempt)
        if client_id not in turn.state.orders:
            turn.market.doubts[client_id] = turn.now + _TRUST_ABSENCE_AFTER


def _update(turn: Turn, update: OrderUpdate) -> None:
    client_id = update.client_order_id
    if client_id is None:
        return
    if client_id not in turn.state.orders and _recover(turn, client_id, update) is None:
        return
    turn.market.absent.pop(client_id, None)
    turn.market.absent_since.pop(client_id, None)
    word = WORD_OF_STATUS[update.status]
    hear_word(turn, client_id, word, update.reason, update.venue_order_id, update.filled)


def _answer(turn: Turn, answer: OrderAnswer) -> None:
    client_id = answer.client_order_id
    if answer.update is not None:
        _update(turn, answer.update)
        return
    order = turn.state.orders.get(client_id)
    if turn.now >= turn.market.doubts.get(client_id, turn.now + _TRUST_ABSENCE_AFTER):
        del turn.market.doubts[client_id]
        turn.market.up_since[answer.instrument.venue] = turn.now
    if order is None or client_id in turn.market.under_way:
        return  # the request itself has no answer yet: it may reach the venue after the question did
    # By a clock that has been set back meanwhile, it may have been intended later than it was first missed.
    since = min(order.intended_at, turn.market.absent_since.setdefault(client_id, turn.now))
    if turn.now - since < _TRUST_ABSENCE_AFTER:
        return
    turn.market.absent[client_id] = turn.market.absent.get(client_id, 0) + 1
    if turn.market.absent[client_id] >= _ABSENT_TWICE:
        hear_word(turn, client_id, Word.NO_SUCH_ORDER, "the venue knows no such order")
        turn.market.up_since[answer.instrument.venue] = turn.now
        if order.purpose is Purpose.WORK and order.leg is not None:
            # Absence is weak evidence: good enough to hedge again, not to start the same exposure again.
            plan = turn.state.plans[order.leg.plan_id]
            ticketing.stop_plan(turn, plan, f"{client_id} was sent, and the venue knows nothing of it")


def _compared(turn: Turn, given: Compared) -> None:
    market, agree = turn.market, not given.differences
    market.reconciled = agree and not given.unanswered and not market.closing
    if market.reconciled:
        market.agreed_at = turn.now
    news = given.differences != turn.state.last_differences
    if agree and given.unanswered:
        return  # the rest has not spoken: neither agreement nor the end of a mismatch
    if news:
        turn.emit(Reconciled(given.differences))
    text = "; ".join(given.differences)
    if agree:
        if market.differing_since is not None:
            lasted = _rounded(turn.now - market.differing_since)
            turn.alert("RECONCILE_MISMATCH", f"over after {lasted}: ledger and venues agree again")
        market.differing_since, market.reminded = None, 0
    elif market.differing_since is None or news:
        market.differing_since = market.differing_since or turn.now
        turn.alert("RECONCILE_MISMATCH", text)
    elif turn.now - market.differing_since >= _reminder(market.reminded):
        market.reminded += 1
        lasts = _rounded(turn.now - market.differing_since)
        turn.alert("RECONCILE_MISMATCH", f"STILL after {lasts}, and nobody has settled it: {text}")


def _reminder(number: int) -> timedelta:
    """Return how long a mismatch lasts before a person is reminded for the ``number``-th time, from 0."""
    return _REMINDERS[number] if number < len(_REMINDERS) else timedelta(hours=number - len(_REMINDERS) + 2)


def _rounded(duration: timedelta) -> timedelta:
    return timedelta(seconds=round(duration.total_seconds()))


def _adopt(turn: Turn, given: AdoptJournal) -> None:
    """Take in what the emergency command did. It was the last word on every plan."""
    for event in given.events:
        if _is_adopted(turn, event):
            continue
        if isinstance(event, FlattenOrdered):
            # What follows from it first: a crash in between has it adopted again, not forgotten.
            reason = f"flatten {event.flatten_id}"
            turn.emit(TradingStateChanged(TradingState.HALTED, event.by, reason))
            for plan in turn.state.active_plans():
                ticketing.stop_plan(turn, plan, reason, flattened=True)
            standing.revoke_all(turn, event.by, reason)
        turn.emit(event)


def _warn_of_unfinished_flatten(turn: Turn) -> None:
    """What a flatten left naked is nobody's any more: no approval covers it, so a person has to hear of it."""
    for plan in turn.state.plans.values():
        if plan.flattened and plan.leaves_something:
            turn.alert(
                "LEGGED_POSITION",
                f"plan {plan.spec.plan_id}: {plan.unhedged:+.8f} XBT were unhedged when flatten took over, and it did "
                "not end flat: run it again, or close them by hand",
            )


def _is_adopted(turn: Turn, event: FlattenOrdered | OrderIntended | FlattenFinished) -> bool:
    if isinstance(event, FlattenOrdered):
        return event.flatten_id in turn.state.flattens
    if isinstance(event, FlattenFinished):
        return event.flatten_id in turn.state.flattens_ended
    return event.request.client_order_id in turn.state.orders


def _ask_about_open_questions(turn: Turn) -> None:
    """Ask about every order whose fate is not known, or not fully described, for longer than it should be."""
    for client_id, order in turn.state.unsettled.items():
        last = turn.market.asked.get(client_id, order.intended_at)
        # One that is known to rest is asked about seldom: only a lost word of its fills would be news.
        rests = order.is_at_rest and client_id not in turn.market.pulled
        every = _ASK_STOP if order.is_stop else _ASK_AT_REST
        if turn.has_passed(every if rests else turn.policy.ask_every, last):
            turn.market.asked[client_id] = turn.now
            turn.act(Ask(order.request.instrument, client_id))
    for client_id, until in turn.market.doubts.items():
        parsed = parse_client_order_id(client_id)
        leg = None if parsed is None else turn.state.leg(parsed[0])
        due = max(
            until, turn.market.asked.get(client_id, until - turn.policy.ask_every) + turn.policy.ask_every
        )
        if leg is not None and turn.now >= due:
            turn.market.asked[client_id] = turn.now
            turn.act(Ask(leg.instrument, client_id))
