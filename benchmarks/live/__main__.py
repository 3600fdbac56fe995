"""``make bench-live``: every contender in one run, one after the other; writes its section of docs/benchmarks.md unless --quick."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psutil
import redis

from benchmarks import sections
from benchmarks.live import report
from benchmarks.live.servers import CHANGED, GROUP, KEY
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.local import servers

CONTENDERS = ("hub-daphne", "broadcast", "group_send", "hub-uvicorn")
RATE, SIZE, SETTLE, PATIENCE, ANSWER = 2, 2048, 3, 1.5, 60
DJANGO = {"ECOMMERCE_DEBUG": "false"}


@contextmanager
def program(environment: dict[str, str], *arguments: str):
    with subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=PROJECT_DIR, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()  # a server would wait for its two thousand clients


def message(number: int) -> str:
    """A text of SIZE bytes that says when it was published."""
    head = {"number": number, "sent": time.monotonic_ns(), "filler": ""}
    head["filler"] = "x" * (SIZE - len(json.dumps(head, separators=(",", ":"))))
    return json.dumps(head, separators=(",", ":"))


def publish(client: redis.Redis, name: str, numbers: range) -> int:
    """One message every half second; returns how many, fewer where the way is too slow for that."""
    send = _group_sender() if name == "group_send" else None
    began = time.monotonic()
    for place, number in enumerate(numbers):
        if time.monotonic() - began > PATIENCE * len(numbers) / RATE:
            return place
        time.sleep(max(0.0, began + place / RATE - time.monotonic()))
        text = message(number)
        if send:
            send(text)
        else:
            client.set(KEY, text)
            client.publish(CHANGED, "demo")
    time.sleep(2)
    return len(numbers)


def _group_sender() -> Any:
    from asgiref.sync import async_to_sync

    from benchmarks.live.servers import _django

    _django()
    from channels.layers import get_channel_layer

    return lambda text: async_to_sync(get_channel_layer("notices").group_send)(GROUP, {"type": "tell", "text": text})


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def listening(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not any(one.laddr.port == port for one in psutil.net_connections("tcp") if one.status == "LISTEN"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise click.ClickException(f"the server on port {port} did not start (exit code {process.poll()})")
        time.sleep(0.2)


def summary(readers: subprocess.Popen) -> dict[str, Any]:
    """What the clients received; nothing where they are so far behind that they do not say it in time, as after a way that is too slow."""
    try:
        return json.loads(readers.communicate(timeout=ANSWER)[0].strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"messages": 0, "p50": None, "p99": None, "max": None}


def measure(
    settings: Settings, environment: dict[str, str], name: str, clients: int, seconds: int, store: psutil.Process
) -> dict[str, Any]:
    """CPU a message (µs), delivery and delay of one contender."""
    client, port = redis.Redis(**settings.redis_options), servers.free_port()
    client.delete(KEY)
    first, last = SETTLE * RATE + 1, (SETTLE + seconds) * RATE
    with program(environment, "benchmarks.live.servers", name, str(port)) as server:
        listening(port, server)
        with program(environment | {"BENCH_FIRST": str(first)}, "benchmarks.live.clients", str(port), str(clients), "reading") as readers:
            if readers.stdout.readline().strip() != "ready":
                raise click.ClickException(f"the clients of {name} did not connect")
            publish(client, name, range(1, first))
            process = psutil.Process(server.pid)
            before, store_before = cpu(process), cpu(store)
            published = publish(client, name, range(first, last + 1))
            used, store_used = cpu(process) - before, cpu(store) - store_before
            rss = process.memory_info().rss
            told = summary(readers)
    expected = clients * max(1, published)
    each = told["messages"] or float("nan")
    return {
        "name": name, "delivered": told["messages"] / expected, "p50": told["p50"], "p99": told["p99"], "max": told["max"],
        "cpu_us": used / each * 1e6, "redis_us": store_used / each * 1e6, "rss_mib": rss / 2**20,
    }  # fmt: skip


def silent(settings: Settings, environment: dict[str, str], clients: int, seconds: int) -> dict[str, Any]:
    """Memory of the hub on daphne while ``clients`` sockets never read, and how many it has closed after ACK_SECONDS."""
    client, port = redis.Redis(**settings.redis_options), servers.free_port()
    with program(environment, "benchmarks.live.servers", "hub-daphne", str(port)) as server:
        listening(port, server)
        with program(environment, "benchmarks.live.clients", str(port), str(clients), "silent") as sleepers:
            sleepers.stdout.readline()
            process = psutil.Process(server.pid)
            publish(client, "hub-daphne", range(1, 5))
            before = process.memory_info().rss
            publish(client, "hub-daphne", range(5, 5 + seconds * RATE))
            after = process.memory_info().rss
            left = sum(one.status == "ESTABLISHED" and one.laddr.port == port for one in process.net_connections("tcp"))
            sleepers.communicate(timeout=60)
    return {"clients": clients, "seconds": seconds, "before_mib": before / 2**20, "after_mib": after / 2**20, "left": left}


def middle(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure over the rounds; the worst delivery."""
    merged = {key: statistics.median(one[key] or 0 for one in rounds) for key in rounds[0] if key != "name"}
    return merged | {"name": rounds[0]["name"], "delivered": min(one["delivered"] for one in rounds)}


@click.command()
@click.option("--quick", is_flag=True, help="200 clients for a few seconds; writes nothing.")
@click.option("--clients", default=None, type=int, help="How many clients (default: 2000).")
@click.option("--rounds", default=2, help="How often each way is measured.")
def main(quick: bool, clients: int | None, rounds: int) -> None:
    """The live feed against the usual ways, in one run of about five minutes."""
    seconds, rounds = (4, 1) if quick else (10, rounds)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a socket each, in server and clients
    clients, load = clients or (200 if quick else 2000), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        settings = servers.isolated_settings(Path(folder), tick_ms=250)
        environment = {**os.environ, **servers.environment(settings), "PYTHONPATH": str(PROJECT_DIR)} | DJANGO
        os.environ.update(environment)
        with servers.running(settings, "redis"):
            store = next(
                psutil.Process(one.pid)
                for one in psutil.net_connections("tcp")
                if one.laddr.port == settings.redis_port and one.pid and one.status == "LISTEN"
            )
            found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
            for _ in range(rounds):
                for name in CONTENDERS:
                    found[name].append(measure(settings, environment, name, clients, seconds, store))
                    click.echo(json.dumps(found[name][-1]))
            asleep = silent(settings, environment, clients // 2, 5 if quick else 34)
            click.echo(json.dumps(asleep))
    text = report.section([middle(one) for one in found.values()], asleep, clients, seconds, rounds, load)
    click.echo(text)
    if not quick:
        sections.put("live", text)


if __name__ == "__main__":
    main()
