"""Confidentiality that can be proved.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from cism.store.migrations import person_keys_0004

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    person_keys_0004.add()
    _add_audit()
    _add_retention()
    _add_disclosures()
    _add_sign_in()
    _add_passkeys()
    _add_consents()
    _add_notices()


def downgrade() -> None:
    _drop_notices()
    _drop_consents()
    _drop_passkeys()
    _drop_sign_in()
    _drop_disclosures()
    _drop_retention()
    _drop_audit()
    person_keys_0004.drop()


def _add_audit() -> None:
    """The audit log: its MACs name their key, and the database refuses to change or remove a row."""
    with op.batch_alter_table("audit") as batch:
        batch.alter_column("mac", existing_type=sa.String(64), type_=sa.String(80))
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'the audit log is append-only'; END$$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_append_only()"
    )
    op.execute(
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    )


def _drop_audit() -> None:
    """The MACs stay as they are: an older program calls the log broken where they name their key."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_no_update")
        op.execute("DROP TRIGGER audit_no_delete")
        return  # a type without a length of its own there: nothing to go back to
    op.execute("DROP TRIGGER audit_no_truncate ON audit")
    op.execute("DROP TRIGGER audit_no_change ON audit")
    op.execute("DROP FUNCTION audit_append_only()")


def _add_sign_in() -> None:
    """Signed-in browsers, sign-ins that have begun, scopes of tokens."""
    with op.batch_alter_table("token") as batch:
        batch.add_column(sa.Column("scopes", sa.JSON(), nullable=True))
    op.create_table(
        "sign_in",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("token_id", sa.String(20), sa.ForeignKey("token.id"), nullable=True),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("standing", sa.String(64), nullable=False),
        sa.Column("made_real", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_real", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_real", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_sign_in_person_id", "sign_in", ["person_id"])
    op.create_table(
        "sign_in_step",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("expires_real", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(  # texts that came in, for ever
        "seen_sid",
        sa.Column("hash", sa.String(64), primary_key=True),
    )


def _add_passkeys() -> None:
    """The public halves of passkeys; where an agency's own staff sign in, and whose account is whose."""
    op.create_table(
        "passkey",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("credential_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("made_real", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_real", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("ix_passkey_person_id", "passkey", ["person_id"])
    op.create_table(
        "openid_issuer",
        sa.Column("agency", sa.String(32), sa.ForeignKey("agency.key"), primary_key=True),
        sa.Column("issuer", sa.String(300), nullable=False),
        sa.Column("client_id", sa.String(200), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("claim", sa.String(40), nullable=False),
    )
    op.create_table(
        "openid_subject",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("made_real", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_openid_subject_person_id", "openid_subject", ["person_id"])


def _drop_passkeys() -> None:
    op.drop_index("ix_openid_subject_person_id", "openid_subject")
    op.drop_table("openid_subject")
    op.drop_table("openid_issuer")
    op.drop_index("ix_passkey_person_id", "passkey")
    op.drop_table("passkey")


def _drop_sign_in() -> None:
    op.drop_table("seen_sid")
    op.drop_table("sign_in_step")
    op.drop_index("ix_sign_in_person_id", "sign_in")
    op.drop_table("sign_in")
    with op.batch_alter_table("token") as batch:
        batch.drop_column("scopes")


def _add_consents() -> None:
    """Consents, each by purpose and number."""
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("purpose", sa.String(8), nullable=False),
        sa.Column("phone_hash", sa.String(64), nullable=True),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("how", sa.String(12), nullable=False),
        sa.Column("wording", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_consent_person_id", "consent", ["person_id"])


def _add_notices() -> None:
    """What each agency tells about the limits of confidentiality, and who was told which version."""
    op.create_table(
        "notice",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("agency", sa.String(32), sa.ForeignKey("agency.key"), nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("agency", "language", "version"),
    )
    op.create_table(
        "notice_given",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("version", sa.String(60), nullable=False),
        sa.Column("how", sa.String(12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_notice_given_person_id", "notice_given", ["person_id"])


def _drop_notices() -> None:
    op.drop_index("ix_notice_given_person_id", "notice_given")
    op.drop_table("notice_given")
    op.drop_table("notice")


def _drop_consents() -> None:
    op.drop_index("ix_consent_person_id", "consent")
    op.drop_table("consent")


def _add_retention() -> None:
    """What is forgotten when, what a legal hold keeps, and proof of what a night removed."""
    with op.batch_alter_table("agency") as batch:
        batch.add_column(sa.Column("retention", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("incident") as batch:
        batch.add_column(sa.Column("past_affected", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("past_team", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("inbound") as batch:
        batch.add_column(sa.Column("redacted_at", sa.DateTime(timezone=True), nullable=True))
    where = sa.text("redacted_at IS NULL")
    op.create_index(
        "inbound_unredacted", "inbound", ["received_real"], postgresql_where=where, sqlite_where=where
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("incident_id", sa.String(20), sa.ForeignKey("incident.id"), nullable=True),
        sa.Column("kept", sa.String(40), nullable=True),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("lift_reason", sa.String(40), nullable=True),
    )
    op.create_table(
        "retention_run",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("mac", sa.String(80), nullable=False),
    )


def _drop_retention() -> None:
    op.execute("DELETE FROM step WHERE kind = 'forget'")
    op.drop_table("retention_run")
    op.drop_table("legal_hold")
    op.drop_index("inbound_unredacted", "inbound")
    with op.batch_alter_table("inbound") as batch:
        batch.drop_column("redacted_at")
    with op.batch_alter_table("incident") as batch:
        batch.drop_column("past_team")
        batch.drop_column("past_affected")
    with op.batch_alter_table("agency") as batch:
        batch.drop_column("retention")


def _add_disclosures() -> None:
    """What may be told outside, by two people; and who looked although the table refuses them."""
    op.create_table(
        "disclosure",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("agency", sa.String(32), sa.ForeignKey("agency.key"), nullable=False),
        sa.Column("exception", sa.String(40), nullable=False),
        sa.Column("recipient", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(20), sa.ForeignKey("person.id"), nullable=True),
    )
    op.create_index("ix_disclosure_person_id", "disclosure", ["person_id"])
    op.create_table(
        "broken_glass",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("person_id", sa.String(20), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("incident_id", sa.String(20), sa.ForeignKey("incident.id"), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("broken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_real", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reads", sa.Integer(), nullable=False),
    )
    op.create_index("ix_broken_glass_person_id", "broken_glass", ["person_id"])


def _drop_disclosures() -> None:
    op.drop_index("ix_broken_glass_person_id", "broken_glass")
    op.drop_table("broken_glass")
    op.drop_index("ix_disclosure_person_id", "disclosure")
    op.drop_table("disclosure")
