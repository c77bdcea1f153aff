#!/usr/bin/env bash
# PID 1 of the broker's container: Mosquitto with the settings that are shipped, and whoever was shut out stays out.
#
# The settings name their files as they are seen from the folder Mosquitto is started in. The image's own are read-only,
# so that folder is put together in memory at each start. Every minute central's list of revoked certificates is
# fetched; a list that is new, and that our authority signed, is put in force by a restart, which also ends the
# connections of those on it. Everybody else comes back within seconds, and nothing is lost (docs/delivery.md).
set -euo pipefail

shipped=${BROKER_SHIPPED:-/srv/broker}        # configs/mosquitto
certs=${BROKER_CERTS:-/certs}                 # made by: sightline central ca broker HOST --out ...
store=${BROKER_STORE:-/var/lib/broker}        # sessions, retained and waiting messages
run=${BROKER_RUN:-/run/broker}                # in memory
list=${BROKER_REVOKED:-http://central:8080/edge/v1/crl.pem}
every=${BROKER_REVOKED_EVERY:-60}             # seconds

tell() { echo "broker: $*" >&2; }

assemble() {
  for file in ca.pem broker.pem broker.key crl.pem; do
    if [ ! -r "$certs/$file" ]; then
      tell "$certs/$file: is not there or not for this user - run \`sightline central ca broker HOST\` (docker/README.md)"
      exit 2
    fi
  done
  mkdir -p "$run/listeners" "$run/certs"
  cp "$shipped/mosquitto.conf" "$shipped/acl" "$run/"
  cp "$shipped/listeners/loopback.conf" "$run/listeners/"
  cp "$shipped/listeners/tls.conf.example" "$run/listeners/tls.conf"
  echo "persistence_location $store/" >"$run/listeners/store.conf"
  # Certificates are all that lets anybody in: there is no password, so nobody comes by one.
  (umask 077 && : >"$run/passwords")
  ln -sf "$certs/ca.pem" "$certs/broker.pem" "$certs/broker.key" "$run/certs/"
  # A list that was fetched before, unless the one that came with the certificate is newer.
  if [ -r "$store/crl.pem" ] && signed "$store/crl.pem" && ! newer "$certs/crl.pem" "$store/crl.pem"; then
    cp "$store/crl.pem" "$run/certs/crl.pem"
  else
    cp "$certs/crl.pem" "$run/certs/crl.pem"
  fi
}

signed() { openssl crl -in "$1" -noout -CAfile "$certs/ca.pem" 2>&1 | grep -q '^verify OK$'; }

# The number of a list, which rises with each that is made, in hexadecimal and 40 places wide; RFC 5280, 5.2.3.
number() {
  local said
  said=$(openssl crl -in "$1" -noout -crlnumber 2>/dev/null) || said=
  printf '%40s' "$(echo "$said" | sed -n 's/^crlNumber=\(0x\)\{0,1\}0*\([0-9A-Fa-f]*\)$/\2/p')"
}

# Whether the first list was made after the second: who sends an older one, signed as it is, lets somebody in again.
newer() {
  local LC_ALL=C
  [[ "$(number "$1")" > "$(number "$2")" ]]
}

# Whether central has a newer list than the one in force; it is then in its place.
renewed() {
  local fresh="$store/crl.pem.new"
  curl --fail --silent --max-time 10 --max-filesize 16777216 --output "$fresh" "$list" || return 1
  cmp --silent "$fresh" "$run/certs/crl.pem" && return 1
  if ! signed "$fresh"; then
    tell "$list: is not signed by our authority - the list of before stays in force"
    return 1
  fi
  if ! newer "$fresh" "$run/certs/crl.pem"; then
    tell "$list: is not newer than the list in force, which stays - check the clock of central's machine"
    return 1
  fi
  mv "$fresh" "$store/crl.pem"
  cp "$store/crl.pem" "$run/certs/crl.pem"
}

start() {
  (cd "$run" && exec mosquitto -c mosquitto.conf) &
  broker=$!
}

assemble
ending=
trap 'ending=yes; kill -TERM "$broker" 2>/dev/null || true' TERM INT
start
while [ -z "$ending" ]; do
  sleep "$every" &
  clock=$!
  status=0
  wait -n "$broker" "$clock" || status=$?
  if ! kill -0 "$broker" 2>/dev/null; then
    kill "$clock" 2>/dev/null || true
    break
  fi
  kill "$clock" 2>/dev/null || true
  if [ -z "$ending" ] && renewed; then
    tell "somebody was shut out: starting anew with the new list"
    kill -TERM "$broker"
    wait "$broker" || true
    start
  fi
done
if [ -n "$ending" ]; then
  wait "$broker" || true
  exit 0
fi
tell "mosquitto ended with status $status"
exit 1
