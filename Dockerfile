# Superset, apart from Airflow (docs/adr/0025).
FROM python:3.11-slim AS superset

COPY superset/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir -r /tmp/requirements.txt \
    && useradd --create-home superset \
    && install -d -o superset -g superset -m 700 /var/lib/superset

COPY superset /opt/superset
# What the link in /opt/superset/config leads to.
COPY include/filmpulse/web/waits.py /opt/include/filmpulse/web/waits.py
USER superset

ENV PYTHONPATH=/opt/superset/config:/opt/superset/tools \
    SUPERSET_CONFIG_PATH=/opt/superset/config/superset_config.py \
    SUPERSET_CACHE_DIR=/var/lib/superset/cache

# Airflow with Filmpulse, for any executor. Browser included, for where there is no Selenium Grid.
FROM apache/airflow:3.3.2-python3.11

USER root
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates chromium chromium-driver \
    && apt-get clean && rm -rf /var/lib/apt/lists/*
USER airflow

# The lock first: the layer stays until it changes.
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir -r /tmp/requirements.txt

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 include /opt/airflow/include

ENV PYTHONPATH=/opt/airflow/include \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    # A rescheduled sensor must not be overtaken by a late report of its last end.
    AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL=1 \
    SE_AVOID_STATS=true
