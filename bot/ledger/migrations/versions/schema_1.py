"""The first schema: the chain, its head, and the projections."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def upgrade() -> None:
    _table("event", "at kind payload hash", chained=False)
    # The chain is append-only for everybody, a person with an SQL shell included.
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER event_no_{act.lower()} BEFORE {act} ON event "
            f"BEGIN SELECT RAISE(ABORT, 'events are never changed'); END"
        )
    op.create_table(
        "head",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.execute(f"INSERT INTO head (id, seq, hash) VALUES (1, 0, '{'0' * 64}')")

    _table(
        "plan",
        "plan_id kind direction inverse linear size_xbt? tranches# collateral# proposed_by min_basis? "
        "max_basis? target_delta status status_seq# reason",
        "plan_id",
    )
    _table(
        "ticket",
        "ticket_id content_hash venue symbol side reduce_only# quantity price_low price_high min_basis? "
        "max_basis? contracts# purpose raised_at approve_by status status_seq# decided_by reason",
        "ticket_id",
    )
    _table(
        "approval",
        "approval_id leg? content_hash? venue symbol? side? reduce_only#? quantity? price_low? price_high? "
        "min_basis? max_basis? purposes execute_by? approved_by approved_at first_attempt#? last_attempt#?",
        "approval_id",
    )
    _table(
        "order",
        "client_order_id venue symbol side quantity# price time_in_force reduce_only# purpose approval_id leg? "
        "belief belief_seq# venue_order_id detail",
        "client_order_id",
        "approval_id",
    )
    _table(
        "fill",
        "venue symbol execution_id client_order_id? venue_order_id side quantity# price liquidity at heard_at "
        "foreign# fee_currency? fee_units#? fee_seq#?",
        "execution_id",
        "client_order_id",
    )
    _table("cash_flow", "venue flow_id kind currency units# symbol? at")
    op.create_table(
        "posting",
        sa.Column("seq", sa.Integer(), sa.ForeignKey("event.seq"), primary_key=True),
        sa.Column("line", sa.Integer(), primary_key=True),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_posting_account", "posting", ["account"])


def _table(name: str, columns: str, *indexed: str, chained: bool = True) -> None:
    """Make a table whose key is an event's number; ``#`` marks a whole number, ``?`` what may be empty."""
    key = sa.ForeignKey("event.seq") if chained else None
    op.create_table(
        name,
        sa.Column("seq", sa.Integer(), *([] if key is None else [key]), primary_key=True),
        *(
            sa.Column(
                word.rstrip("#?"), sa.Integer() if "#" in word else sa.Text(), nullable=word.endswith("?")
            )
            for word in columns.split()
        ),
        sqlite_strict=True,
    )
    for column in indexed:
        op.create_index(f"ix_{name}_{column}", name, [column])
