"""Which orchestrators live: each aims at its share of the partitions."""

from registry.migrations.guard import run

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("""
        CREATE TABLE aiox.orchestrators (
            holder text PRIMARY KEY,
            expires_at timestamptz NOT NULL
        )""")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON aiox.orchestrators TO aiox_orchestrator")


def downgrade() -> None:
    run("DROP TABLE aiox.orchestrators")
