"""Pages that people like to use.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_staff()


def downgrade() -> None:
    _drop_staff()


def _add_staff() -> None:
    """Who is not to be asked for a while, and who hands a call over to whom."""
    op.create_table(
        "away",
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "handing_on",
        sa.Column("escalation_id", sa.String(20), sa.ForeignKey("escalation.id"), primary_key=True),
        sa.Column("from_id", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("to_id", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_handing_on_to_id", "handing_on", ["to_id"])


def _drop_staff() -> None:
    op.drop_index("ix_handing_on_to_id", "handing_on")
    op.drop_table("handing_on")
    op.drop_table("away")
