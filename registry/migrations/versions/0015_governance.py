"""Policies with their versions, and approvals: asked for, decided, used once."""

from registry.migrations.guard import definer_function, owner_table, run, sealed

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_HUB = "'00000000-0000-4000-8000-000000000001'::uuid"
"""The hub's own tenant (aiox/kernel/ids.py): the scope of its policies."""
_CALL = """p_partition int, p_token bigint, p_id uuid, p_owner uuid, p_agent uuid, p_turn uuid, p_turns uuid[],
            p_tool text, p_digest bytea, p_now timestamptz, p_record bytea"""
_CALL_TYPES = "int, bigint, uuid, uuid, uuid, uuid, uuid[], text, bytea, timestamptz, bytea"


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    _policies()
    _find_policies()
    _approvals()
    _find_approvals()
    _used()
    _outbox()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    for function in ("outbox_put(aiox.outbox_row[])", f"tool_started_approved({_CALL_TYPES}, uuid)",
                     "find_unfinished_approvals(timestamptz, int)", "find_approvers(uuid, uuid[])", "find_approvals(text, int)",
                     "find_person(text, uuid)", "policy_text(uuid, int)", "find_policies(uuid)"):
        run(f"DROP FUNCTION aiox.{function}")
    run("DROP TABLE aiox.approval_decisions, aiox.approvals, aiox.active_policies, aiox.policies")


def _policies() -> None:
    # A version is never changed. `scope` is the hub's own id or an organisation's.
    run("""
        CREATE TABLE aiox.policies (
            scope uuid NOT NULL,
            version int NOT NULL CHECK (version > 0),
            text text NOT NULL,
            digest text NOT NULL,
            author text NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (scope, version)
        )""")
    run("""
        CREATE TABLE aiox.active_policies (
            scope uuid PRIMARY KEY,
            version int NOT NULL,
            changed_at timestamptz NOT NULL,
            FOREIGN KEY (scope, version) REFERENCES aiox.policies (scope, version)
        )""")
    # The hub begins with a policy that adds nothing to the profiles. Without an active one everything is denied.
    run(f"""
        INSERT INTO aiox.policies (scope, version, text, digest, author, created_at)
        VALUES ({_HUB}, 1, '', encode(sha256(''), 'hex'), 'the hub', now())""")
    run(f"""
        INSERT INTO aiox.active_policies (scope, version, changed_at) VALUES ({_HUB}, 1, now())""")
    mine = "scope = aiox.current_owner() OR aiox.role_in(scope)"
    for table, verbs in {"policies": "SELECT, INSERT", "active_policies": "SELECT, INSERT, UPDATE"}.items():
        run(f"ALTER TABLE aiox.{table} ENABLE ROW LEVEL SECURITY")
        run(f"ALTER TABLE aiox.{table} FORCE ROW LEVEL SECURITY")
        run(f"GRANT {verbs} ON aiox.{table} TO aiox_gateway")
        run(f"GRANT SELECT ON aiox.{table} TO aiox_finder")
        run(f"CREATE POLICY finder_select ON aiox.{table} FOR SELECT TO aiox_finder USING (true)")
        _may_be_erased(table)
        rule = f"CREATE POLICY scope_{{0}} ON aiox.{table} FOR {{0}} TO aiox_gateway"
        run(f"{rule.format('SELECT')} USING ({mine} IS NOT NULL)")
        run(f"{rule.format('INSERT')} WITH CHECK ({mine} IN ('owner', 'admin'))")
    run(f"CREATE POLICY scope_update ON aiox.active_policies FOR UPDATE TO aiox_gateway"
        f" USING ({mine} IN ('owner', 'admin')) WITH CHECK ({mine} IN ('owner', 'admin'))")


def _may_be_erased(table: str) -> None:
    """With its organisation, when the last member is erased; the name of an author who is (revision 0012)."""
    run(f"GRANT SELECT, DELETE, UPDATE ON aiox.{table} TO aiox_eraser")
    for verb in ("SELECT", "DELETE", "UPDATE"):
        run(f"CREATE POLICY eraser_{verb.lower()} ON aiox.{table} FOR {verb} TO aiox_eraser USING (true)")


