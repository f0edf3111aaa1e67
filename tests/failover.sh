#!/usr/bin/env bash
# Two PostgreSQL servers of which one is a synchronous replica of the other, watched by pg_auto_failover's monitor, for tests:
# made in a temporary directory on ports of the loopback, stopped and removed when standard input ends. The first line printed
# is the address of both. Lines on standard input are commands, each answered by one line:
#
#   kill     kills the primary with everything that belongs to it, as if its machine had lost power; answers its port
#   primary  answers the port of the server that can be written, or "none"
set -euo pipefail

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}
command -v pg_autoctl >/dev/null ||
  fail 'tests of failover need pg_auto_failover: apt-get install pg-auto-failover-cli postgresql-15-auto-failover'
extension=$(printf '%s\n' /usr/share/postgresql/*/extension/pgautofailover.control | sort -V | tail -n 1)
[ -f "$extension" ] || fail 'tests of failover need the extension of pg_auto_failover: apt-get install postgresql-15-auto-failover'
version=${extension#/usr/share/postgresql/}
programs=/usr/lib/postgresql/${version%%/*}/bin

directory=$(mktemp -d "${TMPDIR:-/tmp}/ferropay-failover.XXXXXX")
as_user=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$directory"
  as_user=(runuser -u postgres --)
fi
environment=(env "PATH=$programs:/usr/bin:/bin" "HOME=$directory" "XDG_CONFIG_HOME=$directory/config" "XDG_DATA_HOME=$directory/share"
  "XDG_RUNTIME_DIR=$directory/run" "PGCONNECT_TIMEOUT=3" "LC_ALL=C.UTF-8")
mine() { "${as_user[@]}" "${environment[@]}" "$@"; }

# family PID: the process and everything it started, however deep.
family() {
  local child
  printf '%s\n' "$1"
  for child in $(ps -o pid= --ppid "$1" 2>/dev/null); do family "$child"; done
}

# end NAME: kills a server's keeper and server, and all they started.
end() {
  local pids=() file pid
  for file in "$directory/$1.pid" "$directory/$1/postmaster.pid"; do
    pid=$(head -n 1 "$file" 2>/dev/null) || continue
    if [ -n "$pid" ]; then mapfile -t -O "${#pids[@]}" pids < <(family "$pid"); fi
  done
  if [ "${#pids[@]}" -gt 0 ]; then kill -KILL "${pids[@]}" 2>/dev/null || true; fi
}

stop() {
  trap - EXIT
  local name tries=0
  for name in one other monitor; do end "$name"; done
  until rm -rf "$directory" 2>/dev/null || [ "$tries" -ge 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
}
trap stop EXIT
trap '' INT HUP
trap 'exit 143' TERM

cd "$directory"
mkdir config share run
[ "${#as_user[@]}" = 0 ] || chown postgres config share run

# Ports of the system's choice, and free a moment ago.
free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
declare -A port
for name in monitor one other; do port[$name]=$(free_port); done

# begin NAME: keeps a server up that was made.
begin() {
  mine pg_autoctl run --pgdata "$directory/$1" >"$directory/$1.log" 2>&1 </dev/null &
  printf '%s\n' $! >"$directory/$1.pid"
  disown
}
# sql NAME STATEMENT [DATABASE [USER]]
sql() {
  mine "$programs/psql" -X -A -t -q -h 127.0.0.1 -p "${port[$1]}" -U "${4-ferropay}" -d "${3-postgres}" -c "$2" 2>>"$directory/psql.log"
}
# until_true SECONDS WHAT COMMAND…
until_true() {
  local tries=$(($1 * 5)) what=$2
  shift 2
  until "$@"; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      tail -n 20 "$directory"/*.log >&2
      fail "in vain: $what"
    fi
    sleep 0.2
  done
}

mine pg_autoctl create monitor --pgdata "$directory/monitor" --pgport "${port[monitor]}" --hostname 127.0.0.1 --auth trust --no-ssl \
  >make.log 2>&1 || fail "$(tail -n 20 make.log)"
begin monitor
answers() { [ "$(sql "$1" 'SELECT 1' "${2-postgres}" "${3-ferropay}")" = 1 ]; }
until_true 30 'the monitor answers' answers monitor pg_auto_failover autoctl_node
# A dead server is noticed within seconds here; the tool's own defaults are some thirty.
for setting in "health_check_period = '500ms'" "health_check_timeout = '1s'" "health_check_retry_delay = '300ms'" \
  "node_considered_unhealthy_timeout = '2s'" "primary_demote_timeout = '2s'" "startup_grace_period = '1s'"; do
  mine "$programs/psql" -X -q -h 127.0.0.1 -p "${port[monitor]}" -d postgres \
    -c "ALTER SYSTEM SET pgautofailover.$setting" >>make.log 2>&1 || fail "$(tail -n 20 make.log)"
done
mine "$programs/pg_ctl" reload --pgdata "$directory/monitor" >>make.log 2>&1

for name in one other; do
  mine pg_autoctl create postgres --pgdata "$directory/$name" --pgport "${port[$name]}" --hostname 127.0.0.1 --listen 127.0.0.1 --name "$name" \
    --username ferropay --dbname ferropay --auth trust --no-ssl \
    --monitor "postgres://autoctl_node@127.0.0.1:${port[monitor]}/pg_auto_failover" >>make.log 2>&1 || fail "$(tail -n 20 make.log)"
  begin "$name"
  until_true 60 "$name answers" answers "$name" ferropay
done
is_synchronous() {
  [ "$(sql one "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') AND state = 'streaming'" ferropay postgres)" = 1 ]
}
until_true 60 'the replica is synchronous' is_synchronous

printf 'postgres://ferropay@127.0.0.1:%s,127.0.0.1:%s/ferropay?target_session_attrs=read-write\n' "${port[one]}" "${port[other]}"
while read -r command; do
  case $command in
    kill)
      end one
      printf '%s\n' "${port[one]}"
      ;;
    primary)
      found=none
      for name in one other; do
        # A server that was just promoted may still be told to refuse writing for a moment.
        writable="SELECT NOT pg_is_in_recovery() AND NOT current_setting('transaction_read_only')::bool"
        if [ "$(sql "$name" "$writable" ferropay)" = t ]; then found=${port[$name]}; fi
      done
      printf '%s\n' "$found"
      ;;
    *) printf 'unknown command\n' ;;
  esac
done
