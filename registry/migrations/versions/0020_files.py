"""Files of documents in an object store, what is left of them to delete, and how far each is on its way into memory."""

from registry.migrations.guard import definer_function, run

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_STATES = "'waiting', 'parsing', 'embedding', 'ready', 'failed'"
# Ten seconds after the first attempt, twenty after the second. One that is being read, and of which nothing was heard for
# three minutes, has lost whoever read it.
_DUE = """
    AND (tried_at IS NULL OR tried_at < clock_timestamp() - make_interval(
        secs => CASE state WHEN 'waiting' THEN 10 * attempts ELSE 180 END))"""
_TELL = """
    CREATE FUNCTION aiox.tell_document() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            INSERT INTO aiox.state_events (owner_user_id, kind, thing, state)
            VALUES (OLD.owner_user_id, 'document', OLD.id, 'deleted');
        ELSIF TG_OP = 'INSERT' OR (OLD.state, OLD.embedded) IS DISTINCT FROM (NEW.state, NEW.embedded) THEN
            INSERT INTO aiox.state_events (owner_user_id, kind, thing, state, detail)
            VALUES (NEW.owner_user_id, 'document', NEW.id, NEW.state,
                    CASE WHEN NEW.state IN ('embedding', 'reindexing') THEN NEW.embedded || '/' || NEW.chunks ELSE '' END);
        END IF;
        RETURN NULL;
    END $$"""
_TOLD_BEFORE = """
    CREATE FUNCTION aiox.tell_document() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO aiox.state_events (owner_user_id, kind, thing, state)
        VALUES (NEW.owner_user_id, 'document', NEW.id, NEW.state);
        RETURN NULL;
    END $$"""


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer, aiox_eraser")
    _documents()
    _found(_STATES.replace(", 'ready', 'failed'", ""), _DUE)
    _told(_TELL, "AFTER INSERT OR UPDATE OF state, embedded OR DELETE ON aiox.documents FOR EACH ROW")
    _dropped_objects()
    _remembered()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer, aiox_eraser")


def _documents() -> None:
    # file_key: the key of the file in the object store, sealed with the tenant's; NULL: the text stands in `content`.
    run("ALTER TABLE aiox.documents ADD COLUMN file_key bytea, ADD COLUMN embedded int NOT NULL DEFAULT 0")
    run("ALTER TABLE aiox.documents ADD CONSTRAINT file_key_is_sealed CHECK (aiox.is_sealed(file_key))")
    run("GRANT SELECT (file_key), UPDATE (file_key) ON aiox.documents TO aiox_keeper")
    run("ALTER TABLE aiox.documents DROP CONSTRAINT documents_state_check")
    run(f"ALTER TABLE aiox.documents ADD CONSTRAINT documents_state_check CHECK (state IN ({_STATES}))")
    # What the memory has room for is asked when a file is read: only then it shows what its passages take.
    run("GRANT SELECT ON aiox.agent_storage TO aiox_orchestrator")
    run("GRANT SELECT (id, quota_config) ON aiox.users TO aiox_orchestrator")


def _found(states: str, due: str) -> None:
    run("SET LOCAL ROLE aiox_finder")
    run(f"""
        CREATE OR REPLACE FUNCTION aiox.find_documents(p_limit int)
        RETURNS TABLE (document_id uuid, owner_user_id uuid, agent_id uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = aiox, pg_temp AS $$
            SELECT id, owner_user_id, agent_id FROM aiox.documents WHERE state IN ({states}){due}
            ORDER BY attempts, created_at LIMIT p_limit
        $$""")
    run("RESET ROLE")


def _told(function: str, when: str) -> None:
    run("DROP TRIGGER tell_document ON aiox.documents")
    run("DROP FUNCTION aiox.tell_document()")
    _as_writer(function, "tell_document", when)


