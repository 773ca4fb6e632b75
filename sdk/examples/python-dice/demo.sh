#!/usr/bin/env bash
# The dice plugin in a real backend with a real Prosody: built, dropped in, called, asked by a
# contact. Everything lives in a folder of its own and is gone afterwards.
# Needs dist/bin and dist/plugins (make dist), prosody, and a Python with componentize-py (PYTHON).
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
dist=${DIST:-$root/dist}
python=${PYTHON:-python3}
export PATH="$dist/bin:$PATH" PYTHONPATH="$root/sdk/python"

work=$(mktemp -d)
prosody_pid= sat_pid=
finish() {
  status=$?
  for pid in $sat_pid $prosody_pid; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  [ $status = 0 ] || { echo "demo: FAILED (exit $status)"; tail -n 20 "$work"/*.log 2>/dev/null || true; }
  rm -rf "$work"
  exit $status
}
trap finish EXIT

say() { printf '\n== %s\n' "$*"; }
# Runs a command until its result has the words, for at most two minutes: compiling takes a while.
until_shows() {
  local words=$1 n; shift
  for n in $(seq 600); do
    if out=$("$@" 2>&1) && grep -qF -- "$words" <<<"$out"; then printf '$ %s\n%s\n' "$*" "$out"; return 0; fi
    sleep 0.2
  done
  printf '$ %s\n%s\n' "$*" "$out"; echo "demo: «$words» didn't come"; return 1
}

say "Building"
"$python" -m sat_sdk test
"$python" -m sat_sdk build -o "$work/dice.wasm"
"$python" -m sat_sdk info "$work/dice.wasm"

say "A private Prosody on loopback, and a backend"
export HOME="$work/home" XDG_RUNTIME_DIR="$work/run" XDG_DATA_HOME="$work/data" XDG_CONFIG_HOME="$work/config"
mkdir -m 700 -p "$HOME" "$XDG_RUNTIME_DIR" "$XDG_DATA_HOME" "$XDG_CONFIG_HOME/sat" "$work/prosody/localhost/accounts" "$work/plugins"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
for who in juliet romeo; do
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
modules_enabled = { "saslauth", "roster", "disco", "smacks", "presence", "message", "iq" }
modules_disabled = { "s2s", "tls" }
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
authentication = "internal_plain"
log = { warn = "*console" }
VirtualHost "localhost"
CONF
prosody -F --config "$work/prosody.cfg.lua" >"$work/prosody.log" 2>&1 &
prosody_pid=$!
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
cp "$dist"/plugins/{chat,roster,presence,disco}.wasm "$work/plugins/"
printf '[plugins]\ndirs = %s\n' "$work/plugins" >"$XDG_CONFIG_HOME/sat/sat.conf"
sat fg >"$work/sat.log" 2>&1 &
sat_pid=$!
until_shows chat jp plugin list >/dev/null
for who in juliet romeo; do
  printf '\nsecret-%s\n' "$who" | jp profile create "$who" "$who@localhost" --host 127.0.0.1 --port "$port" --security plain --passwords-stdin 2>/dev/null
  jp -p "$who" profile connect
done
jp -p juliet roster add romeo@localhost

say "The plugin, dropped in"
cp "$work/dice.wasm" "$work/plugins/"
until_shows example.dice.roll jp plugin list
jp events 'example.dice.*' >"$work/events" &
events_pid=$!

say "Called"
until_shows total jp call example.dice.roll profile=juliet dice=3d6+2
! jp call example.dice.roll profile=juliet dice=nonsense

say "Asked by a contact"
jp -p romeo message send juliet@localhost "!roll 2d6" >/dev/null
until_shows "< juliet@localhost" jp -p romeo message history juliet@localhost
until_shows romeo@localhost jp call example.dice.outcomes profile=juliet limit=5

say "Seen by frontends, and in the log"
until_shows '"who":"romeo@localhost"' cat "$work/events"
kill "$events_pid"
until_shows "rolled 2d6" jp plugin logs dice
