"""Accounts, agents, versions, memory, and what a turn leaves behind."""

from registry.migrations.guard import SUBJECT, hash_partitions, owner_table, run

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _scope_functions()
    _accounts()
    _agents()
    _memory()
    _turns()
    _hub_tables()


def downgrade() -> None:
    run("DROP SCHEMA aiox CASCADE")


def _scope_functions() -> None:
    # A reset setting reads as empty text, so NULLIF: no owner means no rows, never all.
    for name, kind in (("owner", "uuid"), ("agent", "uuid"), ("subject", "text")):
        run(
            f"CREATE FUNCTION aiox.current_{name}() RETURNS {kind} LANGUAGE sql STABLE PARALLEL SAFE AS"
            f" $$ SELECT NULLIF(current_setting('aiox.{name}', true), '')::{kind} $$"
        )
    run(
        "GRANT USAGE ON SCHEMA aiox TO aiox_component, aiox_gateway, aiox_orchestrator, aiox_ai_worker,"
        " aiox_finder, aiox_writer"
    )


def _accounts() -> None:
    run("""
        CREATE TABLE aiox.users (
            id uuid PRIMARY KEY,
            email text NOT NULL UNIQUE,
            jid text NOT NULL UNIQUE,
            password_hash text NOT NULL,
            quota_config jsonb NOT NULL,
            created_at timestamptz NOT NULL,
            deactivated_at timestamptz
        )""")
    owner_table(
        "users",
        {"gateway": "SELECT, INSERT, UPDATE", "finder": "SELECT"},
        owner_rule="id = aiox.current_owner()",
        worker_rule="false",
        indexed=False,
    )
    run("""
        CREATE TABLE aiox.tenant_keys (
            owner_user_id uuid NOT NULL REFERENCES aiox.users,
            number int NOT NULL,
            wrapped bytea NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (owner_user_id, number)
        )""")
    owner_table("tenant_keys", {"gateway": "SELECT, INSERT", "orchestrator": "SELECT"}, worker_rule="false")
    run("""
        CREATE TABLE aiox.user_quotas (
            user_id uuid PRIMARY KEY REFERENCES aiox.users,
            owner_user_id uuid NOT NULL GENERATED ALWAYS AS (user_id) STORED,
            tokens_used_today bigint NOT NULL DEFAULT 0,
            tokens_used_minute bigint NOT NULL DEFAULT 0,
            last_reset timestamptz NOT NULL,
            violations bigint NOT NULL DEFAULT 0
        )""")
    owner_table(
        "user_quotas",
        {"gateway": "SELECT", "orchestrator": "SELECT", "writer": "SELECT, INSERT, UPDATE"},
        worker_rule="false",
        indexed=False,
    )


def _agents() -> None:
    run("""
        CREATE TABLE aiox.agents (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL REFERENCES aiox.users,
            jid text NOT NULL UNIQUE,
            alias text UNIQUE,
            profile jsonb NOT NULL,
            llm_config jsonb NOT NULL,
            capabilities jsonb NOT NULL,
            memory_config jsonb NOT NULL,
            governance jsonb NOT NULL,
            visibility text NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'shared', 'public')),
            active_version_id uuid,
            created_at timestamptz NOT NULL,
            deleted_at timestamptz,
            UNIQUE (owner_user_id, id)
        )""")
    owner_table(
        "agents",
        {"gateway": "SELECT, INSERT, UPDATE", "orchestrator": "SELECT", "ai_worker": "SELECT (id, owner_user_id)",
         "finder": "SELECT"},
        worker_rule="owner_user_id = aiox.current_owner() AND id = aiox.current_agent()",
    )
    run("""
        CREATE TABLE aiox.agent_versions (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            number int NOT NULL CHECK (number > 0),
            spec jsonb NOT NULL,
            system_prompt bytea NOT NULL,
            policy_hash text NOT NULL,
            created_at timestamptz NOT NULL,
            UNIQUE (agent_id, number),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id)
        )""")
    owner_table("agent_versions", {"gateway": "SELECT, INSERT", "orchestrator": "SELECT"}, worker_rule="false")
    run("""
        ALTER TABLE aiox.agents ADD FOREIGN KEY (active_version_id) REFERENCES aiox.agent_versions
            DEFERRABLE INITIALLY DEFERRED""")
    run("""
        CREATE TABLE aiox.agent_grants (
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            grantee text NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (agent_id, grantee),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id)
        )""")
    owner_table(
        "agent_grants", {"gateway": "SELECT, INSERT, DELETE", "finder": "SELECT"}, worker_rule="false"
    )
    run("""
        CREATE TABLE aiox.agent_tools (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            tool_name text NOT NULL,
            policy jsonb NOT NULL,
            worker_type text NOT NULL CHECK (worker_type IN ('python', 'external', 'mcp')),
            created_at timestamptz NOT NULL,
            UNIQUE (agent_id, tool_name),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id)
        )""")
    owner_table(
        "agent_tools", {"gateway": "SELECT, INSERT, DELETE", "orchestrator": "SELECT"}, worker_rule="false"
    )


