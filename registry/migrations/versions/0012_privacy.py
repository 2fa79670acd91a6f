"""Preferences, export and erasure."""

from alembic import op

from aiox.kernel.ids import HUB_OWNER
from registry.migrations import storage
from registry.migrations.guard import PERSONS, STAYS, definer_function, erasable, owner_table, run

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# One lock for the whole hub: whoever stores rows shares it, an erasure has it alone for a moment. So all that was being
# stored when it began is there to be deleted, and all that comes later knows of it.
_LOCK = "hashtextextended('aiox.erasures', 0)"

_POLICIES = (
    *(("users", verb) for verb in ("SELECT", "UPDATE")),
    *(("inbox", verb) for verb in ("SELECT", "UPDATE")),
    ("executions", "UPDATE"),
    *((table, verb) for table in ("organisations", "memberships", "invitations") for verb in ("SELECT", "DELETE")),
)
_OWNER_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'owner_user_id'
    WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"""


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_eraser")
    run("GRANT USAGE ON SCHEMA aiox TO aiox_eraser")
    _preferences()
    _erasures()
    _nothing_of_the_erased()
    for (name,) in op.get_bind().exec_driver_sql(_OWNER_TABLES).fetchall():
        erasable(name)
    _accounts()
    _nobody_by_an_erased_address()
    _erase()
    _settle()
    _export()
    run("GRANT CREATE ON SCHEMA aiox TO aiox_writer")
    storage.upgrade()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer, aiox_eraser")


def _preferences() -> None:
    run("""
        CREATE TABLE aiox.preferences (
            owner_user_id uuid PRIMARY KEY REFERENCES aiox.users,
            tone text NOT NULL,
            format text NOT NULL,
            language text NOT NULL,
            created_at timestamptz NOT NULL
        )""")
    owner_table(
        "preferences",
        {"gateway": "SELECT, INSERT, UPDATE, DELETE", "finder": "SELECT"},
        worker_rule="false",
        indexed=False,
    )


def _erasures() -> None:
    # Of an account, its address is known for ever by a digest, so that it is never given again. A guest may come back
    # when the turns are over that were under way. The address itself stays until the erasure is finished.
    run("""
        CREATE TABLE aiox.erasures (
            id uuid PRIMARY KEY,
            account uuid UNIQUE,
            jid text,
            jid_digest text NOT NULL,
            began_at timestamptz NOT NULL,
            closed_until timestamptz NOT NULL,
            erased_at timestamptz,
            finished_at timestamptz
        )""")
    run("CREATE INDEX ON aiox.erasures (jid_digest)")
    run("CREATE INDEX ON aiox.erasures (began_at) WHERE finished_at IS NULL")
    run("GRANT SELECT, INSERT, UPDATE ON aiox.erasures TO aiox_eraser")
    definer_function(
        """
        CREATE FUNCTION aiox.is_erased(p_account uuid, p_jid text) RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT EXISTS (SELECT FROM aiox.erasures WHERE account = p_account)
                OR EXISTS (SELECT FROM aiox.erasures
                           WHERE jid_digest = encode(sha256(convert_to(p_jid, 'UTF8')), 'hex') AND closed_until > clock_timestamp())
        $$""",
        "is_erased(uuid, text)",
        "eraser",
        "gateway, finder",
    )


def _nothing_of_the_erased() -> None:
    """The triggers: a row of, or about, somebody erased is left out. Others of the same commit are not touched.

    They are on the path of every turn, so they ask the table themselves: ids and digests, which everybody may read.
    """
    run("GRANT SELECT (account, jid_digest, closed_until) ON aiox.erasures TO aiox_component, aiox_gateway,"
        " aiox_orchestrator, aiox_ai_worker, aiox_finder, aiox_writer")
    run("GRANT SELECT (account) ON aiox.erasures TO aiox_keeper")  # who stores keys, and nothing about anybody
    outbox = "(SELECT i.sender_jid FROM aiox.inbox i WHERE i.turn_id = NEW.turn_id)"
    people = {"nobody": "", "user": "", "outbox": outbox, **{column: f"NEW.{column}" for column in PERSONS}}
    for name, person in people.items():
        owner = "user_id" if name == "user" else "owner_user_id"  # generated columns have no value yet
        about = f"""
                OR EXISTS (SELECT FROM aiox.erasures e WHERE e.closed_until > clock_timestamp()
                           AND e.jid_digest = encode(sha256(convert_to({person}, 'UTF8')), 'hex'))""" if person else ""
        run(f"""
            CREATE FUNCTION aiox.nothing_of_the_erased_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_advisory_xact_lock_shared({_LOCK});
                IF EXISTS (SELECT FROM aiox.erasures e WHERE e.account = NEW.{owner}){about} THEN RETURN NULL; END IF;
                RETURN NEW;
            END $$""")


def _accounts() -> None:
    """What is left of an account is its id; and its address is never given to another one."""
    run("GRANT SELECT, UPDATE ON aiox.users TO aiox_eraser")
    run("GRANT SELECT, UPDATE (sender_jid, message_id) ON aiox.inbox TO aiox_eraser")
    run("GRANT UPDATE (input, output, subject_jid) ON aiox.executions TO aiox_eraser")
    run("GRANT SELECT, DELETE ON aiox.organisations, aiox.memberships, aiox.invitations TO aiox_eraser")
    for table, verb in _POLICIES:
        run(f"CREATE POLICY eraser_{verb.lower()} ON aiox.{table} FOR {verb} TO aiox_eraser USING (true)")
    run("""
        CREATE FUNCTION aiox.never_again() RETURNS trigger LANGUAGE plpgsql SET search_path = aiox, pg_temp AS $$
        BEGIN
            IF TG_OP = 'INSERT' AND aiox.is_erased(NEW.id, NEW.jid) THEN
                RAISE EXCEPTION 'this address belonged to an account that was erased' USING ERRCODE = 'unique_violation';
            END IF;
            IF TG_OP = 'UPDATE' AND current_user <> 'aiox_eraser' AND aiox.is_erased(OLD.id, NULL) THEN RETURN NULL; END IF;
            RETURN NEW;
        END $$""")
    run("CREATE TRIGGER never_again BEFORE INSERT OR UPDATE ON aiox.users FOR EACH ROW EXECUTE FUNCTION aiox.never_again()")


def _nobody_by_an_erased_address() -> None:
    """Whoever was erased has no relation to any agent, whatever is still on its way."""
    _rename_relation("relation", "relation_before_erasure")
    definer_function(
        """
        CREATE FUNCTION aiox.relation(p_agent uuid, p_sender text) RETURNS text LANGUAGE sql STABLE AS $$
            SELECT CASE WHEN aiox.is_erased(NULL, p_sender) THEN 'none'
                        ELSE aiox.relation_before_erasure(p_agent, p_sender) END
        $$""",
        "relation(uuid, text)",
        "finder",
        "finder",
    )


def _rename_relation(old: str, new: str) -> None:
    run("SET LOCAL ROLE aiox_finder")
    run(f"ALTER FUNCTION aiox.{old}(uuid, text) RENAME TO {new}")
    run("RESET ROLE")


def _erase() -> None:
    definer_function(
        """
        CREATE FUNCTION aiox.is_needed(p_account uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT EXISTS (
                SELECT FROM aiox.memberships mine WHERE mine.user_id = p_account AND mine.role = 'owner'
                  AND EXISTS (SELECT FROM aiox.memberships other
                              WHERE other.organisation_id = mine.organisation_id AND other.user_id <> p_account)
                  AND NOT EXISTS (SELECT FROM aiox.memberships other WHERE other.role = 'owner'
                                  AND other.organisation_id = mine.organisation_id AND other.user_id <> p_account))
        $$""",
        "is_needed(uuid)",
        "eraser",
        "eraser",
    )
    definer_function(
        f"""
        CREATE FUNCTION aiox.begin_erasure(p_id uuid, p_account uuid, p_jid text, p_hours int) RETURNS void
        LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock({_LOCK});
            IF aiox.is_needed(p_account) THEN
                RAISE EXCEPTION 'an organisation would be left without an owner' USING ERRCODE = 'object_in_use';
            END IF;
            INSERT INTO aiox.erasures (id, account, jid, jid_digest, began_at, closed_until)
            VALUES (p_id, p_account, p_jid, encode(sha256(convert_to(p_jid, 'UTF8')), 'hex'), clock_timestamp(),
                    CASE WHEN p_account IS NULL THEN clock_timestamp() + make_interval(hours => p_hours)
                         ELSE 'infinity' END)
            ON CONFLICT (account) DO NOTHING;
            UPDATE aiox.users SET deactivated_at = coalesce(deactivated_at, clock_timestamp()) WHERE id = p_account;
        END $$""",
        "begin_erasure(uuid, uuid, text, int)",
        "eraser",
        "gateway",
    )
    # Tables in the order of their references, those that refer first. What the eraser may not delete from stays.
    persons = ", ".join(f"'{column}'" for column in PERSONS)
    definer_function(
        f"""
        CREATE FUNCTION aiox.erase_person(p_account uuid, p_jid text) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE v_left text[]; v_table text; v_column text; v_rows bigint; v_gone bigint := 0; v_email text;
        BEGIN
            IF NOT aiox.is_erased(p_account, p_jid) THEN
                RAISE EXCEPTION 'the erasure was not begun' USING ERRCODE = 'object_not_in_prerequisite_state';
            END IF;
            v_left := ARRAY(
                SELECT c.relname::text FROM pg_class c
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'owner_user_id'
                WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                  AND has_table_privilege('aiox_eraser', c.oid, 'DELETE'));
            WHILE cardinality(v_left) > 0 LOOP
                SELECT t INTO v_table FROM unnest(v_left) t
                WHERE NOT EXISTS (
                    SELECT FROM pg_constraint k JOIN pg_class f ON f.oid = k.conrelid
                    WHERE k.contype = 'f' AND NOT k.condeferrable AND k.conrelid <> k.confrelid
                      AND k.confrelid = ('aiox.' || quote_ident(t))::regclass AND f.relname = ANY (v_left))
                ORDER BY t LIMIT 1;
                IF v_table IS NULL THEN
                    RAISE EXCEPTION 'these tables refer to each other in a circle: %', v_left;
                END IF;
                v_left := array_remove(v_left, v_table);
                EXECUTE format('DELETE FROM aiox.%I WHERE owner_user_id = $1', v_table) USING p_account;
                GET DIAGNOSTICS v_rows = ROW_COUNT;
                v_gone := v_gone + v_rows;
                FOR v_column IN
                    SELECT a.attname FROM pg_attribute a WHERE a.attrelid = ('aiox.' || quote_ident(v_table))::regclass
                      AND a.attname IN ({persons}) AND NOT a.attisdropped AND v_table <> 'agents'
                LOOP
                    IF v_table = 'executions' THEN
                        UPDATE aiox.executions SET input = NULL, output = NULL, subject_jid = 'erased'
                        WHERE subject_jid = p_jid;
                    ELSE
                        EXECUTE format('DELETE FROM aiox.%I WHERE %I = $1', v_table, v_column) USING p_jid;
                    END IF;
                    GET DIAGNOSTICS v_rows = ROW_COUNT;
                    v_gone := v_gone + v_rows;
                END LOOP;
            END LOOP;
            DELETE FROM aiox.outbox WHERE turn_id IN (SELECT turn_id FROM aiox.inbox WHERE sender_jid = p_jid);
            UPDATE aiox.policies SET author = 'erased' WHERE author = p_jid;
            -- Named approvers stay as many: with none named, whoever has the role could approve (revision 0015).
            UPDATE aiox.approvals SET approvers = array_replace(approvers, p_jid, 'erased') WHERE p_jid = ANY (approvers);
            IF p_account IS NOT NULL THEN
                SELECT email INTO v_email FROM aiox.users WHERE id = p_account;
                DELETE FROM aiox.invitations WHERE email = v_email;
                DELETE FROM aiox.memberships WHERE user_id = p_account;
                DELETE FROM aiox.invitations i WHERE NOT EXISTS (
                    SELECT FROM aiox.memberships m WHERE m.organisation_id = i.organisation_id);
                DELETE FROM aiox.organisations o WHERE NOT EXISTS (
                    SELECT FROM aiox.memberships m WHERE m.organisation_id = o.id);
                DELETE FROM aiox.active_policies a WHERE a.scope <> '{HUB_OWNER}' AND NOT EXISTS (
                    SELECT FROM aiox.organisations o WHERE o.id = a.scope);
                DELETE FROM aiox.policies p WHERE p.scope <> '{HUB_OWNER}' AND NOT EXISTS (
                    SELECT FROM aiox.organisations o WHERE o.id = p.scope);
                DELETE FROM aiox.group_quotas g WHERE g.kind = 'organisation' AND g.name <> '*' AND NOT EXISTS (
                    SELECT FROM aiox.organisations o WHERE o.id::text = g.name);
                UPDATE aiox.users SET email = 'erased:' || id, jid = 'erased:' || id, password_hash = '',
                    quota_config = '{{}}', hub_role = NULL, confirmed_at = NULL WHERE id = p_account;
            END IF;
            UPDATE aiox.erasures SET erased_at = coalesce(erased_at, clock_timestamp())
            WHERE account = p_account OR (account IS NULL AND jid = p_jid);
            RETURN v_gone;
        END $$""",
        "erase_person(uuid, text)",
        "eraser",
        "gateway, orchestrator",
    )


def _settle() -> None:
    """While turns may be under way that began before the erasure, the orchestrator clears caches, again and again."""
    run("CREATE INDEX inbox_of_sender ON aiox.inbox (sender_jid)")
    definer_function(
        """
        CREATE FUNCTION aiox.open_erasures()
        RETURNS TABLE (id uuid, account uuid, jid text, erased boolean, age_s double precision, owner_user_id uuid,
                       agent_id uuid, sender_jid text)
        LANGUAGE sql STABLE AS $$
            SELECT e.id, e.account, e.jid, e.erased_at IS NOT NULL, extract(epoch FROM clock_timestamp() - e.began_at),
                   i.owner_user_id, i.agent_id, i.sender_jid
            FROM aiox.erasures e LEFT JOIN LATERAL (
                SELECT o.owner_user_id, o.agent_id, o.sender_jid FROM aiox.inbox o WHERE o.owner_user_id = e.account
                UNION SELECT s.owner_user_id, s.agent_id, s.sender_jid FROM aiox.inbox s WHERE s.sender_jid = e.jid
                ) i ON true
            WHERE e.finished_at IS NULL
        $$""",
        "open_erasures()",
        "eraser",
        "orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.finish_erasure(p_id uuid) RETURNS void LANGUAGE sql AS $$
            UPDATE aiox.inbox i SET sender_jid = 'erased', message_id = '' FROM aiox.erasures e
            WHERE e.id = p_id AND e.erased_at IS NOT NULL AND i.sender_jid = e.jid;
            UPDATE aiox.erasures SET finished_at = clock_timestamp(), jid = NULL
            WHERE id = p_id AND erased_at IS NOT NULL AND finished_at IS NULL;
        $$""",
        "finish_erasure(uuid)",
        "eraser",
        "orchestrator",
    )


