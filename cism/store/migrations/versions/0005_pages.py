"""Pages that people like to use.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from cism.store.migrations import digests_0005

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_staff()
    _add_on_call()
    _add_calendars()
    _add_past()
    _add_board()
    _add_receipt()
    digests_0005.add()
    _add_lately()


def downgrade() -> None:
    _drop_lately()
    digests_0005.drop()
    _drop_receipt()
    _drop_board()
    _drop_past()
    _drop_calendars()
    _drop_on_call()
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


def _add_on_call() -> None:
    """Who is on call: rotations, and changes to them."""
    moment, ident = sa.DateTime(timezone=True), sa.String(20)
    op.create_table(
        "on_call_rotation",
        sa.Column("id", ident, primary_key=True),
        sa.Column("agency", sa.String(32), sa.ForeignKey("agency.key"), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("zone", sa.String(40), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("handover", sa.String(5), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("ends_at", moment, nullable=True),
        sa.Column("made_at", moment, nullable=False),
    )
    _add_changes()


def _add_changes() -> None:
    moment, ident = sa.DateTime(timezone=True), sa.String(20)
    op.create_table(
        "on_call_change",
        sa.Column("id", ident, primary_key=True),
        sa.Column("agency", sa.String(32), sa.ForeignKey("agency.key"), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("person_id", ident, sa.ForeignKey("person.id"), nullable=True),
        sa.Column("instead_id", ident, sa.ForeignKey("person.id"), nullable=True),
        sa.Column("starts_at", moment, nullable=False),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("return_starts_at", moment, nullable=True),
        sa.Column("return_ends_at", moment, nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("decided_at", moment, nullable=True),
    )
    op.create_index("on_call_change_of", "on_call_change", ["agency", "role", "state"])
    op.create_index("ix_on_call_change_instead_id", "on_call_change", ["instead_id"])


def _drop_on_call() -> None:
    for name in ("on_call_change", "on_call_rotation"):
        op.drop_table(name)


def _add_calendars() -> None:
    """What is read of calendars elsewhere, and the secret addresses of people's own."""
    moment, ident = sa.DateTime(timezone=True), sa.String(20)
    op.create_table(
        "on_call_calendar",
        sa.Column("id", ident, primary_key=True),
        sa.Column("agency", sa.String(32), sa.ForeignKey("agency.key"), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("zone", sa.String(40), nullable=False),
        sa.Column("read_at", moment, nullable=True),
        sa.Column("tried_at", moment, nullable=True),
        sa.Column("until", moment, nullable=True),
        sa.Column("problem", sa.String(40), nullable=True),
    )
    op.create_table(
        "on_call_turn",
        sa.Column("id", ident, primary_key=True),
        sa.Column("calendar_id", ident, sa.ForeignKey("on_call_calendar.id"), nullable=False),
        sa.Column("person_id", ident, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("starts_at", moment, nullable=False),
        sa.Column("ends_at", moment, nullable=False),
    )
    op.create_index("ix_on_call_turn_calendar_id", "on_call_turn", ["calendar_id"])
    op.create_index("ix_on_call_turn_person_id", "on_call_turn", ["person_id"])
    _add_feeds()


def _add_feeds() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_calendar_feed_person_id", "calendar_feed", ["person_id"])


def _drop_calendars() -> None:
    for name in ("calendar_feed", "on_call_turn", "on_call_calendar"):
        op.drop_table(name)


def _add_past() -> None:
    """Whoever was on a list that was forgotten still helps nobody of it: a keyed hash says so."""
    op.create_table(
        "past_member",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("incident_id", sa.String(20), sa.ForeignKey("incident.id"), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
    )
    op.create_index("ix_past_member_incident_id", "past_member", ["incident_id"])


def _drop_past() -> None:
    op.drop_index("ix_past_member_incident_id", "past_member")
    op.drop_table("past_member")


def _add_board() -> None:
    """What the board and the log form read of many incidents stands in indexes, beside the long rows."""
    op.create_index("incident_board", "incident", ["agency", "state", "logged_at", "id"])
    op.create_index("incident_kinds", "incident", ["agency", "type", "state", "logged_by"])


def _drop_board() -> None:
    op.drop_index("incident_kinds", "incident")
    op.drop_index("incident_board", "incident")


def _add_lately() -> None:
    """What one phone got lately is counted in each claim, however long its history."""
    op.create_index("outbox_lately", "outbox", ["person_id", "claimed_at"])


def _drop_lately() -> None:
    op.drop_index("outbox_lately", "outbox")


def _add_receipt() -> None:
    """Who saw what about somebody is found without reading the whole log."""
    op.create_index("audit_object", "audit", ["object_id", "act"])
    op.create_index("question_about", "question", ["about_id"])


def _drop_receipt() -> None:
    op.drop_index("question_about", "question")
    op.drop_index("audit_object", "audit")
