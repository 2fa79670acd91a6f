"""Agents that change: drafts, frozen versions, aliases, avatars, and an end that leaves nothing but the address."""

import hashlib
import json
from typing import Any

import rfc8785
from alembic import op

from registry.migrations.guard import definer_function, owner_table, run
from registry.migrations.turn_facts import AGENT_COLUMN, AGENT_VALUE, BY_ADDRESS, make_find_turn

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OF_AGENT = ("agent_versions", "agent_grants", "agent_tools", "documents", "agent_memories")
_PROFILE = ("name", "description", "personality_traits", "avatar")
_GOVERNING = ("visibility", "governance", "tools", "mcp_servers", "llm_config", "memory_config")
_RELATION = """
    CREATE OR REPLACE FUNCTION aiox.relation(p_agent uuid, p_sender text)
    RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = aiox, pg_temp AS $$
        SELECT coalesce((
            SELECT CASE
                WHEN u.jid = p_sender THEN 'owner'
                WHEN a.visibility = 'public' THEN 'public'
                WHEN a.visibility = 'shared' AND EXISTS (
                    SELECT FROM aiox.agent_grants g WHERE g.agent_id = a.id
                      AND g.grantee IN (p_sender, split_part(p_sender, '@', 2))) THEN 'granted'
                ELSE 'none' END
            FROM aiox.agents a JOIN aiox.users u ON u.id = a.owner_user_id
            WHERE {agent} AND a.deleted_at IS NULL AND u.deactivated_at IS NULL), 'none')
    $$"""
_BY_ID = "a.id = p_agent"


def upgrade() -> None:
    _columns()
    _freeze_what_is_there()
    _tables()
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    _addresses(BY_ADDRESS, AGENT_COLUMN, AGENT_VALUE)
    _descriptor()
    _ends()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def _columns() -> None:
    # alias_id is what kernel.ids.agent_id_of makes of the alias: an address is found by an id, whichever of both it is.
    run("""
        ALTER TABLE aiox.agents
            ADD COLUMN alias_id uuid UNIQUE CHECK ((alias IS NULL) = (alias_id IS NULL)),
            ADD COLUMN revision bigint NOT NULL DEFAULT 1,
            ADD COLUMN purge_asked_at timestamptz CHECK (purge_asked_at IS NULL OR deleted_at IS NOT NULL)""")
    run("CREATE INDEX agents_deleted ON aiox.agents (deleted_at) WHERE deleted_at IS NOT NULL")
    run("ALTER TABLE aiox.agent_versions ADD COLUMN content_digest text NOT NULL DEFAULT ''")
    run("ALTER TABLE aiox.agent_versions ALTER COLUMN content_digest DROP DEFAULT")
    # Whatever belongs to an agent goes with it.
    for table in _OF_AGENT:
        _reference(table, "ON DELETE CASCADE")


def _reference(table: str, on_delete: str) -> None:
    name = f"{table}_owner_user_id_agent_id_fkey"
    run(f"ALTER TABLE aiox.{table} DROP CONSTRAINT {name}")
    run(f"ALTER TABLE aiox.{table} ADD CONSTRAINT {name} FOREIGN KEY (owner_user_id, agent_id)"
        f" REFERENCES aiox.agents (owner_user_id, id) {on_delete}")


def _freeze_what_is_there() -> None:
    """Versions from before this revision: their profile becomes an object, and they get their digest."""
    bind = op.get_bind()
    run("ALTER TABLE aiox.agent_versions NO FORCE ROW LEVEL SECURITY")
    rows = bind.exec_driver_sql("SELECT id, agent_id, number, spec::text FROM aiox.agent_versions").fetchall()
    for version_id, agent_id, number, text in rows:
        spec = json.loads(text)
        spec["profile"] = {name: spec.pop(name) for name in _PROFILE} | {"avatar": ""}
        spec["mcp_servers"] = []
        policy_hash = _digest({name: spec[name] for name in _GOVERNING})
        frozen = {"agent_id": str(agent_id), "version": number, "policy_hash": policy_hash, "spec": spec}
        bind.exec_driver_sql(
            "UPDATE aiox.agent_versions SET spec = $1::jsonb, policy_hash = $2, content_digest = $3 WHERE id = $4",
            (json.dumps(spec), policy_hash, _digest(frozen), version_id),
        )
    run("ALTER TABLE aiox.agent_versions FORCE ROW LEVEL SECURITY")


