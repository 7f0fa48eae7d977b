#!/bin/sh
# database.sh NAME: makes the database NAME with its own role NAME on the server postgres, where they are missing, and
# gives the role the password $DATABASE_PASSWORD. It may run any number of times, also at once in several pods.
set -eu
export PGHOST=postgres PGUSER=postgres PGDATABASE=postgres PGCONNECT_TIMEOUT=2
until pg_isready -q; do sleep 0.2; done

psql -qX -v ON_ERROR_STOP=1 -v name="$1" <<'SQL'
\getenv password DATABASE_PASSWORD
SELECT pg_advisory_lock(7307);
SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" PASSWORD :'password';
SELECT format('CREATE DATABASE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
ALTER DATABASE :"name" OWNER TO :"name";
SQL
# Tables that the superuser made, before each service had its own role.
PGDATABASE=$1 psql -qX -v ON_ERROR_STOP=1 -v name="$1" <<'SQL'
SELECT format('ALTER TABLE %I.%I OWNER TO %I', schemaname, tablename, :'name') FROM pg_tables
WHERE schemaname = 'public' AND tableowner <> :'name' \gexec
SQL
