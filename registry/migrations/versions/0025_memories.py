"""Summaries of conversations, entries that people write themselves, vectors of more than one model, and who told what."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# The agent's own, whoever's it is, and what it holds about one person; nothing of an agent that is not there.
_OF_PERSON = """m.agent_id = p_agent AND m.scope = 'subject' AND m.subject_jid = p_jid AND m.kind <> 'chunk'
              AND EXISTS (SELECT FROM aiox.agents a WHERE a.id = p_agent AND a.owner_user_id = m.owner_user_id)"""
_VECTORS_KEY = "ALTER TABLE aiox.memory_vectors_384 DROP CONSTRAINT memory_vectors_384_pkey, ADD PRIMARY KEY ({columns})"
_FUNCTIONS = {
    "write_memory(uuid, text, uuid, text, text)": "writer",
    "add_memory(uuid, text, uuid, text, timestamptz)": "writer",
    "keep_summary(uuid, uuid, text, uuid, text, timestamptz, timestamptz, timestamptz)": "writer",
    "find_unembedded(int)": "finder",
    "queue_unembedded(text)": "writer",
    "find_stale_documents(text, int)": "finder",
    "drop_other_vectors(uuid, uuid, uuid, text)": "writer",
    "find_sources(uuid, text, uuid)": "eraser",
}


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer, aiox_eraser")
    _tables()
    _rights()
    _seen()
    _written()
    _summaries()
    _embedded_again()
    _sources()
    _ends("p_now timestamptz", "p_now", _SUMMARIES_END)
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer, aiox_eraser")


def _tables() -> None:
    # How an entry came: asked for in a message, learnt by an agent that may, or written by the person. Empty: none of it.
    run("""
        ALTER TABLE aiox.agent_memories ADD COLUMN origin text NOT NULL DEFAULT ''
            CHECK (origin IN ('', 'asked', 'learnt', 'written'))""")
    run("CREATE INDEX memories_of_subject ON aiox.agent_memories (owner_user_id, agent_id, subject_jid)"
        " WHERE scope = 'subject'")
    # A memory is embedded anew beside what the model before made of it, which goes when that is done.
    run(_VECTORS_KEY.format(columns="owner_user_id, memory_id, model"))
    # Turns up to through_at are in the conversation's summary, or were forgotten; those up to forgotten_at for good.
    run("""
        CREATE TABLE aiox.summary_marks (
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            subject_jid text NOT NULL,
            through_at timestamptz NOT NULL,
            forgotten_at timestamptz NOT NULL DEFAULT 'epoch',
            created_at timestamptz NOT NULL,
            PRIMARY KEY (owner_user_id, agent_id, subject_jid),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table(
        "summary_marks", {"orchestrator": "SELECT", "writer": "SELECT, INSERT, UPDATE"}, worker_rule="false"
    )
    run("""
        CREATE TABLE aiox.memories_waiting (
            owner_user_id uuid NOT NULL,
            memory_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            subject_jid text NOT NULL,
            attempts int NOT NULL DEFAULT 0,
            tried_at timestamptz,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (owner_user_id, memory_id),
            FOREIGN KEY (owner_user_id, memory_id) REFERENCES aiox.agent_memories (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table(
        "memories_waiting",
        {"orchestrator": "SELECT, UPDATE, DELETE", "finder": "SELECT", "writer": "SELECT, INSERT"},
        worker_rule="false",
    )
    _states("'waiting', 'parsing', 'embedding', 'ready', 'reindexing', 'failed'")


def _states(states: str) -> None:
    run("ALTER TABLE aiox.documents DROP CONSTRAINT documents_state_check")
    run(f"ALTER TABLE aiox.documents ADD CONSTRAINT documents_state_check CHECK (state IN ({states}))")


_GRANTED = (
    ("writer", "agent_memories", ("SELECT", "INSERT", "DELETE")),
    ("writer", "memory_vectors_384", ("SELECT", "DELETE")),
    ("eraser", "summary_marks", ("INSERT", "UPDATE")),
)


def _rights() -> None:
    for role, table, verbs in _GRANTED:
        run(f"GRANT {', '.join(verbs)} ON aiox.{table} TO aiox_{role}")
        for verb in verbs:
            rule = {"INSERT": "WITH CHECK (true)", "UPDATE": "USING (true) WITH CHECK (true)"}.get(verb, "USING (true)")
            run(f"CREATE POLICY {role}_{verb.lower()} ON aiox.{table} FOR {verb} TO aiox_{role} {rule}")


def _seen() -> None:
    """A person sees how each entry came. What they have forgotten is not summarised again."""
    run("DROP FUNCTION aiox.memories_of(uuid, text)")
    definer_function(
        f"""
        CREATE FUNCTION aiox.memories_of(p_agent uuid, p_jid text)
        RETURNS TABLE (id uuid, kind text, content text, origin text, created_at timestamptz) LANGUAGE sql STABLE AS $$
            SELECT m.id, m.kind, m.content, m.origin, m.created_at FROM aiox.agent_memories m
            WHERE {_OF_PERSON} ORDER BY m.created_at, m.id
        $$""",
        "memories_of(uuid, text)",
        "eraser",
        "gateway, orchestrator",
    )
    run("DROP FUNCTION aiox.forget_memories(uuid, text, uuid[])")
    definer_function(
        f"""
        CREATE FUNCTION aiox.forget_memories(p_agent uuid, p_jid text, p_ids uuid[]) RETURNS bigint
        LANGUAGE plpgsql AS $$
        DECLARE v_gone bigint; v_summaries bigint;
        BEGIN
            WITH gone AS (
                DELETE FROM aiox.agent_memories m
                WHERE {_OF_PERSON} AND (p_ids IS NULL OR m.id = ANY (p_ids)) RETURNING m.kind)
            SELECT count(*), count(*) FILTER (WHERE kind = 'summary') INTO v_gone, v_summaries FROM gone;
            IF p_ids IS NULL OR v_summaries > 0 THEN
                INSERT INTO aiox.summary_marks AS s
                    (owner_user_id, agent_id, subject_jid, through_at, forgotten_at, created_at)
                SELECT a.owner_user_id, a.id, p_jid, clock_timestamp(), clock_timestamp(), clock_timestamp()
                FROM aiox.agents a WHERE a.id = p_agent
                ON CONFLICT (owner_user_id, agent_id, subject_jid) DO UPDATE
                    SET through_at = EXCLUDED.through_at, forgotten_at = EXCLUDED.forgotten_at;
            END IF;
            RETURN v_gone;
        END $$""",
        "forget_memories(uuid, text, uuid[])",
        "eraser",
        "gateway, orchestrator",
    )


def _written() -> None:
    """A person changes their entry, or writes one. Its vector and words go with the old text; the new one waits."""
    definer_function(
        f"""
        CREATE FUNCTION aiox.write_memory(p_agent uuid, p_jid text, p_id uuid, p_before text, p_content text)
        RETURNS boolean LANGUAGE plpgsql AS $$
        DECLARE v_old aiox.agent_memories%ROWTYPE;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('memory:' || p_id, 0)); -- ai_worker/memory/store.py holds it, too
            DELETE FROM aiox.agent_memories m WHERE m.id = p_id AND m.content = p_before AND {_OF_PERSON}
            RETURNING * INTO v_old;
            IF NOT FOUND THEN RETURN false; END IF;
            v_old.content := p_content;
            v_old.origin := 'written';
            INSERT INTO aiox.agent_memories SELECT v_old.*;
            IF v_old.kind = 'fact' THEN
                INSERT INTO aiox.memories_waiting (owner_user_id, memory_id, agent_id, subject_jid, created_at)
                VALUES (v_old.owner_user_id, p_id, p_agent, p_jid, clock_timestamp());
            END IF;
            RETURN true;
        END $$""",
        "write_memory(uuid, text, uuid, text, text)",
        "writer",
        "gateway, orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.add_memory(p_agent uuid, p_jid text, p_id uuid, p_content text, p_now timestamptz)
        RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO aiox.agent_memories
                (id, owner_user_id, agent_id, scope, subject_jid, kind, content, origin, created_at)
            SELECT p_id, a.owner_user_id, a.id, 'subject', p_jid, 'fact', p_content, 'written', p_now
            FROM aiox.agents a WHERE a.id = p_agent
            ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN RETURN false; END IF;
            INSERT INTO aiox.memories_waiting (owner_user_id, memory_id, agent_id, subject_jid, created_at)
            SELECT a.owner_user_id, p_id, a.id, p_jid, p_now FROM aiox.agents a WHERE a.id = p_agent;
            RETURN true;
        END $$""",
        "add_memory(uuid, text, uuid, text, timestamptz)",
        "writer",
        "gateway, orchestrator",
    )


