"""Budgets that many share: of organisations, and of peers, the domains that people write from."""

# ruff: noqa: S608 -- names are constants of the revisions

from registry.migrations.group_budgets import LIMITS, make_find_group_quotas, make_find_turn_with_groups
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
_PEERS = {"tokens_per_minute": 10_000, "tokens_per_day": 500_000, "max_concurrent_requests": 8}
"""What every peer may spend of this hub's agents in all, until the hub's admin says otherwise."""


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    _table()
    _read()
    make_find_turn_with_groups(peers=False)
    make_find_quota_notices(shared=True)
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")


def _table() -> None:
    # A limit that is NULL is none. Rows of the hub are its own; those of an organisation its rulers', and only narrow.
    run(f"""
        CREATE TABLE aiox.group_quotas (
            kind text NOT NULL CHECK (kind IN ('organisation', 'peer')),
            name text NOT NULL CHECK (name <> ''),
            set_by text NOT NULL CHECK (set_by IN ('hub', 'organisation')),
            {", ".join(f"{one} bigint CHECK ({one} >= 0)" for one in LIMITS)},
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
    make_find_group_quotas(peers=False)
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
