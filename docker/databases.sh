#!/bin/bash
# When the server is made: two databases, each owned by a role of its own with a password from its file, and the
# readers' roles. People log in under names of their own: CREATE ROLE "j.smith" LOGIN PASSWORD '...' IN ROLE commissioner
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
CREATE ROLE linker;
CREATE ROLE analyst;
CREATE ROLE commissioner;
CREATE ROLE publisher;
GRANT linker, analyst, commissioner, publisher TO joint_needs;
CREATE DATABASE joint_needs OWNER joint_needs;
CREATE DATABASE airflow OWNER airflow;
REVOKE ALL ON DATABASE joint_needs, airflow, postgres FROM PUBLIC;
SQL
