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
    _add_offers()
    _add_calls()
    _add_sensitive_dates()
    _add_parties()


def downgrade() -> None:
    """Take them away again."""
    # sensitive dates, and the steps that no older program knows
    op.drop_table("sensitive_date")
    op.execute("DELETE FROM step WHERE kind IN ('sensitive_date', 'last_call')")
    _drop_parties()
    op.drop_table("offer")
    # calls, and the steps that no older program knows
    op.drop_table("phone_call")
    op.execute("DELETE FROM step WHERE kind = 'call'")
    with op.batch_alter_table("agency") as batch:  # mutual aid
        batch.drop_column("mutual_aid")
    # names of group formats
    op.execute("DELETE FROM invitation WHERE session_id IN (SELECT id FROM group_session WHERE length(kind) > 20)")
    op.execute("DELETE FROM group_session WHERE length(kind) > 20")
    with op.batch_alter_table("group_session") as table:
        table.alter_column("kind", existing_type=sa.String(40), type_=sa.String(20), existing_nullable=False)


def _add_offers() -> None:
    """Offers beside the groups."""
    op.create_table(
        "offer",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("incident_id", sa.String(20), sa.ForeignKey("incident.id"), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(40), nullable=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("session_id", sa.String(20), sa.ForeignKey("group_session.id"), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.String(20), nullable=True),
        sa.Column("told_to", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offered_by", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("helper_id", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("sender_id", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("incident_id", "key"),
    )
    op.create_index("ix_offer_person_id", "offer", ["person_id"])


def _add_calls() -> None:
    """Calls that ask somebody beside a text."""
    op.create_table(
        "phone_call",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("key", sa.String(160), nullable=False, unique=True),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("agency", sa.String(32), sa.ForeignKey("agency.key"), nullable=False),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("to_number", sa.Text(), nullable=True),
        sa.Column("question_id", sa.String(20), sa.ForeignKey("question.id"), nullable=True),
        sa.Column("subject_id", sa.String(20), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_real", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_real", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_real", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sid", sa.String(40), nullable=True),
        sa.Column("provider_status", sa.String(20), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("answered_by", sa.String(10), nullable=True),
    )
    op.create_index("phone_call_state", "phone_call", ["state", "claimed_real"])
    op.create_index("phone_call_question", "phone_call", ["question_id"])
    op.create_index("phone_call_subject", "phone_call", ["subject_id"])


def _add_sensitive_dates() -> None:
    """Days on which no automatic text goes to the people of an incident."""
    op.create_table(
        "sensitive_date",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("incident_id", sa.String(20), sa.ForeignKey("incident.id"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=True),
        sa.Column("ends", sa.Time(), nullable=True),
    )
    op.create_index("ix_sensitive_date_incident_id", "sensitive_date", ["incident_id"])


def _add_parties() -> None:
    """Who may not serve: parties to an incident, and peers who rest after one of their own."""
    op.create_table(
        "incident_party",
        sa.Column("incident_id", sa.String(20), sa.ForeignKey("incident.id"), primary_key=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("part", sa.String(12), primary_key=True),
    )
    with op.batch_alter_table("affected") as batch:
        batch.add_column(sa.Column("ready_self_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("ready_clinician_at", sa.DateTime(timezone=True), nullable=True))


def _drop_parties() -> None:
    with op.batch_alter_table("affected") as batch:
        batch.drop_column("ready_clinician_at")
        batch.drop_column("ready_self_at")
    op.drop_table("incident_party")
