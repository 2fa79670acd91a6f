"""What each budget has used in its newest minute and day: the truth that Redis's counters are rebuilt from."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_SIGNATURE = "conclude(int[], bigint[], bytea[], aiox.inbox_row[], aiox.execution_row[], aiox.outbox_row[])"

_HUB = "'00000000-0000-4000-8000-000000000001'::uuid"
"""The hub's own tenant (aiox/kernel/ids.py)."""

# Rows of several turns are locked in one order, the same for all: else two commits could wait for each other. What is
# used of a budget that many owners share (revision 0024) belongs to none of them: its row is the hub's.
_USAGE = """
            WITH used AS (
                SELECT scope.id AS scope_id, scope.owner, sum((r).tokens_used) AS tokens,
                       coalesce((r).reserved_minute, floor(extract(epoch FROM (r).created_at) / 60)::bigint) AS minute
                FROM unnest(p_executions) AS r,
                     LATERAL (VALUES ((r).owner_user_id, (r).owner_user_id), ((r).agent_id, (r).owner_user_id)
                              UNION ALL SELECT shared.id, {hub} FROM unnest((r).groups) AS shared (id)) AS scope (id, owner)
                GROUP BY 1, 2, 4),
            newest AS (SELECT *, max(minute) OVER (PARTITION BY scope_id) AS latest FROM used)
            INSERT INTO aiox.quota_usage AS q (scope_id, owner_user_id, minute, minute_tokens, day_tokens)
            SELECT scope_id, owner, latest, sum(tokens) FILTER (WHERE minute = latest),
                   sum(tokens) FILTER (WHERE minute / 1440 = latest / 1440)
            FROM newest GROUP BY scope_id, owner, latest ORDER BY scope_id
            ON CONFLICT (scope_id) DO UPDATE SET
                day_tokens = CASE
                    WHEN EXCLUDED.minute / 1440 > q.minute / 1440 THEN EXCLUDED.day_tokens
                    WHEN EXCLUDED.minute / 1440 = q.minute / 1440 THEN q.day_tokens + EXCLUDED.day_tokens
                    ELSE q.day_tokens END,
                minute_tokens = CASE
                    WHEN EXCLUDED.minute > q.minute THEN EXCLUDED.minute_tokens
                    WHEN EXCLUDED.minute = q.minute THEN q.minute_tokens + EXCLUDED.minute_tokens
                    ELSE q.minute_tokens END,
                minute = greatest(q.minute, EXCLUDED.minute);""".replace("{hub}", _HUB)


_COST = ("model text", "input_tokens bigint", "output_tokens bigint", "cost_nanousd bigint")


def _conclude(usage: str, order: str, cost: str) -> None:
    values = cost.replace(", ", ", (r).")
    run(f"DROP FUNCTION aiox.{_SIGNATURE}")
    definer_function(
        f"""
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
                                         worker_latency_ms, scoring, correlation_id, created_at{cost})
            SELECT (r).id, (r).owner_user_id, (r).agent_id, (r).agent_version_id, (r).subject_jid, (r).input, (r).output,
                   (r).outcome, (r).tokens_used, (r).tools_called::jsonb, (r).worker_id, (r).duration_ms,
                   (r).platform_latency_ms, (r).worker_latency_ms, (r).scoring::jsonb, (r).correlation_id, (r).created_at{values}
            FROM unnest(p_executions) AS r;
            INSERT INTO aiox.user_quotas AS q (user_id, tokens_used_today, tokens_used_minute, last_reset)
            SELECT (r).owner_user_id, sum((r).tokens_used), sum((r).tokens_used), max((r).created_at)
            FROM unnest(p_executions) AS r GROUP BY (r).owner_user_id{order}
            ON CONFLICT (user_id) DO UPDATE SET
                tokens_used_today = EXCLUDED.tokens_used_today + CASE
                    WHEN q.last_reset AT TIME ZONE 'UTC' >= date_trunc('day', EXCLUDED.last_reset AT TIME ZONE 'UTC')
                    THEN q.tokens_used_today ELSE 0 END,
                tokens_used_minute = EXCLUDED.tokens_used_minute + CASE
                    WHEN q.last_reset >= date_trunc('minute', EXCLUDED.last_reset) THEN q.tokens_used_minute ELSE 0 END,
                last_reset = greatest(q.last_reset, EXCLUDED.last_reset);{usage}
            INSERT INTO aiox.outbox (id, turn_id, owner_user_id, envelope, created_at)
            SELECT (r).id, (r).turn_id, (r).owner_user_id, (r).envelope, (r).created_at FROM unnest(p_outbox) AS r;
            PERFORM aiox.ledger_append(p_records);
        END $$""",
        _SIGNATURE,
        "writer",
        "orchestrator",
    )


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    # scope_id: an owner, an agent, or a group. minute: number since 1970, of the reservations that were settled last.
    run("""
        CREATE TABLE aiox.quota_usage (
            scope_id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            minute bigint NOT NULL,
            minute_tokens bigint NOT NULL,
            day_tokens bigint NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )""")
    owner_table(
        "quota_usage",
        {"gateway": "SELECT", "finder": "SELECT", "writer": "SELECT, INSERT, UPDATE"},
        worker_rule="false",
    )
    # What answered and what it cost, in billionths of a US dollar as estimated; NULL: nobody knows.
    run("ALTER TABLE aiox.executions ADD COLUMN model text NOT NULL DEFAULT ''")
    for column in ("input_tokens bigint NOT NULL DEFAULT 0", "output_tokens bigint NOT NULL DEFAULT 0"):
        run(f"ALTER TABLE aiox.executions ADD COLUMN {column}")
    run("ALTER TABLE aiox.executions ADD COLUMN cost_nanousd bigint")
    for attribute in ("reserved_minute bigint", *_COST, "groups uuid[]"):
        run(f"ALTER TYPE aiox.execution_row ADD ATTRIBUTE {attribute}")
    _conclude(_USAGE, " ORDER BY 1", "".join(f", {one.split()[0]}" for one in _COST))
    # One statement, one snapshot: a turn that is concluded here is in the usage here.
    definer_function(
        """
        CREATE FUNCTION aiox.quota_books(p_minute bigint, p_turns uuid[])
        RETURNS TABLE (scope_id uuid, minute bigint, minute_tokens bigint, day_tokens bigint, turn_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT scope_id, minute, minute_tokens, day_tokens, NULL::uuid FROM aiox.quota_usage
            WHERE minute / 1440 >= p_minute / 1440
            UNION ALL
            SELECT NULL, NULL, NULL, NULL, turn_id FROM aiox.inbox WHERE turn_id = ANY (p_turns)
        $$""",
        "quota_books(bigint, uuid[])",
        "finder",
        "orchestrator",
    )
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    run("DROP FUNCTION aiox.quota_books(bigint, uuid[])")
    _conclude("", "", "")
    for name in ("reserved_minute", *(one.split()[0] for one in _COST), "groups"):
        run(f"ALTER TYPE aiox.execution_row DROP ATTRIBUTE {name}")
    for name in (one.split()[0] for one in _COST):
        run(f"ALTER TABLE aiox.executions DROP COLUMN {name}")
    run("DROP TABLE aiox.quota_usage")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")
