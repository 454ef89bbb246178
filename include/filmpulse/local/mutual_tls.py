"""Mutual TLS between the parts of SeaweedFS: a certificate authority and its one certificate.

SeaweedFS asks for keys on its S3 port only. Every other port wants a certificate that this
authority signed. The authority's key is never stored, so nobody can sign another certificate.

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
# SeaweedFS's security.toml (`weed scaffold -config=security`). Its paths are relative to the
# server's working directory.
_PAIR = 'cert = "cert.pem"\nkey = "key.pem"\n'
_SECURITY = (
    '[grpc]\nca = "ca.pem"\n'
    + "".join(f"[grpc.{part}]\n{_PAIR}" for part in ("master", "volume", "filer", "s3", "client"))
    + "".join(f'[https.{part}]\n{_PAIR}ca = "ca.pem"\n' for part in ("master", "volume", "filer"))
    + f'[https.client]\nenabled = true\n{_PAIR}ca = "ca.pem"\n'
)


def write_mutual_tls(directory: Path) -> None:
    """Write new certificates, and a `security.toml` that makes SeaweedFS use them.

    Args:
        directory: The server's working directory, which must exist. It gets `ca.pem`, `cert.pem`,
            `key.pem` and `security.toml`, mode 0600.
    """
    for name, text in (_certificates() | {"security.toml": _SECURITY}).items():
        write_private(directory / name, text)


def _certificates() -> dict[str, str]:
    """Make an authority and one certificate for this machine; return PEM texts by file name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name_of(common_name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])

    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = datetime.now(UTC)

    def begin(common_name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(name_of("filmpulse authority"))
            .subject_name(name_of(common_name))
            .serial_number(x509.random_serial_number())
            .public_key(key.public_key())
            .not_valid_before(now - timedelta(days=1))  # a clock may be set back
            .not_valid_after(now + LIFE)
        )

    authority_certificate = (
        begin("filmpulse authority", authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority, hashes.SHA256())
    )
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        begin("filmpulse object store", own)
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
