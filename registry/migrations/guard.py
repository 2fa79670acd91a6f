"""What makes a table safe, said once: row-level security, FORCE, policies, grants, indexes."""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op

SERVICES = "aiox_component, aiox_gateway, aiox_orchestrator, aiox_ai_worker"
OWN = "owner_user_id = aiox.current_owner()"
SUBJECT = f"{OWN} AND agent_id = aiox.current_agent() AND (scope = 'agent' OR subject_jid = aiox.current_subject())"


def run(sql: str) -> None:
    """Executes one or more statements, colons and all."""
    op.get_bind().exec_driver_sql(sql)


def owner_table(
    name: str,
    grants: Mapping[str, str],
    *,
    worker_rule: str = OWN,
    owner_rule: str = OWN,
    indexed: bool = True,
) -> None:
    """Puts the guard on a table with `owner_user_id` (and `created_at`): call it right after CREATE TABLE.

    `grants` maps a service (or `finder`, `writer`) to its verbs, for instance `{"gateway": "SELECT, INSERT"}`. Services
    see rows by `owner_rule`, the worker by `worker_rule`; finder and writer by their grants only, through the functions
    they own. Partitions get the guard too and no grants.
    """
    for table in (name, *_partitions(name)):
        run(f"ALTER TABLE aiox.{table} ENABLE ROW LEVEL SECURITY")
        run(f"ALTER TABLE aiox.{table} FORCE ROW LEVEL SECURITY")
    people = "aiox_component, aiox_gateway, aiox_orchestrator"
    run(f"CREATE POLICY own ON aiox.{name} TO {people} USING ({owner_rule}) WITH CHECK ({owner_rule})")
    run(f"CREATE POLICY own_worker ON aiox.{name} TO aiox_ai_worker USING ({worker_rule}) WITH CHECK ({worker_rule})")
    for role, verbs in grants.items():
        run(f"GRANT {verbs} ON aiox.{name} TO aiox_{role}")
        if role in ("finder", "writer"):
            for verb in verbs.split(", "):
                _across_owners(name, role, verb)
    if indexed:
        run(f"CREATE INDEX ON aiox.{name} (owner_user_id, created_at)")
    if _erasure_is_there():
        erasable(name)


def _across_owners(name: str, role: str, verb: str) -> None:
    rule = {"INSERT": "WITH CHECK (true)", "UPDATE": "USING (true) WITH CHECK (true)"}.get(verb, "USING (true)")
    run(f"CREATE POLICY {role}_{verb.lower()} ON aiox.{name} FOR {verb} TO aiox_{role} {rule}")


def _partitions(name: str) -> list[str]:
    rows = op.get_bind().exec_driver_sql(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = to_regclass($1) ORDER BY 1",
        (f"aiox.{name}",),
    )
    return [row[0] for row in rows]


def hash_partitions(name: str, count: int = 8) -> None:
    """Makes the HASH partitions of a table partitioned by owner."""
    for number in range(count):
        run(
            f"CREATE TABLE aiox.{name}_p{number} PARTITION OF aiox.{name}"
            f" FOR VALUES WITH (MODULUS {count}, REMAINDER {number})"
        )


def sealed(table: str, *columns: str, record: str = "id") -> None:
    """Lets ciphertexts only into these columns (aiox/runtime/keyring.py): the database refuses anything else.

    `record` is the column that names the record in the ciphertext's place; the table has `owner_user_id` and
    `created_at`. The keeper may read and replace them, owner by owner, when keys are rotated. Each stands in
    registry/sealed.py too.
    """
    run(_IS_SEALED)
    for column in columns:
        run(f"ALTER TABLE aiox.{table} ADD CONSTRAINT {column}_is_sealed CHECK (aiox.is_sealed({column}))")
    read = ", ".join(dict.fromkeys(("owner_user_id", record, "created_at", *columns)))
    run(f"GRANT SELECT ({read}) ON aiox.{table} TO aiox_keeper")
    run(f"GRANT UPDATE ({', '.join(columns)}) ON aiox.{table} TO aiox_keeper")
    run(f"CREATE POLICY own_keeper ON aiox.{table} TO aiox_keeper USING ({OWN}) WITH CHECK ({OWN})")


# Version byte 0, a key id above 0, a nonce, a tag: no text, JSON or protobuf looks like that.
_IS_SEALED = """
    CREATE OR REPLACE FUNCTION aiox.is_sealed(p_value bytea) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT octet_length(p_value) >= 32 AND substring(p_value FROM 1 FOR 1) = '\\x00'::bytea
           AND substring(p_value FROM 2 FOR 3) <> '\\x000000'::bytea
    $$"""


def definer_function(sql: str, signature: str, owner: str, callers: str) -> None:
    """Creates a SECURITY DEFINER function that `aiox_<owner>` owns and only `callers` may execute.

    `sql` is the CREATE FUNCTION without SECURITY and search_path clauses, which are added here, the same for all.
    """
    run(sql)
    run(f"ALTER FUNCTION aiox.{signature} SECURITY DEFINER SET search_path = aiox, pg_temp")
    run(f"REVOKE ALL ON FUNCTION aiox.{signature} FROM PUBLIC")
    roles = ", ".join(f"aiox_{caller.strip()}" for caller in callers.split(","))
    run(f"GRANT EXECUTE ON FUNCTION aiox.{signature} TO {roles}")
    run(f"ALTER FUNCTION aiox.{signature} OWNER TO aiox_{owner}")


PERSONS = ("subject_jid", "sender_jid", "requester_jid", "grantee", "jid")
"""Columns that name whom a row is about, when that is not its owner; an agent's `jid` is its own."""
STAYS = {
    "agent_addresses": "an address is never given twice; ids only",
    "audit_logs": "the ledger is append-only: ids, digests and codes",
    "inbox": "a message is recognised for 7 days; who sent it is blotted out",
    "users": "the account's id, and nothing else of it, so that the ledger's ids mean something",
}
"""Owner tables whose rows outlive the erasure of a person, and why. All others are emptied (revision 0012)."""


def erasable(name: str) -> None:
    """Puts a table with `owner_user_id` under the right to erasure: the eraser empties it, and it takes no rows of, or
    about, whoever was erased. `owner_table` does it for tables made after revision 0012, which does it for the rest.
    """
    if name in STAYS:
        return
    run(f"GRANT SELECT, DELETE ON aiox.{name} TO aiox_eraser")
    for verb in ("SELECT", "DELETE"):
        _across_owners(name, "eraser", verb)
    run(
        f"CREATE TRIGGER nothing_of_the_erased BEFORE INSERT ON aiox.{name}"
        f" FOR EACH ROW EXECUTE FUNCTION aiox.nothing_of_the_erased_{_about(name)}()"
    )


def _about(name: str) -> str:
    """Which of the trigger functions fits a table."""
    if name in ("agents", "outbox", "user_quotas"):
        return {"agents": "nobody", "outbox": "outbox", "user_quotas": "user"}[name]
    return next((column for column in PERSONS if _has_column(name, column)), "nobody")


def _has_column(table: str, column: str) -> bool:
    found = op.get_bind().exec_driver_sql(
        "SELECT true FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped",
        (f"aiox.{table}", column),
    )
    return found.first() is not None


def _erasure_is_there() -> bool:
    return op.get_bind().exec_driver_sql("SELECT to_regclass('aiox.erasures') IS NOT NULL").scalar() is True
