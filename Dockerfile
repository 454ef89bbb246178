# Filmpulse's images, for amd64 and arm64; nothing is compiled, so no build tools are ever there.
#
# The three base images. For one of another registry: --build-arg AIRFLOW_IMAGE=...
ARG AIRFLOW_IMAGE=airflow-base
ARG PYTHON_IMAGE=python-base
ARG DEBIAN_IMAGE=debian-base
FROM apache/airflow:slim-3.3.2-python3.11 AS airflow-base
FROM python:3.11.17-slim-bookworm AS python-base
FROM debian:bookworm-20260824-slim AS debian-base

# Superset, apart from Airflow (docs/adr/0025-superset-apart.md).
FROM ${PYTHON_IMAGE} AS superset
LABEL org.opencontainers.image.title="Filmpulse: Superset with its dashboards" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY superset/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir -r /tmp/requirements.txt \
    && useradd --create-home --uid 50001 superset \
    && install -d -o superset -g superset -m 700 /var/lib/superset

COPY superset /opt/superset
# What the link in /opt/superset/config leads to.
COPY include/filmpulse/web/waits.py /opt/include/filmpulse/web/waits.py
USER 50001

ENV PYTHONPATH=/opt/superset/config:/opt/superset/tools \
    PYTHONUNBUFFERED=1 \
    SUPERSET_CONFIG_PATH=/opt/superset/config/superset_config.py \
    SUPERSET_CACHE_DIR=/var/lib/superset/cache
EXPOSE 8088
CMD ["gunicorn", "--config", "/opt/superset/config/gunicorn.conf.py", "--bind", "0.0.0.0:8088"]
HEALTHCHECK --interval=10s --start-period=120s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8088/health')"]

# Its worker, which takes pictures of dashboards.
FROM superset AS superset-worker
LABEL org.opencontainers.image.title="Filmpulse: Superset's worker with a browser"
USER 0
RUN apt-get update \
    && apt-get install -y --no-install-recommends chromium chromium-driver fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    # Containers may not make namespaces, so its sandbox fails; it opens Superset's own pages alone.
    && echo "export CHROMIUM_FLAGS=\"\$CHROMIUM_FLAGS --no-sandbox\"" > /etc/chromium.d/container
USER 50001
HEALTHCHECK NONE

# Transactions share connections to Postgres.
FROM ${DEBIAN_IMAGE} AS pgbouncer
LABEL org.opencontainers.image.title="Filmpulse: pgbouncer" \
      org.opencontainers.image.licenses="ISC"
RUN apt-get update \
    && apt-get install -y --no-install-recommends pgbouncer postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50002 pgbouncer
USER 50002
EXPOSE 6432
CMD ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]

# Airflow with Filmpulse, for any executor; the browsers are a Grid's. What it runs, and so how it is
# known to be well, the orchestrator says. Its entry point and its user, 50000, are the base image's.
FROM ${AIRFLOW_IMAGE} AS airflow
LABEL org.opencontainers.image.title="Filmpulse: Airflow with its DAGs" \
      org.opencontainers.image.licenses="Apache-2.0"

# The client of the model that scores reviews trusts the system's certificates.
USER 0
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
USER 50000

# The lock first: the layer stays until it changes.
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir -r /tmp/requirements.txt

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 include /opt/airflow/include

ENV PYTHONPATH=/opt/airflow/include \
    PYTHONUNBUFFERED=1 \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    # A rescheduled sensor must not be overtaken by a late report of its last end.
    AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL=1 \
    SE_AVOID_STATS=true
