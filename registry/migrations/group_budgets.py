"""What holds for a turn beside account and agent: one function, in the forms it has had."""

# ruff: noqa: S608 -- names are constants of the revisions

from __future__ import annotations

from registry.migrations.guard import definer_function, run
from registry.migrations.storage import ASKED_COLUMNS, ASKED_JOINS, ASKED_VALUES
from registry.migrations.turn_facts import AGENT_COLUMN, AGENT_VALUE, BY_ADDRESS, make_find_turn

LIMITS = ("tokens_per_minute", "tokens_per_day", "max_concurrent_requests", "max_memory_mb", "max_worker_time_ms")

_HOME = "split_part(u.jid, '@', 2)"
_FROM = "split_part(p_sender, '@', 2)"
_DOMAIN = "SELECT 'peer', NULL, p_domain WHERE p_domain <> ''"
# The domain that the sender's own server answers for (of an agent its hub's), and who has an entry of their own.
_NAMES = """SELECT 'peer', NULL, n.name FROM (
                    SELECT regexp_replace(split_part(p_sender, '@', 2), '^agents[.]', '') AS name WHERE p_sender <> ''
                    UNION SELECT p.name FROM aiox.peers p WHERE p.name = p_sender) n"""
# As policy/peers.py judges: the narrowest entry holds, whatever is not allowed holds against all.
_SPENDS = """
            entries AS (
                SELECT p.may_spend, p.standing, p.name = p_sender AS person,
                       p.name = split_part(p_sender, '@', 2) AS exact
                FROM aiox.peers p
                WHERE p.name IN (p_sender, split_part(p_sender, '@', 2),
                                 regexp_replace(split_part(p_sender, '@', 2), '^agents[.]', ''))),
            spends AS (
                SELECT coalesce((SELECT e.may_spend FROM entries e ORDER BY e.person DESC, e.exact DESC LIMIT 1), false)
                   AND NOT EXISTS (SELECT FROM entries e WHERE e.standing <> 'allowed') AS yes),"""


def make_find_group_quotas(*, peers: bool) -> None:
    """Makes it anew. With `peers`, who has no entry that may spend has a budget of nothing."""
    run("DROP FUNCTION IF EXISTS aiox.find_group_quotas(uuid, text)")
    from_elsewhere, spends, join = (_NAMES, _SPENDS, "CROSS JOIN spends") if peers else (_DOMAIN, "", "")

    def held(one: str) -> str:
        least = f"least(h.{one}, o.{one})"
        if peers and one.startswith("tokens_"):
            return f"CASE WHEN g.kind = 'peer' AND NOT spends.yes THEN 0 ELSE {least} END AS {one}"
        return f"{least} AS {one}"

    # Of each limit the smaller of the hub's, by name or for every group, and the organisation's own.
    definer_function(
        f"""
        CREATE FUNCTION aiox.find_group_quotas(p_owner uuid, {"p_sender" if peers else "p_domain"} text)
        RETURNS TABLE (kind text, name text, {", ".join(f"{one} bigint" for one in LIMITS)}, stored bigint)
        LANGUAGE sql STABLE AS $$
            WITH {spends} mine AS (
                SELECT 'organisation' AS kind, m.organisation_id AS id, m.organisation_id::text AS name
                FROM aiox.memberships m WHERE m.user_id = p_owner
                UNION ALL {from_elsewhere}),
            held AS (
                SELECT g.kind, g.id, g.name, {", ".join(map(held, LIMITS))}
                FROM mine g {join}
                LEFT JOIN LATERAL (
                    SELECT * FROM aiox.group_quotas q
                    WHERE q.kind = g.kind AND q.set_by = 'hub' AND q.name IN (g.name, '*')
                    ORDER BY q.name = '*' LIMIT 1) h ON true
                LEFT JOIN aiox.group_quotas o ON o.kind = g.kind AND o.name = g.name AND o.set_by = 'organisation')
            SELECT kind, name, {", ".join(LIMITS)},
                   CASE WHEN max_memory_mb IS NULL OR id IS NULL THEN 0 ELSE (
                       SELECT coalesce(sum(s.bytes), 0)::bigint FROM aiox.agent_storage s
                       JOIN aiox.memberships m ON m.user_id = s.owner_user_id WHERE m.organisation_id = held.id) END
            FROM held ORDER BY kind, name
        $$""",
        "find_group_quotas(uuid, text)",
        "finder",
        "gateway, orchestrator",
    )


def make_find_turn_with_groups(*, peers: bool) -> None:
    """The turn's facts with the budgets of the groups that it counts on."""
    if peers:
        # Names under our own that we do not answer for are somebody else's.
        ours = ", ".join(f"'{part}' || {_HOME}" for part in ("", "agents.", "conference."))
        whose = f"CASE WHEN {_FROM} NOT IN ({ours}) THEN p_sender ELSE '' END"
    else:
        whose = (
            f"CASE WHEN {_FROM} <> {_HOME} AND right({_FROM}, length({_HOME}) + 1) <> '.' || {_HOME}"
            f" THEN {_FROM} ELSE '' END"
        )
    groups = f"""
               CASE WHEN asked.relation <> 'none' THEN (
                   SELECT json_agg(g) FROM aiox.find_group_quotas(a.owner_user_id, {whose}) g) END"""
    make_find_turn(
        BY_ADDRESS,
        f"{AGENT_COLUMN}{ASKED_COLUMNS}, group_quotas json",
        f"{AGENT_VALUE}{ASKED_VALUES},{groups}",
        ASKED_JOINS,
    )
