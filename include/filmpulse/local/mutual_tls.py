"""Mutual TLS between the parts of SeaweedFS: a certificate authority and its one certificate.

SeaweedFS asks for keys on its S3 port only. Every other port lets in whoever shows a certificate
that this authority has signed. The authority's key is never stored, so nobody can sign another.

>>> write_mutual_tls(Path("var/demo/s3-config"))  # doctest: +SKIP
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from filmpulse.local.files import write_private
from filmpulse.local.ports import HOST

LIFE = timedelta(days=3650)  # longer than any server runs; each start makes new certificates
# The sections of SeaweedFS's security.toml (`weed scaffold -config=security`). Its paths count from
# the directory that the server runs in.
_SECURITY = "\n".join(
    [
        '[grpc]\nca = "ca.pem"',
        *(
            f'[{section}]\ncert = "cert.pem"\nkey = "key.pem"'
            for section in ("grpc.master", "grpc.volume", "grpc.filer", "grpc.s3", "grpc.client")
        ),
        *(
            f'[https.{part}]\ncert = "cert.pem"\nkey = "key.pem"\nca = "ca.pem"'
            for part in ("master", "volume", "filer")
        ),
        '[https.client]\nenabled = true\ncert = "cert.pem"\nkey = "key.pem"\nca = "ca.pem"\n',
    ]
)


def write_mutual_tls(directory: Path) -> None:
    """Write new certificates and the `security.toml` that has SeaweedFS use them.

    Args:
        directory: Where `ca.pem`, `cert.pem`, `key.pem` and `security.toml` go, mode 0600; the
            server runs in it. It must exist.
    """
    for name, text in _certificates().items():
        write_private(directory / name, text)
    write_private(directory / "security.toml", _SECURITY)


def _certificates() -> dict[str, str]:
    """Make an authority and its certificate for this machine; return PEM texts by file name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name_of(common_name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])

    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = datetime.now(UTC)
    begun = (
        x509.CertificateBuilder()
        .issuer_name(name_of("filmpulse authority"))
        .not_valid_before(now - timedelta(days=1))  # a clock may be set back
        .not_valid_after(now + LIFE)
    )
    authority_certificate = (
        begun.subject_name(name_of("filmpulse authority"))
        .serial_number(x509.random_serial_number())
        .public_key(authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority, hashes.SHA256())
    )
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        begun.subject_name(name_of("filmpulse object store"))
        .serial_number(x509.random_serial_number())
        .public_key(own.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), False)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .sign(authority, hashes.SHA256())
    )
    key = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "ca.pem": authority_certificate.public_bytes(Encoding.PEM).decode(),
        "cert.pem": certificate.public_bytes(Encoding.PEM).decode(),
        "key.pem": key.decode(),
    }


if __name__ == "__main__":  # in a container that shares the directory with SeaweedFS's
    write_mutual_tls(Path(sys.argv[1]))
