"""The ledger's head and every column of its rows, so that a cut tail and a changed id are found."""

from registry.migrations.guard import definer_function, run

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS = """seq bigint, record bytea, previous_hash bytea, hash bytea, id uuid, owner_user_id uuid, event_type text,
    severity text, details jsonb, created_at timestamptz, actor text, correlation_id uuid"""


def _reader(more: str) -> None:
    names = ", ".join(column.split()[0] for column in (_COLUMNS + more).split(","))
    definer_function(
        f"""
        CREATE FUNCTION aiox.ledger_read(p_after bigint, p_limit int) RETURNS TABLE ({_COLUMNS}{more})
        LANGUAGE sql STABLE AS $$
            SELECT {names} FROM aiox.audit_logs WHERE seq > p_after ORDER BY seq LIMIT p_limit
        $$""",
        "ledger_read(bigint, int)",
        "finder",
        "gateway",
    )


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    run("DROP FUNCTION aiox.ledger_read(bigint, int)")
    _reader(", request_id uuid, organisation_id uuid")
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_head() RETURNS bigint LANGUAGE sql STABLE AS $$
            SELECT seq FROM aiox.ledger_head
        $$""",
        "ledger_head()",
        "finder",
        "gateway",
    )
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    run("DROP FUNCTION aiox.ledger_head()")
    run("DROP FUNCTION aiox.ledger_read(bigint, int)")
    _reader("")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")
