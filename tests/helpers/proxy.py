"""nginx with the example of `deploy/nginx`, filled in as by an operator, before real servers."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from filmpulse.local import ports
from filmpulse.local.cluster import tools
from filmpulse.local.files import last_lines
from helpers.waiting import wait_until

EXAMPLE = Path(__file__).parents[2] / "deploy" / "nginx" / "filmpulse.conf"
NAME = "films.test"  # RFC 6761: no such name is ever anybody's
_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/none;
    uwsgi_temp_path {folder}/none;
    scgi_temp_path {folder}/none;
    include filmpulse.conf;
}}
"""


@dataclass(frozen=True)
class Proxy:
    """An nginx that runs.

    Attributes:
        address: `https://films.test:<port>`.
        plain: The address without TLS.
        flags: Chromium's, to find the name on this machine and to trust the certificate.
    """

    address: str
    plain: str
    flags: tuple[str, ...]
    certificate: Path

    def client(self, address: str | None = None) -> httpx.Client:
        """Return a client that finds the name on this machine, and trusts this certificate alone.

        `address` is the client's base address; the proxy's own if None.
        """
        trusting = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.Client(
            base_url=address or self.address, transport=_Here(verify=trusting), timeout=120
        )


class _Here(httpx.HTTPTransport):
    """Asks this machine, whatever name an address has."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # The request itself stays: cookies are those of the name.
        asked = httpx.Request(
            request.method,
            request.url.copy_with(host=ports.HOST),
            headers=request.headers,  # with the name as `Host`
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return super().handle_request(asked)


@contextmanager
def proxy(folder: Path, airflow: int, superset: int, tls: int) -> Iterator[Proxy]:
    """Run nginx while the block does.

    Args:
        folder: For its files.
        airflow: Port of Airflow.
        superset: Port of Superset.
        tls: A free port to listen at.
    """
    plain = ports.choose([tls])
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user))
    (folder / "filmpulse.conf").write_text(_filled_in(airflow, superset, tls, plain))
    (folder / "filmpulse").mkdir()
    key = _write_certificate(folder / "filmpulse")
    program = tools.program("nginx")
    assert program is not None
    nginx = subprocess.Popen(
        [program, "-p", folder, "-c", "nginx.conf", "-e", folder / "start.log"],
        stdin=subprocess.DEVNULL,
    )
    try:
        made = Proxy(
            f"https://{NAME}:{tls}",
            f"http://{NAME}:{plain}",
            (f"--host-resolver-rules=MAP {NAME} {ports.HOST}, MAP * ~NOTFOUND",
             f"--ignore-certificate-errors-spki-list={key}"),
            folder / "filmpulse" / "fullchain.pem",
        )  # fmt: skip
        with made.client() as client:

            def answers() -> bool:
                assert nginx.poll() is None, last_lines(folder / "start.log", 20)
                try:
                    return client.get("/").status_code == 302
                except httpx.HTTPError:
                    return False

            wait_until(answers)
        yield made
    finally:
        nginx.terminate()
        nginx.wait(60)


def _filled_in(airflow: int, superset: int, tls: int, plain: int) -> str:
    """Return the example with the values that its head asks for, and with our ports."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new, times in (
        (r"https://films\.example\.org\$", f"https://{NAME}:{tls}$", 1),
        (r"films\.example\.org;", f"{NAME};", 2),
        (r"listen 80\b", f"listen {ports.HOST}:{plain}", 2),
        (r"listen 443\b", f"listen {ports.HOST}:{tls}", 2),
        (r"server 127\.0\.0\.1:8080;", f"server {ports.HOST}:{airflow};", 1),
        (r"server 127\.0\.0\.1:8088;", f"server {ports.HOST}:{superset};", 1),
    ):
        text, found = re.subn(old, new, text)
        assert found == times, (old, found)
    return text


def _write_certificate(folder: Path) -> str:
    """Write a certificate of its own authority, and its key; return the key's hash for Chromium."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .issuer_name(name)
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    spki = key.public_key().public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
