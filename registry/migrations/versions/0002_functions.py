"""What is found before an owner is known, and the one commit that concludes turns (docs/isolation.md lists them)."""

from registry.migrations.guard import definer_function, run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    _finders()
    _outbox()
    _ledger()
    _conclude()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    for name in ("relation(uuid, text)", "find_turn(uuid, text, uuid)", "may_see(uuid, text)", "find_login(text)",
                 "find_documents(int)", "outbox_pending(double precision, int)", "outbox_sent(uuid[])",
                 "ledger_append(bytea[])", "ledger_read(bigint, int)",
                 "conclude(int[], bigint[], bytea[], aiox.inbox_row[], aiox.execution_row[], aiox.outbox_row[])"):
        run(f"DROP FUNCTION aiox.{name}")
    for name in ("inbox_row", "execution_row", "outbox_row"):
        run(f"DROP TYPE aiox.{name}")


def _finders() -> None:
    # Deleted agents and accounts, and agents of others, have no relation to anyone: 'none'.
    definer_function(
        """
        CREATE FUNCTION aiox.relation(p_agent uuid, p_sender text)
        RETURNS text LANGUAGE sql STABLE AS $$
            SELECT coalesce((
                SELECT CASE
                    WHEN u.jid = p_sender THEN 'owner'
                    WHEN a.visibility = 'public' THEN 'public'
                    WHEN a.visibility = 'shared' AND EXISTS (
                        SELECT FROM aiox.agent_grants g WHERE g.agent_id = a.id
                          AND g.grantee IN (p_sender, split_part(p_sender, '@', 2))) THEN 'granted'
                    ELSE 'none' END
                FROM aiox.agents a JOIN aiox.users u ON u.id = a.owner_user_id
                WHERE a.id = p_agent AND a.deleted_at IS NULL AND u.deactivated_at IS NULL), 'none')
        $$""",
        "relation(uuid, text)", "finder", "finder",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.find_turn(p_agent uuid, p_sender text, p_turn uuid)
        RETURNS TABLE (relation text, owner_user_id uuid, active_version_id uuid, jid text, quota_config jsonb,
                       concluded boolean)
        LANGUAGE sql STABLE AS $$
            WITH asked AS (SELECT aiox.relation(p_agent, p_sender) AS relation)
            SELECT asked.relation, a.owner_user_id,
                   CASE WHEN asked.relation <> 'none' THEN a.active_version_id END,
                   CASE WHEN asked.relation <> 'none' THEN a.jid END,
                   CASE WHEN asked.relation <> 'none' THEN u.quota_config END,
                   EXISTS (SELECT FROM aiox.inbox i WHERE i.turn_id = p_turn)
            FROM asked LEFT JOIN aiox.agents a ON a.id = p_agent LEFT JOIN aiox.users u ON u.id = a.owner_user_id
        $$""",
        "find_turn(uuid, text, uuid)", "finder", "orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.may_see(p_agent uuid, p_jid text) RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT aiox.relation(p_agent, p_jid) <> 'none'
        $$""",
        "may_see(uuid, text)", "finder", "component",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.find_login(p_email text) RETURNS TABLE (user_id uuid, jid text, password_hash text)
        LANGUAGE sql STABLE AS $$
            SELECT id, jid, password_hash FROM aiox.users WHERE email = p_email AND deactivated_at IS NULL
        $$""",
        "find_login(text)", "finder", "gateway",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.find_documents(p_limit int)
        RETURNS TABLE (document_id uuid, owner_user_id uuid, agent_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT id, owner_user_id, agent_id FROM aiox.documents WHERE state = 'waiting' ORDER BY created_at LIMIT p_limit
        $$""",
        "find_documents(int)", "finder", "orchestrator",
    )


