"""The decisions on a desk: hand-made contracts, quotes and words, and the test's own clock. No sockets."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from adapters.venue import HoursAnnounced, Link, LinkState
from bot.automation.watch import watch
from bot.model.actions import Action, Ask, Submit
from bot.model.events import Alerted, Event, OrderIntended
from bot.model.ids import Role
from bot.model.inputs import (
    ApproveTicket,
    Command,
    Compared,
    Done,
    Input,
    LoadInstrument,
    MeetAccount,
    OrderAnswer,
    ProposePlan,
    SetTradingState,
    SubmitRefused,
    SubmitUnknown,
    Tick,
)
from bot.model.plans import PlanKind, PlanSpec
from bot.model.policy import Policy
from bot.model.tickets import Ticket, TicketStatus
from bot.model.trading_state import TradingState
from bot.orders.decide import decide
from bot.orders.market import Market
from bot.orders.state import BotState, OrderState, PlanState
from bot.orders.turn import Turn
from risk.approval import Denied, Purpose
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money
from risk.orders import Fill, OrderRequest, OrderStatus, OrderUpdate, Side
from risk.portfolio import Account, Level, Quote
from risk.sessions import TradingHours
from risk.standing import StandingLimits
from risk.terms import Kind, Terms

D = Decimal
T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)
E = TypeVar("E", bound=Event)

XBTUSD = Instrument(InstrumentId("bitmex", "XBTUSD"), Terms(Kind.INVERSE, 100, D("0.1"), D(1), 100))
MBT = Instrument(InstrumentId("cme", "MBT"), Terms(Kind.LINEAR, 1, D(5), D("0.1")))
BTC = Instrument(InstrumentId("cme", "BTC"), Terms(Kind.LINEAR, 1, D(5), D(5)))
INSTRUMENTS = {known.id: known for known in (XBTUSD, MBT, BTC)}

POLICY = Policy(
    max_unattended_delta=D("0.5"),
    max_quote_age=timedelta(seconds=5),
    max_quiet_move=D("0.002"),
    close_margin=timedelta(seconds=60),
    price_band=D("0.05"),
    pay_up=(D("0.0005"), D("0.001"), D("0.0025")),
    hard_band=D("0.005"),
    basis_slack=D("0.001"),
    slop_ticks=2,
    clip_pause=timedelta(seconds=0.2),
    approve_by=timedelta(seconds=300),
    execute_by=timedelta(seconds=300),
    reserved_attempts=20,
    unhedged_limit=timedelta(seconds=10),
    ask_every=timedelta(seconds=1),
    max_plan_xbt=D(5),
    max_inverse_margin=D("0.6"),
    max_linear_margin=D("0.9"),
    refuse_unknown_margin=False,
    max_order_notional=D(500_000),
    max_delta_after=D(50),
    max_open_orders=10,
    funding_margin=timedelta(seconds=60),
    max_clock_skew=timedelta(seconds=2),
    rate_reserve=D("0.2"),
    standing=StandingLimits(timedelta(days=31), D(5), D(20), D("0.4")),
    hedge_deadline=timedelta(seconds=30),
    what_if_wait=timedelta(seconds=3),
)

LONG, SHORT = Direction.LONG_INVERSE, Direction.SHORT_INVERSE


def spec(**changes: object) -> PlanSpec:
    """A plan to open 0.3 XBT long-inverse in one tranche, without a collateral hedge, but for ``changes``."""
    fields: dict[str, object] = {
        "plan_id": "plan1",
        "kind": PlanKind.OPEN,
        "direction": LONG,
        "inverse": XBTUSD.id,
        "linear": MBT.id,
        "size_xbt": D("0.3"),
        "tranches": 1,
        "collateral": False,
        "proposed_by": "anna",
    }
    return PlanSpec(**(fields | changes))  # type: ignore[arg-type]


def account(venue: str, wallet: str = "1") -> Account:
    currency = Currency.XBT if venue == "bitmex" else Currency.USD
    cash, nothing = Money.of(currency, D(wallet)), Money(currency, 0)
    return Account(venue, cash, cash, cash, nothing, nothing, T0)


class Desk:
    """One bot's decisions. ``events``: all it decided, with their times; ``sent``: all it wants sent."""

    def __init__(self, policy: Policy = POLICY, linear: Instrument = MBT) -> None:
        self.policy = policy
        self.linear = linear
        self.now = T0
        self.state = BotState()
        self.market = Market()
        self.events: list[tuple[Event, datetime]] = []
        self.sent: list[Submit] = []
        self.asked: list[Ask] = []
        self.other: list[Action] = []
        self.executions = 0

    @classmethod
    def ready(
        cls,
        policy: Policy = POLICY,
        linear: Instrument = MBT,
        wallet: str = "1",
        trading: TradingState = TradingState.ACTIVE,
    ) -> "Desk":
        """A desk with contracts, books opened, links up, books agreed upon and quotes in."""
        desk = cls(policy, linear)
        desk.open(wallet, trading=trading)
        return desk

    def open(self, wallet: str, cash: str = "2000000", trading: TradingState = TradingState.ACTIVE) -> None:
        for instrument in (XBTUSD, self.linear):
            self.load(instrument)
        for venue, money in (("bitmex", wallet), ("cme", cash)):
            self.link(venue)
            self.give(MeetAccount(account(venue, money)))
        self.give(Compared(()))
        self.command(SetTradingState(trading, "anna", "the day begins"))
        self.quotes()

    def load(self, instrument: Instrument) -> None:
        """What a venue tells of a contract when it is connected: its terms, and that it never closes."""
        self.give(LoadInstrument(instrument))
        self.give(HoursAnnounced(instrument.id, TradingHours.always()))

    # --- inputs ------------------------------------------------------------------------------------------

    def give(self, given: Input) -> Done | Denied | None:
        turn = Turn(self.state, self.market, self.policy, self.now)
        answer = decide(turn, given)
        if isinstance(given, Tick):
            watch(turn)
        self.events += [(event, self.now) for event in turn.events]
        self._take(turn.actions)
        return answer

    def _take(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Submit():
                    self.sent.append(action)
                case Ask():
                    self.asked.append(action)
                case _:
                    self.other.append(action)

    def command(self, given: Command) -> Done:
        answer = self.give(given)
        assert isinstance(answer, Done), answer
        return answer

    def wait(self, seconds: float, *, ticks: int = 1) -> None:
        """Let time pass, in equal ``ticks``."""
        for _ in range(ticks):
            self.now += timedelta(seconds=seconds) / ticks
            self.give(Tick())

    def quote(self, instrument: Instrument, bid: str | None, ask: str | None, size: int = 1_000_000) -> None:
        bids, asks = (() if price is None else (Level(D(price), size),) for price in (bid, ask))
        self.give(Quote(instrument.id, bids, asks, self.now))

    def quotes(
        self,
        inverse: tuple[str, str] = ("79999.9", "80000"),
        linear: tuple[str, str] = ("80700", "80705"),
    ) -> None:
        """Both books anew. As they stand, opening long-inverse takes in a basis of 700."""
        self.quote(XBTUSD, *inverse)
        self.quote(self.linear, *linear)

    def link(self, venue: str, state: LinkState = LinkState.UP) -> None:
        self.give(Link(venue, state, self.now))

    # --- plans and tickets -------------------------------------------------------------------------------

    def propose(self, **changes: object) -> None:
        self.command(ProposePlan(spec(**changes)))

    @property
    def plan(self) -> PlanState:
        return list(self.state.plans.values())[-1]

    @property
    def status(self) -> str:
        """The plan's status, read anew each time."""
        return self.plan.status.value

    @property
    def tickets(self) -> dict[Role, Ticket]:
        """The tickets that wait for an answer."""
        return {leg.key.role: leg.ticket for leg in self.state.legs() if leg.status is TicketStatus.OPEN}

    def approve(self, *roles: Role) -> None:
        """Approve the open tickets of ``roles``, of all without any."""
        for role, ticket in list(self.tickets.items()):
            if not roles or role in roles:
                self.command(ApproveTicket(ticket.ticket_id, ticket.material.content_hash(), "anna"))

    def armed(self, **changes: object) -> "Desk":
        """Propose a plan and approve its first tranche: the first working order is out."""
        self.propose(**changes)
        self.approve()
        return self

    # --- orders ------------------------------------------------------------------------------------------

    @property
    def last(self) -> OrderRequest:
        return self.sent[-1].order.request

    @property
    def shown(self) -> list[tuple[str, str, int, str]]:
        """Every order sent: id, side, contracts, price."""
        requests = [submit.order.request for submit in self.sent]
        return [(r.client_order_id, str(r.side), r.quantity, format(r.price, "f")) for r in requests]

    def order(self, client_order_id: str) -> OrderState:
        return self.state.orders[client_order_id]

    def of(self, purpose: Purpose) -> list[OrderRequest]:
        return [submit.order.request for submit in self.sent if submit.order.purpose is purpose]

    def tell(self, status: OrderStatus, filled: int = 0, order: OrderRequest | None = None) -> None:
        """The venue's word on an order (the last one sent)."""
        self.give(self.update(status, filled, order))

    def update(self, status: OrderStatus, filled: int = 0, order: OrderRequest | None = None) -> OrderUpdate:
        request = order or self.last
        leaves = 0 if status.is_final else request.quantity - filled
        return OrderUpdate(
            request.instrument,
            request.client_order_id,
            f"v-{request.client_order_id}",
            status,
            request.side,
            request.quantity,
            filled,
            leaves,
            self.now,
            request.price,
        )

    def execution(
        self, quantity: int, price: str | Decimal | None = None, order: OrderRequest | None = None
    ) -> Fill:
        """An execution of an order (the last one sent), at its limit unless said otherwise. Not yet heard."""
        request = order or self.last
        self.executions += 1
        return Fill(
            f"x{self.executions}",
            request.instrument,
            request.client_order_id,
            f"v-{request.client_order_id}",
            request.side,
            quantity,
            request.price if price is None else D(price),
            self.now,
            Money(Currency.XBT, 10) if request.instrument.venue == "bitmex" else None,
        )

    def fill(
        self, quantity: int, price: str | Decimal | None = None, order: OrderRequest | None = None
    ) -> None:
        self.give(self.execution(quantity, price, order))

    def trade(self, price: str | Decimal | None = None, quantity: int | None = None) -> OrderRequest:
        """Fill the last order (part of it: the rest is cancelled) and say it is final. Returns it."""
        request = self.last
        filled = request.quantity if quantity is None else quantity
        if filled:
            self.fill(filled, price, request)
        whole = filled == request.quantity
        self.tell(OrderStatus.FILLED if whole else OrderStatus.CANCELED, filled, request)
        return request

    def refuse(self, order: OrderRequest | None = None, code: str = "NO_MARGIN") -> None:
        request = order or self.last
        self.give(SubmitRefused(request.client_order_id, code, "not today", reached_venue=True))

    def silence(self, order: OrderRequest | None = None) -> None:
        request = order or self.last
        self.give(SubmitUnknown(request.client_order_id, "timeout"))

    def answer(self, update: OrderUpdate | None, order: OrderRequest | None = None) -> None:
        """The venue's answer to a question about an order (the last one sent)."""
        request = order or self.last
        self.give(OrderAnswer(request.instrument, request.client_order_id, update))

    def dispel(self) -> None:
        """Later, asked again, the venue knows no hedge that might have been on its way when the bot died."""
        self.wait(12)
        for ask in self.asked:
            if ask.client_order_id in self.market.doubts:
                self.give(OrderAnswer(ask.instrument, ask.client_order_id, None))

    # --- what came of it ---------------------------------------------------------------------------------

    def told(self, kind: type[E]) -> list[E]:
        return [event for event, _ in self.events if isinstance(event, kind)]

    @property
    def alerts(self) -> list[str]:
        return [alert.code for alert in self.told(Alerted)]

    @property
    def intents(self) -> list[str]:
        return [event.request.client_order_id for event in self.told(OrderIntended)]

    def hold(self, inverse: int = 0, linear: int = 0, price: str = "80000") -> None:
        """Come to positions by foreign fills: what was there before the plan under test.

        A foreign fill halts trading; the person has looked, and set the state back.
        """
        before = self.state.trading
        for instrument, contracts in ((XBTUSD, inverse), (self.linear, linear)):
            if contracts:
                self.executions += 1
                side = Side.BUY if contracts > 0 else Side.SELL
                fill = Fill(
                    f"x{self.executions}",
                    instrument.id,
                    None,
                    "by-hand",
                    side,
                    abs(contracts),
                    D(price),
                    self.now,
                )
                self.give(replace(fill, at=self.now))
        if self.state.trading is not before:
            self.command(SetTradingState(before, "anna", "these are ours"))


def xbt(text: str) -> Money:
    return Money.of(Currency.XBT, D(text))
