"""Tool calls that an agent had begun which was asked in somebody's turn, when that turn was interrupted."""

from registry.migrations.guard import definer_function, run

revision = "0036"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    # Across owners: the agents of a chain may belong to several. Ids and names of tools, nothing that was said.
    definer_function(
        """
        CREATE FUNCTION aiox.calls_left(p_turn uuid)
        RETURNS TABLE (id uuid, owner_user_id uuid, agent_id uuid, tool_name text) LANGUAGE sql STABLE AS $$
            SELECT c.id, c.owner_user_id, c.agent_id, c.tool_name FROM aiox.tool_calls c
            WHERE c.turn_ids @> ARRAY[p_turn] AND c.state IN ('started', 'unknown') ORDER BY c.created_at, c.id
        $$""",
        "calls_left(uuid)",
        "finder",
        "orchestrator",
    )
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")


def downgrade() -> None:
    run("DROP FUNCTION aiox.calls_left(uuid)")
