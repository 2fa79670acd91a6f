"""What is asked of the registry once per turn, before an owner is known: one function, in the forms it has had."""

# ruff: noqa: S608 -- names are constants of the revisions

from __future__ import annotations

from registry.migrations.guard import definer_function, run

BY_ADDRESS = "(a.id = p_agent OR a.alias_id = p_agent)"
_NAME = "find_turn(uuid, text, uuid)"


def make_find_turn(agent: str, columns: str = "", values: str = "", joins: str = "") -> None:
    """Makes it anew. `agent`: how an agent is found by its address; the rest: what it answers beside the first."""
    run(f"DROP FUNCTION aiox.{_NAME}")
    definer_function(
        f"""
    CREATE FUNCTION aiox.find_turn(p_agent uuid, p_sender text, p_turn uuid)
    RETURNS TABLE (relation text, owner_user_id uuid, active_version_id uuid, jid text, quota_config jsonb,
                   concluded boolean, called boolean{columns})
    LANGUAGE sql STABLE AS $$
        WITH asked AS MATERIALIZED (SELECT aiox.relation(p_agent, p_sender) AS relation)
        SELECT asked.relation, a.owner_user_id,
               CASE WHEN asked.relation <> 'none' THEN a.active_version_id END,
               CASE WHEN asked.relation <> 'none' THEN a.jid END,
               CASE WHEN asked.relation <> 'none' THEN u.quota_config END,
               EXISTS (SELECT FROM aiox.inbox i WHERE i.turn_id = p_turn),
               EXISTS (SELECT FROM aiox.tool_calls c WHERE c.turn_ids @> ARRAY[p_turn]){values}
        FROM asked LEFT JOIN aiox.agents a ON {agent} LEFT JOIN aiox.users u ON u.id = a.owner_user_id{joins}
    $$""",
        _NAME,
        "finder",
        "orchestrator",
    )


AGENT_COLUMN = ", agent_id uuid"
AGENT_VALUE = ", CASE WHEN asked.relation <> 'none' THEN a.id END"
