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
COPY --chown=airflow:0 include /opt/airflow/include

ENV PYTHONPATH=/opt/airflow/include \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    # A rescheduled sensor must not be overtaken by a late report of its last end.
    AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL=1 \
    SE_AVOID_STATS=true
