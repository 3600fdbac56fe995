"""A warehouse and a Spark of a drill's own, two versions of one shop-day, and a reader that never stops looking."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from drills.errors import DrillFailed
from drills.programs import START_SECONDS, environment, start_server
from ecommerce import lake, shops, simulator, warehouse
from ecommerce.config import PROJECT_DIR
from ecommerce.local import servers
from ecommerce.local.server import wait_ready

DAY = date(2025, 3, 30)
SHOP, SOURCE = "demo", "simulated"
VERSIONS = (1, 2)
JOB_SECONDS = 600
POLL_SECONDS = 0.02
TABLES = """
    SELECT c.table_name FROM information_schema.columns c JOIN information_schema.columns d USING (table_schema, table_name)
    JOIN information_schema.columns s USING (table_schema, table_name)
    WHERE table_schema = 'warehouse' AND (table_name LIKE 'fct%' OR table_name LIKE 'mart%')
      AND c.column_name = 'run_id' AND d.column_name = 'date' AND s.column_name = 'shop_id' ORDER BY 1"""


class WarehouseWorld:
    """PostgreSQL with the model, a Connect server, and the landed day; jobs run the code in ``code``, Spark the product's."""

    def __init__(self, folder: Path, code: Path) -> None:
        self.folder, self.code = folder, code
        self.settings = servers.isolated_settings(folder / "run", spark_master="local[2,4]")
        self.stack = ExitStack()
        self.differences: list[str] = []
        self.notes: list[str] = []
        self.recoveries: list[float] = []
        self.references: dict[int, dict[str, str]] = {}
        self._landed: dict[int, lake.LakeFile] = {}
        self.runs = 0

    def __enter__(self) -> WarehouseWorld:
        self.stack.enter_context(servers.running(self.settings, "postgres"))
        manage = [sys.executable, str(PROJECT_DIR / "django_app" / "manage.py"), "migrate", "--database", "owner", "-v", "0"]
        subprocess.run(manage, check=True, env=environment(self.settings))
        self.spark = start_server(self.settings, "spark")
        self.stack.callback(self.spark.close, kill=True)
        with self._reading() as connection:
            self.tables = [name for (name,) in connection.execute(TABLES)]
        return self

    def __exit__(self, *exception: object) -> None:
        self.stack.close()

    def _reading(self) -> psycopg.Connection:
        return psycopg.connect(self.settings.postgres_dsn("reader"), autocommit=True)

    # -- one version of the day, and the job that publishes it --------------------------------------

    def land(self, version: int) -> None:
        """Make ``version`` what the landing layer holds of the day."""
        partition = lake.landing(self.settings.lake_dir, SOURCE, SHOP, DAY.isoformat())
        name = f"version-{version}"
        path, rows = simulator.write_day(shops.shop(SHOP), DAY, version, partition / name)
        lake.publish(
            partition, lake.Manifest(name, datetime.now(UTC).isoformat(), [lake.describe(partition, path, rows)], {"source": SOURCE})
        )

    def start(self, version: int, code: Path | None = None) -> Job:
        """Land ``version`` and start the job that publishes it."""
        self.land(version)
        self.runs += 1
        return Job(self, f"v{version}-{self.runs}", code or self.code)

    def publish(self, version: int, code: Path | None = None) -> float:
        """Run the job to its end, undisturbed; the seconds it took.

        Raises:
            DrillFailed: it does not end well.
        """
        began, job = time.monotonic(), self.start(version, code)
        if job.wait() != 0:
            raise DrillFailed(f"the batch job ended with exit code {job.process.returncode}:\n{job.tail()}")
        return time.monotonic() - began

    def learn_references(self) -> None:
        """Publish each version once, undisturbed and with the product's code, and keep its checksums."""
        for version in VERSIONS:
            self.publish(version, PROJECT_DIR)
            self.references[version] = self.checksums()

    def restart_spark(self) -> None:
        """Wait until the server that was killed is there again."""
        wait_ready(servers.SERVERS["spark"](self.settings), START_SECONDS)

    # -- what readers see ---------------------------------------------------------------------------

    def checksums(self) -> dict[str, str]:
        """What a reader sees."""
        with self._reading() as connection:
            return self.one_look(connection)

    def one_look(self, connection: psycopg.Connection) -> dict[str, str]:
        """In one statement: rows and a digest of each table's part of the shop-day, the run's id apart."""
        part = sql.SQL("""
            SELECT {}, count(*) || ' rows, ' || coalesce(sum(hashtextextended((to_jsonb(t) - 'run_id')::text, 0)::numeric), 0)
            FROM warehouse.{} t WHERE shop_id = %(shop)s AND date = %(day)s""")
        union = sql.SQL(" UNION ALL ").join(part.format(sql.Literal(name), sql.Identifier(name)) for name in self.tables)
        return dict(connection.execute(union, {"shop": SHOP, "day": DAY}).fetchall())

    def judge_look(self, found: dict[str, str]) -> str:
        """What is wrong with a look; empty for one whole version."""
        wrong = [[name for name in self.tables if found[name] != of_version[name]] for of_version in self.references.values()]
        if [] in wrong:
            return ""
        nearest = min(wrong, key=len)
        parts = ", ".join(f"{name} ({found[name].split()[0]} rows)" for name in nearest[:3])
        return f"a reader saw no whole version: {len(nearest)} tables are not of one, as {parts}"

    @contextmanager
    def under_a_reader(self, last: int) -> Iterator[None]:
        """Both versions are learned, a reader looks while the body runs, and ``last`` is what must be there after it."""
        self.learn_references()
        with closing(Reader(self)) as reader:
            yield
        self.compare(last)
        self.differences += reader.wrong
        self.notes.append(f"{reader.looks:,} looks of a reader, the longest {reader.slowest * 1000:.0f} ms")

    def compare(self, version: int) -> None:
        """The warehouse holds ``version``, table by table, and nothing is left in the staging schema."""
        for name, found in self.checksums().items():
            if found != self.references[version][name]:
                self.differences.append(f"{name} has {found}, should have {self.references[version][name]}")
        with psycopg.connect(self.settings.postgres_dsn("loader")) as connection:
            self.differences += [f"{name} is left in the staging schema" for name in warehouse.staging_tables(connection, SHOP)]


