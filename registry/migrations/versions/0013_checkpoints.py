"""Checkpoints of the ledger: its Merkle tree, who signed which size of it, and what was sealed into files."""

from registry.migrations.guard import definer_function, run

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = ("ledger_checkpoints", "ledger_nodes", "ledger_segments", "ledger_keys")
_FUNCTIONS = (
    "ledger_records(bigint, int)",
    "ledger_leaves(bigint, bigint)",
    "ledger_list(bigint, text, text, uuid, timestamptz, timestamptz, int)",
    "ledger_sign(bigint, bigint, bytea, bytea, bytea[], text, timestamptz, smallint[], bigint[], bytea[])",
    "ledger_key_add(int, text, bytea, timestamptz, bytea)",
    "ledger_key_retire(int, timestamptz, bytea)",
    "ledger_seal(bigint, bytea, bigint, bytea, bigint, timestamptz, bytea)",
)


def upgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder, aiox_writer")
    _tables()
    _append_only()
    _append()
    _readers()
    _signer()
    _keys()
    _sealing()
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder, aiox_writer")


def downgrade() -> None:
    for function in _FUNCTIONS:
        run(f"DROP FUNCTION aiox.{function}")
    run("DROP TRIGGER append_only ON aiox.audit_logs")
    run("""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON aiox.audit_logs
            FOR EACH ROW EXECUTE FUNCTION aiox.refuse_change()""")
    run("DROP POLICY writer_delete ON aiox.audit_logs")
    run("REVOKE DELETE ON aiox.audit_logs FROM aiox_writer")
    run("DROP INDEX aiox.audit_logs_owner_seq")
    for table in reversed(_TABLES):
        run(f"DROP TABLE aiox.{table}")
    run("DROP FUNCTION aiox.refuse_unsealed()")


def _tables() -> None:
    # `edge` are the peaks of the tree at this size (policy/merkle.py), so that the next checkpoint goes on from there.
    run("""
        CREATE TABLE aiox.ledger_checkpoints (
            size bigint PRIMARY KEY CHECK (size > 0),
            root bytea NOT NULL CHECK (length(root) = 32),
            hash bytea NOT NULL CHECK (length(hash) = 32),
            edge bytea[] NOT NULL,
            note text NOT NULL,
            created_at timestamptz NOT NULL
        )""")
    # Complete subtrees of 256 leaves and more; smaller ones are made again from the records.
    run("""
        CREATE TABLE aiox.ledger_nodes (
            level smallint NOT NULL CHECK (level >= 8),
            number bigint NOT NULL CHECK (number >= 0),
            hash bytea NOT NULL CHECK (length(hash) = 32),
            PRIMARY KEY (level, number)
        )""")
    run("""
        CREATE TABLE aiox.ledger_keys (
            number int PRIMARY KEY,
            name text NOT NULL,
            public_key bytea NOT NULL UNIQUE CHECK (length(public_key) = 32),
            created_at timestamptz NOT NULL,
            retired_at timestamptz
        )""")
    # Records up to `last_seq` lie in files that were checked, and no longer here. `last_hash` is where the chain goes on.
    run("""
        CREATE TABLE aiox.ledger_segments (
            last_seq bigint PRIMARY KEY CHECK (last_seq % 256 = 0),
            last_hash bytea NOT NULL CHECK (length(last_hash) = 32),
            checkpoint_size bigint NOT NULL REFERENCES aiox.ledger_checkpoints (size),
            file_sha256 bytea NOT NULL CHECK (length(file_sha256) = 32),
            file_bytes bigint NOT NULL,
            created_at timestamptz NOT NULL
        )""")
    # An owner's records are read in their order, and exported from one number on.
    run("CREATE INDEX audit_logs_owner_seq ON aiox.audit_logs (owner_user_id, seq)")
    for table in _TABLES:
        run(f"GRANT SELECT ON aiox.{table} TO aiox_gateway, aiox_orchestrator, aiox_writer, aiox_finder")
        run(f"GRANT INSERT ON aiox.{table} TO aiox_writer")
    run("GRANT UPDATE (retired_at) ON aiox.ledger_keys TO aiox_writer")


