"""Files that people send to agents, each for its sender; reactions to answers, answers taken back, rooms."""

from registry.migrations.guard import OWN, SUBJECT, definer_function, owner_table, run

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

# The room is in an agent's memory as long as it is shared: its owner has let it in (SPEC 3, rule 0 for private ones).
_RELATION = """
    CREATE OR REPLACE FUNCTION aiox.relation_before_erasure(p_agent uuid, p_sender text)
    RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = aiox, pg_temp AS $$
        SELECT coalesce((
            SELECT CASE
                WHEN u.jid = p_sender THEN 'owner'
                WHEN a.visibility = 'public' THEN 'public'
                WHEN a.visibility = 'shared' AND (EXISTS (
                    SELECT FROM aiox.agent_grants g WHERE g.agent_id = a.id
                      AND g.grantee IN (p_sender, split_part(p_sender, '@', 2))){rooms}) THEN 'granted'
                ELSE 'none' END
            FROM aiox.agents a JOIN aiox.users u ON u.id = a.owner_user_id
            WHERE (a.id = p_agent OR a.alias_id = p_agent) AND a.deleted_at IS NULL AND u.deactivated_at IS NULL), 'none')
    $$"""
_ROOMS = """ OR EXISTS (
                    SELECT FROM aiox.agent_rooms r WHERE r.agent_id = a.id AND r.room = p_sender
                      AND r.state = 'joined')"""
_FUNCTIONS = (
    "files_of(uuid, text)",
    "forget_files(uuid, text, uuid[])",
    "sweep_files()",
    "find_answer(uuid, uuid)",
    "take_back(uuid, uuid)",
    "open_retractions()",
    "rooms_to_be_in()",
    "room_ended(uuid, text, text)",
)


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_eraser, aiox_writer")
    _files()
    _answers()
    _rooms()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_eraser, aiox_writer")


def _files() -> None:
    # scope and subject as in agent_memories: a document of scope `subject` is what one correspondent sent, and theirs.
    run("""
        ALTER TABLE aiox.documents
            ADD COLUMN scope text NOT NULL DEFAULT 'agent' CHECK (scope IN ('agent', 'subject')),
            ADD COLUMN subject_jid text NOT NULL DEFAULT '',
            ADD CONSTRAINT documents_subject_check CHECK ((scope = 'subject') = (subject_jid <> '')),
            DROP CONSTRAINT documents_agent_id_source_key,
            ADD CONSTRAINT documents_source_key UNIQUE (agent_id, subject_jid, source)""")
    _worker_sees(SUBJECT)
    run("GRANT SELECT (scope, subject_jid) ON aiox.documents TO aiox_ai_worker")
    run("GRANT INSERT, DELETE ON aiox.documents TO aiox_orchestrator")
    _about_whom("subject_jid")
    definer_function(
        """
        CREATE FUNCTION aiox.files_of(p_agent uuid, p_jid text)
        RETURNS TABLE (id uuid, title text, bytes bigint, state text, created_at timestamptz) LANGUAGE sql STABLE AS $$
            SELECT d.id, d.title, d.bytes, d.state, d.created_at FROM aiox.documents d
            WHERE d.agent_id = p_agent AND d.scope = 'subject' AND d.subject_jid = p_jid ORDER BY d.created_at, d.id
        $$""",
        "files_of(uuid, text)",
        "eraser",
        "gateway, orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.forget_files(p_agent uuid, p_jid text, p_ids uuid[]) RETURNS bigint LANGUAGE sql AS $$
            WITH gone AS (
                DELETE FROM aiox.documents d WHERE d.agent_id = p_agent AND d.scope = 'subject' AND d.subject_jid = p_jid
                  AND (p_ids IS NULL OR d.id = ANY (p_ids)) RETURNING 1)
            SELECT count(*) FROM gone
        $$""",
        "forget_files(uuid, text, uuid[])",
        "eraser",
        "gateway, orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.sweep_files() RETURNS bigint LANGUAGE sql AS $$
            WITH gone AS (
                DELETE FROM aiox.documents d USING aiox.agents a
                WHERE a.id = d.agent_id AND a.owner_user_id = d.owner_user_id AND d.scope = 'subject'
                  AND d.created_at < clock_timestamp()
                      - make_interval(days => (a.memory_config ->> 'retention_days')::int) RETURNING 1)
            SELECT count(*) FROM gone
        $$""",
        "sweep_files()",
        "eraser",
        "orchestrator",
    )


