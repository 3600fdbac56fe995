"""What a person should know now: each alert says what is wrong, since when, and what to do.

``ecommerce status`` and the Data page show this one list; it is empty where nothing is wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import redis
from psycopg.rows import namedtuple_row

from ecommerce import day_states, heartbeats, lake
from ecommerce.config import Settings
from ecommerce.heartbeats import Report, ReportError
from ecommerce.shops import Shop, shops

RECENT = timedelta(hours=24)
NORMAL_STATES = ("running", "starting")
ALWAYS = ("archiver", "consumer")
STARTING = timedelta(minutes=10)
LOG = "its log says why: `make logs {0}`, in containers `docker-compose logs {0}`"


@dataclass(frozen=True)
class Alert:
    """``kind`` is freshness, run, disk, worker, lag, incident, quarantine, refused or store; ``since`` is aware, None where not known."""

    kind: str
    message: str
    remedy: str
    since: datetime | None = None


def alerts(settings: Settings, role: str = "reader") -> list[Alert]:
    """Every alert of the platform, the warehouse read as ``role``; a store that does not answer is an alert itself."""
    found = [*disk(settings), *workers(settings)]
    try:
        with psycopg.connect(settings.postgres_dsn(role), connect_timeout=5, row_factory=namedtuple_row) as connection:
            found += [*freshness(settings, connection), *ended_badly(connection), *held_back(settings, connection)]
    except psycopg.OperationalError as error:
        found.append(Alert("store", f"PostgreSQL does not answer: {_first_line(error)}", LOG.format("postgres")))
    try:
        found += refused(settings)
    except redis.RedisError as error:
        found.append(Alert("store", f"Redis does not answer: {_first_line(error)}", LOG.format("redis")))
    return found


def printed(found: list[Alert]) -> str:
    """The alerts for a terminal, two lines each; '' where there is none."""
    since = {alert: f" (since {alert.since.astimezone():%Y-%m-%d %H:%M})" if alert.since else "" for alert in found}
    return "\n".join(f"ALERT {alert.kind}: {alert.message}{since[alert]}\n      {alert.remedy}" for alert in found)


def fullness(folder: Path) -> tuple[float, int]:
    """How full the file system of ``folder`` is, 0 to 1, of what programs may use, and the bytes left."""
    usage = shutil.disk_usage(folder)
    return usage.used / (usage.used + usage.free), usage.free


def disk(settings: Settings) -> Iterator[Alert]:
    """File systems of the state and of the lake that are fuller than ``disk_alert_percent``."""
    devices: set[int] = set()
    for folder in (settings.var_dir, settings.lake_dir):
        if not folder.exists() or folder.stat().st_dev in devices:
            continue
        devices.add(folder.stat().st_dev)
        full, free = fullness(folder)
        if 100 * full > settings.disk_alert_percent:
            message = f"the disk of {folder} is {100 * full:.0f} % full, {free / 2**30:.1f} GiB free"
            yield Alert("disk", message, "free some, or shorten what is kept: `ecommerce retention` says what would go")


def workers(settings: Settings) -> Iterator[Alert]:
    """What consumer, archiver and producer say of themselves: silence, waiting, records behind, their last incident."""
    known = heartbeats.names(settings)
    yield from (Alert("worker", f"{name} has never reported", LOG.format(name)) for name in _missing(settings, known))
    for name in known:
        try:
            for report in heartbeats.reports(settings, name):
                yield from _of_worker(settings, report)
        except ReportError as error:
            yield Alert("worker", str(error), LOG.format(name))


def _missing(settings: Settings, known: list[str]) -> list[str]:
    """Workers of every platform that have said nothing yet, once it had the time to start; locally the supervisor says so."""
    mark = settings.var_dir / "first_start"
    if not settings.shared_reports or not mark.exists():
        return []
    started = datetime.fromtimestamp(mark.stat().st_mtime, UTC)
    return [name for name in ALWAYS if name not in known] if datetime.now(UTC) - started > STARTING else []


def _of_worker(settings: Settings, report: Report) -> Iterator[Alert]:
    name, state, at, said = report.name, report.state, report.at, report.values
    if state == heartbeats.ENDED:
        return
    if said.get("incident"):
        state = "running"  # the incident says more
    if report.silent:
        yield Alert("worker", f"{name} has not reported since {at:%Y-%m-%d %H:%M:%S} UTC", LOG.format(name), at)
    elif state not in NORMAL_STATES:
        yield Alert("worker", f"{name}: {state}", LOG.format(name), at)
    if (lag := said.get("lag") or 0) > settings.lag_alert_records:
        yield Alert("lag", f"{name} is {lag} records behind", "it catches up by itself where the rate falls; see docs/streaming.md", at)
    if incident := said.get("incident"):
        yield Alert("incident", f"{name}: {incident}: {said.get('message', '')}", "docs/streaming.md says what each incident needs", at)


def freshness(settings: Settings, connection: psycopg.Connection) -> Iterator[Alert]:
    """Days of scheduled shops that are over for ``freshness_hours`` and not final: not published, or live and batch differ unexplained."""
    known = _first_start(settings, connection)
    if known is None:
        return
    first, started = known[0] - timedelta(days=settings.history_days), known[1]
    for shop in shops().values():
        if shop.scheduled:
            yield from _late_days(settings, connection, shop, first, started)


def _first_start(settings: Settings, connection: psycopg.Connection) -> tuple[date, datetime] | None:
    """Day and moment of the platform's first start: its mark where this process sees it, else its first run."""
    mark = settings.var_dir / "first_start"
    if mark.exists():
        return date.fromisoformat(mark.read_text(encoding="ascii").strip()), datetime.fromtimestamp(mark.stat().st_mtime, UTC)
    run = connection.execute("SELECT min(started_at) FROM warehouse.etl_run").fetchone()[0]
    return (run.date(), run) if run else None


