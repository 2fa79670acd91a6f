"""Attempts that outlive a crash, dead letters, and what is kept for how long."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    # Attempts belong to a message, before any owner is known: ids and a count, no text.
    run("""
        CREATE TABLE aiox.turn_attempts (
            turn_id uuid PRIMARY KEY,
            attempts int NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )""")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON aiox.turn_attempts TO aiox_orchestrator")
    run("""
        CREATE TABLE aiox.dead_letters (
            turn_id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            sender_jid text NOT NULL,
            reason text NOT NULL,
            attempts int NOT NULL,
            envelope bytea,
            correlation_id uuid NOT NULL,
            created_at timestamptz NOT NULL,
            closed_at timestamptz,
            closed_as text CHECK (closed_as IN ('retried', 'dropped'))
        )""")
    owner_table(
        "dead_letters",
        {"gateway": "SELECT, UPDATE", "orchestrator": "SELECT", "writer": "SELECT, INSERT"},
        worker_rule="false",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.bury(
            p_turn uuid, p_owner uuid, p_agent uuid, p_sender text, p_reason text, p_attempts int, p_envelope bytea,
            p_correlation uuid, p_now timestamptz) RETURNS void LANGUAGE sql AS $$
            INSERT INTO aiox.dead_letters (turn_id, owner_user_id, agent_id, sender_jid, reason, attempts, envelope,
                                           correlation_id, created_at)
            VALUES (p_turn, p_owner, p_agent, p_sender, p_reason, p_attempts, p_envelope, p_correlation, p_now)
            ON CONFLICT (turn_id) DO NOTHING
        $$""",
        "bury(uuid, uuid, uuid, text, text, int, bytea, uuid, timestamptz)",
        "writer",
        "orchestrator",
    )
    run("GRANT SELECT ON aiox.dead_letters TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.dead_letters FOR SELECT TO aiox_finder USING (true)")
    definer_function(
        """
        CREATE FUNCTION aiox.find_dead_letters(p_limit int) RETURNS TABLE (turn_id uuid, owner_user_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT turn_id, owner_user_id FROM aiox.dead_letters WHERE closed_at IS NULL
            ORDER BY created_at DESC, turn_id LIMIT p_limit
        $$""",
        "find_dead_letters(int)",
        "finder",
        "gateway",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.find_address(p_owner uuid) RETURNS text LANGUAGE sql STABLE AS $$
            SELECT jid FROM aiox.users WHERE id = p_owner AND deactivated_at IS NULL
        $$""",
        "find_address(uuid)",
        "finder",
        "orchestrator",
    )
    run("GRANT DELETE, SELECT ON aiox.turn_attempts TO aiox_writer")
    run("GRANT DELETE, SELECT ON aiox.inbox TO aiox_writer")
    run("CREATE POLICY writer_select ON aiox.inbox FOR SELECT TO aiox_writer USING (true)")
    run("CREATE POLICY writer_delete ON aiox.inbox FOR DELETE TO aiox_writer USING (true)")
    run("GRANT DELETE, SELECT ON aiox.outbox TO aiox_writer")
    run("CREATE POLICY writer_select ON aiox.outbox FOR SELECT TO aiox_writer USING (true)")
    run("CREATE POLICY writer_delete ON aiox.outbox FOR DELETE TO aiox_writer USING (sent_at IS NOT NULL)")
    definer_function(
        """
        CREATE FUNCTION aiox.sweep_turns(p_days int) RETURNS bigint LANGUAGE sql AS $$
            WITH old_attempts AS (
                DELETE FROM aiox.turn_attempts WHERE created_at < now() - make_interval(days => greatest(p_days, 7))),
            old_inbox AS (
                DELETE FROM aiox.inbox WHERE created_at < now() - make_interval(days => greatest(p_days, 7)) RETURNING 1),
            old_outbox AS (
                DELETE FROM aiox.outbox WHERE sent_at < now() - make_interval(days => greatest(p_days, 7)) RETURNING 1)
            SELECT (SELECT count(*) FROM old_inbox) + (SELECT count(*) FROM old_outbox)
        $$""",
        "sweep_turns(int)",
        "writer",
        "orchestrator",
    )
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    run("DROP FUNCTION aiox.sweep_turns(int)")
    run("DROP FUNCTION aiox.find_address(uuid)")
    run("DROP FUNCTION aiox.find_dead_letters(int)")
    run("DROP FUNCTION aiox.bury(uuid, uuid, uuid, text, text, int, bytea, uuid, timestamptz)")
    for table in ("inbox", "outbox"):
        run(f"DROP POLICY writer_select ON aiox.{table}")
        run(f"DROP POLICY writer_delete ON aiox.{table}")
        run(f"REVOKE DELETE, SELECT ON aiox.{table} FROM aiox_writer")
    run("DROP TABLE aiox.dead_letters, aiox.turn_attempts")