def _as_writer(function: str, name: str, when: str) -> None:
    """A trigger on documents whose function works as aiox_writer, whoever makes the change."""
    run(function)
    run(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION aiox.{name}()")
    run(f"ALTER FUNCTION aiox.{name}() SECURITY DEFINER SET search_path = aiox, pg_temp")
    run(f"REVOKE ALL ON FUNCTION aiox.{name}() FROM PUBLIC")
    run(f"ALTER FUNCTION aiox.{name}() OWNER TO aiox_writer")


def _dropped_objects() -> None:
    """Objects whose row is gone, however it went: deleted, replaced, purged, erased. Ids, and nothing of anybody."""
    run("CREATE TABLE aiox.dropped_objects (object_id uuid PRIMARY KEY, dropped_at timestamptz NOT NULL)")
    run("GRANT INSERT ON aiox.dropped_objects TO aiox_writer")
    run("GRANT SELECT, DELETE ON aiox.dropped_objects TO aiox_orchestrator")
    _as_writer(
        """
        CREATE FUNCTION aiox.drop_object() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO aiox.dropped_objects VALUES (OLD.id, clock_timestamp()) ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$""",
        "drop_object",
        "AFTER DELETE ON aiox.documents FOR EACH ROW WHEN (OLD.file_key IS NOT NULL)",
    )
    # What a gateway stored before it died without a row.
    definer_function(
        """
        CREATE FUNCTION aiox.unknown_objects(p_ids uuid[]) RETURNS TABLE (object_id uuid) LANGUAGE sql STABLE AS $$
            SELECT one FROM unnest(p_ids) one
            WHERE NOT EXISTS (SELECT FROM aiox.documents d WHERE d.id = one AND d.file_key IS NOT NULL)
        $$""",
        "unknown_objects(uuid[])",
        "finder",
        "orchestrator",
    )


def _remembered() -> None:
    """What agents remember about a person, for that person alone; and its end after the agent's retention_days."""
    definer_function(
        """
        CREATE FUNCTION aiox.memories_of(p_agent uuid, p_jid text)
        RETURNS TABLE (id uuid, kind text, content text, created_at timestamptz) LANGUAGE sql STABLE AS $$
            SELECT m.id, m.kind, m.content, m.created_at FROM aiox.agent_memories m
            JOIN aiox.agents a ON a.id = p_agent AND a.owner_user_id = m.owner_user_id
            WHERE m.agent_id = p_agent AND m.scope = 'subject' AND m.subject_jid = p_jid ORDER BY m.created_at, m.id
        $$""",
        "memories_of(uuid, text)",
        "eraser",
        "gateway, orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.forget_memories(p_agent uuid, p_jid text, p_ids uuid[]) RETURNS bigint LANGUAGE sql AS $$
            WITH gone AS (
                DELETE FROM aiox.agent_memories m USING aiox.agents a
                WHERE a.id = p_agent AND a.owner_user_id = m.owner_user_id AND m.agent_id = p_agent
                  AND m.scope = 'subject' AND m.subject_jid = p_jid AND (p_ids IS NULL OR m.id = ANY (p_ids))
                RETURNING 1)
            SELECT count(*) FROM gone
        $$""",
        "forget_memories(uuid, text, uuid[])",
        "eraser",
        "gateway, orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.sweep_memories() RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE v_rows bigint; v_gone bigint;
        BEGIN
            DELETE FROM aiox.agent_memories m USING aiox.agents a
            WHERE a.id = m.agent_id AND a.owner_user_id = m.owner_user_id AND m.scope = 'subject'
              AND m.created_at < clock_timestamp() - make_interval(days => (a.memory_config ->> 'retention_days')::int);
            GET DIAGNOSTICS v_gone = ROW_COUNT;
            UPDATE aiox.executions e SET input = NULL, output = NULL FROM aiox.agents a
            WHERE a.id = e.agent_id AND a.owner_user_id = e.owner_user_id AND (e.input IS NOT NULL OR e.output IS NOT NULL)
              AND e.created_at < clock_timestamp() - make_interval(days => (a.memory_config ->> 'retention_days')::int);
            GET DIAGNOSTICS v_rows = ROW_COUNT;
            RETURN v_gone + v_rows;
        END $$""",
        "sweep_memories()",
        "eraser",
        "orchestrator",
    )


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    for name in ("sweep_memories()", "forget_memories(uuid, text, uuid[])", "memories_of(uuid, text)"):
        run(f"DROP FUNCTION aiox.{name}")
    run("DROP FUNCTION aiox.unknown_objects(uuid[])")
    run("DROP TRIGGER drop_object ON aiox.documents")
    run("DROP FUNCTION aiox.drop_object()")
    run("DROP TABLE aiox.dropped_objects")
    _told(_TOLD_BEFORE, "AFTER UPDATE OF state ON aiox.documents FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)")
    _found("'waiting'", _DUE.replace("CASE state WHEN 'waiting' THEN 10 * attempts ELSE 180 END", "10 * attempts"))
    run("UPDATE aiox.documents SET state = 'waiting' WHERE state IN ('parsing', 'embedding')")
    run("ALTER TABLE aiox.documents DROP CONSTRAINT documents_state_check")
    run("ALTER TABLE aiox.documents ADD CONSTRAINT documents_state_check CHECK (state IN ('waiting', 'ready', 'failed'))")
    run("REVOKE SELECT (id, quota_config) ON aiox.users FROM aiox_orchestrator")
    run("REVOKE SELECT ON aiox.agent_storage FROM aiox_orchestrator")
    run("ALTER TABLE aiox.documents DROP COLUMN file_key, DROP COLUMN embedded")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")