def _append_only() -> None:
    for table in ("ledger_checkpoints", "ledger_nodes", "ledger_segments"):
        run(f"""
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON aiox.{table}
                FOR EACH ROW EXECUTE FUNCTION aiox.refuse_change()""")
        run(f"""
            CREATE TRIGGER never_empty BEFORE TRUNCATE ON aiox.{table}
                FOR EACH STATEMENT EXECUTE FUNCTION aiox.refuse_change()""")
    run("""
        CREATE TRIGGER never_empty BEFORE DELETE OR TRUNCATE ON aiox.ledger_keys
            FOR EACH STATEMENT EXECUTE FUNCTION aiox.refuse_change()""")
    # The one exception: records that a sealed segment covers go, and only through ledger_seal.
    run("""
        CREATE FUNCTION aiox.refuse_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND current_user = 'aiox_writer'
               AND OLD.seq <= (SELECT max(last_seq) FROM aiox.ledger_segments) THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION 'the ledger is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
        END $$""")
    run("DROP TRIGGER append_only ON aiox.audit_logs")
    run("""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON aiox.audit_logs
            FOR EACH ROW EXECUTE FUNCTION aiox.refuse_unsealed()""")
    run("GRANT DELETE ON aiox.audit_logs TO aiox_writer")
    run("CREATE POLICY writer_delete ON aiox.audit_logs FOR DELETE TO aiox_writer USING (true)")


def _append() -> None:
    # As in revision 0002, at half the price. What needs no head is done before its lock: each record is parsed once, into
    # a row of the table. Under the lock it is hashed and stored. Whoever checks an export trusts a key that a
    # `ledger.key_added` record introduces, so the web door cannot write one.
    run("DROP FUNCTION aiox.ledger_append(bytea[])")
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_append(p_records bytea[]) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            v_rows aiox.audit_logs[]; v_first bigint; v_seq bigint; v_hash bytea; v_record bytea; v_hashes bytea[] := '{}';
        BEGIN
            IF cardinality(p_records) = 0 THEN
                RETURN (SELECT seq FROM aiox.ledger_head);
            END IF;
            v_rows := ARRAY(
                SELECT ROW(NULL, j ->> 'id', j ->> 'owner_user_id', j ->> 'event_type', j ->> 'severity', j -> 'details',
                           j ->> 'created_at', j ->> 'actor', j ->> 'organisation_id', j ->> 'request_id',
                           j ->> 'correlation_id', record, NULL, NULL)::aiox.audit_logs
                FROM (SELECT record, place, convert_from(record, 'UTF8')::jsonb AS j
                      FROM unnest(p_records) WITH ORDINALITY AS t (record, place) OFFSET 0) AS parsed
                ORDER BY place);
            IF session_user NOT IN ('aiox_orchestrator', 'aiox_keeper')
               AND EXISTS (SELECT FROM unnest(v_rows) AS r WHERE r.event_type LIKE 'ledger.%') THEN
                RAISE EXCEPTION 'only the signer and the keeper write of the ledger''s own keys and segments'
                    USING ERRCODE = 'insufficient_privilege';
            END IF;
            SELECT seq, hash INTO STRICT v_first, v_hash FROM aiox.ledger_head FOR UPDATE;
            v_seq := v_first;
            FOREACH v_record IN ARRAY p_records LOOP
                v_hashes := v_hashes || v_hash;
                v_seq := v_seq + 1;
                v_hash := sha256(v_hash || int8send(v_seq) || v_record);
            END LOOP;
            INSERT INTO aiox.audit_logs (seq, id, owner_user_id, event_type, severity, details, created_at, actor,
                                         organisation_id, request_id, correlation_id, record, previous_hash, hash)
            SELECT v_first + place, id, owner_user_id, event_type, severity, details, created_at, actor,
                   organisation_id, request_id, correlation_id, record, linked_from, link
            FROM ROWS FROM (unnest(v_rows), unnest(v_hashes), unnest(v_hashes[2:] || v_hash)) WITH ORDINALITY AS t
                 (seq, id, owner_user_id, event_type, severity, details, created_at, actor, organisation_id, request_id,
                  correlation_id, record, previous_hash, hash, linked_from, link, place);
            UPDATE aiox.ledger_head SET seq = v_seq, hash = v_hash;
            RETURN v_seq;
        END $$""",
        "ledger_append(bytea[])", "writer", "gateway, orchestrator, writer",
    )


def _readers() -> None:
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_records(p_after bigint, p_limit int)
        RETURNS TABLE (seq bigint, record bytea, hash bytea) LANGUAGE sql STABLE AS $$
            SELECT seq, record, hash FROM aiox.audit_logs WHERE seq > p_after ORDER BY seq LIMIT p_limit
        $$""",
        "ledger_records(bigint, int)", "finder", "gateway, orchestrator",
    )
    # Leaf hashes (RFC 6962) of the records after one up to another, of all owners: no content.
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_leaves(p_after bigint, p_to bigint) RETURNS TABLE (seq bigint, leaf bytea)
        LANGUAGE sql STABLE AS $$
            SELECT seq, sha256('\\x00'::bytea || record) FROM aiox.audit_logs
            WHERE seq > p_after AND seq <= p_to ORDER BY seq
        $$""",
        "ledger_leaves(bigint, bigint)", "finder", "component, gateway",
    )


    # For the hub's auditor: everybody's records, the newest first. Ids, digests and codes, as all of the ledger.
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_list(
            p_below bigint, p_event text, p_severity text, p_correlation uuid, p_since timestamptz,
            p_until timestamptz, p_limit int)
        RETURNS TABLE (seq bigint, id uuid, owner_user_id uuid, event_type text, severity text, actor text,
                       details jsonb, created_at timestamptz, correlation_id uuid, request_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT seq, id, owner_user_id, event_type, severity, actor, details, created_at, correlation_id, request_id
            FROM aiox.audit_logs
            WHERE (p_below IS NULL OR seq < p_below) AND (p_event IS NULL OR event_type = p_event)
              AND (p_severity IS NULL OR severity = p_severity)
              AND (p_correlation IS NULL OR correlation_id = p_correlation)
              AND (p_since IS NULL OR created_at >= p_since) AND (p_until IS NULL OR created_at < p_until)
            ORDER BY seq DESC LIMIT p_limit
        $$""",
        "ledger_list(bigint, text, text, uuid, timestamptz, timestamptz, int)", "finder", "gateway",
    )


