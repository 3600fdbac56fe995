"""Real servers for the whole test session: own ports, own folder, started when the first test asks for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecommerce import config, shops
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.local import servers

DATASETS = PROJECT_DIR.parent / "shared" / "datasets"


@pytest.fixture(scope="session")
def platform(tmp_path_factory) -> Settings:
    """Settings of the session's own run, also this process's and its children's."""
    settings = servers.isolated_settings(tmp_path_factory.mktemp("platform"))
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


@pytest.fixture(scope="session")
def kafka(platform):
    """ZooKeeper and Kafka with the platform's topics."""
    with servers.running(platform, "kafka"):
        yield platform


@pytest.fixture(scope="session")
def spark(platform):
    """The Spark Connect server."""
    with servers.running(platform, "spark"):
        yield platform


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of public data sets that the project may not ship."""
    if not DATASETS.is_dir():
        pytest.skip("the public data sets are not on this machine (../shared/datasets); see docs/sources.md")
    return DATASETS
