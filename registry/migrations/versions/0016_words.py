"""Words of memories: what full text search ranks by."""

from registry.migrations.guard import SUBJECT, hash_partitions, owner_table, run

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("""
        CREATE TABLE aiox.memory_words (
            owner_user_id uuid NOT NULL,
            agent_id uuid NOT NULL,
            word text NOT NULL,
            scope text NOT NULL CHECK (scope IN ('agent', 'subject')),
            subject_jid text NOT NULL DEFAULT '' CHECK ((scope = 'subject') = (subject_jid <> '')),
            segment uuid NOT NULL,
            document_id uuid,
            memory_id uuid,
            ordinals int[] NOT NULL,
            counts int[] NOT NULL,
            PRIMARY KEY (owner_user_id, agent_id, word, segment),
            CHECK ((document_id IS NULL) <> (memory_id IS NULL)),
            CHECK (segment = coalesce(document_id, memory_id)),
            FOREIGN KEY (owner_user_id, document_id) REFERENCES aiox.documents (owner_user_id, id) ON DELETE CASCADE,
            FOREIGN KEY (owner_user_id, memory_id) REFERENCES aiox.agent_memories (owner_user_id, id) ON DELETE CASCADE
        ) PARTITION BY HASH (owner_user_id)""")
    hash_partitions("memory_words")
    owner_table("memory_words", {"ai_worker": "SELECT, INSERT"}, worker_rule=SUBJECT, indexed=False)
    run("CREATE INDEX ON aiox.memory_words (owner_user_id, document_id) WHERE document_id IS NOT NULL")
    run("CREATE INDEX ON aiox.memory_words (owner_user_id, memory_id) WHERE memory_id IS NOT NULL")


def downgrade() -> None:
    run("DROP TABLE aiox.memory_words")