class Job:
    """A batch job under way; its protocol is in a file."""

    def __init__(self, world: WarehouseWorld, run_id: str, code: Path) -> None:
        self.log, self.progress = world.folder / f"{run_id}.log", world.folder / f"{run_id}.progress"
        own = {**environment(world.settings, code), "SPARK_REMOTE": f"sc://127.0.0.1:{world.settings.spark_connect_port}"}
        command = [sys.executable, str(code / "spark" / "jobs" / "batch_processing.py"), "--run-id", run_id, "--shop", SHOP]
        command += ["--source", SOURCE, "--from", DAY.isoformat(), "--to", DAY.isoformat(), "--lake", str(world.settings.lake_dir)]
        with self.log.open("wb") as log, self.progress.open("wb") as progress:
            self.process = subprocess.Popen(command, env=own, stdout=progress, stderr=log, cwd=code)

    def wait(self) -> int:
        try:
            return self.process.wait(JOB_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DrillFailed(f"the batch job did not end within {JOB_SECONDS} s:\n{self.tail()}") from None

    def reaches(self, step: str) -> bool:
        """Whether the job has begun ``step``, or is over."""
        return f'"step": "{step}"' in self.progress.read_text() or self.process.poll() is not None

    def until(self, condition: Callable[[], bool], seconds: float = JOB_SECONDS) -> None:
        """Return when ``condition`` holds, when the job is over, or after ``seconds``."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end and not condition():
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def tail(self) -> str:
        lines = [*self.log.read_text(errors="replace").splitlines()[-8:], *self.progress.read_text().splitlines()[-1:]]
        return "\n".join(lines)


class Reader(threading.Thread):
    """Looks at the shop-day again and again from now until :meth:`close`; ``wrong`` collects what no reader may see."""

    def __init__(self, world: WarehouseWorld) -> None:
        super().__init__(daemon=True)
        self._world, self._stopping = world, threading.Event()
        self.looks, self.wrong, self.slowest = 0, [], 0.0
        self.start()

    def run(self) -> None:
        try:
            with self._world._reading() as connection:
                while not self._stopping.is_set():
                    began = time.monotonic()
                    found = self._world.one_look(connection)
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    self.looks += 1
                    if problem := self._world.judge_look(found):
                        self.wrong.append(problem)
        except psycopg.Error as error:
            self.wrong.append(f"a reader was cut off: {error}")

    def close(self) -> None:
        """Look no more."""
        self._stopping.set()
        self.join(30)
