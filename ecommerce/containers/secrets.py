"""The platform's secrets in containers: made once, and handed out so that each container sees only its own.

The service ``init`` runs this. It keeps all secrets in one volume that no other service mounts, and fills
one volume for each set of readers; a reader's files belong to the user that its container runs as.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ecommerce import kafka_users, redis_users
from ecommerce.config import Settings
from ecommerce.local import airflow, secret_files

ROOT, VOLUMES = Path("/secrets"), Path("/volumes")
REPORTING = ("consumer", "archiver", "producer")
POSTGRES_UID, REDIS_UID, KAFKA_UID = 999, 999, 1000

ROLE_PASSWORDS = tuple(f"postgres_{role}_password" for role in secret_files.POSTGRES_ROLES)
AIRFLOW = ("airflow_fernet_key", "airflow_database", "airflow_database_async")
BATCH = ("spark_connect_token", "postgres_loader_password", "customer_hmac_key")


@dataclass(frozen=True)
class Readers:
    """Who mounts one volume of secrets: the names of the files in it, and the user that reads them (None: the services')."""

    files: tuple[str, ...]
    uid: int | None = None


READERS = {
    "postgres": Readers(("postgres_admin_password",), POSTGRES_UID),
    "redis": Readers(("redis_users.acl", "redis_health_password"), REDIS_UID),
    "kafka": Readers(("kafka_jaas.conf",), KAFKA_UID),
    "kafka-users": Readers(("kafka_users.json",)),
    "kafka-init": Readers(("kafka_admin_password",)),
    "migrate": Readers((*ROLE_PASSWORDS, "django_secret_key", "redis_web_password")),
    "spark": Readers((*BATCH, "spark_cluster_secret")),
    "spark-worker": Readers(("spark_cluster_secret", "postgres_loader_password", "customer_hmac_key")),
    "spark-master": Readers(("spark_cluster_secret",)),
    "airflow": Readers(AIRFLOW),
    "airflow-apiserver": Readers((*AIRFLOW, "airflow_jwt_secret", "airflow_api_secret_key", "airflow_passwords.json")),
    "airflow-scheduler": Readers((*AIRFLOW, "airflow_jwt_secret", *BATCH, "postgres_reader_password", "redis_etl_password")),
    "django": Readers(
        ("django_secret_key", "postgres_web_password", "redis_web_password", "airflow_admin_password", "kafka_operator_password")
    ),
    "consumer": Readers(("kafka_consumer_password", "redis_consumer_password", "customer_hmac_key")),
    "archiver": Readers(("kafka_archiver_password", "customer_hmac_key")),
    "producer": Readers(("kafka_producer_password",)),
    "tools": Readers(("postgres_reader_password", "redis_web_password", "kafka_operator_password")),
}


def derived(settings: Settings) -> dict[str, str]:
    """Files made from secrets, by name: what the servers and Airflow read in a form of their own."""
    kafka = {user: settings.secret(f"kafka_{user}_password") for user in kafka_users.USERS}
    database = f"airflow:{quote(settings.secret('postgres_airflow_password'), safe='')}@postgres:5432/airflow"
    return {
        "redis_users.acl": redis_users.acl(settings),
        "kafka_users.json": json.dumps({user: kafka_users.record(user, password) for user, password in kafka.items()}),
        "kafka_jaas.conf": _jaas(kafka[kafka_users.BROKER]),
        "airflow_database": f"postgresql+psycopg://{database}",
        "airflow_database_async": f"postgresql+asyncpg://{database}",
        "airflow_passwords.json": json.dumps({airflow.USER: settings.secret("airflow_admin_password")}) + "\n",
    }


def _jaas(password: str) -> str:
    return f"KafkaServer {{\n  {kafka_users.login(password)}\n}};\n"


def hand_out(settings: Settings, root: Path = ROOT) -> None:
    """Make the secrets that are missing and fill every readers' volume below ``root`` anew."""
    secret_files.make(settings.secrets_dir)
    made = derived(settings)
    for name, readers in READERS.items():
        folder = root / name
        owner = settings.uid if readers.uid is None else readers.uid
        for path in folder.iterdir():
            if path.name not in readers.files:
                path.unlink()
        for file in readers.files:
            secret_files.write(folder / file, made[file] if file in made else settings.secret(file) + "\n")
            os.chown(folder / file, owner, owner)
        os.chown(folder, owner, owner)
        folder.chmod(0o500)


def prepare(settings: Settings) -> None:
    """Hand out the secrets, fix the day of the first start, give the lake and the services' own volumes to their user."""
    hand_out(settings)
    mark = settings.var_dir / "first_start"
    if not mark.exists():
        secret_files.write(mark, f"{datetime.now(UTC).date()}\n")
    _prepare_state(VOLUMES / "state", mark)
    if settings.lake_dir.stat().st_uid != settings.uid:
        _give(settings.lake_dir, settings.uid)
    # Docker gives a volume to the owner of the image's folder as soon as a container has it: look at each file.
    for path in VOLUMES.iterdir():
        _give(path, settings.uid)


def _prepare_state(folder: Path, mark: Path) -> None:
    """What the dashboard and the tools see of the others: the first start, and where the workers' reports are mounted."""
    shutil.copy2(mark, folder / mark.name)
    for worker in REPORTING:
        (folder / "run" / worker).mkdir(parents=True, exist_ok=True)


def _give(path: Path, uid: int) -> None:
    """Make ``uid`` the owner of ``path`` and of everything in it."""
    for folder, _, files in os.walk(path):
        for name in (folder, *(os.path.join(folder, file) for file in files)):
            if os.lstat(name).st_uid != uid:
                os.chown(name, uid, uid, follow_symlinks=False)
