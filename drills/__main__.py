"""``python -m drills``: list drills, or run some or all of them."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from drills import bench as benches
from drills import report, results, running
from drills.table import DRILLS
from ecommerce.errors import PlatformError


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="drills", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="drills to run (default: all)")
    parser.add_argument("--list", action="store_true", help="name the drills")
    parser.add_argument("--quick", action="store_true", help="small sizes, seconds instead of minutes")
    parser.add_argument("--control", action="store_true", help="the negative control alone: the drill without its guarantee")
    parser.add_argument("--both", action="store_true", help="each drill, then its control")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the results as a page of documentation")
    parser.add_argument("--results", type=Path, metavar="FILE", help="keep the results there; the page is of the newest of each drill")
    parser.add_argument(
        "--folder", type=Path, help="where the servers keep their data meanwhile (default: a new folder for temporary files)"
    )
    arguments = parser.parse_args(argv)
    if unknown := [name for name in arguments.names if name not in DRILLS]:
        parser.error(f"there is no drill {unknown[0]!r}; known: {', '.join(DRILLS)}")
    return arguments


def _end(*_: object) -> None:
    """Asked to stop: the servers end with this program, at once; what they wrote stays."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
    for mount in [part.mountpoint for part in psutil.disk_partitions(all=True) if part.device == benches.SMALL_DISK]:
        subprocess.run(["umount", "--lazy", mount], check=False)
    os._exit(130)


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 when every drill was exact and every control was seen to fail, else 1."""
    arguments = _arguments(argv)
    chosen = [DRILLS[name] for name in arguments.names or DRILLS]
    if arguments.list:
        for drill in chosen:
            print(f"{drill.number:>2}  {drill.name:<20} {drill.broken}")
        return 0
    kinds = (False, True) if arguments.both else (arguments.control,)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    folder = Path(tempfile.mkdtemp(prefix="drills-", dir=arguments.folder))
    kept = arguments.results or folder / "results"

    def show(result: running.Result) -> None:
        print(report.line(result), flush=True)
        results.keep(kept, result)
        if arguments.report:  # a run that is cut off leaves what it has found
            report.write(arguments.report, results.read(kept), DRILLS.values() if arguments.results else chosen)

    found = running.run_all(chosen, arguments.quick, kinds, folder, show)
    if all(result.as_expected for result in found):
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PlatformError as problem:
        sys.exit(f"error: {problem}")
