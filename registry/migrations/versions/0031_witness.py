"""Hubs among each other: pinned documents, other hubs' checkpoints as they were seen here, and who co-signed ours."""

from registry.migrations.guard import run

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The hub's own tables: no owner, no rows of people.
    run("""
        CREATE TABLE aiox.hub_documents (
            domain text PRIMARY KEY CHECK (domain ~ '^[^@/ ]+$' AND domain = lower(domain)),
            number bigint NOT NULL CHECK (number > 0),
            note text NOT NULL,
            pinned_at timestamptz NOT NULL,
            seen_at timestamptz NOT NULL
        )""")
    run("""
        CREATE TABLE aiox.witnessed_logs (
            origin text PRIMARY KEY,
            domain text NOT NULL,
            size bigint NOT NULL CHECK (size > 0),
            root bytea NOT NULL CHECK (length(root) = 32),
            note text NOT NULL,
            seen_at timestamptz NOT NULL,
            forked_at timestamptz,
            fork_note text NOT NULL DEFAULT ''
        )""")
    run("""
        CREATE TABLE aiox.ledger_cosignatures (
            size bigint NOT NULL REFERENCES aiox.ledger_checkpoints (size),
            witness text NOT NULL,
            line text NOT NULL CHECK (line LIKE '— %' AND right(line, 1) = E'\\n'),
            signed_at timestamptz NOT NULL,
            PRIMARY KEY (size, witness)
        )""")
    run("CREATE INDEX ledger_cosignatures_witness ON aiox.ledger_cosignatures (witness, size)")
    for table in ("hub_documents", "witnessed_logs"):
        run(f"GRANT SELECT, INSERT, UPDATE ON aiox.{table} TO aiox_component")
        run(f"GRANT SELECT, DELETE ON aiox.{table} TO aiox_gateway")
    run("GRANT SELECT, INSERT ON aiox.ledger_cosignatures TO aiox_component")
    run("GRANT SELECT ON aiox.ledger_cosignatures TO aiox_gateway")
    run("""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON aiox.ledger_cosignatures
            FOR EACH ROW EXECUTE FUNCTION aiox.refuse_change()""")
    run("""
        CREATE TRIGGER never_empty BEFORE TRUNCATE ON aiox.ledger_cosignatures
            FOR EACH STATEMENT EXECUTE FUNCTION aiox.refuse_change()""")
    # The door shows this ledger's checkpoints to witnesses, with proofs of consistency: sizes and digests.
    run("GRANT SELECT ON aiox.ledger_checkpoints, aiox.ledger_nodes, aiox.ledger_keys TO aiox_component")
    # A peer whose key changed without proof is stopped where that is seen.
    run("GRANT UPDATE (standing, changed_at) ON aiox.peers TO aiox_component")


def downgrade() -> None:
    run("REVOKE UPDATE (standing, changed_at) ON aiox.peers FROM aiox_component")
    run("REVOKE SELECT ON aiox.ledger_checkpoints, aiox.ledger_nodes, aiox.ledger_keys FROM aiox_component")
    for table in ("ledger_cosignatures", "witnessed_logs", "hub_documents"):
        run(f"DROP TABLE aiox.{table}")
