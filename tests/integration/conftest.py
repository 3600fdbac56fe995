"""Real servers for the whole test session: own ports, own folder, started when the first test asks for them."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import browsing
import connect
import pytest
import year
from redis import Redis
from stream_world import own_world
from waiting import answers, wait_until

from ecommerce import config, etl, shops
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.local import apps, servers

DATASETS = PROJECT_DIR.parent / "shared" / "datasets"


@pytest.fixture(scope="session")
def platform(tmp_path_factory) -> Settings:
    """Settings of the session's own run, also this process's and its children's.

    Shop ``newcomer`` never gets data, of shop ``leaver`` people are erased.
    """
    folder = tmp_path_factory.mktemp("platform")
    more = "".join(f'\n[{shop}]\nname = "{shop.title()}"\ntime_zone = "UTC"\ncurrency = "EUR"\n' for shop in ("newcomer", "leaver"))
    (folder / "shops.toml").write_text((PROJECT_DIR / "shops.toml").read_text(encoding="utf-8") + more, encoding="utf-8")
    settings = servers.isolated_settings(folder, shops_file=folder / "shops.toml")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(config.PREFIX)]:
            patch.delenv(name)
        for name, value in servers.environment(settings).items():
            patch.setenv(name, value)
        path = os.pathsep.join(filter(None, [str(PROJECT_DIR), os.environ.get("PYTHONPATH")]))
        patch.setenv("PYTHONPATH", path)
        config.settings.cache_clear()
        shops.shops.cache_clear()
        yield settings
    config.settings.cache_clear()
    shops.shops.cache_clear()


@pytest.fixture(scope="session")
def postgres(platform):
    """PostgreSQL with the migrated schemas."""
    with servers.running(platform, "postgres"):
        migrate = [sys.executable, str(PROJECT_DIR / "django_app" / "manage.py"), "migrate", "--database", "owner", "-v", "0"]
        subprocess.run(migrate, check=True)
        yield platform


@pytest.fixture(scope="session")
def redis_server(platform):
    with servers.running(platform, "redis"):
        yield platform


@pytest.fixture
def redis(redis_server):
    """A client of an empty database of its own on the session's Redis."""
    client = Redis(**redis_server.redis_options, db=1)
    client.flushdb()
    yield client
    client.config_set("maxmemory", 0)
    client.flushdb()
    client.close()


@pytest.fixture(scope="session")
def kafka(platform):
    """ZooKeeper and Kafka with the platform's topics."""
    with servers.running(platform, "kafka"):
        yield platform


@pytest.fixture(scope="session")
def stream_redis(tmp_path_factory) -> Settings:
    """A Redis that stream tests empty."""
    with servers.running(servers.isolated_settings(tmp_path_factory.mktemp("stream")), "redis") as settings:
        yield settings


@pytest.fixture
def world(kafka, stream_redis, tmp_path):
    """A stream of the test's own: topics, an empty Redis, a lake."""
    with own_world(kafka, tmp_path, stream_redis) as made:
        yield made


@pytest.fixture(scope="session")
def spark(platform):
    """The Spark Connect server."""
    with servers.running(platform, "spark"):
        yield platform


@pytest.fixture(scope="module")
def session(spark):
    """The batch jobs' session on the Connect server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_REMOTE", etl.spark_environment()["SPARK_REMOTE"])
        found = connect.session()
    yield found
    connect.leave(found)


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of public data sets that the project may not ship."""
    if not DATASETS.is_dir():
        pytest.skip("the public data sets are not on this machine (../shared/datasets); see docs/sources.md")
    return DATASETS


@pytest.fixture(scope="session")
def client(postgres):
    """A signed-in client of the dashboard in this process; numbers in en-GB."""
    if str(PROJECT_DIR / "django_app") not in sys.path:
        sys.path.insert(0, str(PROJECT_DIR / "django_app"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "ecommerce_analytics.settings"
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client, override_settings

    call_command("collectstatic", interactive=False, verbosity=0)
    user, _ = get_user_model().objects.get_or_create(username="pages-test")
    client = Client()
    client.force_login(user)
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        yield client
    user.delete()


@contextmanager
def program(*command: str, cwd: Path = PROJECT_DIR):
    """A long-running program of the platform, ended with SIGTERM."""
    with subprocess.Popen([sys.executable, *command], cwd=cwd) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def dashboard(postgres, redis_server):
    """The dashboard's address; static files collected, health checked."""
    manage = PROJECT_DIR / "django_app" / "manage.py"
    subprocess.run([sys.executable, str(manage), "collectstatic", "--noinput", "-v", "0"], check=True)
    server = apps.django_server(postgres)
    with program(*server.command, cwd=server.cwd) as process:
        wait_until(lambda: answers(f"http://127.0.0.1:{postgres.dashboard_port}/healthz"), f"the dashboard (exit code {process.poll()})")
        yield postgres.public_url


@pytest.fixture(scope="module")
def chromium():
    """Real Chromium; of a module, as Django's own client refuses to work in a process whose browser is open."""
    if not browsing.executable():
        pytest.skip(f"no Chromium: none of {', '.join(browsing.NAMES)} is there")
    with browsing.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def signed_in(chromium, address):
    """The cookies of a session on the module's dashboard, its fixture ``address``."""
    return browsing.sign_in(chromium, address)


@pytest.fixture
def opened(chromium, address, signed_in):
    """Opens an address of the module's dashboard, signed in; anything on the console is a failure."""
    with browsing.opener(chromium, address, signed_in) as open_page:
        yield open_page


@pytest.fixture(scope="session")
def year_servers(tmp_path_factory):
    """Settings and environment of servers of their own (the session's Redis counts another log): year.SHOP with a year of data, year.NEWCOMER with none."""
    with year.platform(tmp_path_factory.mktemp("year"), year.SHOP, year.NEWCOMER, daily=12) as found:
        yield found


@pytest.fixture(scope="session")
def year_dashboard(year_servers):
    """A dashboard of a shop with a year of data and a running today."""
    with browsing.dashboard(year_servers[1]) as found:
        yield found


@pytest.fixture(scope="session")
def consumer(kafka, redis_server):
    with program("kafka_scripts/consumer.py") as process:
        yield process


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests have a command of their own; the summary of the others says so."""
    if not os.environ.get("TEST_LONG"):
        for item in items:
            if item.get_closest_marker("long") and item.path.parent == Path(__file__).parent:
                item.add_marker(pytest.mark.skip(reason="minutes of Spark: make test-long runs it"))
