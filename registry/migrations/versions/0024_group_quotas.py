"""Budgets that many share: of organisations, and of peers, the domains that people write from."""

# ruff: noqa: S608 -- names are constants of the revisions

from registry.migrations.guard import definer_function, run
from registry.migrations.quota_notices import make_find_quota_notices
from registry.migrations.storage import ASKED_COLUMNS, ASKED_JOINS, ASKED_VALUES
from registry.migrations.turn_facts import AGENT_COLUMN, AGENT_VALUE, BY_ADDRESS, make_find_turn

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None

_HUB = "'00000000-0000-4000-8000-000000000001'::uuid"
"""The hub's own tenant (aiox/kernel/ids.py)."""
_LIMITS = ("tokens_per_minute", "tokens_per_day", "max_concurrent_requests", "max_memory_mb", "max_worker_time_ms")
_PEERS = {"tokens_per_minute": 10_000, "tokens_per_day": 500_000, "max_concurrent_requests": 8}
"""What every peer may spend of this hub's agents in all, until the hub's admin says otherwise."""
_HOME = "split_part(u.jid, '@', 2)"
_FROM = "split_part(p_sender, '@', 2)"


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    _table()
    _read()
    groups = f"""
               CASE WHEN asked.relation <> 'none' THEN (
                   SELECT json_agg(g) FROM aiox.find_group_quotas(
                       a.owner_user_id,
                       CASE WHEN {_FROM} <> {_HOME} AND right({_FROM}, length({_HOME}) + 1) <> '.' || {_HOME}
                            THEN {_FROM} ELSE '' END) g) END"""
    make_find_turn(
        BY_ADDRESS,
        f"{AGENT_COLUMN}{ASKED_COLUMNS}, group_quotas json",
        f"{AGENT_VALUE}{ASKED_VALUES},{groups}",
        ASKED_JOINS,
    )
    make_find_quota_notices(shared=True)
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")


def _table() -> None:
    # A limit that is NULL is none. Rows of the hub are its own; those of an organisation its rulers', and only narrow.
    run(f"""
        CREATE TABLE aiox.group_quotas (
            kind text NOT NULL CHECK (kind IN ('organisation', 'peer')),
            name text NOT NULL CHECK (name <> ''),
            set_by text NOT NULL CHECK (set_by IN ('hub', 'organisation')),
            {", ".join(f"{one} bigint CHECK ({one} >= 0)" for one in _LIMITS)},
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (kind, name, set_by),
            CHECK (set_by = 'hub' OR (kind = 'organisation' AND name ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'))
        )""")
    run(f"""
        INSERT INTO aiox.group_quotas (kind, name, set_by, {", ".join(_PEERS)}, changed_at)
        VALUES ('peer', '*', 'hub', {", ".join(map(str, _PEERS.values()))}, now())""")
    run("ALTER TABLE aiox.group_quotas ENABLE ROW LEVEL SECURITY")
    run("ALTER TABLE aiox.group_quotas FORCE ROW LEVEL SECURITY")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON aiox.group_quotas TO aiox_gateway")
    hubs = f"(set_by = 'hub' AND aiox.current_owner() = {_HUB})"
    role = "CASE WHEN set_by = 'organisation' THEN aiox.role_in(name::uuid) END"
    run(f"CREATE POLICY seen ON aiox.group_quotas FOR SELECT TO aiox_gateway USING ({hubs} OR {role} IS NOT NULL)")
    rules = f"({hubs} OR coalesce({role} IN ('owner', 'admin'), false))"
    run(f"CREATE POLICY made ON aiox.group_quotas FOR INSERT TO aiox_gateway WITH CHECK ({rules})")
    run(f"CREATE POLICY changed ON aiox.group_quotas FOR UPDATE TO aiox_gateway USING ({rules}) WITH CHECK ({rules})")
    run(f"CREATE POLICY dropped ON aiox.group_quotas FOR DELETE TO aiox_gateway USING ({rules})")
    run("GRANT SELECT ON aiox.group_quotas TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.group_quotas FOR SELECT TO aiox_finder USING (true)")
    run("GRANT SELECT, DELETE ON aiox.group_quotas TO aiox_eraser")  # with its organisation (revision 0012)
    for verb in ("SELECT", "DELETE"):
        run(f"CREATE POLICY eraser_{verb.lower()} ON aiox.group_quotas FOR {verb} TO aiox_eraser USING (true)")


def _read() -> None:
    # What holds for the agents of an owner when somebody from this domain writes (empty: from here): of each limit the
    # smaller of the hub's, by name or for every group, and the organisation's own.
    held = ", ".join(f"least(h.{one}, o.{one}) AS {one}" for one in _LIMITS)
    definer_function(
        f"""
        CREATE FUNCTION aiox.find_group_quotas(p_owner uuid, p_domain text)
        RETURNS TABLE (kind text, name text, {", ".join(f"{one} bigint" for one in _LIMITS)}, stored bigint)
        LANGUAGE sql STABLE AS $$
            WITH mine AS (
                SELECT 'organisation' AS kind, m.organisation_id AS id, m.organisation_id::text AS name
                FROM aiox.memberships m WHERE m.user_id = p_owner
                UNION ALL SELECT 'peer', NULL, p_domain WHERE p_domain <> ''),
            held AS (
                SELECT g.kind, g.id, g.name, {held}
                FROM mine g
                LEFT JOIN LATERAL (
                    SELECT * FROM aiox.group_quotas q
                    WHERE q.kind = g.kind AND q.set_by = 'hub' AND q.name IN (g.name, '*')
                    ORDER BY q.name = '*' LIMIT 1) h ON true
                LEFT JOIN aiox.group_quotas o ON o.kind = g.kind AND o.name = g.name AND o.set_by = 'organisation')
            SELECT kind, name, {", ".join(_LIMITS)},
                   CASE WHEN max_memory_mb IS NULL OR id IS NULL THEN 0 ELSE (
                       SELECT coalesce(sum(s.bytes), 0)::bigint FROM aiox.agent_storage s
                       JOIN aiox.memberships m ON m.user_id = s.owner_user_id WHERE m.organisation_id = held.id) END
            FROM held ORDER BY kind, name
        $$""",
        "find_group_quotas(uuid, text)",
        "finder",
        "gateway, orchestrator",
    )
    # What a group has used in its newest minute and the day of it: for the hub, and for an organisation's members.
    definer_function(
        f"""
        CREATE FUNCTION aiox.group_usage(p_scope uuid)
        RETURNS TABLE (minute bigint, minute_tokens bigint, day_tokens bigint) LANGUAGE sql STABLE AS $$
            SELECT minute, minute_tokens, day_tokens FROM aiox.quota_usage
            WHERE scope_id = p_scope AND owner_user_id = {_HUB}
              AND (aiox.current_owner() = {_HUB} OR aiox.role_in(p_scope) IS NOT NULL)
        $$""",
        "group_usage(uuid)",
        "finder",
        "gateway",
    )


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    make_find_quota_notices(shared=False)
    make_find_turn(BY_ADDRESS, AGENT_COLUMN + ASKED_COLUMNS, AGENT_VALUE + ASKED_VALUES, ASKED_JOINS)
    run("DROP FUNCTION aiox.group_usage(uuid)")
    run("DROP FUNCTION aiox.find_group_quotas(uuid, text)")
    run("DROP TABLE aiox.group_quotas")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")
