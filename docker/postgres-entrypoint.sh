#!/bin/bash
# The server takes a key that is its own alone; secrets come as files of another user.
set -euo pipefail
from=${SECRETS:-/run/secrets}
install -o postgres -g postgres -m 0600 "$from/database_key" /var/run/postgresql/server.key
install -o postgres -g postgres -m 0644 "$from/database_certificate" /var/run/postgresql/server.crt
install -d -o postgres -g postgres -m 0700 /var/log/postgresql/audit
exec docker-entrypoint.sh "$@"
