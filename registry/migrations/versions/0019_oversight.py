"""Owners are told of limits that fill up, once for each; auditors of an organisation read the records that name it."""

from registry.migrations.guard import definer_function, owner_table, run
from registry.migrations.quota_notices import make_find_quota_notices

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    _quota_notices()
    _figures()
    _organisations()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    run("DROP POLICY organisation ON aiox.audit_logs")
    run("DROP INDEX aiox.audit_logs_organisation_seq")
    run("DROP FUNCTION aiox.current_organisation()")
    run("DROP FUNCTION aiox.find_organisation(uuid)")
    run("DROP FUNCTION aiox.find_tokens_left(bigint, int)")
    run("DROP FUNCTION aiox.find_stored(int)")
    run("DROP FUNCTION aiox.find_quota_notices(bigint, int)")
    run("DROP TABLE aiox.quota_notices")


def _quota_notices() -> None:
    # scope_id: an owner, an agent, or a group that the owner rules. period: number of the day since 1970; 0 for what has no end, as memory.
    run("""
        CREATE TABLE aiox.quota_notices (
            scope_id uuid NOT NULL,
            owner_user_id uuid NOT NULL,
            what text NOT NULL CHECK (what IN ('tokens', 'memory')),
            period bigint NOT NULL,
            level int NOT NULL CHECK (level IN (0, 80, 100)),
            created_at timestamptz NOT NULL,
            PRIMARY KEY (scope_id, owner_user_id, what)
        )""")
    owner_table(
        "quota_notices", {"gateway": "SELECT", "orchestrator": "SELECT, INSERT, UPDATE", "finder": "SELECT"},
        worker_rule="false",
    )
    make_find_quota_notices(shared=False, anew=False)


def _figures() -> None:
    # For metrics: the first of them by id, the others as one without.
    definer_function(
        """
        CREATE FUNCTION aiox.find_stored(p_most int) RETURNS TABLE (agent_id uuid, owner_user_id uuid, size bigint)
        LANGUAGE sql STABLE AS $$
            WITH ranked AS (
                SELECT s.agent_id, s.owner_user_id, s.bytes,
                       row_number() OVER (ORDER BY s.bytes DESC, s.agent_id) <= p_most AS named
                FROM aiox.agent_storage s)
            SELECT r.agent_id, r.owner_user_id, r.bytes FROM ranked r WHERE r.named
            UNION ALL
            SELECT NULL, NULL, sum(r.bytes)::bigint FROM ranked r WHERE NOT r.named HAVING count(*) > 0
        $$""",
        "find_stored(int)",
        "finder",
        "orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.find_tokens_left(p_day bigint, p_most int) RETURNS TABLE (owner_user_id uuid, tokens bigint)
        LANGUAGE sql STABLE AS $$
            WITH today AS (
                SELECT u.id, greatest(0, (u.quota_config ->> 'tokens_per_day')::bigint - coalesce(q.day_tokens, 0)) AS tokens
                FROM aiox.users u
                LEFT JOIN aiox.quota_usage q ON q.scope_id = u.id AND q.minute / 1440 = p_day
                WHERE u.deactivated_at IS NULL),
            ranked AS (SELECT t.*, row_number() OVER (ORDER BY t.tokens, t.id) <= p_most AS named FROM today t)
            SELECT r.id, r.tokens FROM ranked r WHERE r.named
            UNION ALL
            SELECT NULL, min(r.tokens) FROM ranked r WHERE NOT r.named HAVING count(*) > 0
        $$""",
        "find_tokens_left(bigint, int)",
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
