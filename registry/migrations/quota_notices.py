"""Whose limits have come to another level than they were told: one function, in the forms it has had."""

# ruff: noqa: S608, E501 -- names are constants of the revisions

from __future__ import annotations

from registry.migrations.guard import definer_function, run

NAME = "find_quota_notices(bigint, int)"

# Of an organisation each owner and admin is told, of what holds for it.
_SHARED = """
                UNION ALL
                SELECT m.organisation_id, m.user_id, b.what, b.period, b.used, b.allowed
                FROM aiox.memberships m
                JOIN LATERAL aiox.find_group_quotas(m.user_id, '') g
                    ON g.kind = 'organisation' AND g.name = m.organisation_id::text
                JOIN LATERAL (
                    SELECT 'tokens' AS what, p_day AS period, q.day_tokens AS used, g.tokens_per_day AS allowed
                    FROM aiox.quota_usage q WHERE q.scope_id = m.organisation_id AND q.minute / 1440 = p_day
                    UNION ALL SELECT 'memory', 0, g.stored, g.max_memory_mb * 1048576) b ON b.allowed IS NOT NULL
                WHERE m.role IN ('owner', 'admin')"""


def make_find_quota_notices(*, shared: bool, anew: bool = True) -> None:
    """Makes it, `anew` in place of another; with `shared`, of the budgets of organisations, too."""
    if anew:
        run(f"DROP FUNCTION aiox.{NAME}")
    # What has come to another level than its owner was told. Tokens only rise in their day; memory falls, too.
    definer_function(
        f"""
        CREATE FUNCTION aiox.find_quota_notices(p_day bigint, p_limit int)
        RETURNS TABLE (scope_id uuid, owner_user_id uuid, owner_jid text, whose text, sender text, what text,
                       period bigint, used bigint, allowed bigint, level int, told int)
        LANGUAGE sql STABLE AS $$
            WITH budgets AS (
                SELECT q.scope_id, q.owner_user_id, 'tokens' AS what, p_day AS period, q.day_tokens AS used,
                       NULL::bigint AS shared
                FROM aiox.quota_usage q WHERE q.minute / 1440 = p_day
                UNION ALL
                SELECT s.agent_id, s.owner_user_id, 'memory', 0, s.bytes, NULL FROM aiox.agent_storage s
                UNION ALL
                SELECT s.owner_user_id, s.owner_user_id, 'memory', 0, sum(s.bytes)::bigint, NULL
                FROM aiox.agent_storage s GROUP BY s.owner_user_id{_SHARED if shared else ""}),
            limited AS (
                SELECT b.*, u.jid AS owner_jid,
                       CASE WHEN a.id IS NOT NULL THEN 'agent' WHEN b.shared IS NULL THEN 'account' ELSE 'organisation' END
                           AS whose,
                       coalesce(a.jid, (SELECT f.jid FROM aiox.agents f
                                        WHERE f.owner_user_id = b.owner_user_id AND f.deleted_at IS NULL
                                        ORDER BY f.created_at, f.id LIMIT 1),
                                (SELECT f.jid FROM aiox.agents f JOIN aiox.memberships m ON m.user_id = f.owner_user_id
                                 WHERE m.organisation_id = b.scope_id AND f.deleted_at IS NULL
                                 ORDER BY f.created_at, f.id LIMIT 1)) AS sender,
                       coalesce(b.shared, CASE b.what WHEN 'tokens'
                           THEN coalesce(v.spec -> 'governance' ->> 'max_tokens_per_day', u.quota_config ->> 'tokens_per_day')
                           ELSE coalesce(v.spec -> 'governance' ->> 'max_memory_mb', u.quota_config ->> 'max_memory_mb')
                       END::bigint * CASE b.what WHEN 'memory' THEN 1048576 ELSE 1 END) AS allowed
                FROM budgets b
                JOIN aiox.users u ON u.id = b.owner_user_id AND u.deactivated_at IS NULL
                LEFT JOIN aiox.agents a ON a.id = b.scope_id AND a.deleted_at IS NULL
                LEFT JOIN aiox.agent_versions v ON v.id = a.active_version_id
                WHERE b.scope_id = b.owner_user_id OR a.id IS NOT NULL OR b.shared IS NOT NULL),
            levelled AS (
                SELECT l.*, CASE WHEN l.used >= l.allowed THEN 100 WHEN l.used * 10 >= l.allowed * 8 THEN 80 ELSE 0 END AS level,
                       coalesce(n.level, 0) AS told
                FROM limited l LEFT JOIN aiox.quota_notices n
                    ON n.scope_id = l.scope_id AND n.owner_user_id = l.owner_user_id AND n.what = l.what
                   AND n.period = l.period
                WHERE l.sender IS NOT NULL AND l.allowed > 0)
            SELECT scope_id, owner_user_id, owner_jid, whose, sender, what, period, used, allowed, level, told
            FROM levelled WHERE level > told OR (what = 'memory' AND level < told)
            ORDER BY scope_id, owner_user_id, what LIMIT p_limit
        $$""",
        NAME,
        "finder",
        "orchestrator",
    )
