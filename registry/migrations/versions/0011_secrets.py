"""Sealed columns, key rotation, and credentials for providers."""

from registry.migrations.guard import definer_function, owner_table, run, sealed

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SEALED = {
    "agent_versions": ("id", ("system_prompt",)),
    "agent_drafts": ("agent_id", ("system_prompt",)),
    "documents": ("id", ("content",)),
    "executions": ("id", ("input", "output")),
    "asked_turns": ("correlation_id", ("answer",)),
    "idempotency_keys": ("id", ("answer",)),
    "dead_letters": ("turn_id", ("envelope",)),
    "sessions": ("id", ("xmpp_token",)),
    "second_factors": ("owner_user_id", ("secret",)),
    "tenant_keys": ("owner_user_id", ("wrapped",)),
}
"""Tables of earlier revisions: the record that a ciphertext is bound to, and the columns."""
HUB = "00000000-0000-4000-8000-000000000001"


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    run("GRANT USAGE ON SCHEMA aiox TO aiox_keeper")
    for table, (record, columns) in SEALED.items():
        sealed(table, *columns, record=record)
    _keys()
    _credentials()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")


def _keys() -> None:
    run("GRANT SELECT (number), INSERT, DELETE ON aiox.tenant_keys TO aiox_keeper")
    run("GRANT SELECT ON aiox.tenant_keys TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.tenant_keys FOR SELECT TO aiox_finder USING (true)")
    definer_function(
        """
        CREATE FUNCTION aiox.find_tenants(p_after uuid, p_limit int) RETURNS TABLE (owner_user_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT DISTINCT k.owner_user_id FROM aiox.tenant_keys k WHERE k.owner_user_id > p_after
            ORDER BY 1 LIMIT p_limit
        $$""",
        "find_tenants(uuid, int)",
        "finder",
        "keeper",
    )
    # How many tenants' data keys each of the hub's keys wraps, and how many of those are not their tenant's newest.
    definer_function(
        """
        CREATE FUNCTION aiox.count_wrapped() RETURNS TABLE (hub_key int, data_keys bigint, old_data_keys bigint)
        LANGUAGE sql STABLE AS $$
            SELECT ('x' || encode(substring(k.wrapped FROM 1 FOR 4), 'hex'))::bit(32)::int, count(*),
                   count(*) FILTER (WHERE k.number < (
                       SELECT max(newest.number) FROM aiox.tenant_keys newest
                       WHERE newest.owner_user_id = k.owner_user_id))
            FROM aiox.tenant_keys k GROUP BY 1 ORDER BY 1
        $$""",
        "count_wrapped()",
        "finder",
        "keeper",
    )
    # A rotation that was broken off has no end; the next one goes on with its key.
    run("""
        CREATE TABLE aiox.key_rotations (
            hub_key int PRIMARY KEY CHECK (hub_key > 0),
            started_at timestamptz NOT NULL,
            finished_at timestamptz,
            records bigint NOT NULL DEFAULT 0
        )""")
    run("GRANT SELECT, INSERT, UPDATE ON aiox.key_rotations TO aiox_keeper")


def _credentials() -> None:
    # Level organisation waits for somebody who resolves it; the hub's own rows belong to the hub's own tenant.
    run(f"""
        CREATE TABLE aiox.provider_credentials (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            organisation_id uuid,
            level text NOT NULL CHECK (level IN ('owner', 'organisation', 'hub')),
            kind text NOT NULL CHECK (kind IN ('llm', 'smtp', 'search', 'database', 'mcp')),
            provider text NOT NULL,
            mode text NOT NULL CHECK (mode IN ('custom', 'global', 'disabled')),
            api_base text NOT NULL DEFAULT '',
            secret bytea,
            status text NOT NULL DEFAULT 'untested' CHECK (status IN ('untested', 'valid', 'invalid', 'expired')),
            reason text NOT NULL DEFAULT '',
            checked_at timestamptz,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT of_an_organisation CHECK ((level = 'organisation') = (organisation_id IS NOT NULL)),
            CONSTRAINT of_the_hub CHECK ((level = 'hub') = (owner_user_id = '{HUB}')),
            CONSTRAINT only_custom_has_a_secret CHECK (mode = 'custom' OR (secret IS NULL AND api_base = '')),
            UNIQUE NULLS NOT DISTINCT (owner_user_id, organisation_id, kind, provider)
        )""")
    owner_table(
        "provider_credentials",
        {"gateway": "SELECT, INSERT, UPDATE, DELETE", "orchestrator": "SELECT, UPDATE (status, reason, checked_at)"},
        worker_rule="false",
    )
    sealed("provider_credentials", "secret")
    run("GRANT SELECT (id, owner_user_id, mode, checked_at, created_at) ON aiox.provider_credentials TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.provider_credentials FOR SELECT TO aiox_finder USING (true)")
    definer_function(
        """
        CREATE FUNCTION aiox.find_credentials_due(p_before timestamptz, p_limit int)
        RETURNS TABLE (credential_id uuid, owner_user_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT c.id, c.owner_user_id FROM aiox.provider_credentials c
            WHERE c.mode = 'custom' AND (c.checked_at IS NULL OR c.checked_at < p_before)
            ORDER BY c.checked_at NULLS FIRST, c.id LIMIT p_limit
        $$""",
        "find_credentials_due(timestamptz, int)",
        "finder",
        "orchestrator",
    )


def downgrade() -> None:
    run("DROP FUNCTION aiox.find_credentials_due(timestamptz, int)")
    run("DROP TABLE aiox.provider_credentials")
    run("DROP FUNCTION aiox.count_wrapped()")
    run("DROP FUNCTION aiox.find_tenants(uuid, int)")
    run("DROP POLICY finder_select ON aiox.tenant_keys")
    run("REVOKE ALL ON aiox.tenant_keys FROM aiox_finder")
    run("DROP TABLE aiox.key_rotations")
    for table, (_, columns) in SEALED.items():
        run(f"DROP POLICY own_keeper ON aiox.{table}")
        run(f"REVOKE ALL ON aiox.{table} FROM aiox_keeper")
        for column in columns:
            run(f"ALTER TABLE aiox.{table} DROP CONSTRAINT {column}_is_sealed")
    run("REVOKE USAGE ON SCHEMA aiox FROM aiox_keeper")
