"""The Spark session of a job: the shared one of a Connect server by SPARK_REMOTE, else a classic one."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from pyspark.errors.exceptions.base import PySparkException
from pyspark.sql import DataFrame, SparkSession

from ecommerce.config import settings

log = logging.getLogger("batch")

LOST = ("SESSION_CLOSED", "SESSION_CHANGED", "SESSION_NOT_FOUND", "INVALID_HANDLE")


class NoServer(Exception):
    """Nothing listens where SPARK_REMOTE points."""


def session() -> SparkSession:
    """A session that answers.

    With SPARK_REMOTE all jobs share one session, whose id is kept in ``var_dir/spark-session``: it keeps its
    Python workers warm. It is never stopped; one that the server has closed is replaced by a new one.

    Raises:
        NoServer: the server is not up.
        PySparkException: the server refuses the session for another reason.
    """
    remote = os.environ.pop("SPARK_REMOTE", "")
    if not remote:
        return _classic()
    _answers(remote)
    path = settings().var_dir / "spark-session"
    kept = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    if kept:
        try:
            return _connect(remote, kept)
        except PySparkException as error:
            if not any(name in str(error) for name in LOST):
                raise
    fresh = str(uuid.uuid4())
    spark = _connect(remote, fresh)
    _keep(path, fresh)
    return spark


def _classic() -> SparkSession:
    """The session of spark-submit's master, or of this machine's cores."""
    builder = SparkSession.builder.appName("ecommerce batch")
    if "SPARK_SUBMIT_OPTS" not in os.environ and "PYSPARK_GATEWAY_PORT" not in os.environ:
        builder = builder.master("local[*]").config("spark.ui.showConsoleProgress", "false")
    return builder.getOrCreate()


def _answers(remote: str) -> None:
    """The client itself would try again for ten minutes without a word."""
    place = urlsplit(remote)
    try:
        socket.create_connection((place.hostname or "", place.port or 15002), timeout=10).close()
    except OSError as error:
        raise NoServer(
            f"the Spark Connect server at {place.hostname}:{place.port or 15002} does not answer ({error}): `make status`"
        ) from None


def _connect(remote: str, session_id: str) -> SparkSession:
    """The session ``session_id``, asked something; the client gives up after half a minute, not after ten."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    token = quote(settings().secret("spark_connect_token"), safe="")
    url = f"{remote.rstrip('/')}/;authorization=Bearer%20{token};session_id={session_id}"
    spark = SparkSession.builder.remote(url).create()
    spark.client.set_retry_policies([DefaultPolicy(max_retries=9, max_backoff=5_000)])
    try:
        spark.sql("SELECT 1").collect()
    except PySparkException:
        leave(spark)
        raise
    return spark


def leave(spark: SparkSession) -> None:
    """Close this program's connection; the session stays. Left open, the client asks once more when the program ends and may hang."""
    if is_connect(spark):
        spark.client.close()


@contextmanager
def left(spark: SparkSession) -> Iterator[None]:
    """Leave ``spark`` at the end."""
    try:
        yield
    finally:
        leave(spark)


def _keep(path: Path, session_id: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(session_id, encoding="utf-8")
    temporary.chmod(0o600)
    os.replace(temporary, path)


def is_connect(spark: SparkSession) -> bool:
    return type(spark).__module__.startswith("pyspark.sql.connect")


@contextmanager
def cancelled_on_error(spark: SparkSession, run_id: str) -> Iterator[None]:
    """Tag what runs within as the run's, and cancel it when the block fails: the session is shared and goes on."""
    spark.addTag(run_id)
    try:
        yield
    except BaseException:
        try:
            spark.interruptTag(run_id)
        except PySparkException as error:
            log.warning("what still runs for %s could not be cancelled: %s", run_id, error)
        raise
    finally:
        if run_id in spark.getTags():  # a block within has removed it, which Spark 4.1 does not forgive
            spark.removeTag(run_id)


@contextmanager
def progress(spark: SparkSession, report: Callable[[int, int], None]) -> Iterator[None]:
    """Call ``report(done, total)`` with the tasks of what runs within; a classic session reports nothing."""
    if not is_connect(spark):
        yield
        return

    def handler(stages: list | None, inflight_tasks: int, operation_id: str | None, done: bool) -> None:
        if stages and (total := sum(stage.num_tasks for stage in stages)):
            report(sum(stage.num_completed_tasks for stage in stages), total)

    spark.registerProgressHandler(handler)
    try:
        yield
    finally:
        spark.removeProgressHandler(handler)


def analysed(frame: DataFrame) -> None:
    """Let the server analyse ``frame`` and keep the plan: it does it anew for each query that ``frame`` stands in otherwise."""
    _ = frame.schema


@contextmanager
def named(spark: SparkSession, frames: dict[str, DataFrame]) -> Iterator[dict[str, str]]:
    """Within, each of ``frames`` is a temporary view; gives its name for each key."""
    run = uuid.uuid4().hex
    views = {name: f"{name}_{run}" for name in frames}
    try:
        for name, view in views.items():
            frames[name].createOrReplaceTempView(view)
        yield views
    finally:
        given_back(*(partial(spark.catalog.dropTempView, view) for view in views.values()))


def given_back(*ways: Callable[[], object]) -> None:
    """Call each of ``ways``; the session is shared, and what one cannot give back is said."""
    for way in ways:
        try:
            way()
        except PySparkException as error:
            log.warning("what was kept could not be given back: %s", error)
