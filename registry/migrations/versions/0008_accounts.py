"""Organisations, sessions, second factors: what an account grew."""

from registry.migrations.guard import definer_function, owner_table, run

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_RULED = "aiox.role_in({0}) IN ('owner', 'admin') AND (role <> 'owner' OR aiox.role_in({0}) = 'owner')"
"""Owners and admins rule; only an owner makes, changes or removes an owner."""


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    _users()
    _sessions()
    _second_factors()
    _mail_tokens()
    _find_accounts()
    _sweep()
    _organisations()
    _organisation_rules()
    _organisation_functions()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    for function in ("sweep_sessions()", "find_accounts(text, int)", "find_invitation(bytea, timestamptz)",
                     "accept_invitation(bytea, timestamptz)", "find_members(uuid)",
                     "found_organisation(uuid, text, timestamptz)"):
        run(f"DROP FUNCTION aiox.{function}")
    for table in ("invitations", "memberships", "organisations", "mail_tokens", "recovery_codes", "second_factors",
                  "refresh_tokens", "sessions"):
        run(f"DROP TABLE aiox.{table} CASCADE")
    run("DROP FUNCTION aiox.role_in(uuid)")
    run("DROP POLICY writer_select ON aiox.users")
    run("REVOKE SELECT (id, email) ON aiox.users FROM aiox_writer")
    for column in ("confirmed_at", "hub_role", "xmpp_password"):
        run(f"ALTER TABLE aiox.users DROP COLUMN {column}")


def _users() -> None:
    # xmpp_password is 'unsure' from the moment a change begins until server and hub are known to agree again.
    run("""
        ALTER TABLE aiox.users
            ADD confirmed_at timestamptz,
            ADD hub_role text CHECK (hub_role IN ('hub_admin', 'hub_auditor')),
            ADD xmpp_password text NOT NULL DEFAULT 'same' CHECK (xmpp_password IN ('same', 'unsure'))""")


