"""The platform in containers, from up to down -v. The tests run in this order on one stack."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from compose.stack import LABEL, PROFILES, QUIET, docker, purchase, until
from integration.web import acknowledge, hear

from ecommerce.containers.secrets import READERS
from ecommerce.events import encode

UIS = {"django": "DASHBOARD", "airflow-apiserver": "AIRFLOW", "spark": "SPARK_UI"}
FILES_OF = {name: name for name in READERS} | {"airflow-dag-processor": "airflow"}


def orders(message: dict) -> int:
    return message["snapshot"]["measures"]["orders"]


def gross_revenue(message: dict) -> Decimal:
    return Decimal(message["snapshot"]["measures"]["gross_revenue"])


def test_all_is_healthy_and_the_log_shows_a_link(stack):
    assert len(stack.lasting()) == 12
    assert "/login/" in stack.compose("logs", "django")


def test_no_service_runs_as_root(stack):
    for name, container in stack.lasting().items():
        processes = [line.split(None, 2) for line in docker("top", container["Id"], "-eo", "pid,uid,comm").splitlines()[1:]]
        # The engine's own runc starts a health check and becomes its user at once.
        users = {uid for _, uid, command in processes if not command.startswith("runc")}
        assert users, name
        assert "0" not in users, name


def test_the_three_pages_alone_are_published_on_loopback(stack):
    published = {}
    for name, container in stack.lasting().items():
        bindings = [one for bound in container["NetworkSettings"]["Ports"].values() for one in bound or []]
        assert all(one["HostIp"] == "127.0.0.1" for one in bindings), name
        published |= {name: [one["HostPort"] for one in bindings]} if bindings else {}
    assert published == {name: [stack.variables[f"ECOMMERCE_{port}_PORT"]] for name, port in UIS.items()}


def test_stores_cannot_reach_the_world(stack):
    for name in ("postgres", "redis", "kafka", "zookeeper"):
        networks = stack.service(name)["NetworkSettings"]["Networks"]
        assert all(json.loads(docker("network", "inspect", network))[0]["Internal"] for network in networks)


def test_a_container_reads_its_own_secrets_alone(stack):
    for name in stack.lasting():
        own = set(READERS[FILES_OF[name]].files if name in FILES_OF else ())
        command = "cat /run/secrets/* >/dev/null; ls -A /run/secrets" if own else "ls -A /run/secrets 2>/dev/null || true"
        assert set(stack.inside(name, "sh", "-c", f"set -e; {command}").split()) == own, name


def test_a_wrong_kafka_password_is_refused_and_a_user_does_only_what_it_may(stack):
    code = "from ecommerce.config import settings; from kafka import KafkaConsumer\n"
    code += "c = KafkaConsumer('shop.events', group_id='other', **settings().kafka_options); c.poll(5000)"
    refused = stack.inside("producer", "sh", "-c", f'python -c "{code}" 2>&1 || true')
    assert "AuthorizationFailed" in refused


def test_a_purchase_through_kafka_appears_on_the_live_page(stack):
    with stack.kafka() as producer, stack.browser().live(QUIET) as socket:
        before = hear(socket)
        acknowledge(socket, before)
        producer.send("shop.events", encode(purchase())).get(timeout=30)
        while (message := hear(socket))["type"] != "snapshot" or orders(message) == orders(before):
            acknowledge(socket, message)
    assert gross_revenue(message) - gross_revenue(before) == Decimal("20")


def test_a_dag_run_succeeds_and_its_rows_are_in_postgresql(stack):
    day = (datetime.now(UTC) - timedelta(days=60)).date().isoformat()
    stack.trigger("asked", **{"shop": "demo", "from": day, "to": day})
    row = until(lambda: stack.sql(f"SELECT orders, sessions FROM mart_daily_sales WHERE date = '{day}'"), "the day is published")
    assert int(row[0][0]) > 0
    stack.wait_for_run("asked")


def test_a_burst_is_counted_exactly_by_one_consumer_and_by_three(stack):
    for scale in ("1", "3"):
        stack.compose("up", "-d", "--no-recreate", "--scale", f"consumer={scale}", "consumer")
        stack.wait_healthy()
        before = stack.received(QUIET)
        sent = stack.send(QUIET, rate=200, seconds=10)
        assert sent > 1000
        until(lambda expected=before + sent: stack.received(QUIET) == expected, "all of the burst is counted")
    reports = [
        docker("exec", one["Id"], "sh", "-c", "cat /app/var/run/consumer@$(hostname).heartbeat") for one in stack.containers("consumer")
    ]
    owned = [json.loads(report)["partitions"] for report in reports]
    assert sorted(number for numbers in owned for number in numbers) == [0, 1, 2, 3]
    assert all(owned)
    stack.compose("up", "-d", "--no-recreate", "--scale", "consumer=1", "consumer")


PROGRAMS = ("producer", "consumer", "archiver", "django", "airflow-dag-processor", "airflow-apiserver", "airflow-scheduler")


def kill(stack, name: str) -> None:
    """As by the kernel: `docker kill` would count as a wish to stop. Returns when the engine has started it again."""
    container = stack.service(name)
    command = f"kill -9 {container['State']['Pid']}"
    docker("run", "--rm", "--pid=host", "--user=0", "--network=none", "--entrypoint=sh", container["Image"], "-c", command)
    until(lambda: stack.service(name)["RestartCount"] > container["RestartCount"], f"{name} is started again")


@pytest.mark.parametrize("names", [PROGRAMS, ("redis",), ("kafka",), ("zookeeper",), ("postgres",), ("spark",)], ids="+".join)
def test_a_container_that_is_killed_comes_back(stack, names):
    for name in names:
        kill(stack, name)
    until(lambda: not stack.unhealthy(), f"all healthy after the kill of {', '.join(names)}")


def test_nothing_was_lost_or_counted_twice_meanwhile(stack):
    before = stack.received(QUIET)
    sent = stack.send(QUIET, rate=100, seconds=5)
    until(lambda: stack.received(QUIET) == before + sent, "all is counted")


def rows(stack, day: str) -> list[list[str]]:
    """Number and digest of a day's rows in each table, whichever run wrote them."""
    tables = ("fct_order_line", "fct_order", "fct_session", "mart_daily_sales", "mart_daily_product", "mart_daily_funnel")
    row = "(to_jsonb(t) - 'run_id')::text"
    parts = [f"SELECT '{t}', count(*), md5(string_agg({row}, '' ORDER BY {row})) FROM {t} t WHERE date = '{day}'" for t in tables]
    return stack.sql(" UNION ALL ".join(parts) + " ORDER BY 1")


