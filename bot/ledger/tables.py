"""The ledger's tables: the chain of events, and the projections read from it.

Money is integers of 1e-8, Decimals and times are text; the tables are STRICT, so that SQLite itself refuses a
float. Every row of a projection names the event (``seq``) that made it, and can be made again from the chain.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

SCHEMA_VERSION = 4
"""Of these tables; each has its step in ``bot.ledger.migrations``, and a test holds the two together."""


class Units(TypeDecorator[int]):
    """Minor units of 1e-8 as a 64-bit integer; anything that is no integer is refused."""

    impl = BigInteger().with_variant(Integer(), "sqlite")
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> int | None:
        if value is not None and type(value) is not int:
            raise TypeError(f"money is stored as integer units, not as {value!r}")
        return value


class Exact(TypeDecorator[Decimal]):
    """A Decimal as plain text; a float is refused."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"an exact number is stored from a Decimal, not from {value!r}")
        return format(value, "f")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Utc(TypeDecorator[datetime]):
    """An aware time as ISO 8601 text in UTC."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise TypeError(f"a time is stored from an aware datetime, not from {value!r}")
        return value.astimezone(UTC).isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class Row(SQLModel):
    metadata: ClassVar[MetaData] = MetaData()
    __table_args__ = {"sqlite_strict": True}


class EventRow(Row, table=True):
    """The chain: nothing here is ever changed or removed."""

    __tablename__ = "event"
    seq: int = Field(primary_key=True)
    at: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    payload: str = Field(sa_type=Text)
    hash: str = Field(sa_type=Text)


class HeadRow(Row, table=True):
    """Where the chain ends (one row), so that a chain cut off at its end is noticed."""

    __tablename__ = "head"
    id: int = Field(primary_key=True)
    seq: int
    hash: str = Field(sa_type=Text)


class PlanRow(Row, table=True):
    __tablename__ = "plan"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    plan_id: str = Field(sa_type=Text, index=True)
    kind: str = Field(sa_type=Text)
    direction: str = Field(sa_type=Text)
    inverse: str = Field(sa_type=Text)
    linear: str = Field(sa_type=Text)
    size_xbt: Decimal | None = Field(default=None, sa_type=Exact)
    tranches: int
    collateral: int
    proposed_by: str = Field(sa_type=Text)
    min_basis: Decimal | None = Field(default=None, sa_type=Exact)
    max_basis: Decimal | None = Field(default=None, sa_type=Exact)
    target_delta: Decimal = Field(sa_type=Exact)
    status: str = Field(sa_type=Text)
    status_seq: int
    reason: str = Field(sa_type=Text)


class TicketRow(Row, table=True):
    """``status`` is what became of it, ``status_seq`` the event that said so."""

    __tablename__ = "ticket"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    ticket_id: str = Field(sa_type=Text, index=True)
    content_hash: str = Field(sa_type=Text)
    venue: str = Field(sa_type=Text)
    symbol: str = Field(sa_type=Text)
    side: str = Field(sa_type=Text)
    reduce_only: int
    quantity: Decimal = Field(sa_type=Exact)
    price_low: Decimal = Field(sa_type=Exact)
    price_high: Decimal = Field(sa_type=Exact)
    min_basis: Decimal | None = Field(default=None, sa_type=Exact)
    max_basis: Decimal | None = Field(default=None, sa_type=Exact)
    contracts: int
    purpose: str = Field(sa_type=Text)
    raised_at: datetime = Field(sa_type=Utc)
    approve_by: datetime = Field(sa_type=Utc)
    status: str = Field(sa_type=Text)
    status_seq: int
    decided_by: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)


class ApprovalRow(Row, table=True):
    """An envelope and its reserved attempts; of the emergency command (purposes ``flatten``) only who and when."""

    __tablename__ = "approval"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    approval_id: str = Field(sa_type=Text, index=True)
    leg: str | None = Field(default=None, sa_type=Text)
    content_hash: str | None = Field(default=None, sa_type=Text)
    venue: str = Field(sa_type=Text)
    symbol: str | None = Field(default=None, sa_type=Text)
    side: str | None = Field(default=None, sa_type=Text)
    reduce_only: int | None = None
    quantity: Decimal | None = Field(default=None, sa_type=Exact)
    price_low: Decimal | None = Field(default=None, sa_type=Exact)
    price_high: Decimal | None = Field(default=None, sa_type=Exact)
    min_basis: Decimal | None = Field(default=None, sa_type=Exact)
    max_basis: Decimal | None = Field(default=None, sa_type=Exact)
    purposes: str = Field(sa_type=Text)
    execute_by: datetime | None = Field(default=None, sa_type=Utc)
    approved_by: str = Field(sa_type=Text)
    approved_at: datetime = Field(sa_type=Utc)
    first_attempt: int | None = None
    last_attempt: int | None = None
    standing_id: str | None = Field(default=None, sa_type=Text)


class StandingRow(Row, table=True):
    """``scopes``: what it is for, a line each. ``status`` is granted or revoked, ``status_seq`` the event that said so;
    one whose ``ends_at`` has passed is over."""

    __tablename__ = "standing_approval"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    standing_id: str = Field(sa_type=Text, index=True)
    scopes: str = Field(sa_type=Text)
    daily_xbt: Decimal = Field(sa_type=Exact)
    total_xbt: Decimal = Field(sa_type=Exact)
    max_delta_xbt: Decimal = Field(sa_type=Exact)
    price_low: Decimal = Field(sa_type=Exact)
    price_high: Decimal = Field(sa_type=Exact)
    ends_at: datetime = Field(sa_type=Utc)
    given_by: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    status_seq: int
    ended_by: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    min_basis: Decimal | None = Field(default=None, sa_type=Exact)
    max_basis: Decimal | None = Field(default=None, sa_type=Exact)
    max_ticket_xbt: Decimal | None = Field(default=None, sa_type=Exact)


class OrderRow(Row, table=True):
    """An order as it was intended; ``belief`` and what follows it is the latest we believe of it."""

    __tablename__ = "order"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    client_order_id: str = Field(sa_type=Text, index=True)
    venue: str = Field(sa_type=Text)
    symbol: str = Field(sa_type=Text)
    side: str = Field(sa_type=Text)
    quantity: int
    price: Decimal = Field(sa_type=Exact)
    time_in_force: str = Field(sa_type=Text)
    reduce_only: int
    purpose: str = Field(sa_type=Text)
    approval_id: str = Field(sa_type=Text, index=True)
    leg: str | None = Field(default=None, sa_type=Text)
    belief: str = Field(sa_type=Text)
    belief_seq: int
    venue_order_id: str = Field(sa_type=Text)
    detail: str = Field(sa_type=Text)


class FillRow(Row, table=True):
    """An execution as the venue last told it; one taken back has a quantity of 0. ``fee_seq`` is the event that told
    the fee: the fill's own, a later one's, or none yet."""

    __tablename__ = "fill"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    venue: str = Field(sa_type=Text)
    symbol: str = Field(sa_type=Text)
    execution_id: str = Field(sa_type=Text, index=True)
    client_order_id: str | None = Field(default=None, sa_type=Text, index=True)
    venue_order_id: str = Field(sa_type=Text)
    side: str = Field(sa_type=Text)
    quantity: int
    price: Decimal = Field(sa_type=Exact)
    liquidity: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Utc)
    heard_at: datetime = Field(sa_type=Utc)
    foreign: int
    fee_currency: str | None = Field(default=None, sa_type=Text)
    fee_units: int | None = Field(default=None, sa_type=Units)
    fee_seq: int | None = None


class CashFlowRow(Row, table=True):
    __tablename__ = "cash_flow"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    venue: str = Field(sa_type=Text)
    flow_id: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    units: int = Field(sa_type=Units)
    symbol: str | None = Field(default=None, sa_type=Text)
    at: datetime = Field(sa_type=Utc)


class TransferRow(Row, table=True):
    """``status`` is what became of it, ``status_seq`` the event that said so; ``cost_units``: lost on the way."""

    __tablename__ = "transfer"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    transfer_id: str = Field(sa_type=Text, index=True)
    currency: str = Field(sa_type=Text)
    units: int = Field(sa_type=Units)
    source: str = Field(sa_type=Text)
    target: str = Field(sa_type=Text)
    recorded_by: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    status_seq: int
    cost_units: int = Field(sa_type=Units)
    ended_by: str = Field(sa_type=Text)
    ended_reason: str = Field(sa_type=Text)


class TransferFlowRow(Row, table=True):
    """Which flow of a venue was (a part of) which transfer; ``units`` > 0 arrived, < 0 left."""

    __tablename__ = "transfer_flow"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    transfer_id: str = Field(sa_type=Text, index=True)
    venue: str = Field(sa_type=Text)
    flow_id: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    units: int = Field(sa_type=Units)
    matched_by: str = Field(sa_type=Text)


class ConversionRow(Row, table=True):
    __tablename__ = "conversion"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    conversion_id: str = Field(sa_type=Text, index=True)
    sold_currency: str = Field(sa_type=Text)
    sold_units: int = Field(sa_type=Units)
    bought_currency: str = Field(sa_type=Text)
    bought_units: int = Field(sa_type=Units)
    fee_currency: str = Field(sa_type=Text)
    fee_units: int = Field(sa_type=Units)
    brought_in_units: int = Field(sa_type=Units)
    recorded_by: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)


class PostingRow(Row, table=True):
    """One line of the journal; the lines of one ``seq`` are an entry and sum to zero in each currency."""

    __tablename__ = "posting"
    seq: int = Field(primary_key=True, foreign_key="event.seq")
    line: int = Field(primary_key=True)
    account: str = Field(sa_type=Text, index=True)
    currency: str = Field(sa_type=Text)
    units: int = Field(sa_type=Units)


class SnapshotRow(Row, table=True):
    """The state after event ``seq`` (one row). Only ever a shortcut: without it the chain is folded."""

    __tablename__ = "snapshot"
    id: int = Field(primary_key=True)
    seq: int = Field(foreign_key="event.seq")
    hash: str = Field(sa_type=Text)
    format: str = Field(sa_type=Text)
    payload: str = Field(sa_type=Text)
    checksum: str = Field(sa_type=Text)


class SnapshotEntryRow(Row, table=True):
    """An entry of the state that rests here instead of in memory: a plan that is over, an old order or execution."""

    __tablename__ = "snapshot_entry"
    name: str = Field(sa_type=Text, primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    value: str = Field(sa_type=Text)
    checksum: str = Field(sa_type=Text)


class SnapshotKeysRow(Row, table=True):
    """The digests of the keys of what rests, and of what is only known to have been: a sorted run, then later ones."""

    __tablename__ = "snapshot_keys"
    name: str = Field(sa_type=Text, primary_key=True)
    run: int = Field(primary_key=True)
    payload: bytes = Field(sa_type=LargeBinary)
    checksum: str = Field(sa_type=Text)


def _table(name: str) -> Table:
    return Row.metadata.tables[name]


EVENT = _table("event")
HEAD = _table("head")
PLAN = _table("plan")
TICKET = _table("ticket")
APPROVAL = _table("approval")
STANDING = _table("standing_approval")
ORDER = _table("order")
FILL = _table("fill")
CASH_FLOW = _table("cash_flow")
TRANSFER = _table("transfer")
TRANSFER_FLOW = _table("transfer_flow")
CONVERSION = _table("conversion")
POSTING = _table("posting")
SNAPSHOT = _table("snapshot")
SNAPSHOT_ENTRY = _table("snapshot_entry")
SNAPSHOT_KEYS = _table("snapshot_keys")

PROJECTIONS = (
    PLAN,
    TICKET,
    APPROVAL,
    STANDING,
    ORDER,
    FILL,
    CASH_FLOW,
    TRANSFER,
    TRANSFER_FLOW,
    CONVERSION,
    POSTING,
)
"""Every table that can be made again from the events."""

SNAPSHOTS = (SNAPSHOT, SNAPSHOT_ENTRY, SNAPSHOT_KEYS)
