# syntax=docker/dockerfile:1
# Central, in every role: docker build --file docker/central.Dockerfile --tag sightline/central .
# For a reproducible build give bases by digest: --build-arg PYTHON=python:3.11-slim-bookworm@sha256:... (docker/README.md).
ARG PYTHON=python:3.11-slim-bookworm
ARG NODE=node:22-bookworm-slim

FROM ${NODE} AS web
WORKDIR /web
COPY central/web/package.json central/web/package-lock.json central/web/build.mjs ./
RUN npm ci --omit=dev --no-audit --no-fund && npm run build

FROM ${PYTHON} AS build
WORKDIR /src
COPY LICENSE README.md pyproject.toml ./
COPY central central
COPY configs configs
COPY contract contract
COPY edge edge
COPY models models
COPY sightline sightline
COPY survey survey
COPY --from=web /web/static/vendor central/web/static/vendor
RUN python -m venv /opt/sightline \
 && /opt/sightline/bin/pip install --no-cache-dir --disable-pip-version-check ".[central,s3,redact]"
# What finds faces and plates in the copies that leave the office; pinned by SHA-256 in models/bundles.yaml.
RUN SIGHTLINE_MODELS=/opt/sightline/models /opt/sightline/bin/sightline models fetch

FROM ${PYTHON}
# opencv-python draws overlays; it is linked against a desktop's libraries, which a server does not have. Letters are set
# with Pango, in fonts that have Chinese.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
    fontconfig fonts-noto-cjk libgl1 libglib2.0-0 libharfbuzz-subset0 libpangoft2-1.0-0 libxcb1 \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 sightline \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/sightline --shell /usr/sbin/nologin sightline \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/sightline /var/lib/sightline-media
COPY --from=build /opt/sightline /opt/sightline
ENV PATH=/opt/sightline/bin:$PATH SIGHTLINE_MODELS=/opt/sightline/models
USER 10001:10001
WORKDIR /var/lib/sightline
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/healthz', timeout=8)"]
ENTRYPOINT ["sightline"]
CMD ["central", "serve", "--config", "/etc/sightline/central.yaml"]