def _worker_sees(rule: str) -> None:
    run("DROP POLICY own_worker ON aiox.documents")
    run(f"CREATE POLICY own_worker ON aiox.documents TO aiox_ai_worker USING ({rule}) WITH CHECK ({rule})")


def _about_whom(column: str) -> None:
    """A row about somebody who was erased is left out."""
    run("DROP TRIGGER nothing_of_the_erased ON aiox.documents")
    run(
        "CREATE TRIGGER nothing_of_the_erased BEFORE INSERT ON aiox.documents"
        f" FOR EACH ROW EXECUTE FUNCTION aiox.nothing_of_the_erased_{column}()"
    )


def _answers() -> None:
    run("""
        CREATE TABLE aiox.reactions (
            execution_id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            agent_version_id uuid NOT NULL,
            subject_jid text NOT NULL,
            value smallint NOT NULL CHECK (value IN (-1, 1)),
            created_at timestamptz NOT NULL,
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table(
        "reactions", {"gateway": "SELECT", "orchestrator": "SELECT, INSERT, UPDATE, DELETE"}, worker_rule="false"
    )
    # An answer by the id under which it went out, or by its turn's execution. What one commit wrote has one instant, by
    # which these tables are indexed. Known as long as the inbox knows the turn.
    definer_function(
        """
        CREATE FUNCTION aiox.find_answer(p_stanza uuid, p_execution uuid)
        RETURNS TABLE (execution_id uuid, owner_user_id uuid, agent_id uuid, agent_version_id uuid, subject_jid text,
                       stanza_id uuid, turn_id uuid, address text) LANGUAGE sql STABLE AS $$
            WITH found AS MATERIALIZED (
                SELECT e.* FROM aiox.executions e WHERE e.id = p_execution
                UNION ALL
                SELECT e.* FROM aiox.outbox o JOIN aiox.inbox i ON i.turn_id = o.turn_id
                JOIN aiox.executions e ON e.owner_user_id = i.owner_user_id AND e.created_at = i.created_at
                     AND e.correlation_id = i.correlation_id
                WHERE p_execution IS NULL AND o.id = p_stanza)
            SELECT f.id, f.owner_user_id, f.agent_id, f.agent_version_id, f.subject_jid, o.id, i.turn_id, a.jid
            FROM found f JOIN aiox.agents a ON a.id = f.agent_id
            LEFT JOIN aiox.inbox i ON i.owner_user_id = f.owner_user_id AND i.created_at = f.created_at
                 AND i.correlation_id = f.correlation_id
            LEFT JOIN aiox.outbox o ON o.owner_user_id = f.owner_user_id AND o.created_at = f.created_at
                 AND o.turn_id = i.turn_id
            WHERE f.outcome = 'answered' LIMIT 1
        $$""",
        "find_answer(uuid, uuid)",
        "finder",
        "gateway, orchestrator",
    )
    run("ALTER TABLE aiox.executions ADD COLUMN retracted_at timestamptz")
    run("GRANT UPDATE (retracted_at) ON aiox.executions TO aiox_eraser")
    run("""
        CREATE TABLE aiox.retractions (
            execution_id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            subject_jid text NOT NULL,
            created_at timestamptz NOT NULL,
            cleared_at timestamptz,
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table("retractions", {"gateway": "SELECT", "orchestrator": "SELECT, UPDATE", "finder": "SELECT"}, worker_rule="false")
    run("GRANT INSERT ON aiox.retractions TO aiox_eraser")
    run("CREATE POLICY eraser_insert ON aiox.retractions FOR INSERT TO aiox_eraser WITH CHECK (true)")
    run("CREATE INDEX retractions_open ON aiox.retractions (created_at) WHERE cleared_at IS NULL")
    definer_function(
        """
        CREATE FUNCTION aiox.take_back(p_owner uuid, p_execution uuid) RETURNS boolean LANGUAGE plpgsql AS $$
        DECLARE v_row aiox.executions%ROWTYPE;
        BEGIN
            UPDATE aiox.executions SET output = NULL, retracted_at = clock_timestamp()
            WHERE id = p_execution AND owner_user_id = p_owner AND retracted_at IS NULL RETURNING * INTO v_row;
            IF NOT FOUND THEN RETURN false; END IF;
            DELETE FROM aiox.asked_turns WHERE owner_user_id = p_owner AND correlation_id = v_row.correlation_id;
            INSERT INTO aiox.retractions (execution_id, owner_user_id, agent_id, subject_jid, created_at)
            VALUES (v_row.id, v_row.owner_user_id, v_row.agent_id, v_row.subject_jid, clock_timestamp());
            RETURN true;
        END $$""",
        "take_back(uuid, uuid)",
        "eraser",
        "gateway",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.open_retractions()
        RETURNS TABLE (execution_id uuid, owner_user_id uuid, agent_id uuid, subject_jid text) LANGUAGE sql STABLE AS $$
            SELECT r.execution_id, r.owner_user_id, r.agent_id, r.subject_jid FROM aiox.retractions r
            WHERE r.cleared_at IS NULL ORDER BY r.created_at LIMIT 100
        $$""",
        "open_retractions()",
        "finder",
        "orchestrator",
    )


def _rooms() -> None:
    run("""
        CREATE TABLE aiox.agent_rooms (
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            room text NOT NULL,
            nick text NOT NULL,
            whole_context boolean NOT NULL DEFAULT false,
            state text NOT NULL DEFAULT 'joined' CHECK (state IN ('joined', 'left', 'kicked', 'banned', 'closed')),
            created_at timestamptz NOT NULL,
            PRIMARY KEY (agent_id, room),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table(
        "agent_rooms",
        {"gateway": "SELECT, UPDATE", "orchestrator": "SELECT, INSERT, UPDATE", "finder": "SELECT", "writer": "SELECT, UPDATE"},
        worker_rule="false",
    )
    _relation(_ROOMS)
    # Where agents have to be: only as long as the room may talk to the agent.
    definer_function(
        """
        CREATE FUNCTION aiox.rooms_to_be_in()
        RETURNS TABLE (agent_id uuid, address text, room text, nick text, whole_context boolean)
        LANGUAGE sql STABLE AS $$
            SELECT a.id, a.jid, r.room, r.nick, r.whole_context FROM aiox.agent_rooms r
            JOIN aiox.agents a ON a.id = r.agent_id
            WHERE r.state = 'joined' AND aiox.relation(a.id, r.room) <> 'none' ORDER BY a.jid, r.room
        $$""",
        "rooms_to_be_in()",
        "finder",
        "component",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.room_ended(p_agent uuid, p_room text, p_state text) RETURNS uuid LANGUAGE sql AS $$
            UPDATE aiox.agent_rooms SET state = p_state
            WHERE agent_id = p_agent AND room = p_room AND state = 'joined' RETURNING owner_user_id
        $$""",
        "room_ended(uuid, text, text)",
        "writer",
        "component",
    )


def _relation(rooms: str) -> None:
    run("SET LOCAL ROLE aiox_finder")
    run(_RELATION.format(rooms=rooms))
    run("RESET ROLE")


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    _relation("")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")
    for name in _FUNCTIONS:
        run(f"DROP FUNCTION aiox.{name}")
    run("DROP TABLE aiox.agent_rooms, aiox.retractions, aiox.reactions")
    run("REVOKE UPDATE (retracted_at) ON aiox.executions FROM aiox_eraser")
    run("ALTER TABLE aiox.executions DROP COLUMN retracted_at")
    _about_whom("nobody")
    _worker_sees(f"{OWN} AND agent_id = aiox.current_agent()")
    run("REVOKE INSERT, DELETE ON aiox.documents FROM aiox_orchestrator")
    run("DELETE FROM aiox.documents WHERE scope = 'subject'")
    run("""
        ALTER TABLE aiox.documents DROP CONSTRAINT documents_source_key, DROP CONSTRAINT documents_subject_check,
            DROP COLUMN scope, DROP COLUMN subject_jid, ADD CONSTRAINT documents_agent_id_source_key UNIQUE (agent_id, source)""")