def _sessions() -> None:
    run("""
        CREATE TABLE aiox.sessions (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL REFERENCES aiox.users,
            client text NOT NULL,
            address text NOT NULL,
            xmpp_token bytea,
            created_at timestamptz NOT NULL,
            last_used_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            revoked_for text,
            UNIQUE (owner_user_id, id)
        )""")
    owner_table(
        "sessions",
        {"gateway": "SELECT, INSERT, UPDATE, DELETE", "writer": "SELECT, DELETE"},
        worker_rule="false",
    )
    run("""
        CREATE TABLE aiox.refresh_tokens (
            hash bytea PRIMARY KEY CHECK (length(hash) = 32),
            owner_user_id uuid NOT NULL,
            session_id uuid NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            FOREIGN KEY (owner_user_id, session_id) REFERENCES aiox.sessions (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table(
        "refresh_tokens",
        {"gateway": "SELECT, INSERT, UPDATE, DELETE", "writer": "SELECT, DELETE"},
        worker_rule="false",
    )
    run("CREATE INDEX ON aiox.refresh_tokens (owner_user_id, session_id)")


def _second_factors() -> None:
    run("""
        CREATE TABLE aiox.second_factors (
            owner_user_id uuid PRIMARY KEY REFERENCES aiox.users,
            secret bytea NOT NULL,
            created_at timestamptz NOT NULL,
            confirmed_at timestamptz,
            last_step bigint NOT NULL DEFAULT 0,
            failures int NOT NULL DEFAULT 0,
            blocked_until timestamptz
        )""")
    owner_table("second_factors", {"gateway": "SELECT, INSERT, UPDATE, DELETE"}, worker_rule="false")
    run("GRANT SELECT (owner_user_id, confirmed_at) ON aiox.second_factors TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.second_factors FOR SELECT TO aiox_finder USING (true)")
    run("""
        CREATE TABLE aiox.recovery_codes (
            owner_user_id uuid NOT NULL REFERENCES aiox.second_factors ON DELETE CASCADE,
            hash bytea NOT NULL CHECK (length(hash) = 32),
            created_at timestamptz NOT NULL,
            used_at timestamptz,
            PRIMARY KEY (owner_user_id, hash)
        )""")
    owner_table("recovery_codes", {"gateway": "SELECT, INSERT, UPDATE, DELETE"}, worker_rule="false")


def _mail_tokens() -> None:
    run("""
        CREATE TABLE aiox.mail_tokens (
            hash bytea PRIMARY KEY CHECK (length(hash) = 32),
            owner_user_id uuid NOT NULL REFERENCES aiox.users,
            purpose text NOT NULL CHECK (purpose IN ('confirm', 'reset')),
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz
        )""")
    owner_table(
        "mail_tokens",
        {"gateway": "SELECT, INSERT, UPDATE, DELETE", "writer": "SELECT, DELETE"},
        worker_rule="false",
    )


def _find_accounts() -> None:
    definer_function(
        """
        CREATE FUNCTION aiox.find_accounts(p_email text, p_limit int)
        RETURNS TABLE (user_id uuid, email text, jid text, hub_role text, second_factor boolean, created_at timestamptz,
                       confirmed_at timestamptz, deactivated_at timestamptz)
        LANGUAGE sql STABLE AS $$
            SELECT u.id, u.email, u.jid, u.hub_role,
                   EXISTS (SELECT FROM aiox.second_factors f
                           WHERE f.owner_user_id = u.id AND f.confirmed_at IS NOT NULL),
                   u.created_at, u.confirmed_at, u.deactivated_at
            FROM aiox.users u WHERE p_email IS NULL OR u.email = p_email ORDER BY u.created_at, u.id LIMIT p_limit
        $$""",
        "find_accounts(text, int)", "finder", "gateway",
    )


def _sweep() -> None:
    # A session is listed, and its address known, for 30 days after its end; a used refresh token as long as it would
    # have been good, to know it when it comes again; a link in mail until it is too old.
    definer_function(
        """
        CREATE FUNCTION aiox.sweep_sessions() RETURNS bigint LANGUAGE sql AS $$
            WITH old_sessions AS (
                DELETE FROM aiox.sessions s
                WHERE least(s.expires_at, s.revoked_at) < now() - interval '30 days'
                   OR s.last_used_at < now() - interval '30 days' AND NOT EXISTS (
                      SELECT FROM aiox.refresh_tokens t WHERE t.session_id = s.id AND t.expires_at >= now())
                RETURNING 1),
            old_tokens AS (DELETE FROM aiox.refresh_tokens WHERE expires_at < now() RETURNING 1),
            old_links AS (DELETE FROM aiox.mail_tokens WHERE expires_at < now() - interval '1 day' RETURNING 1)
            SELECT (SELECT count(*) FROM old_sessions) + (SELECT count(*) FROM old_tokens)
                + (SELECT count(*) FROM old_links)
        $$""",
        "sweep_sessions()", "writer", "orchestrator",
    )


def _organisations() -> None:
    roles = "CHECK (role IN ('owner', 'admin', 'approver', 'auditor', 'member'))"
    run("""
        CREATE TABLE aiox.organisations (
            id uuid PRIMARY KEY,
            name text NOT NULL,
            created_at timestamptz NOT NULL
        )""")
    run(f"""
        CREATE TABLE aiox.memberships (
            organisation_id uuid NOT NULL REFERENCES aiox.organisations,
            user_id uuid NOT NULL REFERENCES aiox.users,
            role text NOT NULL {roles},
            created_at timestamptz NOT NULL,
            PRIMARY KEY (organisation_id, user_id)
        )""")
    run("CREATE INDEX ON aiox.memberships (user_id)")
    run(f"""
        CREATE TABLE aiox.invitations (
            id uuid PRIMARY KEY,
            organisation_id uuid NOT NULL REFERENCES aiox.organisations,
            email text NOT NULL,
            role text NOT NULL {roles},
            hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
            invited_by uuid NOT NULL REFERENCES aiox.users,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            accepted_at timestamptz,
            accepted_by uuid REFERENCES aiox.users
        )""")
    run("CREATE INDEX ON aiox.invitations (organisation_id, created_at)")


def _organisation_rules() -> None:
    """Who is in an organisation sees it; the tables have no single owner, so their rules are told here one by one."""
    for table in ("organisations", "memberships", "invitations"):
        run(f"ALTER TABLE aiox.{table} ENABLE ROW LEVEL SECURITY")
        run(f"ALTER TABLE aiox.{table} FORCE ROW LEVEL SECURITY")
    run("GRANT SELECT ON aiox.memberships TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.memberships FOR SELECT TO aiox_finder USING (true)")
    definer_function(
        """
        CREATE FUNCTION aiox.role_in(p_organisation uuid) RETURNS text LANGUAGE sql STABLE AS $$
            SELECT role FROM aiox.memberships
            WHERE organisation_id = p_organisation AND user_id = aiox.current_owner()
        $$""",
        "role_in(uuid)", "finder", "gateway",
    )
    run("GRANT SELECT, UPDATE (name) ON aiox.organisations TO aiox_gateway")
    _rule("organisations", "SELECT", "USING (aiox.role_in(id) IS NOT NULL)")
    _rule("organisations", "UPDATE", "USING (aiox.role_in(id) IN ('owner', 'admin'))")
    run("GRANT SELECT, UPDATE (role), DELETE ON aiox.memberships TO aiox_gateway")
    ruled = _RULED.format("organisation_id")
    _rule("memberships", "SELECT", "USING (aiox.role_in(organisation_id) IS NOT NULL)")
    _rule("memberships", "UPDATE", f"USING ({ruled}) WITH CHECK ({ruled})")
    _rule("memberships", "DELETE", f"USING (user_id = aiox.current_owner() OR {ruled})")
    run("GRANT SELECT, INSERT, DELETE ON aiox.invitations TO aiox_gateway")
    for verb in ("SELECT", "DELETE"):
        _rule("invitations", verb, "USING (aiox.role_in(organisation_id) IN ('owner', 'admin'))")
    _rule("invitations", "INSERT", f"WITH CHECK (invited_by = aiox.current_owner() AND {ruled})")


def _rule(table: str, verb: str, rule: str) -> None:
    run(f"CREATE POLICY member_{verb.lower()} ON aiox.{table} FOR {verb} TO aiox_gateway {rule}")


def _organisation_functions() -> None:
    for table, verbs in {"organisations": ("INSERT",), "memberships": ("SELECT", "INSERT"),
                         "invitations": ("SELECT", "UPDATE")}.items():
        run(f"GRANT {', '.join(verbs)} ON aiox.{table} TO aiox_writer")
        for verb in verbs:
            rule = {"INSERT": "WITH CHECK (true)"}.get(verb, "USING (true)")
            run(f"CREATE POLICY writer_{verb.lower()} ON aiox.{table} FOR {verb} TO aiox_writer {rule}")
    run("GRANT SELECT (id, email) ON aiox.users TO aiox_writer")
    run("CREATE POLICY writer_select ON aiox.users FOR SELECT TO aiox_writer USING (true)")
    run("GRANT SELECT ON aiox.invitations TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.invitations FOR SELECT TO aiox_finder USING (true)")
    definer_function(
        """
        CREATE FUNCTION aiox.found_organisation(p_id uuid, p_name text, p_now timestamptz) RETURNS void
        LANGUAGE sql AS $$
            INSERT INTO aiox.organisations (id, name, created_at) VALUES (p_id, p_name, p_now);
            INSERT INTO aiox.memberships (organisation_id, user_id, role, created_at)
                VALUES (p_id, aiox.current_owner(), 'owner', p_now);
        $$""",
        "found_organisation(uuid, text, timestamptz)", "writer", "gateway",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.find_invitation(p_hash bytea, p_now timestamptz)
        RETURNS TABLE (organisation_id uuid, email text, role text) LANGUAGE sql STABLE AS $$
            SELECT organisation_id, email, role FROM aiox.invitations
            WHERE hash = p_hash AND accepted_at IS NULL AND expires_at > p_now
        $$""",
        "find_invitation(bytea, timestamptz)", "finder", "gateway",
    )
    # An invitation is for one address: its token alone, in other hands, opens nothing.
    definer_function(
        """
        CREATE FUNCTION aiox.accept_invitation(p_hash bytea, p_now timestamptz)
        RETURNS TABLE (organisation_id uuid, role text) LANGUAGE sql AS $$
            WITH accepted AS (
                UPDATE aiox.invitations i SET accepted_at = p_now, accepted_by = u.id
                FROM aiox.users u
                WHERE u.id = aiox.current_owner() AND u.email = i.email
                  AND i.hash = p_hash AND i.accepted_at IS NULL AND i.expires_at > p_now
                RETURNING i.organisation_id, i.role, u.id AS user_id),
            joined AS (
                INSERT INTO aiox.memberships AS m (organisation_id, user_id, role, created_at)
                SELECT a.organisation_id, a.user_id, a.role, p_now FROM accepted a
                ON CONFLICT DO NOTHING)
            SELECT accepted.organisation_id,
                   coalesce((SELECT m.role FROM aiox.memberships m
                             WHERE m.organisation_id = accepted.organisation_id AND m.user_id = accepted.user_id),
                            accepted.role)
            FROM accepted
        $$""",
        "accept_invitation(bytea, timestamptz)", "writer", "gateway",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.find_members(p_organisation uuid)
        RETURNS TABLE (user_id uuid, jid text, role text, created_at timestamptz) LANGUAGE sql STABLE AS $$
            SELECT m.user_id, u.jid, m.role, m.created_at
            FROM aiox.memberships m JOIN aiox.users u ON u.id = m.user_id
            WHERE m.organisation_id = p_organisation
              AND EXISTS (SELECT FROM aiox.memberships mine
                          WHERE mine.organisation_id = p_organisation AND mine.user_id = aiox.current_owner())
            ORDER BY m.created_at, m.user_id
        $$""",
        "find_members(uuid)", "finder", "gateway",
    )
