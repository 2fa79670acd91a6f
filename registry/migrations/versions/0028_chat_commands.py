"""Commands of a chat: which agent an address is, and what somebody chose for their chat with one."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    # An address is an agent's id or that of its alias. Who is nothing to the agent is told neither agent nor owner.
    definer_function(
        """
        CREATE FUNCTION aiox.find_addressed(p_address uuid, p_jid text)
        RETURNS TABLE (relation text, agent_id uuid, owner_user_id uuid) LANGUAGE sql STABLE AS $$
            WITH asked AS MATERIALIZED (SELECT aiox.relation(p_address, p_jid) AS relation)
            SELECT asked.relation, a.id, a.owner_user_id
            FROM asked LEFT JOIN aiox.agents a
                 ON asked.relation <> 'none' AND (a.id = p_address OR a.alias_id = p_address)
        $$""",
        "find_addressed(uuid, text)",
        "finder",
        "gateway",
    )
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")
    run("""
        CREATE TABLE aiox.chat_choices (
            owner_user_id uuid NOT NULL REFERENCES aiox.users,
            agent_id uuid NOT NULL REFERENCES aiox.agents ON DELETE CASCADE,
            subject_jid text NOT NULL,
            muted_until timestamptz,
            reset_at timestamptz,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (agent_id, subject_jid)
        )""")
    owner_table(
        "chat_choices",
        {"gateway": "SELECT, INSERT, UPDATE", "orchestrator": "SELECT, INSERT, UPDATE"},
        worker_rule="false",
    )


def downgrade() -> None:
    run("DROP TABLE aiox.chat_choices")
    run("DROP FUNCTION aiox.find_addressed(uuid, text)")
