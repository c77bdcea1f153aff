#!/bin/sh
# Makes what is secret in docker/secrets, once: what is there already is never touched. Run it as root:
#   sudo sh secrets.sh                            put your TLS certificate into secrets/tls_certificate and secrets/tls_key
#   sudo sh secrets.sh --self-signed NAME         or make one for NAME, to try things out
# The containers' users read it as group 10001. Nothing of it is in an image or in a variable of the environment.
set -eu

say() { echo "secrets: $*" >&2; }
fail() { say "$*"; exit 2; }

name=
case "${1-}" in
  --self-signed) name=${2-}; [ -n "$name" ] || fail "--self-signed needs the NAME that browsers open" ;;
  "") ;;
  *) fail "$1: is not known - see the lines at the top of this file" ;;
esac
[ "$(id -u)" = 0 ] || fail "files must belong to group 10001, which only root can say - run it with sudo"

here=$(cd "$(dirname "$0")" && pwd)
folder=$here/secrets
umask 077
install -d -o root -g 10001 -m 0750 "$folder"
for one in "$folder/certs" "$folder/certs/broker" "$folder/certs/central" "$here/exports"; do
  install -d -o 10001 -g 10001 -m 0750 "$one"
done

random() { head -c 32 /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_'; }

# keep FILE < CONTENT: whole or not at all, readable by group 10001 alone.
keep() {
  if [ -s "$folder/$1" ]; then cat >/dev/null; return; fi
  cat >"$folder/.$1.new"
  chown root:10001 "$folder/.$1.new"
  chmod 0440 "$folder/.$1.new"
  mv "$folder/.$1.new" "$folder/$1"
  say "made $folder/$1"
}

random | keep db_password
random | keep mq_cookie
if [ ! -s "$folder/s3_users" ] || [ ! -s "$folder/s3_credentials" ]; then
  rm -f "$folder/s3_users" "$folder/s3_credentials"
  key=$(random)
  printf '[default]\naws_access_key_id = central\naws_secret_access_key = %s\n' "$key" | keep s3_credentials
  printf '{"identities": [{"name": "central", "credentials": [{"accessKey": "central", "secretKey": "%s"}], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}\n' "$key" | keep s3_users
fi
if [ -n "$name" ] && [ ! -s "$folder/tls_key" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj "/CN=$name" \
    -addext "subjectAltName=DNS:$name" -keyout "$folder/.key" -out "$folder/.certificate" 2>/dev/null
  keep tls_key <"$folder/.key"
  keep tls_certificate <"$folder/.certificate"
  rm -f "$folder/.key" "$folder/.certificate"
fi
for file in tls_certificate tls_key; do
  [ -s "$folder/$file" ] || say "$folder/$file is missing - put your certificate there (PEM), or use --self-signed NAME"
done