def _summaries() -> None:
    # In the place of the one before, if nobody was faster and nothing was forgotten meanwhile. It is as old as the
    # oldest turn in it, so that it ends with it.
    definer_function(
        """
        CREATE FUNCTION aiox.keep_summary(
            p_owner uuid, p_agent uuid, p_jid text, p_id uuid, p_content text, p_since timestamptz, p_after timestamptz,
            p_through timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
        DECLARE v_since timestamptz;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('summary:' || p_agent || ':' || p_jid, 0));
            IF (SELECT through_at FROM aiox.summary_marks WHERE owner_user_id = p_owner AND agent_id = p_agent
                  AND subject_jid = p_jid) IS DISTINCT FROM p_after THEN
                RETURN false;
            END IF;
            DELETE FROM aiox.agent_memories m WHERE m.owner_user_id = p_owner AND m.agent_id = p_agent
               AND m.scope = 'subject' AND m.subject_jid = p_jid AND m.kind = 'summary'
            RETURNING m.created_at INTO v_since;
            INSERT INTO aiox.agent_memories
                (id, owner_user_id, agent_id, scope, subject_jid, kind, content, origin, created_at)
            SELECT p_id, a.owner_user_id, a.id, 'subject', p_jid, 'summary', p_content, '', coalesce(v_since, p_since)
            FROM aiox.agents a WHERE a.id = p_agent AND a.owner_user_id = p_owner AND a.deleted_at IS NULL;
            IF NOT FOUND THEN RETURN false; END IF;
            INSERT INTO aiox.summary_marks AS s (owner_user_id, agent_id, subject_jid, through_at, created_at)
            VALUES (p_owner, p_agent, p_jid, p_through, clock_timestamp())
            ON CONFLICT (owner_user_id, agent_id, subject_jid) DO UPDATE SET through_at = EXCLUDED.through_at;
            RETURN true;
        END $$""",
        "keep_summary(uuid, uuid, text, uuid, text, timestamptz, timestamptz, timestamptz)",
        "writer",
        "orchestrator",
    )


