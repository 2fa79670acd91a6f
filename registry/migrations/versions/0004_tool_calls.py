"""Tool calls: on record before they run, so that a crash between effect and record is seen and nothing is repeated."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_FIND_TURN = """
    CREATE FUNCTION aiox.find_turn(p_agent uuid, p_sender text, p_turn uuid)
    RETURNS TABLE (relation text, owner_user_id uuid, active_version_id uuid, jid text, quota_config jsonb,
                   concluded boolean{column})
    LANGUAGE sql STABLE AS $$
        WITH asked AS (SELECT aiox.relation(p_agent, p_sender) AS relation)
        SELECT asked.relation, a.owner_user_id,
               CASE WHEN asked.relation <> 'none' THEN a.active_version_id END,
               CASE WHEN asked.relation <> 'none' THEN a.jid END,
               CASE WHEN asked.relation <> 'none' THEN u.quota_config END,
               EXISTS (SELECT FROM aiox.inbox i WHERE i.turn_id = p_turn){value}
        FROM asked LEFT JOIN aiox.agents a ON a.id = p_agent LEFT JOIN aiox.users u ON u.id = a.owner_user_id
    $$"""


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    # turn_ids: the turn that asked, and those of the messages that shared it; each may come again alone.
    run("""
        CREATE TABLE aiox.tool_calls (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            turn_id uuid NOT NULL,
            turn_ids uuid[] NOT NULL,
            tool_name text NOT NULL,
            arguments_digest bytea NOT NULL,
            result_digest bytea,
            error_code text NOT NULL DEFAULT '',
            state text NOT NULL DEFAULT 'started' CHECK (state IN ('started', 'done', 'failed', 'unknown')),
            created_at timestamptz NOT NULL,
            ended_at timestamptz
        )""")
    owner_table(
        "tool_calls",
        {"gateway": "SELECT", "orchestrator": "SELECT", "writer": "SELECT, INSERT, UPDATE", "finder": "SELECT"},
        worker_rule="false",
    )
    run("CREATE INDEX ON aiox.tool_calls USING gin (turn_ids)")
    # A lost lease, a turn with an outcome, or a call on record: nothing is written, nothing may run.
    definer_function(
        """
        CREATE FUNCTION aiox.tool_started(
            p_partition int, p_token bigint, p_id uuid, p_owner uuid, p_agent uuid, p_turn uuid, p_turns uuid[],
            p_tool text, p_digest bytea, p_now timestamptz, p_record bytea) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM aiox.partition_leases WHERE partition = p_partition AND token = p_token FOR SHARE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the lease of a partition was lost' USING ERRCODE = 'object_not_in_prerequisite_state';
            END IF;
            IF EXISTS (SELECT FROM aiox.inbox WHERE turn_id = ANY (p_turns)) THEN
                RAISE EXCEPTION 'the turn has had its outcome' USING ERRCODE = 'unique_violation';
            END IF;
            INSERT INTO aiox.tool_calls (id, owner_user_id, agent_id, turn_id, turn_ids, tool_name, arguments_digest,
                                         created_at)
            VALUES (p_id, p_owner, p_agent, p_turn, p_turns, p_tool, p_digest, p_now);
            PERFORM aiox.ledger_append(ARRAY[p_record]);
        END $$""",
        "tool_started(int, bigint, uuid, uuid, uuid, uuid, uuid[], text, bytea, timestamptz, bytea)",
        "writer",
        "orchestrator",
    )
    # The first outcome stands: a call that was given up as unknown stays so.
    definer_function(
        """
        CREATE FUNCTION aiox.tool_ended(
            p_id uuid, p_state text, p_result bytea, p_error text, p_now timestamptz, p_record bytea)
            RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE aiox.tool_calls SET state = p_state, result_digest = p_result, error_code = p_error, ended_at = p_now
            WHERE id = p_id AND state = 'started';
            IF NOT FOUND THEN
                RETURN false;
            END IF;
            PERFORM aiox.ledger_append(ARRAY[p_record]);
            RETURN true;
        END $$""",
        "tool_ended(uuid, text, bytea, text, timestamptz, bytea)",
        "writer",
        "orchestrator",
    )
    _find_turn(
        ", called boolean",
        ", EXISTS (SELECT FROM aiox.tool_calls c WHERE c.turn_ids @> ARRAY[p_turn])",
    )
    # What the queue looks like to each orchestrator, for people; a row a second, no history.
    run("""
        CREATE TABLE aiox.scaling_signals (
            orchestrator text PRIMARY KEY,
            queued int NOT NULL,
            oldest_wait_s double precision NOT NULL,
            wanted_workers int NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now()
        )""")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON aiox.scaling_signals TO aiox_orchestrator")
    run("GRANT SELECT ON aiox.scaling_signals TO aiox_gateway")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def _find_turn(column: str, value: str) -> None:
    run("DROP FUNCTION aiox.find_turn(uuid, text, uuid)")
    definer_function(
        _FIND_TURN.format(column=column, value=value), "find_turn(uuid, text, uuid)", "finder", "orchestrator"
    )


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    _find_turn("", "")
    run("DROP FUNCTION aiox.tool_started(int, bigint, uuid, uuid, uuid, uuid, uuid[], text, bytea, timestamptz, bytea)")
    run("DROP FUNCTION aiox.tool_ended(uuid, text, bytea, text, timestamptz, bytea)")
    run("DROP TABLE aiox.tool_calls, aiox.scaling_signals")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")
