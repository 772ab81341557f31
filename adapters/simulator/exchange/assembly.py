"""How the parts of an exchange are put together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from adapters.simulator.exchange.clearing import Clearing
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.corrections import Corrections
from adapters.simulator.exchange.course import Course
from adapters.simulator.exchange.deleveraging import Deleveraging
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.ids import VenueIds
from adapters.simulator.exchange.insurance import Insurance
from adapters.simulator.exchange.liquidation import BrokerLiquidator, Liquidator
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.margin_desk import MarginDesk
from adapters.simulator.exchange.order_desk import OrderDesk
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.outbox import Outbox
from adapters.simulator.exchange.rules import VenueRules
from adapters.simulator.exchange.timetable import Timetable


@dataclass(frozen=True, slots=True)
class Parts:
    """What one exchange is made of."""

    outbox: Outbox
    listings: dict[str, Listing]
    store: OrderStore
    clearing: Clearing
    desk: OrderDesk
    timetable: Timetable
    margins: MarginDesk
    insurance: Insurance
    deleveraging: Deleveraging
    corrections: Corrections
    course: Course


def assemble(
    name: str,
    specs: Iterable[ContractSpec],
    rules: VenueRules,
    now: datetime,
    seed: int,
    funding: FundingSchedule | None,
    fund: int,
) -> Parts:
    """Put an exchange together. ``fund``: what its insurance fund holds. Raises ValueError for a foreign contract."""
    listings: dict[str, Listing] = {}
    for spec in specs:
        if spec.kind is not rules.kind:
            raise ValueError(f"{name} lists {rules.kind} contracts only; {spec.symbol} is {spec.kind}")
        due = funding if spec.is_inverse and spec.is_perpetual else None
        listings[spec.symbol] = Listing(spec, due, None if due is None else due.next_after(now))
    outbox, store, ids = Outbox(), OrderStore(), VenueIds(rules.kind, seed, now)
    clearing = Clearing(rules, listings, store, ids, outbox)
    desk = OrderDesk(rules, clearing, store, ids, outbox)
    timetable = Timetable(rules, listings, clearing, desk, store, outbox, now)
    margins, insurance = MarginDesk(listings, clearing, store), Insurance(desk, fund)
    deleveraging = Deleveraging(listings, clearing, desk, store, outbox)
    liquidator = Liquidator(listings, clearing, desk, margins, store, insurance, deleveraging, outbox)
    broker = BrokerLiquidator(listings, clearing, desk, store, timetable)
    course = Course(rules, listings, clearing, desk, store, timetable, liquidator, broker)
    corrections = Corrections(listings, clearing, desk, store)
    return Parts(
        outbox,
        listings,
        store,
        clearing,
        desk,
        timetable,
        margins,
        insurance,
        deleveraging,
        corrections,
        course,
    )
