#!/usr/bin/env bash
# The main job on a real server: two accounts, messages both ways, a plugin dropped in and out.
# Everything lives in a folder of its own and is gone afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
export PATH="$root/dist/bin:$PATH"

work=$(mktemp -d)
export HOME="$work/home" XDG_RUNTIME_DIR="$work/run" XDG_DATA_HOME="$work/data" XDG_CONFIG_HOME="$work/config"
mkdir -m 700 -p "$HOME" "$XDG_RUNTIME_DIR" "$XDG_DATA_HOME" "$XDG_CONFIG_HOME/sat" "$work/plugins"
server_pid=

finish() {
  status=$?
  sat stop >/dev/null 2>&1 || true
  [ -n "$server_pid" ] && kill "$server_pid" 2>/dev/null && wait "$server_pid" 2>/dev/null || true
  [ $status = 0 ] || { echo; echo "demo: FAILED (exit $status)"; tail -n 30 "$XDG_DATA_HOME/sat/sat.log" "$work/server.log" 2>/dev/null || true; }
  rm -rf "$work"
  exit $status
}
trap finish EXIT

say() { printf '\n== %s\n' "$*"; }
# Shows a command, runs it, shows its result and keeps it in $out.
run() { printf '$ %s\n' "$*"; out=$("$@" 2>&1) || { code=$?; printf '%s\n' "$out"; return $code; }; printf '%s\n' "$out"; }
# Runs a command until it succeeds and its result has the words, for at most ten seconds.
until_shows() {
  local words=$1 n; shift
  for n in $(seq 100); do
    if out=$("$@" 2>&1) && grep -qF -- "$words" <<<"$out"; then printf '$ %s\n%s\n' "$*" "$out"; return 0; fi
    sleep 0.1
  done
  printf '$ %s\n%s\n' "$*" "$out"; echo "demo: «$words» was not there in ten seconds"; return 1
}
expect() { grep -qF -- "$1" <<<"$out" || { echo "demo: expected «$1»"; return 1; }; }

# Prosody where it is, the project's own test server where it isn't; DEMO_SERVER chooses one.
server=${DEMO_SERVER:-$(command -v prosody >/dev/null && echo prosody || echo testserver)}
start_prosody() {
  port=$(free_port)
  for who in juliet romeo; do
    mkdir -p "$work/prosody/localhost/accounts"
    echo "return { [\"password\"] = \"secret-$who\" };" >"$work/prosody/localhost/accounts/$who.dat"
  done
  cat >"$work/prosody.cfg.lua" <<CONF
run_as_root = true
pidfile = "$work/prosody.pid"
data_path = "$work/prosody"
plugin_paths = {}
interfaces = { "127.0.0.1" }
c2s_ports = { $port }
c2s_direct_tls_ports = {}
s2s_ports = {}
http_ports = {}
https_ports = {}
modules_enabled = { "saslauth", "roster", "disco", "ping", "smacks", "carbons", "mam", "presence", "message", "iq", "pep", "version", "time" }
modules_disabled = { "s2s", "tls" }
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
authentication = "internal_plain"
log = { warn = "*console" }
VirtualHost "localhost"
CONF
  prosody -F --config "$work/prosody.cfg.lua" >"$work/server.log" 2>&1 &
  server_pid=$!
}
start_testserver() {
  port=$(free_port)
  # It serves until its standard input ends, which this one never does.
  mkfifo "$work/stdin"
  sat-testserver --listen "127.0.0.1:$port" --account juliet:secret-juliet --account romeo:secret-romeo \
    <>"$work/stdin" >"$work/server.log" 2>&1 &
  server_pid=$!
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  while port=$((20000 + RANDOM % 20000)); listens "$port"; do :; done
  echo "$port"
}

case $server in
  prosody) say "A private Prosody on loopback with two accounts" ;;
  testserver) say "Prosody isn't here: the project's own test server on loopback, with two accounts" ;;
  *) echo "demo: DEMO_SERVER is prosody or testserver"; exit 2 ;;
esac
"start_$server"
for _ in $(seq 100); do listens "$port" && break; sleep 0.1; done
echo "$server listens on 127.0.0.1:$port"

say "The backend, with the plugins of dist/plugins except ping"
cp "$root"/dist/plugins/*.wasm "$work/plugins/"
rm "$work/plugins/ping.wasm"
printf '[plugins]\ndirs = %s\n' "$work/plugins" >"$XDG_CONFIG_HOME/sat/sat.conf"
run sat
run sat status
run jp plugin list
expect chat

say "Two profiles"
for who in juliet romeo; do
  echo "\$ jp profile create $who $who@localhost --host 127.0.0.1 --port $port --security plain --passwords-stdin"
  printf '\nsecret-%s\n' "$who" | jp profile create "$who" "$who@localhost" --host 127.0.0.1 --port "$port" --security plain --passwords-stdin
  run jp -p "$who" profile connect
done
run jp profile list
expect connected

say "Contacts"
run jp -p juliet roster add romeo@localhost --name Romeo
run jp -p juliet presence subscribe romeo@localhost
until_shows juliet@localhost jp -p romeo presence requests
run jp -p romeo presence approve juliet@localhost
until_shows Romeo jp -p juliet roster list

say "Messages both ways"
run jp -p juliet message send romeo@localhost "Wherefore art thou?"
until_shows "Wherefore art thou?" jp -p romeo message history juliet@localhost
echo '$ echo "Under thy balcony" | jp -p romeo message send juliet@localhost'
echo "Under thy balcony" | jp -p romeo message send juliet@localhost
until_shows "Under thy balcony" jp -p juliet message history romeo@localhost
run jp -p juliet conversation list
run jp -p juliet message search balcony
expect "Under thy balcony"

say "A blog, read by a contact, offline too"
run jp -p romeo presence subscribe juliet@localhost
until_shows romeo@localhost jp -p juliet presence requests
run jp -p juliet presence approve romeo@localhost
run jp -p juliet blog publish --title "On names" --format markdown --tag verona "What's in a *name*?"
until_shows "On names" jp -p romeo blog feed
run jp -p romeo profile disconnect
run jp -p romeo blog feed
expect "On names"
run jp -p romeo profile connect

say "A plugin dropped in while everything runs"
if run jp -p juliet ping romeo@localhost; then echo "demo: ping should not be there yet"; exit 1; fi
run cp "$root/dist/plugins/ping.wasm" "$work/plugins/"
until_shows ping.ping jp help ping.ping
run jp -p juliet ping
run jp -p juliet call ping.ping to=localhost
expect rtt_ms

say "And taken out"
run rm "$work/plugins/ping.wasm"
for _ in $(seq 100); do jp -p juliet call ping.ping >/dev/null 2>&1 || break; sleep 0.1; done
if run jp -p juliet call ping.ping; then echo "demo: ping should be gone"; exit 1; fi
run jp profile list
expect connected

say "Everything was seen to work"
run sat stop
