#!/usr/bin/env bash
# A PostgreSQL server for tests: made in a temporary directory, its address printed as soon as it answers, stopped and removed
# when standard input ends. Whoever starts this holds that open, so that nothing is left behind however the tests end.
#
#   tests/postgres.sh [SETTING=VALUE …]    settings besides those for tests, as fsync=on
set -euo pipefail

# The newest of Debian's versions, or what is on the PATH.
initdb=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
[ -x "$initdb" ] || initdb=$(command -v initdb) || {
  printf 'initdb of PostgreSQL is neither on the PATH nor in /usr/lib/postgresql\n' >&2
  exit 1
}
programs=$(dirname "$(readlink -f "$initdb")")

directory=$(mktemp -d "${TMPDIR:-/tmp}/ferropay-postgres.XXXXXX")
# The server refuses to be run by root.
as_user=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$directory"
  as_user=(runuser -u postgres --)
fi

stop() {
  trap - EXIT
  if [ -n "${server-}" ]; then
    kill -QUIT "$(head -n 1 "$directory/data/postmaster.pid" 2>/dev/null)" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  # What the server's last processes still write may come in between.
  local tries=0
  until rm -rf "$directory" 2>/dev/null || [ "$tries" -ge 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
}
trap stop EXIT
# Whoever interrupts the tests from a terminal interrupts this too; it ends when they do.
trap '' INT HUP
trap 'exit 143' TERM

cd "$directory"
"${as_user[@]}" "$programs/initdb" --no-sync -D "$directory/data" -U ferropay -A trust -E UTF8 --locale=C >initdb.log 2>&1 || {
  cat initdb.log >&2
  exit 1
}
settings=(-c listen_addresses= -c "unix_socket_directories=$directory" -c fsync=off -c full_page_writes=off
  -c max_connections=500 -c shared_buffers=128MB)
at=
for setting in "$@"; do
  settings+=(-c "$setting")
  # Its socket is named by the port, too.
  case $setting in port=*)
    export PGPORT=${setting#port=}
    at=:$PGPORT
    ;;
  esac
done
"${as_user[@]}" "$programs/postgres" -D "$directory/data" "${settings[@]}" >server.log 2>&1 </dev/null &
server=$!
for _ in $(seq 300); do
  if "$programs/pg_isready" -q -h "$directory" -U ferropay -d postgres; then break; fi
  if ! kill -0 "$server" 2>/dev/null; then
    cat server.log >&2
    exit 1
  fi
  sleep 0.1
done
printf 'postgres://ferropay@%s%s\n' "${directory//\//%2F}" "$at"
while read -r _; do :; done