def _memory() -> None:
    run("""
        CREATE TABLE aiox.documents (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            title text NOT NULL,
            source text NOT NULL,
            media_type text NOT NULL,
            sha256 bytea NOT NULL,
            bytes bigint NOT NULL,
            content bytea,
            state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'ready', 'failed')),
            chunks int NOT NULL DEFAULT 0,
            error text NOT NULL DEFAULT '',
            embedding_model text NOT NULL,
            created_at timestamptz NOT NULL,
            UNIQUE (owner_user_id, id),
            UNIQUE (agent_id, source),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id)
        )""")
    owner_table(
        "documents",
        {"gateway": "SELECT, INSERT, DELETE", "orchestrator": "SELECT, UPDATE",
         "ai_worker": "SELECT (id, owner_user_id, agent_id, title, source)", "finder": "SELECT"},
        worker_rule="owner_user_id = aiox.current_owner() AND agent_id = aiox.current_agent()",
    )
    run("""
        CREATE TABLE aiox.agent_memories (
            id uuid NOT NULL,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            scope text NOT NULL CHECK (scope IN ('agent', 'subject')),
            subject_jid text NOT NULL DEFAULT '' CHECK ((scope = 'subject') = (subject_jid <> '')),
            kind text NOT NULL CHECK (kind IN ('chunk', 'fact', 'summary')),
            document_id uuid,
            ordinal int NOT NULL DEFAULT 0,
            section text NOT NULL DEFAULT '',
            content text NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (owner_user_id, id),
            FOREIGN KEY (owner_user_id, agent_id) REFERENCES aiox.agents (owner_user_id, id),
            FOREIGN KEY (owner_user_id, document_id) REFERENCES aiox.documents (owner_user_id, id) ON DELETE CASCADE
        ) PARTITION BY HASH (owner_user_id)""")
    hash_partitions("agent_memories")
    owner_table(
        "agent_memories",
        {"gateway": "SELECT (id, owner_user_id, agent_id, scope, kind, document_id, created_at)",
         "ai_worker": "SELECT, INSERT"},
        worker_rule=SUBJECT,
    )
    run("CREATE INDEX ON aiox.agent_memories (owner_user_id, agent_id, document_id)")
    run("""
        CREATE TABLE aiox.memory_vectors_384 (
            memory_id uuid NOT NULL,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            scope text NOT NULL,
            subject_jid text NOT NULL DEFAULT '',
            model text NOT NULL,
            embedding public.halfvec(384) NOT NULL,
            PRIMARY KEY (owner_user_id, memory_id),
            FOREIGN KEY (owner_user_id, memory_id) REFERENCES aiox.agent_memories (owner_user_id, id) ON DELETE CASCADE
        ) PARTITION BY HASH (owner_user_id)""")
    hash_partitions("memory_vectors_384")
    owner_table("memory_vectors_384", {"ai_worker": "SELECT, INSERT"}, worker_rule=SUBJECT, indexed=False)
    run("CREATE INDEX ON aiox.memory_vectors_384 (owner_user_id, agent_id)")


