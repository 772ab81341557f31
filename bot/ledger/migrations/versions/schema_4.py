"""Standing approvals, and which approval was given under which."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    op.add_column("approval", sa.Column("standing_id", sa.Text(), nullable=True))
    needed = (
        "standing_id scopes daily_xbt total_xbt max_delta_xbt price_low price_high ends_at given_by status"
    )
    op.create_table(
        "standing_approval",
        sa.Column("seq", sa.Integer(), sa.ForeignKey("event.seq"), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in needed.split()),
        sa.Column("status_seq", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("ended_by", "reason")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("min_basis", "max_basis", "max_ticket_xbt")),
        sqlite_strict=True,
    )
    op.create_index("ix_standing_approval_standing_id", "standing_approval", ["standing_id"])