def _find_policies() -> None:
    # The hub's, and those of every organisation that the owner belongs to: each can only narrow. NULL: all there are.
    definer_function(
        f"""
        CREATE FUNCTION aiox.find_policies(p_owner uuid)
        RETURNS TABLE (scope uuid, version int, digest text) LANGUAGE sql STABLE AS $$
            SELECT p.scope, p.version, p.digest
            FROM aiox.active_policies a JOIN aiox.policies p USING (scope, version)
            WHERE p_owner IS NULL OR p.scope = {_HUB}
               OR p.scope IN (SELECT m.organisation_id FROM aiox.memberships m WHERE m.user_id = p_owner)
            ORDER BY p.scope <> {_HUB}, p.scope
        $$""",
        "find_policies(uuid)", "finder", "gateway, orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.policy_text(p_scope uuid, p_version int) RETURNS text LANGUAGE sql STABLE AS $$
            SELECT text FROM aiox.policies WHERE scope = p_scope AND version = p_version
        $$""",
        "policy_text(uuid, int)", "finder", "gateway, orchestrator",
    )


def _approvals() -> None:
    run("""
        CREATE TABLE aiox.approvals (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            agent_version_id uuid NOT NULL,
            turn_id uuid NOT NULL,
            requester_jid text NOT NULL,
            requester_account uuid,
            tool_name text NOT NULL,
            arguments bytea,
            message bytea,
            transcript bytea,
            policy_hash text NOT NULL,
            digest text NOT NULL,
            kind text NOT NULL CHECK (kind IN ('confirm', 'four_eyes')),
            quorum int NOT NULL CHECK (quorum BETWEEN 1 AND 9),
            approvers text[] NOT NULL,
            second_factor boolean NOT NULL,
            rules text[] NOT NULL,
            organisations uuid[] NOT NULL DEFAULT '{}',
            state text NOT NULL CHECK (state IN ('pending', 'granted', 'denied', 'expired', 'used')),
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            granted_at timestamptz,
            CHECK (granted_at IS NOT NULL OR state NOT IN ('granted', 'used')),
            UNIQUE (owner_user_id, id)
        )""")
    decided = "UPDATE (state, granted_at, arguments, message, transcript)"
    services = {"gateway": f"SELECT, {decided}", "orchestrator": f"SELECT, INSERT, {decided}"}
    owner_table("approvals", {**services, "finder": "SELECT"}, worker_rule="false")
    run("GRANT SELECT, UPDATE (state, arguments, message, transcript) ON aiox.approvals TO aiox_writer")
    run("CREATE POLICY writer_select ON aiox.approvals FOR SELECT TO aiox_writer USING (true)")
    run("CREATE POLICY writer_update ON aiox.approvals FOR UPDATE TO aiox_writer USING (true) WITH CHECK (true)")
    run("GRANT UPDATE (approvers) ON aiox.approvals TO aiox_eraser")  # the name of one who is erased (revision 0012)
    run("CREATE POLICY eraser_update ON aiox.approvals FOR UPDATE TO aiox_eraser USING (true) WITH CHECK (true)")
    sealed("approvals", "arguments", "message", "transcript")
    run("CREATE INDEX ON aiox.approvals (state, expires_at) WHERE state IN ('pending', 'granted')")
    run("""
        CREATE TABLE aiox.approval_decisions (
            approval_id uuid NOT NULL,
            owner_user_id uuid NOT NULL,
            person text NOT NULL,
            jid text NOT NULL,
            approves boolean NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (approval_id, person),
            FOREIGN KEY (owner_user_id, approval_id) REFERENCES aiox.approvals (owner_user_id, id) ON DELETE CASCADE
        )""")
    owner_table(
        "approval_decisions", {"gateway": "SELECT, INSERT", "orchestrator": "SELECT, INSERT"}, worker_rule="false"
    )


def _find_approvals() -> None:
    # Who an address is, the roles it holds in organisations that the owner is a member of, too, and in which of them it
    # may approve.
    definer_function(
        """
        CREATE FUNCTION aiox.find_person(p_jid text, p_owner uuid) RETURNS TABLE (account uuid, roles text[], approves_in uuid[])
        LANGUAGE sql STABLE AS $$
            SELECT u.id, coalesce(array_agg(DISTINCT m.role) FILTER (WHERE m.role IS NOT NULL), '{}'),
                   coalesce(array_agg(m.organisation_id) FILTER (WHERE m.role IN ('owner', 'admin', 'approver')), '{}')
            FROM aiox.users u
            LEFT JOIN (aiox.memberships m JOIN aiox.memberships o
                       ON o.organisation_id = m.organisation_id AND o.user_id = p_owner) ON m.user_id = u.id
            WHERE u.jid = p_jid AND u.deactivated_at IS NULL GROUP BY u.id
        $$""",
        "find_person(text, uuid)", "finder", "gateway, orchestrator",
    )
    # Ids only: what waits for this address, as the one who asked or as one who may decide.
    definer_function(
        """
        CREATE FUNCTION aiox.find_approvals(p_jid text, p_limit int)
        RETURNS TABLE (approval_id uuid, owner_user_id uuid) LANGUAGE sql STABLE AS $$
            WITH me AS (SELECT u.id FROM aiox.users u WHERE u.jid = p_jid AND u.deactivated_at IS NULL)
            SELECT a.id, a.owner_user_id FROM aiox.approvals a
            WHERE a.state IN ('pending', 'granted') AND (
                a.requester_jid = p_jid OR p_jid = ANY (a.approvers)
                OR a.requester_account IN (SELECT id FROM me)
                OR (a.kind = 'four_eyes' AND a.approvers = '{}' AND (
                    a.owner_user_id IN (SELECT id FROM me)
                    OR EXISTS (SELECT FROM aiox.memberships m JOIN aiox.memberships o USING (organisation_id)
                               WHERE m.user_id IN (SELECT id FROM me) AND o.user_id = a.owner_user_id
                                 AND m.role IN ('owner', 'admin', 'approver')
                                 AND (a.organisations = '{}' OR m.organisation_id = ANY (a.organisations))))))
            ORDER BY a.created_at, a.id LIMIT p_limit
        $$""",
        "find_approvals(text, int)", "finder", "gateway, orchestrator",
    )
    # Whom to tell: the owner, and who has the role in an organisation of the owner's, or in each that is named.
    definer_function(
        """
        CREATE FUNCTION aiox.find_approvers(p_owner uuid, p_organisations uuid[]) RETURNS TABLE (jid text)
        LANGUAGE sql STABLE AS $$
            SELECT u.jid FROM aiox.users u
            WHERE u.deactivated_at IS NULL AND (u.id = p_owner AND p_organisations = '{}' OR u.id IN (
                SELECT m.user_id FROM aiox.memberships m JOIN aiox.memberships o USING (organisation_id)
                WHERE o.user_id = p_owner AND m.role IN ('owner', 'admin', 'approver')
                  AND (p_organisations = '{}' OR m.organisation_id = ANY (p_organisations))
                GROUP BY m.user_id HAVING count(*) >= cardinality(p_organisations)))
            ORDER BY u.jid LIMIT 50
        $$""",
        "find_approvers(uuid, uuid[])", "finder", "orchestrator",
    )
    # For the orchestrator's sweep: what is over its time, and what was granted and has not run.
    definer_function(
        """
        CREATE FUNCTION aiox.find_unfinished_approvals(p_now timestamptz, p_limit int)
        RETURNS TABLE (approval_id uuid, owner_user_id uuid) LANGUAGE sql STABLE AS $$
            SELECT id, owner_user_id FROM aiox.approvals
            WHERE (state = 'pending' AND expires_at <= p_now) OR state = 'granted'
            ORDER BY created_at, id LIMIT p_limit
        $$""",
        "find_unfinished_approvals(timestamptz, int)", "finder", "orchestrator",
    )


def _used() -> None:
    # The approval is used up in the commit that puts the call on record; a second one finds nothing to use. Its texts go.
    definer_function(
        f"""
        CREATE FUNCTION aiox.tool_started_approved({_CALL}, p_approval uuid) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE aiox.approvals SET state = 'used', arguments = NULL, message = NULL, transcript = NULL
            WHERE id = p_approval AND owner_user_id = p_owner AND agent_id = p_agent AND tool_name = p_tool
              AND state = 'granted' AND granted_at <= p_now AND p_now < granted_at + interval '15 minutes';
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the approval is not live' USING ERRCODE = 'no_data_found';
            END IF;
            PERFORM aiox.tool_started(p_partition, p_token, p_id, p_owner, p_agent, p_turn, p_turns, p_tool, p_digest,
                                      p_now, p_record);
        END $$""",
        f"tool_started_approved({_CALL_TYPES}, uuid)", "writer", "orchestrator",
    )


def _outbox() -> None:
    # A notice to an approver belongs to no turn that is concluded. What stands there already stays.
    definer_function(
        """
        CREATE FUNCTION aiox.outbox_put(p_rows aiox.outbox_row[]) RETURNS void LANGUAGE sql AS $$
            INSERT INTO aiox.outbox (id, turn_id, owner_user_id, envelope, created_at)
            SELECT (r).id, (r).turn_id, (r).owner_user_id, (r).envelope, (r).created_at FROM unnest(p_rows) AS r
            ON CONFLICT DO NOTHING
        $$""",
        "outbox_put(aiox.outbox_row[])", "writer", "orchestrator, gateway",
    )
