"""Idempotency keys, turns asked over HTTP, state events."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    _idempotency_keys()
    _asked_turns()
    _state_events()
    _told_by_triggers()
    _finders()
    _sweep()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    run("DROP FUNCTION aiox.sweep_requests()")
    run("DROP FUNCTION aiox.find_history(uuid, text, timestamptz, uuid, int)")
    run("DROP FUNCTION aiox.find_relation(uuid, text)")
    run("DROP POLICY finder_select ON aiox.executions")
    run("REVOKE SELECT ON aiox.executions FROM aiox_finder")
    for table, name in (("agents", "agent"), ("documents", "document"), ("inbox", "failure"), ("asked_turns", "asked")):
        run(f"DROP TRIGGER tell_{name} ON aiox.{table}")
        run(f"DROP FUNCTION aiox.tell_{name}()")
    run("DROP FUNCTION aiox.asked_ended(aiox.asked_row[])")
    run("DROP TYPE aiox.asked_row")
    run("DROP TABLE aiox.state_events, aiox.asked_turns, aiox.idempotency_keys")


def _idempotency_keys() -> None:
    # A key stands for one request of one account on one route. No status: it is being worked on. The answer is sealed.
    run("""
        CREATE TABLE aiox.idempotency_keys (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL REFERENCES aiox.users ON DELETE CASCADE,
            key_digest bytea NOT NULL CHECK (length(key_digest) = 32),
            request_digest bytea NOT NULL CHECK (length(request_digest) = 32),
            status int,
            answer bytea,
            created_at timestamptz NOT NULL,
            UNIQUE (owner_user_id, key_digest)
        )""")
    owner_table(
        "idempotency_keys",
        {"gateway": "SELECT, INSERT, UPDATE, DELETE", "writer": "SELECT, DELETE"},
        worker_rule="false",
    )


def _asked_turns() -> None:
    # The row belongs to who asked, and the answer is sealed with their key, whosever the agent is.
    run("""
        CREATE TABLE aiox.asked_turns (
            turn_id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL REFERENCES aiox.users ON DELETE CASCADE,
            agent_id uuid NOT NULL,
            sender_jid text NOT NULL,
            correlation_id uuid NOT NULL UNIQUE,
            outcome text NOT NULL DEFAULT '',
            reason text NOT NULL DEFAULT '',
            answer bytea,
            tokens_used bigint NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL,
            ended_at timestamptz
        )""")
    owner_table(
        "asked_turns",
        {"gateway": "SELECT, INSERT, DELETE", "writer": "SELECT, UPDATE, DELETE"},
        worker_rule="false",
    )
    run("""
        CREATE TYPE aiox.asked_row AS (
            correlation_id uuid, sender_jid text, outcome text, reason text, answer bytea, tokens_used bigint,
            ended_at timestamptz)""")
    # By correlation id, which a retried dead letter and a turn that goes on after an approval keep. No turn is concluded
    # twice, so a later answer is a further one and takes the place of what stands; a later error does not.
    definer_function(
        """
        CREATE FUNCTION aiox.asked_ended(p_rows aiox.asked_row[]) RETURNS void LANGUAGE sql AS $$
            UPDATE aiox.asked_turns t
            SET outcome = r.outcome, reason = r.reason, answer = r.answer, tokens_used = r.tokens_used,
                ended_at = r.ended_at
            FROM unnest(p_rows) AS r
            WHERE t.correlation_id = r.correlation_id AND t.sender_jid = r.sender_jid 
              AND (t.outcome <> 'answered' OR r.outcome = 'answered')
        $$""",
        "asked_ended(aiox.asked_row[])",
        "writer",
        "orchestrator",
    )


def _state_events() -> None:
    # Ordered by (xact, seq): what is read below the oldest open transaction is complete, whatever commits later.
    run("""
        CREATE TABLE aiox.state_events (
            seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            xact bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint,
            owner_user_id uuid NOT NULL,
            kind text NOT NULL,
            thing uuid NOT NULL,
            state text NOT NULL,
            detail text NOT NULL DEFAULT '',
            created_at timestamptz NOT NULL DEFAULT now()
        )""")
    owner_table(
        "state_events",
        {"gateway": "SELECT, INSERT", "orchestrator": "INSERT", "writer": "SELECT, INSERT, DELETE"},
        worker_rule="false",
    )
    run("CREATE INDEX ON aiox.state_events (owner_user_id, xact, seq)")


def _told_by_triggers() -> None:
    # Whoever changes the thing, the event stands in the same commit.
    _teller(
        "agent",
        """
        DECLARE
            v_owner uuid; v_agent uuid; v_state text;
        BEGIN
            IF TG_OP = 'DELETE' THEN
                v_owner := OLD.owner_user_id; v_agent := OLD.id; v_state := 'purged';
            ELSE
                v_owner := NEW.owner_user_id; v_agent := NEW.id;
                IF TG_OP = 'INSERT' THEN v_state := 'created';
                ELSIF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN v_state := 'deleted';
                ELSIF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN v_state := 'restored';
                ELSIF OLD.active_version_id IS DISTINCT FROM NEW.active_version_id THEN v_state := 'published';
                ELSIF OLD IS DISTINCT FROM NEW THEN v_state := 'changed';
                ELSE RETURN NULL;
                END IF;
            END IF;
            INSERT INTO aiox.state_events (owner_user_id, kind, thing, state) VALUES (v_owner, 'agent', v_agent, v_state);
            RETURN NULL;
        END""",
        "AFTER INSERT OR UPDATE OR DELETE ON aiox.agents FOR EACH ROW",
    )
    _teller(
        "document",
        """
        BEGIN
            INSERT INTO aiox.state_events (owner_user_id, kind, thing, state)
            VALUES (NEW.owner_user_id, 'document', NEW.id, NEW.state);
            RETURN NULL;
        END""",
        "AFTER UPDATE OF state ON aiox.documents FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)",
    )
    # To the agent's owner: turns that were let in and could not be answered. Ids and a code, nobody's text.
    _teller(
        "failure",
        """
        BEGIN
            INSERT INTO aiox.state_events (owner_user_id, kind, thing, state, detail)
            SELECT owner_user_id, 'turn', turn_id, 'failed', outcome FROM concluded
            WHERE outcome NOT IN ('answered', 'ACCESS_DENIED') AND outcome NOT LIKE 'merged %';
            RETURN NULL;
        END""",
        "AFTER INSERT ON aiox.inbox REFERENCING NEW TABLE AS concluded FOR EACH STATEMENT",
    )
    # To who asked over HTTP.
    _teller(
        "asked",
        """
        BEGIN
            INSERT INTO aiox.state_events (owner_user_id, kind, thing, state, detail)
            VALUES (NEW.owner_user_id, 'asked_turn', NEW.turn_id,
                    CASE NEW.outcome WHEN '' THEN 'accepted' WHEN 'answered' THEN 'answered' ELSE 'failed' END,
                    CASE NEW.outcome WHEN 'answered' THEN '' ELSE NEW.outcome END);
            RETURN NULL;
        END""",
        "AFTER INSERT OR UPDATE OF outcome ON aiox.asked_turns FOR EACH ROW",
    )


def _teller(name: str, body: str, when: str) -> None:
    """A trigger function that writes events as aiox_writer, whoever makes the change."""
    run(f"CREATE FUNCTION aiox.tell_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    run(f"CREATE TRIGGER tell_{name} {when} EXECUTE FUNCTION aiox.tell_{name}()")
    run(f"ALTER FUNCTION aiox.tell_{name}() SECURITY DEFINER SET search_path = aiox, pg_temp")
    run(f"REVOKE ALL ON FUNCTION aiox.tell_{name}() FROM PUBLIC")
    run(f"ALTER FUNCTION aiox.tell_{name}() OWNER TO aiox_writer")


def _finders() -> None:
    # What an account is to an agent that may be somebody else's; of one that is hidden, nothing.
    definer_function(
        """
        CREATE FUNCTION aiox.find_relation(p_agent uuid, p_jid text)
        RETURNS TABLE (relation text, owner_user_id uuid) LANGUAGE sql STABLE AS $$
            WITH asked AS (SELECT aiox.relation(p_agent, p_jid) AS relation)
            SELECT asked.relation, CASE WHEN asked.relation <> 'none' THEN a.owner_user_id END
            FROM asked LEFT JOIN aiox.agents a ON a.id = p_agent
        $$""",
        "find_relation(uuid, text)",
        "finder",
        "gateway",
    )
    # One correspondent's own turns with an agent that still lets them in; never anybody else's.
    run("GRANT SELECT ON aiox.executions TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.executions FOR SELECT TO aiox_finder USING (true)")
    definer_function(
        """
        CREATE FUNCTION aiox.find_history(
            p_agent uuid, p_subject text, p_before timestamptz, p_before_id uuid, p_limit int)
        RETURNS TABLE (id uuid, owner_user_id uuid, input bytea, output bytea, outcome text, correlation_id uuid,
                       created_at timestamptz)
        LANGUAGE sql STABLE AS $$
            SELECT e.id, e.owner_user_id, e.input, e.output, e.outcome, e.correlation_id, e.created_at
            FROM aiox.agents a JOIN aiox.executions e ON e.owner_user_id = a.owner_user_id AND e.agent_id = a.id
            WHERE a.id = p_agent AND aiox.relation(p_agent, p_subject) <> 'none' AND e.subject_jid = p_subject
              AND e.outcome NOT IN ('summarised', 'delegated') -- orchestrator/summaries.py, delegation.py
              AND (p_before IS NULL OR (e.created_at, e.id) < (p_before, p_before_id))
            ORDER BY e.created_at DESC, e.id DESC LIMIT p_limit
        $$""",
        "find_history(uuid, text, timestamptz, uuid, int)",
        "finder",
        "gateway",
    )


def _sweep() -> None:
    # An asked turn outlives its row in the inbox by a day: a repeat within that time finds its answer.
    definer_function(
        """
        CREATE FUNCTION aiox.sweep_requests() RETURNS bigint LANGUAGE sql AS $$
            WITH old_keys AS (
                DELETE FROM aiox.idempotency_keys WHERE created_at < now() - interval '24 hours' RETURNING 1),
            old_turns AS (
                DELETE FROM aiox.asked_turns WHERE created_at < now() - interval '8 days' RETURNING 1),
            numbered AS (
                SELECT seq, created_at, row_number() OVER (PARTITION BY owner_user_id ORDER BY xact DESC, seq DESC) AS n
                FROM aiox.state_events),
            old_events AS (
                DELETE FROM aiox.state_events e USING numbered o
                WHERE e.seq = o.seq AND (o.n > 10000 OR o.created_at < now() - interval '7 days') RETURNING 1)
            SELECT (SELECT count(*) FROM old_keys) + (SELECT count(*) FROM old_turns) + (SELECT count(*) FROM old_events)
        $$""",
        "sweep_requests()",
        "writer",
        "orchestrator",
    )
