"""What the API reads with every request, in one statement each, under row-level security; and turns to be cancelled.

An owner scope costs three round trips beside the query. These functions run as who calls them (no SECURITY DEFINER),
name their owner for themselves alone, put back what was set before, and see that owner's rows and no others.
"""

from registry.migrations.guard import definer_function, run

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None

_BEGIN = """
        LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            v_before text := coalesce(current_setting('aiox.owner', true), '');
        BEGIN
            PERFORM set_config('aiox.owner', p_owner::text, true);"""
_END = """
            PERFORM set_config('aiox.owner', v_before, true);
        END $$"""


def upgrade() -> None:
    """Both functions, and the mark by which who asked a turn over HTTP wants it stopped."""
    # The door marks, the orchestrator reads the mark before it asks a worker.
    run("ALTER TABLE aiox.asked_turns ADD COLUMN cancel_asked_at timestamptz")
    run("GRANT UPDATE (cancel_asked_at) ON aiox.asked_turns TO aiox_gateway")
    run("GRANT SELECT (owner_user_id, turn_id, cancel_asked_at) ON aiox.asked_turns TO aiox_orchestrator")
    run(f"""
        CREATE FUNCTION aiox.speaker_of(p_owner uuid, p_session uuid, p_now timestamptz)
        RETURNS TABLE (jid text, hub_role text){_BEGIN}
            RETURN QUERY
                SELECT u.jid, u.hub_role FROM aiox.sessions s JOIN aiox.users u ON u.id = s.owner_user_id
                WHERE s.owner_user_id = p_owner AND s.id = p_session AND s.revoked_at IS NULL AND s.expires_at > p_now
                  AND u.deactivated_at IS NULL;{_END}""")
    # The agent, its active version and the tenant's wrapped keys in one snapshot: the keys open what was read.
    run(f"""
        CREATE FUNCTION aiox.agent_detail(p_owner uuid, p_agent uuid)
        RETURNS TABLE (jid text, alias text, revision bigint, agent_created_at timestamptz, has_draft boolean,
                       shared_with text[], id uuid, owner_user_id uuid, agent_id uuid, number int, spec jsonb,
                       system_prompt bytea, policy_hash text, content_digest text, created_at timestamptz,
                       key_numbers int[], wrapped_keys bytea[]){_BEGIN}
            RETURN QUERY
                SELECT a.jid, a.alias, a.revision, a.created_at,
                       EXISTS (SELECT FROM aiox.agent_drafts d WHERE d.agent_id = a.id),
                       ARRAY(SELECT g.grantee FROM aiox.agent_grants g WHERE g.agent_id = a.id ORDER BY 1),
                       v.id, v.owner_user_id, v.agent_id, v.number, v.spec, v.system_prompt, v.policy_hash,
                       v.content_digest, v.created_at,
                       ARRAY(SELECT k.number FROM aiox.tenant_keys k WHERE k.owner_user_id = p_owner ORDER BY 1),
                       ARRAY(SELECT k.wrapped FROM aiox.tenant_keys k WHERE k.owner_user_id = p_owner ORDER BY k.number)
                FROM aiox.agents a JOIN aiox.agent_versions v ON v.id = a.active_version_id
                WHERE a.owner_user_id = p_owner AND a.id = p_agent AND a.deleted_at IS NULL;{_END}""")
    for signature in ("speaker_of(uuid, uuid, timestamptz)", "agent_detail(uuid, uuid)"):
        run(f"REVOKE ALL ON FUNCTION aiox.{signature} FROM PUBLIC")
        run(f"GRANT EXECUTE ON FUNCTION aiox.{signature} TO aiox_gateway")


    _organisations()


def _organisations() -> None:
    # An organisation is a tenant of its own for its credentials: its data key is made with the first of them, and rotated
    # like everybody's. No account stands behind it, so tenant_keys cannot point at users any more.
    run("ALTER TABLE aiox.tenant_keys DROP CONSTRAINT tenant_keys_owner_user_id_fkey")
    run("""
        ALTER TABLE aiox.provider_credentials
            ADD CONSTRAINT belongs_to_its_organisation CHECK (organisation_id IS NULL OR owner_user_id = organisation_id)""")
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    definer_function(
        """
        CREATE FUNCTION aiox.find_organisations(p_owner uuid) RETURNS TABLE (organisation_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT m.organisation_id FROM aiox.memberships m WHERE m.user_id = p_owner
            ORDER BY m.created_at, m.organisation_id
        $$""",
        "find_organisations(uuid)", "finder", "orchestrator",
    )
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")


def downgrade() -> None:
    """Takes them away."""
    run("DROP FUNCTION aiox.find_organisations(uuid)")
    run("ALTER TABLE aiox.provider_credentials DROP CONSTRAINT belongs_to_its_organisation")
    run("DELETE FROM aiox.provider_credentials WHERE organisation_id IS NOT NULL")
    run("DELETE FROM aiox.tenant_keys k WHERE NOT EXISTS (SELECT FROM aiox.users u WHERE u.id = k.owner_user_id)")
    run("ALTER TABLE aiox.tenant_keys ADD FOREIGN KEY (owner_user_id) REFERENCES aiox.users")
    run("REVOKE SELECT (owner_user_id, turn_id, cancel_asked_at) ON aiox.asked_turns FROM aiox_orchestrator")
    run("ALTER TABLE aiox.asked_turns DROP COLUMN cancel_asked_at")
    run("DROP FUNCTION aiox.agent_detail(uuid, uuid)")
    run("DROP FUNCTION aiox.speaker_of(uuid, uuid, timestamptz)")
