"""Storage counted per agent, and documents that are tried a few times only (revision 0012)."""

# ruff: noqa: S608 -- names are constants of this file

from __future__ import annotations

from registry.migrations.guard import owner_table, run
from registry.migrations.turn_facts import AGENT_COLUMN, AGENT_VALUE, BY_ADDRESS, make_find_turn

# table: what a row of it takes, in bytes. A memory counts with its vector, of 384 numbers of two bytes.
_COUNTED = {
    "documents": "r.bytes",
    "agent_memories": "octet_length(r.content) + octet_length(r.section) + 768",
    "agent_avatars": "octet_length(r.image)",
}

# What the sender prefers, and what is stored: of the agent, and of all its owner's agents.
ASKED_COLUMNS = ", tone text, format text, language text, account_bytes bigint, agent_bytes bigint"
ASKED_VALUES = """,
               p.tone, p.format, p.language,
               CASE WHEN asked.relation <> 'none' THEN
                   (SELECT sum(s.bytes) FROM aiox.agent_storage s WHERE s.owner_user_id = a.owner_user_id)::bigint END,
               CASE WHEN asked.relation <> 'none' THEN
                   (SELECT s.bytes FROM aiox.agent_storage s WHERE s.agent_id = a.id) END"""
ASKED_JOINS = """
             LEFT JOIN aiox.users w ON w.jid = p_sender AND w.deactivated_at IS NULL
             LEFT JOIN aiox.preferences p ON p.owner_user_id = w.id"""

_FIND_DOCUMENTS = """
    CREATE OR REPLACE FUNCTION aiox.find_documents(p_limit int)
    RETURNS TABLE (document_id uuid, owner_user_id uuid, agent_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = aiox, pg_temp AS $$
        SELECT id, owner_user_id, agent_id FROM aiox.documents WHERE state = 'waiting'{due}
        ORDER BY {order} LIMIT p_limit
    $$"""


def upgrade() -> None:
    """Counters with their triggers, the attempts of a document, and what a turn asks for at once."""
    _counters()
    for table, size in _COUNTED.items():
        _count(table, size)
    run("ALTER TABLE aiox.documents ADD COLUMN attempts int NOT NULL DEFAULT 0, ADD COLUMN tried_at timestamptz")
    # Ten seconds after the first attempt, twenty after the second: a worker that restarts fails no document.
    _find_documents(
        " AND (tried_at IS NULL OR tried_at < clock_timestamp() - make_interval(secs => 10 * attempts))",
        "attempts, created_at",
    )
    make_find_turn(BY_ADDRESS, AGENT_COLUMN + ASKED_COLUMNS, AGENT_VALUE + ASKED_VALUES, ASKED_JOINS)


def downgrade() -> None:
    """All of it away again."""
    make_find_turn(BY_ADDRESS, AGENT_COLUMN, AGENT_VALUE)
    _find_documents("", "created_at")
    run("ALTER TABLE aiox.documents DROP COLUMN attempts, DROP COLUMN tried_at")
    for table in _COUNTED:
        for verb in ("insert", "delete"):
            run(f"DROP TRIGGER count_{verb} ON aiox.{table}")
            run(f"DROP FUNCTION aiox.count_{table}_{verb}()")
    run("DROP TABLE aiox.agent_storage")


def _counters() -> None:
    run("""
        CREATE TABLE aiox.agent_storage (
            agent_id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            bytes bigint NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table(
        "agent_storage",
        {"gateway": "SELECT", "finder": "SELECT", "writer": "SELECT, INSERT, UPDATE"},
        worker_rule="false",
    )


def _count(table: str, size: str) -> None:
    """Per statement, whoever stores or deletes. What goes with its agent finds no counter any more, and needs none."""
    added = f"""
        INSERT INTO aiox.agent_storage AS s (agent_id, owner_user_id, bytes)
        SELECT r.agent_id, r.owner_user_id, sum({size}) FROM changed r GROUP BY 1, 2
        ON CONFLICT (agent_id) DO UPDATE SET bytes = s.bytes + EXCLUDED.bytes"""
    taken = f"""
        UPDATE aiox.agent_storage s SET bytes = greatest(0, s.bytes - d.bytes)
        FROM (SELECT r.agent_id, sum({size}) AS bytes FROM changed r GROUP BY 1) d WHERE s.agent_id = d.agent_id"""
    for verb, rows, statement in (("insert", "NEW", added), ("delete", "OLD", taken)):
        run(
            f"CREATE FUNCTION aiox.count_{table}_{verb}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {statement}; RETURN NULL; END $$"
        )
        run(
            f"CREATE TRIGGER count_{verb} AFTER {verb} ON aiox.{table} REFERENCING {rows} TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION aiox.count_{table}_{verb}()"
        )
        run(f"ALTER FUNCTION aiox.count_{table}_{verb}() SECURITY DEFINER SET search_path = aiox, pg_temp")
        run(f"REVOKE ALL ON FUNCTION aiox.count_{table}_{verb}() FROM PUBLIC")
        run(f"ALTER FUNCTION aiox.count_{table}_{verb}() OWNER TO aiox_writer")


def _find_documents(due: str, order: str) -> None:
    run("SET LOCAL ROLE aiox_finder")
    run(_FIND_DOCUMENTS.format(due=due, order=order))
    run("RESET ROLE")
