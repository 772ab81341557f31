"""The limits the decisions work within; built from the profile, never changed while running."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bot.model.automation import Automation
from bot.model.escalation import Rung, objection
from risk.standing import StandingLimits
from risk.terms import Kind


@dataclass(frozen=True, slots=True)
class Policy:
    """``rest``: how long a working order stays in the book of a venue without a dead man's switch;
    ``switch_after``: when a switch cancels what rests, once the bot has fallen silent.
    ``max_unattended_delta``: XBT one working order may put at risk. ``max_quote_age``: older quotes start
    nothing. ``max_quiet_move``: how far (fraction) another venue's price may have moved since a book last
    changed; beyond it the book counts as frozen. ``max_apart``: how far (fraction) the two venues' prices may be from
    each other to be believed; twice as far where one of them is old.
    ``close_margin``: how long a market must stay open for new work to
    start. ``price_band``: sanity band around the mid at ticket time;
    ``hard_band``: how far from the touch a hedge may go at last; ``pay_up``: the rungs before it — all
    fractions of price; ``rungs``: these in their place, in ticks too and each with its time. ``hedge_rests``: how
    long a hedge rests at its own side's best price before it crosses (0: it crosses at once). ``basis_slack``: how
    much worse than the ticket's basis (fraction of price) working orders may trade when the plan names no limit.
    ``slop_ticks``: ticks through the touch for a working order; ``inverse_slop_ticks``: at the inverse venue, whose
    ticks are smaller (None: as many). ``clip_pause``: between two working orders. ``approve_by``/``execute_by``: the
    two lifetimes of an approval. ``reserved_attempts``: order ids made durable with an approval, beside one for each
    lot.
    ``unhedged_limit``: how long a filled part may stay unhedged before it is unwound. ``ask_every``: between
    two questions about an UNKNOWN order. ``max_inverse_margin``: initial margin at the inverse venue, as a
    fraction of equity, that no new tranche may pass; ``max_linear_margin``: likewise at the linear one, where the
    broker has said it, and ``refuse_unknown_margin``: nothing is proposed where nobody has. ``max_order_notional``:
    USD of one working order. ``max_delta_after``: XBT that Δ may be off its target after an order that takes it
    further. ``max_open_orders``: of ours, at one venue. ``funding_margin``: before a funding payment nothing is
    opened that would have to pay it. ``max_clock_skew``: between our clock and a venue's. ``rate_reserve``: the
    fraction of a venue's rate limit that working orders leave to cancels, hedges and the emergency. ``standing``:
    what no standing approval may exceed. ``hedge_deadline``: how long, in sequential mode, what has filled waits for
    a person to approve its hedge. ``what_if_wait``: for a venue's answer to
    what margin an order would need. ``exit_confirm`` and ``exit_quotes``: how long a basis must have been seen, and by
    how many quotes of each leg, before an exit believes it. ``opening_margin``: nothing is opened that much before a
    close; ``settlement_margin``: before a leg's last trade. ``reserve``: fraction of an account's equity that opening
    leaves free of initial margin, ``reserve_xbt`` and ``reserve_usd``: at least."""

    max_unattended_delta: Decimal
    max_quote_age: timedelta
    max_quiet_move: Decimal
    close_margin: timedelta
    price_band: Decimal
    pay_up: tuple[Decimal, ...]
    hard_band: Decimal
    basis_slack: Decimal
    slop_ticks: int
    clip_pause: timedelta
    approve_by: timedelta
    execute_by: timedelta
    reserved_attempts: int
    unhedged_limit: timedelta
    ask_every: timedelta
    max_plan_xbt: Decimal
    max_inverse_margin: Decimal
    max_linear_margin: Decimal
    refuse_unknown_margin: bool
    max_order_notional: Decimal
    max_delta_after: Decimal
    max_open_orders: int
    funding_margin: timedelta
    max_clock_skew: timedelta
    rate_reserve: Decimal
    standing: StandingLimits
    hedge_deadline: timedelta
    what_if_wait: timedelta
    automation: Automation | None = None
    rest: timedelta = timedelta(seconds=10)
    switch_after: timedelta = timedelta(seconds=20)
    exit_confirm: timedelta = timedelta(seconds=10)
    exit_quotes: int = 3
    opening_margin: timedelta = timedelta(0)
    settlement_margin: timedelta = timedelta(0)
    reserve: Decimal = Decimal(0)
    reserve_xbt: Decimal = Decimal(0)
    reserve_usd: Decimal = Decimal(0)
    rungs: tuple[Rung, ...] = ()
    hedge_rests: timedelta = timedelta(0)
    inverse_slop_ticks: int | None = None
    max_apart: Decimal = Decimal("0.3")

    def __post_init__(self) -> None:
        problem = objection(self.ladder, self.hard_band)
        if problem is not None:
            raise ValueError(problem)
        if not timedelta(0) <= self.hedge_rests < self.unhedged_limit:
            raise ValueError("hedge_rests must be shorter than unhedged_limit")
        if self.hard_band >= self.price_band:
            raise ValueError("hard_band must be narrower than price_band")
        if not 1 <= self.reserved_attempts <= 999:
            raise ValueError("reserved_attempts runs from 1 to 999")
        if self.max_quiet_move <= 0:
            raise ValueError("max_quiet_move must be positive")
        if self.max_apart <= 0:
            raise ValueError("max_apart must be positive")
        if self.max_unattended_delta <= 0:
            raise ValueError("max_unattended_delta must be positive")

    @property
    def ladder(self) -> tuple[Rung, ...]:
        """The rungs before the hard band."""
        return self.rungs or tuple(Rung(fraction) for fraction in self.pay_up)

    @property
    def ids_a_lot(self) -> int:
        """How many order ids the hedge of one lot takes at best: one that rests first, and the one that crosses."""
        return 2 if self.hedge_rests else 1

    def rung(self, step: int) -> Rung:
        """Return rung ``step`` of the ladder, from 0: after the last comes the hard band."""
        return self.ladder[step] if step < self.last_step else Rung(self.hard_band)

    def through(self, step: int, touch: Decimal, tick: Decimal) -> Decimal:
        """Return how far through ``touch`` a hedge goes on rung ``step``, never beyond the hard band (USD per XBT)."""
        return min(self.rung(step).distance(touch, tick), touch * self.hard_band)

    @property
    def last_step(self) -> int:
        return len(self.rungs or self.pay_up)

    def slop(self, kind: Kind) -> int:
        """Return the slop of a working order in a contract of ``kind``, in its ticks."""
        if kind is Kind.LINEAR or self.inverse_slop_ticks is None:
            return self.slop_ticks
        return self.inverse_slop_ticks
