"""The supervisor of the local run: its configuration, its life, and what it left when it died."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.local.secret_files import write
from ecommerce.local.server import LocalError
from ecommerce.local.servers import environment
from ecommerce.local.services import SERVICES, STOP_STAGES

LONGEST_SOCKET = 100  # bytes of a Unix socket's path; Linux allows 107
HEAD = """\
[supervisord]
logfile={logs}/supervisor.log
logfile_maxbytes=5MB
pidfile={run}/supervisor.pid
umask=077
nodaemon=false
minfds=4096
{user}
[unix_http_server]
file={socket}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
PROGRAM = """
[program:{name}]
command={python} -m ecommerce.local exec {name}
directory={project}
environment={environment}
autostart=false
autorestart=true
startsecs=2
startretries=1000
stopsignal={signal}
stopwaitsecs={seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def run_dir(settings: Settings) -> Path:
    return settings.var_dir / "run"


def socket_path(settings: Settings) -> Path:
    """The supervisor's socket: in the run's folder, or in a short one where that path is too long."""
    path = run_dir(settings) / "supervisor.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"ecommerce-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise LocalError(f"{folder} belongs to another user: remove it, or put the project at a shorter path")
    return folder / f"{name}.sock"


def _quoted(values: dict[str, str]) -> str:
    return ",".join(f"{key}={shlex.quote(value).replace('%', '%%')}" for key, value in values.items() if value)


def render(settings: Settings) -> str:
    """The supervisor's configuration; it holds no secret."""
    logs = settings.var_dir / "logs"
    user = "user=root\n" if os.geteuid() == 0 else ""
    text = HEAD.format(logs=logs, run=run_dir(settings), socket=socket_path(settings), user=user)
    shared = {"python": sys.executable, "project": PROJECT_DIR, "logs": logs, "environment": _quoted(environment(settings))}
    for name, build in SERVICES.items():
        server = build(settings)
        text += PROGRAM.format(name=name, signal=server.stop_signal, seconds=server.stop_seconds, **shared)
    return text


def connect(settings: Settings) -> Any:
    """The supervisor's remote procedures (``supervisor.rpcinterface``); they raise OSError when it is away."""
    return ServerProxy("http://localhost", transport=SupervisorTransport(None, None, f"unix://{socket_path(settings)}")).supervisor


def alive(settings: Settings) -> bool:
    try:
        return connect(settings).getState()["statename"] == "RUNNING"
    except OSError:
        return False


def states(settings: Settings) -> dict[str, dict[str, Any]]:
    """What the supervisor knows of each service, by name; empty when it does not run."""
    try:
        return {info["name"]: info for info in connect(settings).getAllProcessInfo()}
    except OSError:
        return {}


def start(settings: Settings) -> None:
    """Make the supervisor run with the current configuration; what runs already goes on.

    Raises:
        LocalError: it does not start.
    """
    config = run_dir(settings) / "supervisor.conf"
    (settings.var_dir / "logs").mkdir(parents=True, exist_ok=True)
    run_dir(settings).mkdir(parents=True, exist_ok=True)
    write(config, render(settings))
    if alive(settings):
        return _update(settings)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
    result = subprocess.run(command, capture_output=True, text=True)
    deadline = time.monotonic() + 15
    while not alive(settings):
        if result.returncode or time.monotonic() > deadline:
            raise LocalError(f"the supervisor does not start: {(result.stderr or result.stdout).strip()[-300:]}")
        time.sleep(0.05)


def _update(settings: Settings) -> None:
    """Take over changed programs of a new configuration; their services stop, to be started anew."""
    supervisor = connect(settings)
    ((added, changed, removed),) = supervisor.reloadConfig()
    for name in (*changed, *removed):
        supervisor.stopProcessGroup(name, True)
        supervisor.removeProcessGroup(name)
    for name in (*added, *changed):
        supervisor.addProcessGroup(name)


def start_service(settings: Settings, name: str) -> None:
    """Start ``name`` unless it runs or is about to."""
    try:
        connect(settings).startProcess(name, False)
    except Fault as fault:
        if "ALREADY_STARTED" not in fault.faultString:
            raise LocalError(f"{name} does not start: {fault.faultString}") from None


def stop_service(settings: Settings, name: str) -> None:
    """Stop ``name`` and wait for its end."""
    try:
        connect(settings).stopProcess(name, True)
    except Fault as fault:
        if "NOT_RUNNING" not in fault.faultString:
            raise LocalError(f"{name} does not stop: {fault.faultString}") from None


def shut_down(settings: Settings) -> None:
    """End the supervisor itself, and wait until its socket is gone."""
    connect(settings).shutdown()
    deadline = time.monotonic() + 30
    while _answers(socket_path(settings)):
        if time.monotonic() > deadline:
            raise LocalError("the supervisor does not end; see var/logs/supervisor.log")
        time.sleep(0.05)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def leftovers(settings: Settings, name: str | None = None) -> dict[str, list[psutil.Process]]:
    """Processes that the run's supervisor started, by service (of ``name`` alone if given), whoever is their parent now."""
    found: dict[str, list[psutil.Process]] = {}
    address = f"unix://{socket_path(settings)}"
    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except psutil.Error:
            continue
        service = variables.get("SUPERVISOR_PROCESS_NAME", "")
        if variables.get("SUPERVISOR_SERVER_URL") == address and name in (None, service):
            found.setdefault(service, []).append(process)
    return found


def end_leftovers(settings: Settings, keep: Iterable[int] = (), name: str | None = None) -> list[str]:
    """End what a dead supervisor (or a dead service ``name``) left, in the stopping order. Returns the services' names."""
    found = leftovers(settings, name)
    spared = {os.getpid(), *keep}
    ended = []
    for stage in [*STOP_STAGES, [service for service in found if service not in SERVICES]]:
        processes = [(service, process) for service in stage for process in found.get(service, []) if process.pid not in spared]
        for service, process in processes:
            ended.append(service)
            _signal(process, "INT" if service == "postgres" else "TERM")
        _, stubborn = psutil.wait_procs([process for _, process in processes], timeout=5 if name else 20)
        for process in stubborn:
            _signal(process, "KILL")
    return sorted(set(ended))


def _signal(process: psutil.Process, name: str) -> None:
    try:
        process.send_signal(getattr(signal, f"SIG{name}"))
    except psutil.NoSuchProcess:
        return
