# All images of docker-compose.yml. The packages come from requirements.txt in layers that build on each
# other (docker/groups.toml), so every file is on disk once and an image carries only what it imports:
#   base > web > lake > batch > django, consumer, producer, archiver, airflow, spark
# A digest for the base image: docker build --build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 ecommerce \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin ecommerce \
    && python -m venv --without-pip /opt/venv \
    && mkdir -p /app/data/lake /app/data/input /app/var /run/secrets \
    && chown ecommerce:ecommerce /app/data/lake /app/var
WORKDIR /app
LABEL org.opencontainers.image.title="E-commerce Analytics Platform" \
      org.opencontainers.image.description="Live and trusted daily analytics of a shop" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"

# What building needs and no image keeps: uv, the parts of the lock, pyspark made from its source.
FROM base AS builder
ENV UV_LINK_MODE=copy
COPY requirements-build.txt ./
RUN --mount=type=cache,target=/root/.cache/pip,sharing=locked \
    python -m venv /opt/build && /opt/build/bin/pip install --require-hashes --requirement requirements-build.txt
COPY requirements.txt /lock/
COPY docker/groups.toml docker/lock_group.py /lock/docker/
COPY docker/install-group /groups/install
RUN for group in web lake batch pyspark airflow spark; do \
        python /lock/docker/lock_group.py "$group" >"/groups/$group.txt" || exit 1; \
    done
RUN --mount=type=cache,target=/root/.cache/uv,sharing=locked \
    /opt/build/bin/uv pip install --python /opt/build --no-build-isolation --no-deps --require-hashes \
        --target /opt/pyspark --requirement /groups/pyspark.txt \
    && mv /opt/pyspark/pyspark/jars /opt/jars \
    && rm -rf /opt/pyspark/bin /opt/pyspark/pyspark/examples /opt/pyspark/pyspark/data /opt/jars/connect-repl \
    && rm /opt/jars/rocksdbjni-* /opt/jars/kubernetes-* /opt/jars/spark-kubernetes* /opt/jars/spark-yarn* /opt/jars/spark-hive* \
        /opt/jars/hive-exec-* /opt/jars/hive-metastore-* /opt/jars/hive-jdbc-* /opt/jars/derby* /opt/jars/datanucleus-* \
    && python -m compileall -q /opt/pyspark

FROM base AS web
RUN --mount=type=bind,from=builder,source=/opt/build,target=/opt/build \
    --mount=type=bind,from=builder,source=/groups,target=/groups \
    --mount=type=cache,target=/root/.cache/uv,sharing=locked \
    /groups/install web
COPY docker/ecommerce /opt/venv/bin/ecommerce

FROM web AS lake
RUN --mount=type=bind,from=builder,source=/opt/build,target=/opt/build \
    --mount=type=bind,from=builder,source=/groups,target=/groups \
    --mount=type=cache,target=/root/.cache/uv,sharing=locked \
    /groups/install lake \
    && rm /opt/venv/lib/python3.12/site-packages/pyarrow/*flight*

FROM lake AS batch
RUN --mount=type=bind,from=builder,source=/opt/build,target=/opt/build \
    --mount=type=bind,from=builder,source=/groups,target=/groups \
    --mount=type=cache,target=/root/.cache/uv,sharing=locked \
    /groups/install batch
COPY --from=builder /opt/pyspark /opt/venv/lib/python3.12/site-packages

FROM web AS django
COPY shops.toml ./
COPY ecommerce ./ecommerce
COPY django_app ./django_app
COPY spark/sources ./spark/sources
RUN python -m compileall -q . \
    && ECOMMERCE_SECRETS_DIR=/tmp/secrets ECOMMERCE_STATIC_DIR=/app/static sh -c 'python -m ecommerce.containers secrets && python django_app/manage.py collectstatic --no-input -v 0' \
    && rm -r /tmp/secrets
WORKDIR /app/django_app
USER 10001:10001
EXPOSE 8000
CMD ["sh", "-c", "python manage.py login_link && exec daphne -v 0 -b 0.0.0.0 -p 8000 --websocket-max-message-size 131072 --websocket-max-frame-size 131072 ecommerce_analytics.asgi:application"]

FROM lake AS consumer
COPY shops.toml ./
COPY ecommerce ./ecommerce
COPY kafka_scripts ./kafka_scripts
RUN python -m compileall -q .
USER 10001:10001
ENTRYPOINT ["python", "kafka_scripts/consumer.py"]

FROM lake AS producer
COPY shops.toml ./
COPY ecommerce ./ecommerce
COPY kafka_scripts ./kafka_scripts
RUN python -m compileall -q .
USER 10001:10001
ENTRYPOINT ["python", "kafka_scripts/producer.py"]

FROM lake AS archiver
COPY shops.toml ./
COPY ecommerce ./ecommerce
COPY kafka_scripts ./kafka_scripts
RUN python -m compileall -q .
USER 10001:10001
ENTRYPOINT ["python", "kafka_scripts/archiver.py"]

FROM batch AS airflow
RUN --mount=type=bind,from=builder,source=/opt/build,target=/opt/build \
    --mount=type=bind,from=builder,source=/groups,target=/groups \
    --mount=type=cache,target=/root/.cache/uv,sharing=locked \
    /groups/install airflow
ENV AIRFLOW_HOME=/app/var/airflow
COPY shops.toml ./
COPY ecommerce ./ecommerce
COPY spark ./spark
COPY airflow ./airflow
RUN python -m compileall -q .
USER 10001:10001
EXPOSE 8080

FROM batch AS with-java
RUN --mount=type=bind,from=builder,source=/opt/build,target=/opt/build \
    --mount=type=bind,from=builder,source=/groups,target=/groups \
    --mount=type=cache,target=/root/.cache/uv,sharing=locked \
    /groups/install spark
COPY --from=builder /opt/jars /opt/venv/lib/python3.12/site-packages/pyspark/jars

# Fetched apart, from these files alone: a change elsewhere does not fetch it anew.
FROM with-java AS comet
COPY ecommerce/__init__.py ecommerce/config.py ecommerce/errors.py ./ecommerce/
COPY ecommerce/local/__init__.py ecommerce/local/comet-jars.sha256 ecommerce/local/comet.py ecommerce/local/jars.py ecommerce/local/java.py \
    ecommerce/local/server.py ./ecommerce/local/
RUN python -m ecommerce.local.comet

FROM with-java AS spark
COPY --from=comet /opt/venv/share /opt/venv/share
COPY docker/executor-java /opt/executor-java/bin/java
COPY shops.toml ./
COPY ecommerce ./ecommerce
COPY spark ./spark
RUN python -m compileall -q .
USER 10001:10001
EXPOSE 15002 4040
CMD ["python", "-m", "ecommerce.containers", "spark", "connect"]
