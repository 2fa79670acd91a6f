-- Run once by the superuser that created the cluster, before the first revision. Passwords are set apart from this.
-- Login roles, one per service; none may bypass row-level security.
CREATE ROLE aiox_migrator LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
CREATE ROLE aiox_component LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
CREATE ROLE aiox_gateway LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
CREATE ROLE aiox_orchestrator LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
CREATE ROLE aiox_ai_worker LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
-- Rotates keys from the operator's shell, owner by owner: reads and replaces ciphertexts, and nothing else.
CREATE ROLE aiox_keeper LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
-- Owners of the SECURITY DEFINER functions: what is found before an owner is known, and the one concluding commit.
CREATE ROLE aiox_finder NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE aiox_writer NOLOGIN NOSUPERUSER NOBYPASSRLS;
-- Owner of the functions that hand out and erase what the hub holds about a person.
CREATE ROLE aiox_eraser NOLOGIN NOSUPERUSER NOBYPASSRLS;
GRANT aiox_finder, aiox_writer, aiox_eraser TO aiox_migrator WITH INHERIT FALSE, SET TRUE;
