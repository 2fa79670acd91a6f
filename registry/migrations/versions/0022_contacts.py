"""Agents as contacts: what of them is shown to whom, the directory, and what changed with them."""

from registry.migrations.guard import definer_function, run

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

# The tokens of today are used up, as the account's row says. Days are of UTC.
_SPENT = """coalesce((
                       SELECT q.tokens_used_today >= (u.quota_config ->> 'tokens_per_day')::bigint
                       FROM aiox.user_quotas q WHERE q.user_id = a.owner_user_id
                         AND q.last_reset AT TIME ZONE 'UTC' >= date_trunc('day', now() AT TIME ZONE 'UTC')), false)"""


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    run("GRANT SELECT (owner_user_id, agent_id, ref, media_type, image) ON aiox.agent_avatars TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.agent_avatars FOR SELECT TO aiox_finder USING (true)")
    run("GRANT SELECT (user_id, tokens_used_today, last_reset) ON aiox.user_quotas TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.user_quotas FOR SELECT TO aiox_finder USING (true)")
    run("GRANT SELECT (seq, xact, kind, thing) ON aiox.state_events TO aiox_finder")
    run("CREATE POLICY finder_select ON aiox.state_events FOR SELECT TO aiox_finder USING (true)")
    run("CREATE INDEX approvals_waiting ON aiox.approvals (agent_id) WHERE state = 'pending'")
    _cards()
    _portrait()
    _directory()
    _news()
    # A person's agents are listed in a chat, too: whether each has a draft, not what is in it.
    run("GRANT SELECT (owner_user_id, agent_id) ON aiox.agent_drafts TO aiox_orchestrator")
    # The door puts on record that it has stopped programs which talked to each other.
    run("SET LOCAL ROLE aiox_writer")
    run("GRANT EXECUTE ON FUNCTION aiox.ledger_append(bytea[]) TO aiox_component")
    run("RESET ROLE")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")


def _cards() -> None:
    # The relation of every pair is asked first, so that an agent that is hidden takes the time of one that is not there.
    # That an approval waits is shown to who asked for the call and to the agent's owner, nobody else.
    definer_function(
        f"""
        CREATE FUNCTION aiox.find_cards(p_agents uuid[], p_jids text[])
        RETURNS TABLE (n bigint, agent_id uuid, jid text, alias text, owns boolean, number int, profile jsonb,
                       domain_tags jsonb, content_digest text, waits boolean, spent boolean)
        LANGUAGE sql STABLE AS $$
            WITH asked AS MATERIALIZED (
                SELECT o.n, o.agent, o.jid, aiox.relation(o.agent, o.jid) AS relation
                FROM unnest(p_agents, p_jids) WITH ORDINALITY AS o(agent, jid, n))
            SELECT asked.n, a.id, a.jid, a.alias, asked.relation = 'owner', v.number, v.spec -> 'profile',
                   v.spec -> 'capabilities' -> 'domain_tags', v.content_digest,
                   EXISTS (SELECT FROM aiox.approvals p WHERE p.agent_id = a.id AND p.state = 'pending'
                             AND p.expires_at > now() AND (asked.relation = 'owner' OR p.requester_jid = asked.jid)),
                   {_SPENT}
            FROM asked JOIN aiox.agents a
                 ON asked.relation <> 'none' AND (a.id = asked.agent OR a.alias_id = asked.agent)
            JOIN aiox.users u ON u.id = a.owner_user_id
            JOIN aiox.agent_versions v ON v.id = a.active_version_id
        $$""",
        "find_cards(uuid[], text[])",
        "finder",
        "component",
    )


def _portrait() -> None:
    definer_function(
        """
        CREATE FUNCTION aiox.find_portrait(p_agent uuid, p_jid text) RETURNS TABLE (media_type text, image bytea)
        LANGUAGE sql STABLE AS $$
            WITH asked AS MATERIALIZED (SELECT aiox.relation(p_agent, p_jid) AS relation)
            SELECT i.media_type, i.image
            FROM asked JOIN aiox.agents a ON asked.relation <> 'none' AND (a.id = p_agent OR a.alias_id = p_agent)
            JOIN aiox.agent_versions v ON v.id = a.active_version_id
            JOIN aiox.agent_avatars i ON i.agent_id = a.id AND i.ref = v.spec -> 'profile' ->> 'avatar'
        $$""",
        "find_portrait(uuid, text)",
        "finder",
        "component",
    )


