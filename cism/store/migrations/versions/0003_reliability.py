"""Nothing lost, nothing twice, nothing early.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_restores()
    _add_strays()
    _add_second_way()
    _add_caps()
    _add_lateness()
    _add_history()


def downgrade() -> None:
    _drop_history()
    _drop_lateness()
    _drop_caps()
    _drop_second_way()
    _drop_restores()


def _add_restores() -> None:
    """A database that went back in time: noticed, held, and set right with the provider's list."""
    op.create_table(
        "epoch",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("identity", sa.String(20), nullable=False),
        sa.Column("ticks", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "restore",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_real", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since_real", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reapplied_real", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_real", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inbound_real", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("list_trouble", sa.String(60), nullable=True),
    )
    op.create_table(
        "restraint",
        sa.Column("phone_hash", sa.String(64), primary_key=True),
        sa.Column("facts", sa.JSON(), nullable=False),
    )


def _add_strays() -> None:
    """What the provider sent for us and a restored database knows nothing of."""
    op.create_table(
        "stray_send",
        sa.Column("sid", sa.String(40), primary_key=True),
        sa.Column("restore_id", sa.String(20), sa.ForeignKey("restore.id"), nullable=False),
        sa.Column("to_hash", sa.String(64), nullable=False),
        sa.Column("body_digest", sa.String(64), nullable=False),
        sa.Column("made_real", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("outbox_id", sa.String(20), nullable=True),
        sa.Column("answered_sid", sa.String(40), nullable=True),
    )
    op.create_index("ix_stray_send_to_hash", "stray_send", ["to_hash"])
    op.create_table(  # what opens an agency's papers
        "paper_passphrase",
        sa.Column("agency", sa.String(32), sa.ForeignKey("agency.key"), primary_key=True),
        sa.Column("passphrase", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
    )


def _drop_restores() -> None:
    op.drop_table("paper_passphrase")
    op.drop_table("restraint")
    op.drop_index("ix_stray_send_to_hash", "stray_send")
    op.drop_table("stray_send")
    op.drop_table("restore")
    op.drop_table("epoch")


def _add_second_way() -> None:
    """Urgent texts that go by mail while the provider fails: which did, and whether it does."""
    op.create_table(
        "provider_line",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("good", sa.Integer(), nullable=False),
    )
    op.execute("INSERT INTO provider_line (id, good) VALUES (1, 0)")
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("channel", sa.String(8), nullable=False, server_default="sms"))
        batch.add_column(sa.Column("tried_real", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("second_real", sa.DateTime(timezone=True), nullable=True))


def _drop_second_way() -> None:
    with op.batch_alter_table("outbox") as batch:
        batch.drop_column("second_real")
        batch.drop_column("tried_real")
        batch.drop_column("channel")
    op.drop_table("provider_line")


def _add_caps() -> None:
    """What one phone got in an hour and a day, counted in the transaction that claims."""
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
        table.create_index("outbox_handed", ["lane", "claimed_at"])
    op.execute("UPDATE outbox SET claimed_at = sent_at")


def _drop_caps() -> None:
    with op.batch_alter_table("outbox") as table:
        table.drop_index("outbox_handed")
        table.drop_column("claimed_at")


def _add_lateness() -> None:
    """Outages: when a text should have left, and what is told of in one text together with others."""
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("owed_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("queue_item") as batch:
        batch.add_column(sa.Column("untold", sa.Boolean(), nullable=False, server_default=sa.false()))


def _drop_lateness() -> None:
    op.execute("DELETE FROM step WHERE kind = 'tell_missed'")
    with op.batch_alter_table("queue_item") as batch:
        batch.drop_column("untold")
    with op.batch_alter_table("outbox") as batch:
        batch.drop_column("owed_at")


def _add_history() -> None:
    """A long history: what the provider is still to forget is found without reading all of it."""
    where = sa.text("redacted_at IS NULL")
    op.create_index(
        "outbox_unredacted", "outbox", ["sent_real"], postgresql_where=where, sqlite_where=where
    )


def _drop_history() -> None:
    op.drop_index("outbox_unredacted", "outbox")