def _digest(value: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def _tables() -> None:
    run("""
        CREATE TABLE aiox.agent_drafts (
            agent_id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            spec jsonb NOT NULL,
            system_prompt bytea NOT NULL,
            base_number int NOT NULL,
            created_at timestamptz NOT NULL,
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table("agent_drafts", {"gateway": "SELECT, INSERT, UPDATE, DELETE"}, worker_rule="false")
    run("""
        CREATE TABLE aiox.agent_avatars (
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            ref text NOT NULL CHECK (ref ~ '^sha256:[0-9a-f]{64}$'),
            media_type text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
            image bytea NOT NULL CHECK (octet_length(image) <= 65536),
            created_at timestamptz NOT NULL,
            PRIMARY KEY (agent_id, ref),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table("agent_avatars", {"gateway": "SELECT, INSERT, DELETE"}, worker_rule="false")
    # Every address that was ever given, by its id alone; no reference, so that it outlives agent and account.
    run("""
        CREATE TABLE aiox.agent_addresses (
            address_id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            created_at timestamptz NOT NULL
        )""")
    run("ALTER TABLE aiox.agents NO FORCE ROW LEVEL SECURITY")
    run("INSERT INTO aiox.agent_addresses SELECT id, owner_user_id, id, created_at FROM aiox.agents")
    run("ALTER TABLE aiox.agents FORCE ROW LEVEL SECURITY")
    owner_table("agent_addresses", {"gateway": "SELECT, INSERT"}, worker_rule="false")


def _addresses(agent: str, column: str, value: str) -> None:
    run("SET LOCAL ROLE aiox_finder")
    run(_RELATION.format(agent=agent))
    run("RESET ROLE")
    make_find_turn(agent, column, value)


def _descriptor() -> None:
    # The relation is asked first, so that an agent that is hidden takes the time of one that is not there.
    run("GRANT SELECT (id, owner_user_id, number, spec, policy_hash, content_digest) ON aiox.agent_versions TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.agent_versions FOR SELECT TO aiox_finder USING (true)")
    definer_function(
        f"""
        CREATE FUNCTION aiox.find_descriptor(p_agent uuid, p_jid text)
        RETURNS TABLE (agent_id uuid, owner_user_id uuid, number int, spec jsonb, policy_hash text, content_digest text)
        LANGUAGE sql STABLE AS $$
            WITH asked AS MATERIALIZED (SELECT aiox.relation(p_agent, p_jid) AS relation)
            SELECT a.id, a.owner_user_id, v.number, v.spec, v.policy_hash, v.content_digest
            FROM asked JOIN aiox.agents a ON asked.relation <> 'none' AND {BY_ADDRESS}
            JOIN aiox.agent_versions v ON v.id = a.active_version_id
        $$""",
        "find_descriptor(uuid, text)", "finder", "component",
    )


def _ends() -> None:
    """Deleted agents whose time is over. A turn that was under way when one was deleted may still be concluded for
    `p_settle_s` seconds, so that long nothing is taken.
    """
    run("GRANT DELETE, SELECT ON aiox.agents TO aiox_writer")
    run("CREATE POLICY writer_select ON aiox.agents FOR SELECT TO aiox_writer USING (true)")
    run("CREATE POLICY writer_delete ON aiox.agents FOR DELETE TO aiox_writer USING (deleted_at IS NOT NULL)")
    run("GRANT SELECT, UPDATE (input, output) ON aiox.executions TO aiox_writer")
    run("CREATE POLICY writer_select ON aiox.executions FOR SELECT TO aiox_writer USING (true)")
    run("CREATE POLICY writer_update ON aiox.executions FOR UPDATE TO aiox_writer USING (true)"
        " WITH CHECK (input IS NULL AND output IS NULL)")
    run("GRANT DELETE ON aiox.dead_letters TO aiox_writer")
    run("CREATE POLICY writer_delete ON aiox.dead_letters FOR DELETE TO aiox_writer USING (true)")
    definer_function(
        """
        CREATE FUNCTION aiox.find_ended_agents(p_days int, p_settle_s double precision, p_limit int)
        RETURNS TABLE (agent_id uuid, owner_user_id uuid, subjects text[]) LANGUAGE sql STABLE AS $$
            SELECT a.id, a.owner_user_id, ARRAY(
                SELECT DISTINCT e.subject_jid FROM aiox.executions e
                WHERE e.owner_user_id = a.owner_user_id AND e.agent_id = a.id ORDER BY 1)
            FROM aiox.agents a
            WHERE a.deleted_at < now() - make_interval(secs => p_settle_s)
              AND (a.purge_asked_at IS NOT NULL OR a.deleted_at < now() - make_interval(days => p_days))
            ORDER BY a.deleted_at, a.id LIMIT p_limit
        $$""",
        "find_ended_agents(int, double precision, int)", "writer", "orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.purge_agent(p_agent uuid, p_days int, p_record bytea) RETURNS boolean
        LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM aiox.agents WHERE id = p_agent AND deleted_at IS NOT NULL
               AND (purge_asked_at IS NOT NULL OR deleted_at < now() - make_interval(days => p_days));
            IF NOT FOUND THEN
                RETURN false;
            END IF;
            UPDATE aiox.executions SET input = NULL, output = NULL
            WHERE agent_id = p_agent AND (input IS NOT NULL OR output IS NOT NULL);
            DELETE FROM aiox.dead_letters WHERE agent_id = p_agent;
            IF to_regclass('aiox.approvals') IS NOT NULL THEN -- revision 0015
                UPDATE aiox.approvals SET arguments = NULL, message = NULL, transcript = NULL
                WHERE agent_id = p_agent AND (arguments IS NOT NULL OR message IS NOT NULL);
            END IF;
            PERFORM aiox.ledger_append(ARRAY[p_record]);
            RETURN true;
        END $$""",
        "purge_agent(uuid, int, bytea)", "writer", "orchestrator",
    )


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    run("DROP FUNCTION aiox.purge_agent(uuid, int, bytea)")
    run("DROP FUNCTION aiox.find_descriptor(uuid, text)")
    run("DROP POLICY finder_select ON aiox.agent_versions")
    run("REVOKE ALL ON aiox.agent_versions FROM aiox_finder")
    run("DROP FUNCTION aiox.find_ended_agents(int, double precision, int)")
    for table, kinds in (("agents", "select delete"), ("executions", "select update"), ("dead_letters", "delete")):
        for kind in kinds.split():
            run(f"DROP POLICY writer_{kind} ON aiox.{table}")
    run("REVOKE DELETE, SELECT ON aiox.agents FROM aiox_writer")
    run("REVOKE SELECT, UPDATE (input, output) ON aiox.executions FROM aiox_writer")
    run("REVOKE DELETE ON aiox.dead_letters FROM aiox_writer")
    _addresses(_BY_ID, "", "")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")
    run("DROP TABLE aiox.agent_addresses, aiox.agent_avatars, aiox.agent_drafts")
    for table in _OF_AGENT:
        _reference(table, "")
    run("ALTER TABLE aiox.agent_versions DROP COLUMN content_digest")
    run("DROP INDEX aiox.agents_deleted")
    run("ALTER TABLE aiox.agents DROP COLUMN alias_id, DROP COLUMN revision, DROP COLUMN purge_asked_at")
