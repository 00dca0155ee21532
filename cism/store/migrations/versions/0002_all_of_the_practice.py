"""all of the practice: what the whole of the interventions, protocols and calls keep"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables that came after the first release of the tables."""
    # mutual aid: the agencies that one may ask; null is all of them
    with op.batch_alter_table("agency") as batch:
        batch.add_column(sa.Column("mutual_aid", sa.JSON(), nullable=True))
    # names of group formats, such as crisis_management_briefing
    with op.batch_alter_table("group_session") as table:
        table.alter_column("kind", existing_type=sa.String(20), type_=sa.String(40), existing_nullable=False)


def downgrade() -> None:
    """Take them away again."""
    with op.batch_alter_table("agency") as batch:  # mutual aid
        batch.drop_column("mutual_aid")
    # names of group formats
    op.execute("DELETE FROM invitation WHERE session_id IN (SELECT id FROM group_session WHERE length(kind) > 20)")
    op.execute("DELETE FROM group_session WHERE length(kind) > 20")
    with op.batch_alter_table("group_session") as table:
        table.alter_column("kind", existing_type=sa.String(40), type_=sa.String(20), existing_nullable=False)