def _directory() -> None:
    # Who may see an agent is decided by aiox.relation alone; what stands before it only spares asking for each agent.
    definer_function(
        """
        CREATE FUNCTION aiox.list_visible(
            p_jid text, p_text text, p_after text, p_before text, p_backwards boolean, p_limit int)
        RETURNS TABLE (total bigint, jid text, name text) LANGUAGE sql STABLE AS $$
            WITH visible AS MATERIALIZED (
                SELECT a.jid COLLATE "C" AS jid, v.spec -> 'profile' ->> 'name' AS name
                FROM aiox.agents a JOIN aiox.users u ON u.id = a.owner_user_id
                JOIN aiox.agent_versions v ON v.id = a.active_version_id
                WHERE (a.visibility = 'public' OR u.jid = p_jid
                       OR (a.visibility = 'shared' AND EXISTS (
                           SELECT FROM aiox.agent_grants g WHERE g.agent_id = a.id
                             AND g.grantee IN (p_jid, split_part(p_jid, '@', 2)))))
                  AND aiox.relation(a.id, p_jid) <> 'none'
                  AND (p_text = '' OR position(lower(p_text) IN lower(v.spec -> 'profile' ->> 'name')) > 0
                       OR position(lower(p_text) IN coalesce(a.alias, '')) > 0
                       OR position(lower(p_text) IN split_part(a.jid, '@', 1)) > 0)),
            page AS (
                SELECT jid, name FROM visible
                WHERE (p_after = '' OR jid > p_after) AND (p_before = '' OR jid < p_before)
                ORDER BY CASE WHEN p_backwards THEN jid END DESC, jid LIMIT p_limit)
            SELECT counted.total, page.jid, page.name
            FROM (SELECT count(*) AS total FROM visible) AS counted LEFT JOIN page ON true ORDER BY page.jid
        $$""",
        "list_visible(text, text, text, text, boolean, int)",
        "finder",
        "component",
    )


def _news() -> None:
    # Ids, and only of what is committed. A hint: who missed one sees the change at the next probe.
    definer_function(
        """
        CREATE FUNCTION aiox.agent_news(p_after bigint, p_limit int) RETURNS TABLE (seq bigint, agent_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT e.seq, CASE WHEN e.kind = 'agent' THEN e.thing END
            FROM aiox.state_events e
            WHERE e.seq > p_after AND e.xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            ORDER BY e.seq LIMIT p_limit
        $$""",
        "agent_news(bigint, int)",
        "finder",
        "component",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.agent_news_end() RETURNS bigint LANGUAGE sql STABLE AS $$
            SELECT coalesce(max(e.seq), 0) FROM aiox.state_events e
        $$""",
        "agent_news_end()",
        "finder",
        "component",
    )


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    for name in (
        "find_cards(uuid[], text[])",
        "find_portrait(uuid, text)",
        "list_visible(text, text, text, text, boolean, int)",
        "agent_news(bigint, int)",
        "agent_news_end()",
    ):
        run(f"DROP FUNCTION aiox.{name}")
    run("SET LOCAL ROLE aiox_writer")
    run("REVOKE EXECUTE ON FUNCTION aiox.ledger_append(bytea[]) FROM aiox_component")
    run("RESET ROLE")
    run("REVOKE SELECT (owner_user_id, agent_id) ON aiox.agent_drafts FROM aiox_orchestrator")
    run("DROP INDEX aiox.approvals_waiting")
    for table in ("agent_avatars", "user_quotas", "state_events"):
        run(f"DROP POLICY finder_select ON aiox.{table}")
    run("REVOKE SELECT (owner_user_id, agent_id, ref, media_type, image) ON aiox.agent_avatars FROM aiox_finder")
    run("REVOKE SELECT (user_id, tokens_used_today, last_reset) ON aiox.user_quotas FROM aiox_finder")
    run("REVOKE SELECT (seq, xact, kind, thing) ON aiox.state_events FROM aiox_finder")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")
