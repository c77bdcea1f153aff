# syntax=docker/dockerfile:1
# Debian's Mosquitto with the settings that are shipped: docker build --file docker/broker.Dockerfile --tag sightline/broker .
# Debian 13 has Mosquitto 2.0.21; 2.0.11 of Debian 12 hands over more than a client's `receive maximum`, and takes quadratic time
# over the user properties of a CONNECT (mended in 2.0.13 and 2.0.12).
# For a reproducible build give the base by digest: --build-arg DEBIAN=debian:trixie-slim@sha256:... (docker/README.md).
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN}
# curl and openssl: fetch central's list of revoked certificates, and see that central signed it.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends curl mosquitto openssl \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 sightline \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/broker --shell /usr/sbin/nologin sightline \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/broker
COPY configs/mosquitto /srv/broker
COPY docker/broker/start.sh /usr/local/bin/start-broker
COPY docker/broker/is-well.sh /usr/local/bin/broker-is-well
USER 10001:10001
WORKDIR /var/lib/broker
EXPOSE 8883
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["bash", "/usr/local/bin/broker-is-well", "1883"]
ENTRYPOINT ["bash", "/usr/local/bin/start-broker"]
