"""All tables of the first version; rights and policies are in models/row_level_security.py.

Must not break the version of the code before it: add first, remove one release later.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quarantined_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account_sid", sa.String(length=34), nullable=False),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("request_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("parameter_names", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held", "replayed", "discarded", name="state", native_enum=False, create_constraint=True, length=16
            ),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=120), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_request")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_quarantined_request_fingerprint")),
    )
    op.create_index(
        "ix_quarantined_request_held",
        "quarantined_request",
        ["state", sa.literal_column("received_at desc")],
        unique=False,
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_attempt")),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "provisioning",
                "active",
                "suspended",
                "closed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("is_synthetic", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
    )
    op.create_table(
        "webhook_refusal",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_sid", sa.String(length=34), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("parameter_names", sa.String(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hour", "account_sid", "reason", "kind", name=op.f("pk_webhook_refusal")),
    )
    op.create_table(
        "audit_event",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_audit_event_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_event")),
    )
    op.create_index(
        "ix_audit_event_tenant_id_at", "audit_event", ["tenant_id", sa.literal_column("at desc")], unique=False
    )
    op.create_table(
        "channel",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("sms", "whatsapp", "voicemail", name="kind", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "buying",
                "registering",
                "verifying",
                "configuring",
                "active",
                "failed",
                "disconnected",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("phone_number", sa.String(length=32), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("number_sid", sa.String(length=34), nullable=True),
        sa.Column("sender_sid", sa.String(length=34), nullable=True),
        sa.Column("sender_status", sa.String(length=40), nullable=True),
        sa.Column("monthly_price", sa.String(length=20), nullable=False),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_webhook_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("test_token", sa.String(length=64), nullable=True),
        sa.Column("test_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("test_passed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("test_result", sa.String(), nullable=True),
        sa.Column("test_report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_channel_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_channel")),
    )
    op.create_index(
        "ix_channel_due",
        "channel",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("next_attempt_at is not null"),
    )
    op.create_index(
        "uq_channel_number",
        "channel",
        ["tenant_id", "kind", "phone_number"],
        unique=True,
        postgresql_where=sa.text("state <> 'disconnected'"),
    )
    op.create_table(
        "lead",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("profile_name", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "new",
                "contacted",
                "qualified",
                "won",
                "lost",
                name="stage",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column(
            "source",
            sa.Enum(
                "sms", "whatsapp", "voicemail", name="source", native_enum=False, create_constraint=True, length=16
            ),
            nullable=False,
        ),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_lead_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_lead")),
        sa.UniqueConstraint("tenant_id", "address", name=op.f("uq_lead_tenant_id_address")),
    )
    op.create_index(
        "ix_lead_tenant_id_created_at",
        "lead",
        ["tenant_id", sa.literal_column("created_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_table(
        "portal_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "role",
            sa.Enum("owner", "agent", "staff", name="role", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(role = 'staff') = (tenant_id is null)", name=op.f("ck_portal_user_staff_has_no_tenant")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_portal_user_email_is_lower")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_portal_user_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_user")),
        sa.UniqueConstraint("email", name=op.f("uq_portal_user_email")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_portal_user_tenant_id_id")),
    )
    op.create_table(
        "subaccount",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_sid", sa.String(length=34), nullable=True),
        sa.Column("auth_token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_auth_token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_token_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("twilio_status", sa.String(length=16), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(account_sid is null) = (auth_token_sealed is null)", name=op.f("ck_subaccount_sid_with_token")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_subaccount_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_subaccount")),
        sa.UniqueConstraint("account_sid", name=op.f("uq_subaccount_account_sid")),
    )
    op.create_table(
        "tenant_hour",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("messages_in", sa.Integer(), nullable=False),
        sa.Column("messages_out", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_webhook_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_tenant_hour_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "hour", name=op.f("pk_tenant_hour")),
    )
    op.create_table(
        "conversation",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("unread_count", sa.Integer(), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("preview", sa.String(length=200), nullable=False),
        sa.Column(
            "last_channel",
            sa.Enum(
                "sms",
                "whatsapp",
                "voicemail",
                name="last_channel",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column(
            "last_direction",
            sa.Enum("in", "out", name="last_direction", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lead_id"],
            ["lead.tenant_id", "lead.id"],
            name=op.f("fk_conversation_tenant_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_conversation_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("tenant_id", "lead_id", name=op.f("uq_conversation_tenant_id_lead_id")),
    )
    op.create_index(
        "ix_conversation_inbox",
        "conversation",
        ["tenant_id", sa.literal_column("last_message_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "ix_conversation_unread",
        "conversation",
        ["tenant_id", sa.literal_column("last_message_at desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=sa.text("unread_count > 0"),
    )
    op.create_table(
        "invitation",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column(
            "role",
            sa.Enum("owner", "agent", "staff", name="role", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role in ('owner', 'agent')", name=op.f("ck_invitation_role_of_a_client")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invited_by"],
            ["portal_user.tenant_id", "portal_user.id"],
            name=op.f("fk_invitation_tenant_id_invited_by"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_invitation_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_table(
        "lead_note",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("author_name", sa.String(length=120), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lead_id"],
            ["lead.tenant_id", "lead.id"],
            name=op.f("fk_lead_note_tenant_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_lead_note_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_lead_note")),
    )
    op.create_index("ix_lead_note_tenant_id_lead_id", "lead_note", ["tenant_id", "lead_id", "id"], unique=False)
    op.create_table(
        "user_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=256), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_user_session_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["portal_user.id"], name=op.f("fk_user_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_user_session")),
        sa.UniqueConstraint("id", name=op.f("uq_user_session_id")),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "channel_kind",
            sa.Enum(
                "sms",
                "whatsapp",
                "voicemail",
                name="channel_kind",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column(
            "direction",
            sa.Enum("in", "out", name="direction", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "queued",
                "sending",
                "unknown",
                "accepted",
                "sent",
                "delivered",
                "read",
                "undelivered",
                "failed",
                "canceled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("provider_sid", sa.String(length=34), nullable=True),
        sa.Column("our_number", sa.String(length=80), nullable=False),
        sa.Column("lead_number", sa.String(length=80), nullable=False),
        sa.Column("media_count", sa.Integer(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("error_text", sa.String(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("author_name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "conversation_id"],
            ["conversation.tenant_id", "conversation.id"],
            name=op.f("fk_message_tenant_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_message_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_message")),
        sa.UniqueConstraint("tenant_id", "provider_sid", name=op.f("uq_message_tenant_id_provider_sid")),
    )
    op.create_index(
        "ix_message_outbox",
        "message",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("direction = 'out' and status in ('queued', 'sending', 'unknown')"),
    )
    op.create_index("ix_message_thread", "message", ["tenant_id", "conversation_id", "id"], unique=False)
    op.create_table(
        "media",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source_url", sa.String(), nullable=False),
        sa.Column("declared_type", sa.String(length=127), nullable=False),
        sa.Column("content_type", sa.String(length=127), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "stored",
                "failed",
                "refused",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("object_key", sa.String(), nullable=True),
        sa.Column("size_bytes", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "message_id"],
            ["message.tenant_id", "message.id"],
            name=op.f("fk_media_tenant_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_media_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_media")),
        sa.UniqueConstraint(
            "tenant_id", "message_id", "source_url", name=op.f("uq_media_tenant_id_message_id_source_url")
        ),
    )
    op.create_index(
        "ix_media_waiting",
        "media",
        ["tenant_id", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "voicemail",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("recording_sid", sa.String(length=34), nullable=False),
        sa.Column(
            "recording_state",
            sa.Enum(
                "expected",
                "completed",
                "absent",
                "failed",
                name="recording_state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("duration_seconds", sa.Integer(), nullable=True),
        sa.Column("media_id", sa.Uuid(), nullable=True),
        sa.Column(
            "transcript_state",
            sa.Enum(
                "none",
                "expected",
                "completed",
                "failed",
                name="transcript_state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("transcript", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "media_id"],
            ["media.tenant_id", "media.id"],
            name=op.f("fk_voicemail_tenant_id_media_id"),
            ondelete="NO ACTION",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "message_id"],
            ["message.tenant_id", "message.id"],
            name=op.f("fk_voicemail_tenant_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_voicemail_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_voicemail")),
        sa.UniqueConstraint("tenant_id", "recording_sid", name=op.f("uq_voicemail_tenant_id_recording_sid")),
    )
    op.create_index("ix_voicemail_tenant_id_message_id", "voicemail", ["tenant_id", "message_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_voicemail_tenant_id_message_id", table_name="voicemail")
    op.drop_table("voicemail")
    op.drop_index("ix_media_waiting", table_name="media", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_table("media")
    op.drop_index("ix_message_thread", table_name="message")
    op.drop_index(
        "ix_message_outbox",
        table_name="message",
        postgresql_where=sa.text("direction = 'out' and status in ('queued', 'sending', 'unknown')"),
    )
    op.drop_table("message")
    op.drop_index("ix_user_session_user_id", table_name="user_session")
    op.drop_table("user_session")
    op.drop_index("ix_lead_note_tenant_id_lead_id", table_name="lead_note")
    op.drop_table("lead_note")
    op.drop_table("invitation")
    op.drop_index("ix_conversation_unread", table_name="conversation", postgresql_where=sa.text("unread_count > 0"))
    op.drop_index("ix_conversation_inbox", table_name="conversation")
    op.drop_table("conversation")
    op.drop_table("tenant_hour")
    op.drop_table("subaccount")
    op.drop_table("portal_user")
    op.drop_index("ix_lead_tenant_id_created_at", table_name="lead")
    op.drop_table("lead")
    op.drop_index("ix_channel_due", table_name="channel", postgresql_where=sa.text("next_attempt_at is not null"))
    op.drop_index("uq_channel_number", table_name="channel", postgresql_where=sa.text("state <> 'disconnected'"))
    op.drop_table("channel")
    op.drop_index("ix_audit_event_tenant_id_at", table_name="audit_event")
    op.drop_table("audit_event")
    op.drop_table("webhook_refusal")
    op.drop_table("tenant")
    op.drop_table("sign_in_attempt")
    op.drop_index("ix_quarantined_request_held", table_name="quarantined_request")
    op.drop_table("quarantined_request")
