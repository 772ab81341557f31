"""Transfers and conversions, and which flows of the venues were which transfer."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    _table(
        "transfer",
        "transfer_id currency units# source target recorded_by reason status status_seq# cost_units# ended_by "
        "ended_reason",
    )
    op.create_index("ix_transfer_transfer_id", "transfer", ["transfer_id"])
    _table("transfer_flow", "transfer_id venue flow_id currency units# matched_by")
    op.create_index("ix_transfer_flow_transfer_id", "transfer_flow", ["transfer_id"])
    _table(
        "conversion",
        "conversion_id sold_currency sold_units# bought_currency bought_units# fee_currency fee_units# "
        "brought_in_units# recorded_by reason",
    )
    op.create_index("ix_conversion_conversion_id", "conversion", ["conversion_id"])


def _table(name: str, columns: str) -> None:
    """Make a table whose key is an event's number; ``#`` marks a whole number."""
    op.create_table(
        name,
        sa.Column("seq", sa.Integer(), sa.ForeignKey("event.seq"), primary_key=True),
        *(
            sa.Column(word.rstrip("#"), sa.Integer() if "#" in word else sa.Text(), nullable=False)
            for word in columns.split()
        ),
        sqlite_strict=True,
    )
