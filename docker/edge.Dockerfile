# syntax=docker/dockerfile:1
# A box, without torch: docker build --file docker/edge.Dockerfile --tag sightline/edge .
# For a reproducible build give bases by digest: --build-arg PYTHON=python:3.11-slim-bookworm@sha256:... (docker/README.md).
ARG PYTHON=python:3.11-slim-bookworm
ARG NODE=node:22-bookworm-slim

# The detector that package registries alone can give. A better one is put into the volume of models (docker/README.md).
FROM ${NODE} AS node

FROM ${PYTHON} AS build
RUN apt-get update && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 libxcb1 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY LICENSE README.md pyproject.toml ./
COPY configs configs
COPY contract contract
COPY edge edge
COPY models models
COPY sightline sightline
COPY survey survey
RUN python -m venv /opt/sightline \
 && /opt/sightline/bin/pip install --no-cache-dir --disable-pip-version-check ".[edge]" \
 && ! /opt/sightline/bin/python -c "import torch" 2>/dev/null
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && export SIGHTLINE_MODELS=/models PATH="/opt/sightline/bin:$PATH" \
 && sightline models prepare --detector nanodet && sightline models fetch plates-cn

FROM ${PYTHON}
# opencv-python is linked against a desktop's libraries, which a box does not have.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 libxcb1 \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 sightline \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/sightline --shell /usr/sbin/nologin sightline \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/sightline
COPY --from=build /opt/sightline /opt/sightline
# A volume that is new takes these along; the box keeps its lock and later packages beside them.
COPY --from=build --chown=10001:10001 /models /var/lib/sightline-models
ENV PATH=/opt/sightline/bin:$PATH SIGHTLINE_MODELS=/var/lib/sightline-models
USER 10001:10001
WORKDIR /var/lib/sightline
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9100/healthz', timeout=8)"]
ENTRYPOINT ["sightline"]
CMD ["edge", "run", "--config", "/etc/sightline/edge.yaml"]
