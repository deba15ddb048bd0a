#!/bin/bash
# When the server is made: two databases, each owned by a role of its own with a password from its file, and the
# readers' roles. People log in under names of their own, which `joint-needs db login` makes.
set -euo pipefail
from=${SECRETS:-/run/secrets}
PGPASSWORD=${PGPASSWORD:-$(cat "$from/postgres_password")}
export PGPASSWORD

# The passwords go in on standard input: the list of processes shows command lines to everybody.
psql -q -v ON_ERROR_STOP=1 --username postgres --dbname postgres <<SQL
\\set warehouse \`cat "$from/warehouse_database"\`
\\set airflow \`cat "$from/airflow_database"\`
CREATE ROLE joint_needs LOGIN PASSWORD :'warehouse';
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE ROLE loader;
CREATE ROLE linker;
CREATE ROLE analyst;
CREATE ROLE analyst_lsoa;
CREATE ROLE analyst_birth_month;
CREATE ROLE analyst_dates;
CREATE ROLE commissioner;
CREATE ROLE commissioner_exact;
CREATE ROLE publisher;
CREATE ROLE area_all;
GRANT loader, linker, analyst, analyst_lsoa, analyst_birth_month, analyst_dates, commissioner, commissioner_exact, publisher,
    area_all TO joint_needs;
CREATE DATABASE joint_needs OWNER joint_needs;
CREATE DATABASE airflow OWNER airflow;
REVOKE ALL ON DATABASE joint_needs, airflow, postgres, template1 FROM PUBLIC;
-- The pipelines write by the thousand; what they read, and who was given what, is kept.
ALTER ROLE joint_needs SET pgaudit.log = 'read, role, ddl';
ALTER ROLE airflow SET pgaudit.log = 'role, ddl';
\\connect joint_needs
-- Large objects are in no schema: a login could put rows where neither the audit nor an erasure looks.
SELECT format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname LIKE 'lo\_%' OR proname IN ('loread', 'lowrite')) \\gexec
SELECT 'CREATE EXTENSION pgaudit' FROM pg_available_extensions WHERE name = 'pgaudit' \\gexec
SQL
