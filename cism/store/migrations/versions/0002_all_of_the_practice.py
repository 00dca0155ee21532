"""all of the practice: what the whole of the interventions, protocols and calls keep"""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables that came after the first release of the tables."""


def downgrade() -> None:
    """Take them away again."""
