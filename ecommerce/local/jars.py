"""Jars that no package has: fetched once by Ivy, which comes with pyspark, and held against pinned SHA-256 sums.

``python -m ecommerce.local.jars`` fetches Kafka's where they are missing (part of ``make setup``).
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ecommerce.config import Settings, settings
from ecommerce.local import java
from ecommerce.local.server import LocalError


@dataclass(frozen=True)
class Jars:
    """The jars of a program: Maven's ``modules`` (organisation, name, version) with what Ivy's ``configurations`` of them hold."""

    name: str
    version: str
    modules: tuple[tuple[str, str, str], ...]
    configurations: str

    @property
    def sums(self) -> Path:
        """The file of their SHA-256 sums."""
        return Path(__file__).with_name(f"{self.name}-jars.sha256")

    @property
    def folder(self) -> Path:
        """Where they are installed."""
        return Path(sys.prefix) / "share" / f"{self.name}-{self.version}"


KAFKA = Jars(
    "kafka", "3.9.2", (("org.apache.kafka", "kafka_2.13", "3.9.2"), ("org.slf4j", "slf4j-simple", "1.7.36")), "master,compile,runtime"
)
COMET = Jars("comet", "1.2.0", (("org.apache.datafusion", "comet-spark-spark4.1_2.13", "1.2.0"),), "master")
IVY = """\
<ivy-module version="2.0">
  <info organisation="ecommerce" module="jars"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>
{}
  </dependencies>
</ivy-module>
"""
DEPENDENCY = '    <dependency org="{}" name="{}" rev="{}" conf="default->{}"/>'


def pinned(jars: Jars) -> dict[str, str]:
    """SHA-256 in hex of every jar, by file name."""
    lines = (line.split() for line in jars.sums.read_text().splitlines())
    return {name: digest for digest, name in lines}


def wrong(jars: Jars, folder: Path) -> list[str]:
    """Names of pinned jars that ``folder`` lacks or that differ, and of jars that are not pinned."""
    sums = pinned(jars)
    present = {path.name: path for path in folder.glob("*.jar")}
    unpinned = sorted(present.keys() - sums.keys())
    return unpinned + [name for name, digest in sums.items() if name not in present or _digest(present[name]) != digest]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def retrieve(config: Settings, modules: Iterable[tuple[str, str, str]], scratch: Path, target: Path, configurations: str) -> str:
    """Put the jars of ``modules`` (organisation, name, version) into ``target`` as name-version.jar; what Ivy said."""
    dependencies = "\n".join(DEPENDENCY.format(*module, configurations) for module in modules)
    (scratch / "ivy.xml").write_text(IVY.format(dependencies))
    return subprocess.run(_ivy_command(config, scratch, target), capture_output=True, text=True).stdout


def _ivy_command(config: Settings, scratch: Path, target: Path) -> list[str]:
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise LocalError("pyspark is not installed: run `make setup`")
    (ivy,) = (Path(spec.origin).parent / "jars").glob("ivy-*.jar")
    command = [java.program(config), *java.network_options(scratch), "-jar", str(ivy), "-cache", str(scratch / "cache")]
    # Without the type "bundle" two jars are silently missing and the broker dies at its start.
    return [*command, "-ivy", str(scratch / "ivy.xml"), "-types", "jar", "bundle", "-retrieve", f"{target}/[artifact]-[revision].[ext]"]


def fetch(config: Settings, jars: Jars) -> None:
    """Put the pinned ``jars`` into their folder; nothing happens when they are there.

    Raises:
        LocalError: the network does not give them, or gives others than pinned.
    """
    target = jars.folder
    if target.exists() and not wrong(jars, target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{jars.name}-") as folder:
        scratch, fetched = Path(folder), Path(folder) / "jars"
        said = retrieve(config, jars.modules, scratch, fetched, jars.configurations)
        if differing := wrong(jars, fetched):
            _explain(jars, said, differing, fetched)
        if target.exists():
            target.rename(scratch / "replaced")
        fetched.rename(target)


def _explain(jars: Jars, output: str, differing: list[str], fetched: Path) -> None:
    of_whom = f"{jars.name.capitalize()}'s jars"
    if any((fetched / name).exists() for name in differing):
        raise LocalError(f"{of_whom} are not the pinned ones ({', '.join(differing[:3])} …): someone altered the download; do not use it")
    why = next(
        (line.strip() for line in output.splitlines() if "error" in line.lower() and "http" in line), "no answer from the repository"
    )
    raise LocalError(
        f"cannot fetch {of_whom} from Maven Central: {why[:300]}. Check the network, HTTPS_PROXY and SSL_CERT_FILE, then run `make setup`"
    )


if __name__ == "__main__":
    try:
        fetch(settings(), KAFKA)
    except LocalError as problem:
        sys.exit(f"error: {problem}")