def _outbox() -> None:
    definer_function(
        """
        CREATE FUNCTION aiox.outbox_pending(p_seconds double precision, p_limit int) RETURNS TABLE (envelope bytea)
        LANGUAGE sql STABLE AS $$
            SELECT envelope FROM aiox.outbox
            WHERE sent_at IS NULL AND created_at < now() - make_interval(secs => p_seconds)
            ORDER BY created_at, id LIMIT p_limit
        $$""",
        "outbox_pending(double precision, int)", "finder", "component",
    )
    # The text goes with the confirmation: a row that was sent keeps its ids only.
    definer_function(
        """
        CREATE FUNCTION aiox.outbox_sent(p_ids uuid[]) RETURNS void LANGUAGE sql AS $$
            UPDATE aiox.outbox SET sent_at = now(), envelope = NULL WHERE id = ANY (p_ids) AND sent_at IS NULL
        $$""",
        "outbox_sent(uuid[])", "finder", "component",
    )


def _ledger() -> None:
    # hash = SHA-256(previous hash | seq as 8 bytes, big endian | record); record is canonical JSON (RFC 8785) and the
    # columns are read from it here, so that a column cannot say what was not hashed.
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_append(p_records bytea[]) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            v_seq bigint; v_hash bytea; v_previous bytea; v_record bytea;
            v_seqs bigint[] := '{}'; v_previouses bytea[] := '{}'; v_hashes bytea[] := '{}';
        BEGIN
            SELECT seq, hash INTO STRICT v_seq, v_hash FROM aiox.ledger_head FOR UPDATE;
            FOREACH v_record IN ARRAY p_records LOOP
                v_seq := v_seq + 1;
                v_previous := v_hash;
                v_hash := sha256(v_previous || int8send(v_seq) || v_record);
                v_seqs := v_seqs || v_seq;
                v_previouses := v_previouses || v_previous;
                v_hashes := v_hashes || v_hash;
            END LOOP;
            INSERT INTO aiox.audit_logs (seq, id, owner_user_id, event_type, severity, details, created_at, actor,
                                         organisation_id, request_id, correlation_id, record, previous_hash, hash)
            SELECT t.seq, (j ->> 'id')::uuid, (j ->> 'owner_user_id')::uuid, j ->> 'event_type', j ->> 'severity',
                   j -> 'details', (j ->> 'created_at')::timestamptz, j ->> 'actor', (j ->> 'organisation_id')::uuid,
                   (j ->> 'request_id')::uuid, (j ->> 'correlation_id')::uuid, t.record, t.previous, t.hash
            FROM unnest(v_seqs, p_records, v_previouses, v_hashes) AS t (seq, record, previous, hash),
                 LATERAL (SELECT convert_from(t.record, 'UTF8')::jsonb AS j) parsed;
            UPDATE aiox.ledger_head SET seq = v_seq, hash = v_hash;
            RETURN v_seq;
        END $$""",
        "ledger_append(bytea[])", "writer", "gateway, orchestrator, writer",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_read(p_after bigint, p_limit int)
        RETURNS TABLE (seq bigint, record bytea, previous_hash bytea, hash bytea, id uuid, owner_user_id uuid,
                       event_type text, severity text, details jsonb, created_at timestamptz, actor text,
                       correlation_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT seq, record, previous_hash, hash, id, owner_user_id, event_type, severity, details, created_at, actor,
                   correlation_id
            FROM aiox.audit_logs WHERE seq > p_after ORDER BY seq LIMIT p_limit
        $$""",
        "ledger_read(bigint, int)", "finder", "gateway",
    )