def _turns() -> None:
    run("""
        CREATE TABLE aiox.executions (
            id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            agent_version_id uuid,
            subject_jid text NOT NULL,
            input bytea,
            output bytea,
            outcome text NOT NULL,
            tokens_used bigint NOT NULL,
            tools_called jsonb NOT NULL,
            worker_id text NOT NULL,
            duration_ms int NOT NULL,
            platform_latency_ms int NOT NULL,
            worker_latency_ms int NOT NULL,
            scoring jsonb NOT NULL,
            correlation_id uuid NOT NULL,
            created_at timestamptz NOT NULL
        )""")
    owner_table(
        "executions", {"gateway": "SELECT", "orchestrator": "SELECT", "writer": "INSERT"}, worker_rule="false"
    )
    run("CREATE INDEX ON aiox.executions (owner_user_id, agent_id, subject_jid, created_at)")
    run("""
        CREATE TABLE aiox.inbox (
            turn_id uuid PRIMARY KEY,
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            sender_jid text NOT NULL,
            message_id text NOT NULL,
            outcome text NOT NULL,
            correlation_id uuid NOT NULL,
            admitted_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL
        )""")
    owner_table(
        "inbox", {"orchestrator": "SELECT", "finder": "SELECT", "writer": "INSERT"}, worker_rule="false"
    )
    run("""
        CREATE TABLE aiox.outbox (
            id uuid PRIMARY KEY,
            turn_id uuid NOT NULL,
            owner_user_id uuid NOT NULL,
            envelope bytea,
            created_at timestamptz NOT NULL,
            sent_at timestamptz
        )""")
    owner_table(
        "outbox", {"finder": "SELECT, UPDATE", "writer": "INSERT"}, worker_rule="false"
    )
    run("CREATE INDEX ON aiox.outbox (created_at) WHERE sent_at IS NULL")


def _hub_tables() -> None:
    run("""
        CREATE TABLE aiox.audit_logs (
            seq bigint PRIMARY KEY,
            id uuid NOT NULL UNIQUE,
            owner_user_id uuid NOT NULL,
            event_type text NOT NULL,
            severity text NOT NULL,
            details jsonb NOT NULL,
            created_at timestamptz NOT NULL,
            actor text NOT NULL,
            organisation_id uuid,
            request_id uuid,
            correlation_id uuid,
            record bytea NOT NULL,
            previous_hash bytea NOT NULL,
            hash bytea NOT NULL
        )""")
    owner_table(
        "audit_logs",
        {"gateway": "SELECT", "orchestrator": "SELECT", "writer": "SELECT, INSERT", "finder": "SELECT"},
        worker_rule="false",
    )
    run("""
        CREATE FUNCTION aiox.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the ledger is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
        END $$""")
    run("""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON aiox.audit_logs
            FOR EACH ROW EXECUTE FUNCTION aiox.refuse_change()""")
    run("""
        CREATE TRIGGER never_empty BEFORE TRUNCATE ON aiox.audit_logs
            FOR EACH STATEMENT EXECUTE FUNCTION aiox.refuse_change()""")
    run("""
        CREATE TABLE aiox.ledger_head (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            seq bigint NOT NULL,
            hash bytea NOT NULL
        )""")
    run("INSERT INTO aiox.ledger_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'))")
    run("GRANT SELECT, UPDATE ON aiox.ledger_head TO aiox_writer")
    run("GRANT SELECT ON aiox.ledger_head TO aiox_finder")
    run("""
        CREATE TABLE aiox.ai_workers (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            worker_id text NOT NULL UNIQUE,
            host text NOT NULL,
            port int NOT NULL,
            status text NOT NULL CHECK (status IN ('healthy', 'degraded', 'draining', 'unavailable')),
            last_heartbeat timestamptz NOT NULL,
            capabilities jsonb NOT NULL,
            created_at timestamptz NOT NULL
        )""")
    run("GRANT SELECT, INSERT, UPDATE ON aiox.ai_workers TO aiox_orchestrator")
    run("GRANT SELECT ON aiox.ai_workers TO aiox_gateway")
    run("""
        CREATE TABLE aiox.partition_leases (
            partition int PRIMARY KEY CHECK (partition BETWEEN 0 AND 31),
            holder text NOT NULL DEFAULT '',
            token bigint NOT NULL DEFAULT 0,
            expires_at timestamptz NOT NULL DEFAULT '-infinity'
        )""")
    run("INSERT INTO aiox.partition_leases (partition) SELECT generate_series(0, 31)")
    run("GRANT SELECT, UPDATE ON aiox.partition_leases TO aiox_orchestrator")
    # row locks (FOR SHARE) in the concluding commit need UPDATE
    run("GRANT SELECT, UPDATE ON aiox.partition_leases TO aiox_writer")