def _export() -> None:
    """What stands about a person under other owners, for that person; and the texts of an owner's own memories."""
    definer_function(
        """
        CREATE FUNCTION aiox.find_subject(p_jid text)
        RETURNS TABLE (user_id uuid, email text, quota_config jsonb, created_at timestamptz, needed boolean)
        LANGUAGE sql STABLE AS $$
            SELECT id, email, quota_config, created_at, aiox.is_needed(id) FROM aiox.users WHERE jid = p_jid
        $$""",
        "find_subject(text)",
        "eraser",
        "gateway",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.told_by(p_account uuid, p_jid text)
        RETURNS TABLE (owner_user_id uuid, agent_id uuid, id uuid, scope text, kind text, content text,
                       created_at timestamptz)
        LANGUAGE sql STABLE AS $$
            SELECT owner_user_id, agent_id, id, scope, kind, content, created_at FROM aiox.agent_memories
            WHERE (scope = 'subject' AND subject_jid = p_jid) OR (scope = 'agent' AND owner_user_id = p_account)
            ORDER BY created_at, id
        $$""",
        "told_by(uuid, text)",
        "eraser",
        "gateway",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.turns_of(p_jid text)
        RETURNS TABLE (owner_user_id uuid, agent_id uuid, id uuid, input bytea, output bytea, outcome text,
                       tokens_used bigint, created_at timestamptz)
        LANGUAGE sql STABLE AS $$
            SELECT owner_user_id, agent_id, id, input, output, outcome, tokens_used, created_at FROM aiox.executions
            WHERE subject_jid = p_jid ORDER BY created_at, id
        $$""",
        "turns_of(text)",
        "eraser",
        "gateway",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.set_aside_of(p_jid text)
        RETURNS TABLE (owner_user_id uuid, agent_id uuid, turn_id uuid, envelope bytea, created_at timestamptz)
        LANGUAGE sql STABLE AS $$
            SELECT owner_user_id, agent_id, turn_id, envelope, created_at FROM aiox.dead_letters
            WHERE sender_jid = p_jid ORDER BY created_at, turn_id
        $$""",
        "set_aside_of(text)",
        "eraser",
        "gateway",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.granted_to(p_jid text) RETURNS TABLE (agent_id uuid, created_at timestamptz)
        LANGUAGE sql STABLE AS $$
            SELECT agent_id, created_at FROM aiox.agent_grants WHERE grantee = p_jid ORDER BY created_at, agent_id
        $$""",
        "granted_to(text)",
        "eraser",
        "gateway",
    )


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    storage.downgrade()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")
    tables = [name for (name,) in op.get_bind().exec_driver_sql(_OWNER_TABLES).fetchall() if name not in STAYS]
    for name in tables:
        run(f"DROP TRIGGER nothing_of_the_erased ON aiox.{name}")
        run(f"DROP POLICY eraser_select ON aiox.{name}")
        run(f"DROP POLICY eraser_delete ON aiox.{name}")
    run("DROP TRIGGER never_again ON aiox.users")
    for table, verb in _POLICIES:
        run(f"DROP POLICY eraser_{verb.lower()} ON aiox.{table}")
    run("DROP FUNCTION aiox.relation(uuid, text)")
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    _rename_relation("relation_before_erasure", "relation")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")
    for name in (*(f"nothing_of_the_erased_{about}()" for about in ("nobody", "user", "outbox", *PERSONS)), "never_again()",
                 "begin_erasure(uuid, uuid, text, int)", "erase_person(uuid, text)", "open_erasures()",
                 "finish_erasure(uuid)", "find_subject(text)", "told_by(uuid, text)", "turns_of(text)",
                 "set_aside_of(text)", "granted_to(text)", "is_needed(uuid)", "is_erased(uuid, text)"):
        run(f"DROP FUNCTION aiox.{name}")
    run("DROP INDEX aiox.inbox_of_sender")
    run("DROP TABLE aiox.preferences, aiox.erasures")
    run("REVOKE ALL ON ALL TABLES IN SCHEMA aiox FROM aiox_eraser")
    run("REVOKE USAGE ON SCHEMA aiox FROM aiox_eraser")
