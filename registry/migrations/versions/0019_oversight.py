"""Owners are told of limits that fill up, once for each; auditors of an organisation read the records that name it."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    _quota_notices()
    _organisations()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    run("DROP POLICY organisation ON aiox.audit_logs")
    run("DROP INDEX aiox.audit_logs_organisation_seq")
    run("DROP FUNCTION aiox.current_organisation()")
    run("DROP FUNCTION aiox.find_organisation(uuid)")
    run("DROP FUNCTION aiox.find_quota_notices(bigint, int)")
    run("DROP TABLE aiox.quota_notices")


def _quota_notices() -> None:
    # scope_id: an owner or an agent. period: number of the day since 1970; 0 for what has no end, as memory.
    run("""
        CREATE TABLE aiox.quota_notices (
            scope_id uuid NOT NULL,
            owner_user_id uuid NOT NULL,
            what text NOT NULL CHECK (what IN ('tokens', 'memory')),
            period bigint NOT NULL,
            level int NOT NULL CHECK (level IN (0, 80, 100)),
            created_at timestamptz NOT NULL,
            PRIMARY KEY (scope_id, what)
        )""")
    owner_table(
        "quota_notices", {"gateway": "SELECT", "orchestrator": "SELECT, INSERT, UPDATE", "finder": "SELECT"},
        worker_rule="false",
    )
    # What has come to another level than its owner was told. Tokens only rise in their day; memory falls, too.
    definer_function(
        """
        CREATE FUNCTION aiox.find_quota_notices(p_day bigint, p_limit int)
        RETURNS TABLE (scope_id uuid, owner_user_id uuid, owner_jid text, agent_id uuid, sender text, what text,
                       period bigint, used bigint, allowed bigint, level int, told int)
        LANGUAGE sql STABLE AS $$
            WITH budgets AS (
                SELECT q.scope_id, q.owner_user_id, 'tokens' AS what, p_day AS period, q.day_tokens AS used
                FROM aiox.quota_usage q WHERE q.minute / 1440 = p_day
                UNION ALL
                SELECT s.agent_id, s.owner_user_id, 'memory', 0, s.bytes FROM aiox.agent_storage s
                UNION ALL
                SELECT s.owner_user_id, s.owner_user_id, 'memory', 0, sum(s.bytes)::bigint
                FROM aiox.agent_storage s GROUP BY s.owner_user_id),
            limited AS (
                SELECT b.*, u.jid AS owner_jid, a.id AS agent_id,
                       coalesce(a.jid, (SELECT f.jid FROM aiox.agents f
                                        WHERE f.owner_user_id = b.owner_user_id AND f.deleted_at IS NULL
                                        ORDER BY f.created_at, f.id LIMIT 1)) AS sender,
                       CASE b.what WHEN 'tokens'
                           THEN coalesce(v.spec -> 'governance' ->> 'max_tokens_per_day', u.quota_config ->> 'tokens_per_day')
                           ELSE coalesce(v.spec -> 'governance' ->> 'max_memory_mb', u.quota_config ->> 'max_memory_mb')
                       END::bigint * CASE b.what WHEN 'memory' THEN 1048576 ELSE 1 END AS allowed
                FROM budgets b
                JOIN aiox.users u ON u.id = b.owner_user_id AND u.deactivated_at IS NULL
                LEFT JOIN aiox.agents a ON a.id = b.scope_id AND a.deleted_at IS NULL
                LEFT JOIN aiox.agent_versions v ON v.id = a.active_version_id
                WHERE b.scope_id = b.owner_user_id OR a.id IS NOT NULL),
            levelled AS (
                SELECT l.*, CASE WHEN l.used >= l.allowed THEN 100 WHEN l.used * 10 >= l.allowed * 8 THEN 80 ELSE 0 END AS level,
                       coalesce(n.level, 0) AS told
                FROM limited l LEFT JOIN aiox.quota_notices n
                    ON n.scope_id = l.scope_id AND n.what = l.what AND n.period = l.period
                WHERE l.sender IS NOT NULL AND l.allowed > 0)
            SELECT scope_id, owner_user_id, owner_jid, agent_id, sender, what, period, used, allowed, level, told
            FROM levelled WHERE level > told OR (what = 'memory' AND level < told)
            ORDER BY scope_id, what LIMIT p_limit
        $$""",
        "find_quota_notices(bigint, int)",
        "finder",
        "orchestrator",
    )


def _organisations() -> None:
    # A record names one organisation at most: the one that its owner joined first.
    definer_function(
        """
        CREATE FUNCTION aiox.find_organisation(p_owner uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
            SELECT organisation_id FROM aiox.memberships WHERE user_id = p_owner
            ORDER BY created_at, organisation_id LIMIT 1
        $$""",
        "find_organisation(uuid)",
        "finder",
        "gateway, orchestrator",
    )
    run("""
        CREATE FUNCTION aiox.current_organisation() RETURNS uuid LANGUAGE sql STABLE AS $$
            SELECT NULLIF(current_setting('aiox.organisation', true), '')::uuid
        $$""")
    # Read by those who oversee it, and only in a transaction that says so; the roles are asked once per statement.
    run("CREATE INDEX audit_logs_organisation_seq ON aiox.audit_logs (organisation_id, seq) WHERE organisation_id IS NOT NULL")
    run("""
        CREATE POLICY organisation ON aiox.audit_logs FOR SELECT TO aiox_gateway USING (
            organisation_id = (SELECT aiox.current_organisation())
            AND (SELECT aiox.role_in(aiox.current_organisation())) IN ('owner', 'admin', 'auditor'))""")