def _late_days(settings: Settings, connection: psycopg.Connection, shop: Shop, first: date, started: datetime) -> Iterator[Alert]:
    """Days before the first start are given the same time from the start on: the history is being loaded."""
    grace, now = timedelta(hours=settings.freshness_hours), datetime.now(UTC)
    wanted = {first + timedelta(days=n): None for n in range((shop.today() - first).days)}
    due = [day for day in wanted if now > max(shop.bounds(day)[1], started) + grace]
    scope = {"shop": shop.shop_id, "first": due[0], "last": due[-1]} if due else {}
    published = day_states.of_rows(connection.execute(day_states.RUNS, scope), settings.lake_dir, shop) if due else {}
    if missing := [day for day in due if day not in published]:
        yield Alert(
            "freshness",
            f"{shop.shop_id}: {_days(missing)} not published {settings.freshness_hours:g} h after its end",
            f"see the task's log in Airflow, or run `ecommerce etl --shop {shop.shop_id} --from {missing[0]} --to {missing[-1]}`",
            max(shop.bounds(missing[0])[1], started) + grace,
        )
    archived = set(lake.days(settings.lake_dir, "kafka", shop.shop_id))
    for day in (day for day in due if day in published):
        state = day_states.state_of(day, shop.today(), published[day], day in archived, counted_live=True)
        if state.name == day_states.PROVISIONAL:
            look = f"`ecommerce runs list --shop {shop.shop_id}` and docs/streaming.md"
            again = f"`ecommerce etl --shop {shop.shop_id} --from {day} --to {day}`"
            yield Alert(
                "freshness",
                f"{shop.shop_id}: {day} is not final: {state.reason}",
                look if "differ" in state.reason else again,
                shop.bounds(day)[1] + grace,
            )


def _days(days: list[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"


def ended_badly(connection: psycopg.Connection) -> Iterator[Alert]:
    """The newest run of each shop and range, where it was blocked or failed and nothing newer published its days."""
    query = """
        SELECT DISTINCT ON (shop_id, from_date, to_date) run_id, shop_id, from_date, to_date, status, message, finished_at, started_at
        FROM warehouse.etl_run r ORDER BY shop_id, from_date, to_date, started_at DESC"""
    covered = """
        SELECT count(DISTINCT date) FROM warehouse.etl_run_day
        WHERE shop_id = %s AND date BETWEEN %s AND %s AND published_at > %s"""
    for run in connection.execute(query).fetchall():
        if run.status not in ("blocked", "failed"):
            continue
        days = connection.execute(covered, (run.shop_id, run.from_date, run.to_date, run.started_at)).fetchone()[0]
        if days <= (run.to_date - run.from_date).days:
            span = run.from_date if run.from_date == run.to_date else f"{run.from_date}..{run.to_date}"
            message = f"run {run.run_id} of {run.shop_id} {span} {run.status}: {run.message[:300]}"
            remedy = f"`ecommerce runs show {run.run_id}`, put the cause right, run it again; the old numbers stay"
            yield Alert("run", message, remedy, run.finished_at)


def held_back(settings: Settings, connection: psycopg.Connection) -> Iterator[Alert]:
    """Shops with more than ``quarantine_alert_rows`` rows newly held back within a day."""
    query = """
        SELECT shop_id, count(*) AS rows, min(quarantined_at) AS since FROM warehouse.quarantine
        WHERE quarantined_at > now() - %s GROUP BY shop_id HAVING count(*) > %s ORDER BY shop_id"""
    for row in connection.execute(query, (RECENT, settings.quarantine_alert_rows)).fetchall():
        message = f"{row.shop_id}: {row.rows} rows held back within 24 h"
        yield Alert("quarantine", message, f"`ecommerce quarantine list --shop {row.shop_id}`", row.since)


def refused(settings: Settings) -> Iterator[Alert]:
    """Shops of whose live events more than ``refused_alert_percent`` went to the dead-letter topic today."""
    from ecommerce.live import LiveState

    with redis.Redis(**settings.redis_options, socket_timeout=5) as client:
        state = LiveState(client)
        totals = {shop.shop_id: state.snapshot(shop)["totals"] for shop in shops().values()}
    for shop_id, total in totals.items():
        count = sum(total["refused"].values())
        if total["received"] and 100 * count / total["received"] > settings.refused_alert_percent:
            reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(total["refused"].items(), key=lambda pair: -pair[1]))
            message = f"{shop_id}: {count} of {total['received']} events of today refused ({reasons})"
            yield Alert("refused", message, "`ecommerce dlq list` shows them; put the sender right, then replay")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