def _conclude() -> None:
    run("""
        CREATE TYPE aiox.inbox_row AS (
            turn_id uuid, owner_user_id uuid, agent_id uuid, sender_jid text, message_id text, outcome text,
            correlation_id uuid, admitted_at timestamptz, concluded_at timestamptz)""")
    run("""
        CREATE TYPE aiox.execution_row AS (
            id uuid, owner_user_id uuid, agent_id uuid, agent_version_id uuid, subject_jid text, input bytea,
            output bytea, outcome text, tokens_used bigint, tools_called text, worker_id text, duration_ms int,
            platform_latency_ms int, worker_latency_ms int, scoring text, correlation_id uuid, created_at timestamptz)""")
    run("""
        CREATE TYPE aiox.outbox_row AS (
            id uuid, turn_id uuid, owner_user_id uuid, envelope bytea, created_at timestamptz)""")
    # One commit for many turns of many owners. Leases come first: a caller that lost its partition changes nothing.
    # A turn that is in the inbox already raises unique_violation: its effects are there, none is repeated.
    definer_function(
        """
        CREATE FUNCTION aiox.conclude(
            p_partitions int[], p_tokens bigint[], p_records bytea[], p_inbox aiox.inbox_row[],
            p_executions aiox.execution_row[], p_outbox aiox.outbox_row[]) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM aiox.partition_leases WHERE partition = ANY (p_partitions) ORDER BY partition FOR SHARE;
            IF EXISTS (
                SELECT FROM unnest(p_partitions, p_tokens) AS held (partition, token)
                LEFT JOIN aiox.partition_leases l ON l.partition = held.partition AND l.token = held.token
                WHERE l.partition IS NULL) THEN
                RAISE EXCEPTION 'the lease of a partition was lost' USING ERRCODE = 'object_not_in_prerequisite_state';
            END IF;
            INSERT INTO aiox.inbox (turn_id, owner_user_id, agent_id, sender_jid, message_id, outcome, correlation_id,
                                    admitted_at, created_at)
            SELECT (r).turn_id, (r).owner_user_id, (r).agent_id, (r).sender_jid, (r).message_id, (r).outcome,
                   (r).correlation_id, (r).admitted_at, (r).concluded_at
            FROM unnest(p_inbox) AS r;
            INSERT INTO aiox.executions (id, owner_user_id, agent_id, agent_version_id, subject_jid, input, output, outcome,
                                         tokens_used, tools_called, worker_id, duration_ms, platform_latency_ms,
                                         worker_latency_ms, scoring, correlation_id, created_at)
            SELECT (r).id, (r).owner_user_id, (r).agent_id, (r).agent_version_id, (r).subject_jid, (r).input, (r).output,
                   (r).outcome, (r).tokens_used, (r).tools_called::jsonb, (r).worker_id, (r).duration_ms,
                   (r).platform_latency_ms, (r).worker_latency_ms, (r).scoring::jsonb, (r).correlation_id, (r).created_at
            FROM unnest(p_executions) AS r;
            INSERT INTO aiox.user_quotas AS q (user_id, tokens_used_today, tokens_used_minute, last_reset)
            SELECT (r).owner_user_id, sum((r).tokens_used), sum((r).tokens_used), max((r).created_at)
            FROM unnest(p_executions) AS r GROUP BY (r).owner_user_id
            ON CONFLICT (user_id) DO UPDATE SET
                tokens_used_today = EXCLUDED.tokens_used_today + CASE
                    WHEN q.last_reset AT TIME ZONE 'UTC' >= date_trunc('day', EXCLUDED.last_reset AT TIME ZONE 'UTC')
                    THEN q.tokens_used_today ELSE 0 END,
                tokens_used_minute = EXCLUDED.tokens_used_minute + CASE
                    WHEN q.last_reset >= date_trunc('minute', EXCLUDED.last_reset) THEN q.tokens_used_minute ELSE 0 END,
                last_reset = greatest(q.last_reset, EXCLUDED.last_reset);
            INSERT INTO aiox.outbox (id, turn_id, owner_user_id, envelope, created_at)
            SELECT (r).id, (r).turn_id, (r).owner_user_id, (r).envelope, (r).created_at FROM unnest(p_outbox) AS r;
            PERFORM aiox.ledger_append(p_records);
        END $$""",
        "conclude(int[], bigint[], bytea[], aiox.inbox_row[], aiox.execution_row[], aiox.outbox_row[])",
        "writer", "orchestrator",
    )
