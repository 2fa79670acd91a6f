"""Three hundred ways to read what is not listed, to write, or to do something else, in the place of one SELECT."""

# ruff: noqa: E501, RUF001 -- one attack after the other

from __future__ import annotations

SECRETS = (
    "secrets", "public.secrets", '"secrets"', "SECRETS", 'public."secrets"', "vault.secrets", "pg_catalog.pg_authid",
    "pg_user", "pg_shadow", "information_schema.tables", "pg_class", "pg_settings", "orders_secret_view",
)  # fmt: skip
PLACES = (
    "SELECT * FROM {0}",
    "TABLE {0}",
    "SELECT o.id FROM orders o, {0} s",
    "SELECT o.id FROM orders o JOIN {0} s ON true",
    "SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM {0})",
    "SELECT (SELECT count(*) FROM {0}) FROM orders",
    "SELECT id FROM orders UNION SELECT 1 FROM {0}",
    "SELECT * FROM (SELECT * FROM {0}) orders",
    "WITH orders AS (SELECT * FROM {0}) SELECT * FROM orders",
    "SELECT * FROM orders, LATERAL (SELECT * FROM {0}) x",
)
WRITES = (
    "INSERT INTO orders (id, item) VALUES (99, 'x')", "UPDATE orders SET item = 'x'", "DELETE FROM orders",
    "TRUNCATE orders", "DROP TABLE orders", "ALTER TABLE orders ADD COLUMN x int", "CREATE TABLE x (id int)",
    "CREATE VIEW x AS SELECT 1", "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE ROLE x",
    "GRANT ALL ON orders TO PUBLIC", "REVOKE ALL ON orders FROM PUBLIC", "COPY orders TO '/tmp/aiox-escape'",
    "COPY orders TO PROGRAM 'touch /tmp/aiox-escape'", "COPY secrets TO STDOUT", "DO $$ BEGIN DELETE FROM orders; END $$",
    "CALL x()", "SET ROLE postgres", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "RESET ALL", "VACUUM orders",
    "ANALYZE orders", "REINDEX TABLE orders", "CLUSTER orders", "LOCK TABLE orders", "LISTEN x", "NOTIFY x", "CHECKPOINT",
    "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT x", "PREPARE x AS SELECT 1", "EXECUTE x", "DEALLOCATE ALL", "DISCARD ALL",
    "EXPLAIN ANALYZE DELETE FROM orders", "EXPLAIN SELECT * FROM secrets", "SHOW ALL", "DECLARE c CURSOR FOR SELECT 1",
    "MERGE INTO orders o USING orders s ON true WHEN MATCHED THEN DELETE", "COMMENT ON TABLE orders IS 'x'",
    "REFRESH MATERIALIZED VIEW x", "SECURITY LABEL ON TABLE orders IS 'x'", "IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z",
    "LOAD 'x'", "ALTER SYSTEM SET log_statement = 'all'", "SELECT 1 INTO x", "SELECT * INTO TEMP x FROM secrets",
    "SELECT * FROM orders FOR UPDATE", "SELECT * FROM orders FOR SHARE NOWAIT",
    "WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x", "WITH x AS (INSERT INTO orders VALUES (9) RETURNING *) SELECT 1",
    "WITH x AS (UPDATE orders SET item = 'x' RETURNING *) SELECT * FROM x", "VALUES (1)",
)  # fmt: skip
CALLS = (
    "pg_sleep(60)", "pg_read_file('/etc/passwd')", "pg_ls_dir('/')", "pg_stat_file('/etc/passwd')", "lo_import('/etc/passwd')",
    "lo_export(1, '/tmp/aiox-escape')", "query_to_xml('SELECT * FROM secrets', true, true, '')",
    "table_to_xml('secrets', true, true, '')", "database_to_xml(true, true, '')", "dblink('', 'SELECT 1')",
    "set_config('transaction_read_only', 'off', false)", "current_setting('data_directory')", "nextval('orders_id_seq')",
    "setval('orders_id_seq', 1)", "pg_terminate_backend(1)", "pg_cancel_backend(1)", "pg_reload_conf()", "pg_advisory_lock(1)",
    "pg_notify('x', 'y')", "txid_current()", "version()", "inet_server_addr()", "pg_get_viewdef('orders_secret_view')",
    "leak()", "public.leak()", '"leak"()', "writes()", "has_table_privilege('secrets', 'SELECT')", "pg_relation_size('secrets')",
    "current_user", "session_user", "current_database()", "to_regclass('secrets')", "xmlparse(content '<a/>')",
    "pg_export_snapshot()", "pg_switch_wal()", "pg_create_restore_point('x')", "pg_promote()", "cursor_to_xml('c', 1, true, true, '')",
    "row_to_json((SELECT s FROM secrets s LIMIT 1))", "array(SELECT word FROM secrets)", "ARRAY[leak()]", "xpath('/', xmlparse(document '<a/>'))",
)  # fmt: skip
AROUND = ("SELECT {0}", "SELECT id FROM orders WHERE {0} IS NULL", "SELECT * FROM {0}")
TWO = (
    "SELECT 1; DROP TABLE orders", "SELECT 1;DELETE FROM orders;", "SELECT 1;\n--\nDELETE FROM orders", ";DELETE FROM orders",
    "SELECT 1 /* ; */; DELETE FROM orders", "SELECT ';'; DELETE FROM orders", "SELECT $$;$$; DELETE FROM orders",
    "SELECT E'\\'; DELETE FROM orders; --'", "SELECT 'a\\'; DELETE FROM orders; --'", "SELECT 1\\; DELETE FROM orders",
    "SELECT U&'\\0027; DELETE FROM orders; --'", "SELECT $a$ $b$ $a$; DELETE FROM orders; --$b$",
    "/*/* */ SELECT 1; DELETE FROM orders; -- */", "SELECT 1 -- \r; DELETE FROM orders", "SELECT 1;;; TRUNCATE orders",
    "SELECT * FROM orders -- \nJOIN secrets ON true", "SELECT * FROM orders /**/, /**/ secrets", "SELECT*FROM/**/secrets",
    "SELECT * FROM U&\"secret\\0073\"", "SELECT * FROM U&\"!0073ecrets\" UESCAPE '!'", "SELECT * FROM only secrets",
    "SELECT * FROM secrets*", "SELECT * FROM ONLY (secrets)", "SELECT * FROM orders TABLESAMPLE SYSTEM (100), secrets",
    "SELECT * FROM ROWS FROM (leak())", "SELECT * FROM generate_series(1, 1000000000)", "SELECT * FROM json_to_recordset('[]') AS x(a int)",
    "SELECT * FROM orders WHERE id = ANY (SELECT id FROM secrets)", "SELECT * FROM orders ORDER BY (SELECT word FROM secrets LIMIT 1)",
    "SELECT * FROM orders GROUP BY id, item HAVING (SELECT true FROM secrets LIMIT 1)", "SELECT * FROM orders LIMIT (SELECT 1 FROM secrets)",
    "SELECT * FROM orders OFFSET (SELECT 0 FROM secrets LIMIT 1)", "SELECT CASE WHEN (SELECT true FROM secrets LIMIT 1) THEN 1 END",
    "SELECT 'secrets'::regclass", "SELECT 'secrets'::regclass::oid::text", "SELECT CAST('leak()' AS regprocedure)",
    "SELECT * FROM orders WINDOW w AS (ORDER BY (SELECT 1 FROM secrets))", "SELECT count(*) FILTER (WHERE (SELECT true FROM secrets LIMIT 1)) FROM orders",
    "SELECT DISTINCT ON ((SELECT word FROM secrets LIMIT 1)) id FROM orders", "SELECT o.* FROM orders o NATURAL JOIN secrets",
    "SELECT id FROM orders INTERSECT SELECT id FROM secrets", "SELECT id FROM orders EXCEPT SELECT id FROM secrets",
    "(SELECT * FROM secrets)", "((SELECT id FROM orders) UNION ALL (SELECT id FROM secrets))", "SELECT secrets FROM secrets",
    "SELECT * FROM aiox_test.public.secrets", "SELECT * FROM orders AS o(a, b), secrets AS s(c, d)",
    "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM x) SELECT * FROM x", "SELECT * FROM orders o LEFT JOIN LATERAL leak() ON true",
    "SELECT \"word\" FROM orders, (TABLE secrets) s", "\u00a0SELECT * FROM secrets", "SELECT * FROM secrets\x00", "\ufeffSELECT * FROM secrets",
    "SELECT * FROM ｓｅｃｒｅｔｓ", "SELECT" + " (SELECT" * 400 + " 1" + ")" * 400, "SELECT " + "1+" * 2500 + "1", "x" * 9000, "", " ", "--", "/*",
)  # fmt: skip


def escapes() -> list[str]:
    """All of them."""
    found = [place.format(secret) for secret in SECRETS for place in PLACES]
    found += [*WRITES, *TWO]
    return found + [around.format(call) for call in CALLS for around in AROUND]
