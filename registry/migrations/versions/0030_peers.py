"""Other servers: what each may do here, and who has asked to be introduced. A peer without an entry spends nothing."""

from registry.migrations.group_budgets import make_find_group_quotas, make_find_turn_with_groups
from registry.migrations.guard import run

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The hub's own tables: no owner, no rows of people. `name` is a domain, or a bare JID.
    run("""
        CREATE TABLE aiox.peers (
            name text PRIMARY KEY CHECK (name ~ '^([^@/ ]+@)?[^@/ ]+$' AND name = lower(name)),
            standing text NOT NULL CHECK (standing IN ('allowed', 'blocked', 'frozen')),
            may_see boolean NOT NULL DEFAULT false,
            may_invoke boolean NOT NULL DEFAULT false,
            may_spend boolean NOT NULL DEFAULT false,
            dialback boolean NOT NULL DEFAULT false,
            certificate text NOT NULL DEFAULT '',
            note text NOT NULL DEFAULT '',
            created_at timestamptz NOT NULL,
            changed_at timestamptz NOT NULL,
            CHECK (position('@' IN name) = 0 OR NOT (dialback OR certificate <> ''))
        )""")
    run("""
        CREATE TABLE aiox.peer_introductions (
            domain text PRIMARY KEY CHECK (domain ~ '^[^@/ ]+$' AND domain = lower(domain)),
            asked_at timestamptz NOT NULL
        )""")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON aiox.peers TO aiox_gateway")
    run("GRANT SELECT ON aiox.peers TO aiox_component, aiox_orchestrator, aiox_finder")
    run("GRANT SELECT, DELETE ON aiox.peer_introductions TO aiox_gateway")
    run("GRANT SELECT, INSERT, DELETE ON aiox.peer_introductions TO aiox_component")
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    make_find_group_quotas(peers=True)
    make_find_turn_with_groups(peers=True)
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")


def downgrade() -> None:
    run("GRANT CREATE ON SCHEMA aiox TO aiox_finder")
    make_find_group_quotas(peers=False)
    make_find_turn_with_groups(peers=False)
    run("DROP TABLE aiox.peer_introductions")
    run("DROP TABLE aiox.peers")
    run("REVOKE CREATE ON SCHEMA aiox FROM aiox_finder")