def _embedded_again() -> None:
    due = "(tried_at IS NULL OR tried_at < clock_timestamp() - make_interval(secs => least(10 * attempts, 3600)))"
    definer_function(
        f"""
        CREATE FUNCTION aiox.find_unembedded(p_limit int)
        RETURNS TABLE (memory_id uuid, owner_user_id uuid, agent_id uuid, subject_jid text) LANGUAGE sql STABLE AS $$
            SELECT memory_id, owner_user_id, agent_id, subject_jid FROM aiox.memories_waiting WHERE {due}
            ORDER BY attempts, created_at LIMIT p_limit
        $$""",
        "find_unembedded(int)",
        "finder",
        "orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.queue_unembedded(p_model text) RETURNS bigint LANGUAGE sql AS $$
            WITH put AS (
                INSERT INTO aiox.memories_waiting (owner_user_id, memory_id, agent_id, subject_jid, created_at)
                SELECT m.owner_user_id, m.id, m.agent_id, m.subject_jid, clock_timestamp() FROM aiox.agent_memories m
                WHERE m.kind = 'fact' AND m.scope = 'subject' AND NOT EXISTS (
                    SELECT FROM aiox.memory_vectors_384 v
                    WHERE v.owner_user_id = m.owner_user_id AND v.memory_id = m.id AND v.model = p_model)
                ON CONFLICT DO NOTHING RETURNING 1)
            SELECT count(*) FROM put
        $$""",
        "queue_unembedded(text)",
        "writer",
        "orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.find_stale_documents(p_model text, p_limit int)
        RETURNS TABLE (document_id uuid, owner_user_id uuid, agent_id uuid) LANGUAGE sql STABLE AS $$
            SELECT id, owner_user_id, agent_id FROM aiox.documents
            WHERE state IN ('ready', 'reindexing') AND embedding_model <> p_model
              AND (tried_at IS NULL
                   OR tried_at < clock_timestamp() - make_interval(mins => CASE state WHEN 'ready' THEN 1 ELSE 3 END))
            ORDER BY created_at LIMIT p_limit
        $$""",
        "find_stale_documents(text, int)",
        "finder",
        "orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.drop_other_vectors(p_owner uuid, p_document uuid, p_memory uuid, p_model text)
        RETURNS bigint LANGUAGE sql AS $$
            WITH gone AS (
                DELETE FROM aiox.memory_vectors_384 v USING aiox.agent_memories m
                WHERE v.owner_user_id = p_owner AND v.model <> p_model AND m.owner_user_id = p_owner AND m.id = v.memory_id
                  AND (m.document_id = p_document OR m.id = p_memory)
                RETURNING 1)
            SELECT count(*) FROM gone
        $$""",
        "drop_other_vectors(uuid, uuid, uuid, text)",
        "writer",
        "orchestrator",
    )


def _sources() -> None:
    # What an answer rested on, for whom it was for: the ids are those in the ledger's row of the turn. Without a turn,
    # the newest answer. Of documents the place; of what the person said, their own words.
    definer_function(
        """
        CREATE FUNCTION aiox.find_sources(p_agent uuid, p_jid text, p_turn uuid)
        RETURNS TABLE (turn_id uuid, answered_at timestamptz, memory_id uuid, kind text, origin text, title text,
                       section text, content text, told_at timestamptz)
        LANGUAGE sql STABLE AS $$
            WITH execution AS MATERIALIZED (
                SELECT e.owner_user_id, e.correlation_id, e.created_at FROM aiox.agents a
                JOIN aiox.executions e ON e.owner_user_id = a.owner_user_id AND e.agent_id = a.id
                WHERE a.id = p_agent AND e.subject_jid = p_jid AND e.outcome = 'answered'
                ORDER BY e.created_at DESC LIMIT CASE WHEN p_turn IS NULL THEN 1 END),
            turn AS MATERIALIZED (
                SELECT l.owner_user_id, l.request_id, l.created_at, l.details -> 'recalled' AS recalled FROM execution e
                JOIN aiox.audit_logs l ON l.owner_user_id = e.owner_user_id AND l.created_at = e.created_at
                 AND l.correlation_id = e.correlation_id
                WHERE l.event_type = 'turn.concluded' AND l.actor = p_jid AND (p_turn IS NULL OR l.request_id = p_turn)
                ORDER BY l.seq DESC LIMIT 1)
            SELECT t.request_id, t.created_at, one.id::uuid, m.kind, m.origin, d.title, m.section,
                   CASE WHEN m.scope = 'subject' THEN m.content END, m.created_at
            FROM turn t LEFT JOIN LATERAL jsonb_array_elements_text(t.recalled) WITH ORDINALITY AS one (id, place) ON true
            LEFT JOIN aiox.agent_memories m ON m.owner_user_id = t.owner_user_id AND m.id = one.id::uuid
             AND m.agent_id = p_agent AND (m.scope = 'agent' OR m.subject_jid = p_jid)
            LEFT JOIN aiox.documents d ON d.owner_user_id = t.owner_user_id AND d.id = m.document_id
            ORDER BY one.place
        $$""",
        "find_sources(uuid, text, uuid)",
        "eraser",
        "gateway, orchestrator",
    )
    run("GRANT SELECT ON aiox.audit_logs TO aiox_eraser")
    run("CREATE POLICY eraser_select ON aiox.audit_logs FOR SELECT TO aiox_eraser USING (true)")


_SUMMARIES_END = """
            UPDATE aiox.summary_marks s SET through_at = s.forgotten_at
            WHERE s.through_at > s.forgotten_at AND NOT EXISTS (
                SELECT FROM aiox.agent_memories m WHERE m.owner_user_id = s.owner_user_id AND m.agent_id = s.agent_id
                  AND m.scope = 'subject' AND m.subject_jid = s.subject_jid AND m.kind = 'summary');"""


def _ends(parameters: str, now: str, more: str) -> None:
    """What is remembered of people, and the texts of turns, end after the agent's retention_days."""
    run("DROP FUNCTION aiox.sweep_memories({})".format("" if parameters else "timestamptz"))
    over = f"< {now} - make_interval(days => (a.memory_config ->> 'retention_days')::int)"
    definer_function(
        f"""
        CREATE FUNCTION aiox.sweep_memories({parameters}) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE v_rows bigint; v_gone bigint;
        BEGIN
            DELETE FROM aiox.agent_memories m USING aiox.agents a
            WHERE a.id = m.agent_id AND a.owner_user_id = m.owner_user_id AND m.scope = 'subject' AND m.kind <> 'chunk'
              AND m.created_at {over};
            GET DIAGNOSTICS v_gone = ROW_COUNT;{more}
            UPDATE aiox.executions e SET input = NULL, output = NULL FROM aiox.agents a
            WHERE a.id = e.agent_id AND a.owner_user_id = e.owner_user_id AND (e.input IS NOT NULL OR e.output IS NOT NULL)
              AND e.created_at {over};
            GET DIAGNOSTICS v_rows = ROW_COUNT;
            RETURN v_gone + v_rows;
        END $$""",
        "sweep_memories({})".format("timestamptz" if parameters else ""),
        "eraser",
        "orchestrator",
    )


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_eraser")
    _ends("", "clock_timestamp()", "")
    for signature in _FUNCTIONS:
        run(f"DROP FUNCTION aiox.{signature}")
    run("DROP POLICY eraser_select ON aiox.audit_logs")
    run("REVOKE SELECT ON aiox.audit_logs FROM aiox_eraser")
    _seen_before()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_eraser")
    run("DROP TABLE aiox.memories_waiting, aiox.summary_marks")
    for role, table, verbs in _GRANTED[:2]:
        for verb in verbs:
            run(f"DROP POLICY {role}_{verb.lower()} ON aiox.{table}")
        run(f"REVOKE ALL ON aiox.{table} FROM aiox_{role}")
    run("UPDATE aiox.documents SET state = 'ready' WHERE state = 'reindexing'")
    _states("'waiting', 'parsing', 'embedding', 'ready', 'failed'")
    run("DELETE FROM aiox.memory_vectors_384 v USING aiox.memory_vectors_384 w WHERE v.owner_user_id = w.owner_user_id"
        " AND v.memory_id = w.memory_id AND v.model < w.model")
    run(_VECTORS_KEY.format(columns="owner_user_id, memory_id"))
    run("DROP INDEX aiox.memories_of_subject")
    run("ALTER TABLE aiox.agent_memories DROP COLUMN origin")


def _seen_before() -> None:
    run("DROP FUNCTION aiox.memories_of(uuid, text)")
    run("DROP FUNCTION aiox.forget_memories(uuid, text, uuid[])")
    definer_function(
        f"""
        CREATE FUNCTION aiox.memories_of(p_agent uuid, p_jid text)
        RETURNS TABLE (id uuid, kind text, content text, created_at timestamptz) LANGUAGE sql STABLE AS $$
            SELECT m.id, m.kind, m.content, m.created_at FROM aiox.agent_memories m
            WHERE {_OF_PERSON} ORDER BY m.created_at, m.id
        $$""",
        "memories_of(uuid, text)",
        "eraser",
        "gateway, orchestrator",
    )
    definer_function(
        f"""
        CREATE FUNCTION aiox.forget_memories(p_agent uuid, p_jid text, p_ids uuid[]) RETURNS bigint LANGUAGE sql AS $$
            WITH gone AS (
                DELETE FROM aiox.agent_memories m WHERE {_OF_PERSON} AND (p_ids IS NULL OR m.id = ANY (p_ids)) RETURNING 1)
            SELECT count(*) FROM gone
        $$""",
        "forget_memories(uuid, text, uuid[])",
        "eraser",
        "gateway, orchestrator",
    )
