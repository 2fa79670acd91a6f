"""Preferences, export and erasure."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    _preferences()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")


def _preferences() -> None:
    run("""
        CREATE TABLE aiox.preferences (
            owner_user_id uuid PRIMARY KEY REFERENCES aiox.users,
            tone text NOT NULL,
            format text NOT NULL,
            language text NOT NULL,
            created_at timestamptz NOT NULL
        )""")
    owner_table(
        "preferences",
        {"gateway": "SELECT, INSERT, UPDATE, DELETE", "finder": "SELECT"},
        worker_rule="false",
        indexed=False,
    )
    # A person's preferences hold with every agent, whoever owns it: found by the address that speaks.
    definer_function(
        """
        CREATE FUNCTION aiox.find_preferences(p_jid text) RETURNS TABLE (tone text, format text, language text)
        LANGUAGE sql STABLE AS $$
            SELECT p.tone, p.format, p.language FROM aiox.preferences p JOIN aiox.users u ON u.id = p.owner_user_id
            WHERE u.jid = p_jid AND u.deactivated_at IS NULL
        $$""",
        "find_preferences(text)",
        "finder",
        "orchestrator",
    )


def downgrade() -> None:
    run("DROP FUNCTION aiox.find_preferences(text)")
    run("DROP TABLE aiox.preferences")
