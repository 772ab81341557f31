"""One plan, summed up: its pair, its collateral hedge, fees, funding, and how long it was naked."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.ledger.amounts import NOTHING, Amounts, Tally
from bot.ledger.legs import LegResult, LegTally, PairResult, leg_results, pair_result
from bot.ledger.naked import Exposure, PlanExposure
from bot.model.ids import LegKey, Role
from bot.model.plans import PlanKind, PlanSpec, PlanStatus
from risk.instruments import InstrumentId
from risk.money import Currency


@dataclass(frozen=True, slots=True)
class PlanResult:
    """``linear``, ``inverse``: the legs of the spread, ``pair`` both together, ``basis`` what their fills locked in:
    the USD the one gave beyond what the other took, and the XBT that did not match.

    ``single``: what was traded without a partner (the collateral's hedge, remainders), ``collateral`` all of it.
    ``fees`` by venue, positive when paid. ``funding`` is the plan's share by contracts held, opened first closed
    first; positive when received. ``result`` is all of that, in the currencies it came in.
    """

    plan_id: str
    spec: PlanSpec | None
    status: PlanStatus
    reason: str
    proposed_at: datetime | None
    finished_at: datetime | None
    tranches_filled: int
    linear: LegResult | None
    inverse: LegResult | None
    pair: PairResult | None
    basis: Amounts
    single: tuple[LegResult, ...]
    collateral: Amounts
    fees: tuple[tuple[str, Amounts], ...]
    funding: Amounts
    result: Amounts
    exposure: PlanExposure


class PlanFold:
    """Collects what belongs to one plan."""

    def __init__(self, plan_id: str) -> None:
        self.plan_id = plan_id
        self.spec: PlanSpec | None = None
        self.proposed_at: datetime | None = None
        self._finished_at: datetime | None = None
        self._status, self._reason = PlanStatus.ACTIVE, ""
        self._legs: dict[LegKey, LegTally] = {}
        self._fees: dict[str, Tally] = {}
        self._funding = Tally()
        self._exposure = Exposure()
        self._finished_tranches: set[int] = set()

    def quoted(self, leg: LegKey, instrument: InstrumentId, quote: Decimal | None) -> None:
        """Take the quote on a leg's ticket; a ticket that comes after the leg has traded is not what it was sent by."""
        known = self._legs.get(leg)
        if known is None or not known.traded:
            self._legs[leg] = LegTally(instrument, quote)

    def trade(
        self,
        leg: LegKey,
        instrument: InstrumentId,
        exchanged: Tally,
        heard_at: datetime,
        lot_xbt: Decimal | None,
    ) -> None:
        """Take what a fill, or its correction, exchanged. ``lot_xbt``: the finer contract's lot, in XBT; None: as
        before."""
        tally = self._legs.setdefault(leg, LegTally(instrument))
        for currency in Currency:
            tally.exchanged.add(currency, exchanged.units[currency])
        if leg.role is not Role.SINGLE:
            self._exposure.trade(exchanged.units[Currency.XBT], heard_at, lot_xbt)

    def fee(self, venue: str, currency: Currency, units: int) -> None:
        self._fees.setdefault(venue, Tally()).add(currency, units)

    def fund(self, currency: Currency, units: int) -> None:
        self._funding.add(currency, units)

    def tranche_finished(self, tranche: int) -> None:
        self._finished_tranches.add(tranche)

    def finish(self, at: datetime, status: PlanStatus, reason: str) -> None:
        self._exposure.finish(at)
        self._finished_at, self._status, self._reason = at, status, reason

    def result(self, until: datetime | None, linear: set[InstrumentId]) -> PlanResult:
        """Sum up. ``until``: the last event's time. ``linear``: which contracts are linear ones."""
        pairs = leg_results(leg for key, leg in self._legs.items() if key.role is not Role.SINGLE)
        single = leg_results(leg for key, leg in self._legs.items() if key.role is Role.SINGLE)
        if self.spec is not None and self.spec.is_roll:
            linear = {self.spec.linear}  # of the two months, the new one
        of_linear = next((leg for leg in pairs if leg.instrument in linear), None)
        of_inverse = next((leg for leg in pairs if leg.instrument not in linear), None)
        basis = sum((leg.exchanged for leg in pairs), NOTHING)
        collateral = sum((leg.exchanged for leg in single), NOTHING)
        fees = tuple((venue, tally.amounts) for venue, tally in sorted(self._fees.items()))
        funding = self._funding.amounts
        return PlanResult(
            plan_id=self.plan_id,
            spec=self.spec,
            status=self._status,
            reason=self._reason,
            proposed_at=self.proposed_at,
            finished_at=self._finished_at,
            tranches_filled=sum(self._is_filled(tranche) for tranche in self._finished_tranches),
            linear=of_linear,
            inverse=of_inverse,
            pair=pair_result(of_linear, of_inverse),
            basis=basis,
            single=single,
            collateral=collateral,
            fees=fees,
            funding=funding,
            result=basis + collateral + funding - sum((paid for _, paid in fees), NOTHING),
            exposure=self._exposure.result(self.plan_id, until),
        )

    def _is_filled(self, tranche: int) -> bool:
        # What was taken back again leaves XBT or USD alone, whatever the price.
        alone = self.spec is not None and self.spec.kind in (PlanKind.SINGLE, PlanKind.PROTECT)
        leg = self._legs.get(LegKey(self.plan_id, tranche, Role.SINGLE if alone else Role.WORKING))
        return leg is not None and all(leg.exchanged.units[currency] for currency in Currency)