@pytest.mark.long
def test_the_same_job_gives_the_same_rows_on_a_cluster_of_two_workers(stack):
    day = (datetime.now(UTC) - timedelta(days=61)).date().isoformat()
    etl = ["ecommerce", "etl", "--shop", "demo", "--from", day, "--to", day]
    stack.inside("airflow-scheduler", *etl)
    before = rows(stack, day)
    assert all(int(count) > 0 for _, count, _ in before)
    stack.files = ["-f", "docker-compose.yml", "-f", "docker-compose.cluster.yml"]
    stack.compose("up", "-d")
    stack.wait_healthy()
    stack.inside("airflow-scheduler", *etl)
    assert rows(stack, day) == before
    assert stack.sql("SELECT count(*) FROM etl_run_day WHERE date = '" + day + "'") == [["2"]]
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8081/json/').read().decode())"
    cluster = json.loads(stack.inside("spark-master", "python", "-c", ask))
    assert [worker["state"] for worker in cluster["workers"]] == ["ALIVE", "ALIVE"]
    assert sum(worker["coresused"] for worker in cluster["workers"]) == 2
    stack.files = []
    stack.compose("up", "-d", "--remove-orphans")
    stack.wait_healthy()


def test_down_and_up_keep_everything(stack):
    day = stack.live(QUIET)["date"]
    received, revenue = stack.received(QUIET), stack.net_revenue()
    links = stack.sql("SELECT count(*) FROM etl_run")
    stack.compose("down")
    begin = time.monotonic()
    stack.compose("up", "-d")
    stack.wait_healthy()
    print(f"\nwarm up -d to all healthy in {time.monotonic() - begin:.0f} s")
    if stack.live(QUIET)["date"] == day:
        assert stack.received(QUIET) == received
    assert stack.net_revenue() >= revenue > 0
    assert int(stack.sql("SELECT count(*) FROM etl_run")[0][0]) >= int(links[0][0])


@pytest.mark.long
def test_a_kafka_volume_beside_a_fresh_zookeeper_is_said_clearly(stack):
    stack.compose("down")
    docker("volume", "rm", f"{stack.project}_zookeeper-data", f"{stack.project}_zookeeper-log")
    stack.compose("up", "-d", "kafka", check=False)
    assert "Kafka's data is of cluster" in stack.compose("logs", "kafka-users")
    assert not stack.containers("kafka") or not stack.service("kafka")["State"]["Running"]


def test_down_v_leaves_nothing(stack):
    stack.compose(*PROFILES, "down", "-v")
    label = f"label={LABEL}.project={stack.project}"
    assert docker("ps", "-aq", "--filter", label) == ""
    assert docker("volume", "ls", "-q", "--filter", label) == ""
    assert docker("network", "ls", "-q", "--filter", label) == ""
