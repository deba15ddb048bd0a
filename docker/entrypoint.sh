#!/bin/sh
# Read the secrets from their files into this one process, and become the command.
set -eu
from=${SECRETS:-/run/secrets}
secret() { cat "$from/$1"; }
# The server's certificate is its own root: nobody else can stand in for it.
tls="sslmode=$DATABASE_TLS&sslrootcert=$from/database_certificate"

export JOINT_NEEDS_DATABASE_URL="postgresql://joint_needs:$(secret warehouse_database)@$DATABASE_HOST/joint_needs?$tls"
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql+psycopg2://airflow:$(secret airflow_database)@$DATABASE_HOST/airflow?$tls"
export AIRFLOW__CORE__FERNET_KEY="$(secret fernet_key)"
export AIRFLOW__API_AUTH__JWT_SECRET="$(secret jwt_secret)"
export AIRFLOW__API__SECRET_KEY="$(secret api_secret)"
export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS="$(secret airflow_users)"

# Airflow opens the passwords for writing even when it writes nothing.
umask 077
mkdir -p "$AIRFLOW_HOME"
cat "$from/airflow_passwords" > "$AIRFLOW_HOME/passwords.json"
export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE="$AIRFLOW_HOME/passwords.json"

exec "$@"
