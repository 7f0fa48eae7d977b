#!/bin/sh
# Starts PostgreSQL as the official image does: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB (each also as _FILE),
# POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA and /docker-entrypoint-initdb.d mean the same here.
set -eu

from_file() { # from_file NAME: NAME_FILE names a file that holds NAME's value
    eval "value=\${$1:-} file=\${$1_FILE:-}"
    if [ -n "$value" ] && [ -n "$file" ]; then
        echo "error: both $1 and $1_FILE are set (but are exclusive)" >&2
        exit 1
    fi
    if [ -n "$file" ]; then
        value=$(cat "$file")
        export "$1=$value"
        unset "$1_FILE"
    fi
}

as_postgres() { # a server never runs as root: step down, keeping arguments and pid
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 0700 "$PGDATA" || true
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    command=  # busybox's su would take the words' own options for its own, so they go as one quoted command
    for word in "$0" "$@"; do command="$command '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done
    exec su -m -s /bin/sh postgres -c "exec$command"
}

# Everything is made in a folder of its own and moved into place at the end, PG_VERSION last: whoever is killed before
# that begins anew.
initialize() {
    final=$PGDATA
    [ ! -d "$final/.new" ] || find "$final" -mindepth 1 -delete
    export PGDATA="$final/.new"
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA"
    from_file POSTGRES_PASSWORD
    from_file POSTGRES_USER
    from_file POSTGRES_DB
    from_file POSTGRES_INITDB_ARGS
    POSTGRES_USER=${POSTGRES_USER:-postgres}
    POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        echo "       Set POSTGRES_PASSWORD to a non-empty value, or POSTGRES_HOST_AUTH_METHOD=trust" >&2
        echo "       to let everybody in without one (not for production)." >&2
        exit 1
    fi
    password=$(mktemp)
    printf '%s\n' "${POSTGRES_PASSWORD:-}" >"$password"
    pwfile=
    [ -n "${POSTGRES_PASSWORD:-}" ] && pwfile="--pwfile=$password"
    # shellcheck disable=SC2086 # the arguments are meant to be split
    initdb --username="$POSTGRES_USER" --encoding=UTF8 --locale=C.UTF-8 $pwfile ${POSTGRES_INITDB_ARGS:-}
    rm -f "$password"
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"

    pg_ctl -w start -o "-c listen_addresses='' -p 5432" >/dev/null
    export PGPASSWORD="${POSTGRES_PASSWORD:-}"
    if [ "$POSTGRES_DB" != postgres ]; then
        psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres -v db="$POSTGRES_DB" <<'SQL'
CREATE DATABASE :"db";
SQL
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
        *.sql) psql -v ON_ERROR_STOP=1 --no-password --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" -f "$file" ;;
        *.sql.gz) gunzip -c "$file" | psql -v ON_ERROR_STOP=1 --no-password --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" ;;
        esac
    done
    unset PGPASSWORD
    pg_ctl -m fast -w stop >/dev/null
    mv "$PGDATA/PG_VERSION" "$PGDATA/.version"
    find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name .version -exec mv {} "$final/" \;
    sync
    mv "$PGDATA/.version" "$final/PG_VERSION"
    rmdir "$PGDATA"
    export PGDATA="$final"
    echo "PostgreSQL init process complete; ready for start up."
}

[ "${1#-}" = "$1" ] || set -- postgres "$@"
if [ "$1" = postgres ]; then
    [ "$(id -u)" != 0 ] || as_postgres "$@"
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA" 2>/dev/null || true
    [ -s "$PGDATA/PG_VERSION" ] || initialize
fi
exec "$@"