def _signer() -> None:
    # One signer after the other: false when another was first. What is signed must be what stands here.
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_sign(
            p_previous bigint, p_size bigint, p_root bytea, p_hash bytea, p_edge bytea[], p_note text,
            p_now timestamptz, p_levels smallint[], p_numbers bigint[], p_hashes bytea[]) RETURNS boolean
        LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('aiox.ledger_sign'));
            IF p_previous <> coalesce((SELECT max(size) FROM aiox.ledger_checkpoints), 0) OR p_size <= p_previous THEN
                RETURN false;
            END IF;
            IF NOT EXISTS (SELECT FROM aiox.audit_logs WHERE seq = p_size AND hash = p_hash) THEN
                RAISE EXCEPTION 'no record of the ledger has this number and this hash'
                    USING ERRCODE = 'object_not_in_prerequisite_state';
            END IF;
            INSERT INTO aiox.ledger_nodes (level, number, hash)
            SELECT * FROM unnest(p_levels, p_numbers, p_hashes);
            INSERT INTO aiox.ledger_checkpoints (size, root, hash, edge, note, created_at)
            VALUES (p_size, p_root, p_hash, p_edge, p_note, p_now);
            RETURN true;
        END $$""",
        "ledger_sign(bigint, bigint, bytea, bytea, bytea[], text, timestamptz, smallint[], bigint[], bytea[])",
        "writer", "orchestrator",
    )


def _keys() -> None:
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_key_add(
            p_number int, p_name text, p_public bytea, p_now timestamptz, p_record bytea) RETURNS boolean
        LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO aiox.ledger_keys (number, name, public_key, created_at)
            VALUES (p_number, p_name, p_public, p_now) ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                RETURN false;
            END IF;
            PERFORM aiox.ledger_append(ARRAY[p_record]);
            RETURN true;
        END $$""",
        "ledger_key_add(int, text, bytea, timestamptz, bytea)", "writer", "orchestrator",
    )
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_key_retire(p_number int, p_now timestamptz, p_record bytea) RETURNS boolean
        LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE aiox.ledger_keys SET retired_at = p_now WHERE number = p_number AND retired_at IS NULL;
            IF NOT FOUND THEN
                RETURN false;
            END IF;
            PERFORM aiox.ledger_append(ARRAY[p_record]);
            RETURN true;
        END $$""",
        "ledger_key_retire(int, timestamptz, bytea)", "writer", "orchestrator",
    )


def _sealing() -> None:
    # The operator's own way out of the database, for what lies checked in a file and is signed beyond its end.
    definer_function(
        """
        CREATE FUNCTION aiox.ledger_seal(
            p_last bigint, p_hash bytea, p_checkpoint bigint, p_sha256 bytea, p_bytes bigint, p_now timestamptz,
            p_record bytea) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            v_gone bigint;
        BEGIN
            IF p_checkpoint < p_last
               OR NOT EXISTS (SELECT FROM aiox.audit_logs WHERE seq = p_last AND hash = p_hash) THEN
                RAISE EXCEPTION 'this end of a segment is not one of the ledger, or nobody has signed it'
                    USING ERRCODE = 'object_not_in_prerequisite_state';
            END IF;
            INSERT INTO aiox.ledger_segments
                (last_seq, last_hash, checkpoint_size, file_sha256, file_bytes, created_at)
            VALUES (p_last, p_hash, p_checkpoint, p_sha256, p_bytes, p_now);
            PERFORM aiox.ledger_append(ARRAY[p_record]);
            DELETE FROM aiox.audit_logs WHERE seq <= p_last;
            GET DIAGNOSTICS v_gone = ROW_COUNT;
            RETURN v_gone;
        END $$""",
        "ledger_seal(bigint, bytea, bigint, bytea, bigint, timestamptz, bytea)", "writer", "keeper",
    )
