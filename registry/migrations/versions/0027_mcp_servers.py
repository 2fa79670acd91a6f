"""MCP servers of agents: what each said of its tools, and which of them were approved, by digest."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    # seen: name, description, schema and digest of each tool, as the server says; approved: digest by name.
    run("""
        CREATE TABLE aiox.mcp_servers (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            server text NOT NULL,
            state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'ready', 'failed')),
            error text NOT NULL DEFAULT '',
            tries int NOT NULL DEFAULT 0,
            tried_at timestamptz,
            seen jsonb NOT NULL DEFAULT '[]',
            approved jsonb NOT NULL DEFAULT '{}',
            looked_at timestamptz,
            created_at timestamptz NOT NULL,
            UNIQUE (agent_id, server),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table(
        "mcp_servers",
        {
            "gateway": "SELECT, INSERT, UPDATE",
            "orchestrator": "SELECT, UPDATE",
            "finder": "SELECT",
        },
        worker_rule="false",
    )
    # A minute and a half after a try that said nothing: whoever looked was lost with it.
    definer_function(
        """
        CREATE FUNCTION aiox.find_mcp_looks(p_limit int)
        RETURNS TABLE (server_id uuid, owner_user_id uuid, agent_id uuid) LANGUAGE sql STABLE AS $$
            SELECT m.id, m.owner_user_id, m.agent_id FROM aiox.mcp_servers m
            WHERE m.state = 'asked'
              AND (m.tried_at IS NULL OR m.tried_at < clock_timestamp() - make_interval(secs => 90))
            ORDER BY m.tries, m.created_at LIMIT p_limit
        $$""",
        "find_mcp_looks(int)",
        "finder",
        "orchestrator",
    )
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    run("DROP FUNCTION aiox.find_mcp_looks(int)")
    run("DROP TABLE aiox.mcp_servers")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")
