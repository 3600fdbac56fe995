"""The section "Live feed" of docs/benchmarks.md."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Any

import psutil

TITLES = {
    "hub-daphne": "the hub, daphne",
    "hub-uvicorn": "the hub, uvicorn",
    "group_send": "channels_redis group_send, daphne",
    "broadcast": "plain `websockets` broadcast",
}


def section(found: list[dict[str, Any]], asleep: dict[str, Any], clients: int, seconds: int, rounds: int, load: float) -> str:
    """The section's text."""
    by = {one["name"]: one for one in found}
    ours, layer, plain, uvicorn = (by[name] for name in ("hub-daphne", "group_send", "broadcast", "hub-uvicorn"))
    verdicts = (
        ("all delivered", ours["delivered"] >= 1, f"{ours['delivered']:.2%}"),
        ("p99 under 500 ms", ours["p99"] < 500, f"{ours['p99']:.0f} ms"),
        ("CPU a message at most 0.3 of group_send", ours["cpu_us"] <= 0.3 * layer["cpu_us"], f"{ours['cpu_us'] / layer['cpu_us']:.2f}"),
        ("CPU a message at most 5 of plain broadcast", ours["cpu_us"] <= 5 * plain["cpu_us"], f"{ours['cpu_us'] / plain['cpu_us']:.1f}"),
    )
    rows = [
        f"| {TITLES[one['name']]} | {one['delivered']:.2%} | {one['p50']:.0f} | {one['p99']:.0f} | {one['cpu_us']:.0f} | "
        f"{one['cpu_us'] / ours['cpu_us']:.2f} | {one['redis_us']:.1f} | {one['rss_mib']:.0f} |"
        for one in found
    ]
    grown = asleep["after_mib"] - asleep["before_mib"]
    better = ours["cpu_us"] / uvicorn["cpu_us"]
    return "\n".join(
        (
            "## Live feed",
            "",
            f"{clients} clients in one process, 2 messages a second of 2 KB, {seconds} s measured, median of {rounds} round{'s' if rounds > 1 else ''}; "
            f"{platform.machine()}, {psutil.cpu_count()} cores shared by server, clients and Redis, load {load:.1f} before; {datetime.now(UTC):%Y-%m-%d}. "
            "`make bench-live` writes this section. The hub's clients acknowledge each message; group_send's and broadcast's do, too.",
            "",
            "| Way | Delivered | p50, ms | p99, ms | CPU a message, µs | against the hub on daphne | Redis CPU a message, µs | Memory, MiB |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            *(f"- {what}: {'yes' if good else 'NO'} ({figure})" for what, good, figure in verdicts),
            f"- {asleep['clients']} sockets that never read, {asleep['seconds']} s: memory {asleep['before_mib']:.0f} → {asleep['after_mib']:.0f} MiB "
            f"({grown:+.1f}), {asleep['left']} of them still open (they are closed after 30 s).",
            f"- daphne against uvicorn: {better:.2f} times the CPU a message, p99 {ours['p99']:.0f} against {uvicorn['p99']:.0f} ms. "
            + ("daphne stays: uvicorn is not far ahead." if better < 2 else "uvicorn is far ahead."),
            "",
        )
    )
