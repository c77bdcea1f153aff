#!/usr/bin/env bash
# Health check: is-well.sh PORT. Nobody may come in without a certificate, not even this; a broker that is well says so:
# CONNACK with code 5, not authorised (MQTT 3.1.1, 3.2.2.3). The listener at PORT is the container's own loopback.
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/$1"
# CONNECT, protocol MQTT level 4, clean session, keep-alive 60 s, client id "hc".
printf '\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02hc' >&3
answer=$(timeout 5 head -c 4 <&3 | od -An -tx1 | tr -d ' \n')
[ "$answer" = 20020005 ]
