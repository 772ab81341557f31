"""Snapshots: the state after some event, so that a start need not fold the whole chain."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("seq", sa.Integer(), sa.ForeignKey("event.seq"), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "snapshot_entry",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "snapshot_keys",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("run", sa.Integer(), primary_key=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
