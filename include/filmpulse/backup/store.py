"""The place of backups: a folder of an S3 bucket, through a client of boto3's.

The caller makes the client: in Airflow the Amazon provider's S3Hook does, elsewhere
`Store.from_settings`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import SecretStr

from filmpulse.config import Settings
from filmpulse.errors import BackupRefused, BackupUnavailable, BadInput

if TYPE_CHECKING:
    from botocore.config import Config

PART_BYTES = 8 * 2**20
"""Bytes of one part of an upload; S3 takes 10,000 parts, so a table may have 80 GB compressed."""

BLOCK_BYTES = 2**18
"""Bytes that are read at once."""

_REFUSALS = {
    "expired": ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
    "keys_refused": (
        "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthFailure",
        "UnrecognizedClientException", "InvalidClientTokenId",
    ),
    "region": ("AuthorizationHeaderMalformed", "IllegalLocationConstraintException"),
    "no_bucket": ("NoSuchBucket", "InvalidBucketName", "PermanentRedirect"),
    "forbidden": ("AccessDenied", "AllAccessDisabled", "AccountProblem", "403"),
}  # fmt: skip
"""What S3 and its look-alikes answer to requests that no new try mends, by our reasons."""

_ADVICE = {
    "expired": "The session token has expired: renew it in the Connection filmpulse_backup, or in "
    "AWS_SESSION_TOKEN.",
    "keys_refused": "Check the keys: Connection filmpulse_backup, or FILMPULSE_BACKUP_KEY and "
    "FILMPULSE_BACKUP_SECRET.",
    "region": "Name the bucket's region: FILMPULSE_BACKUP_REGION, or region_name in the extra of "
    "the Connection filmpulse_backup.",
    "no_bucket": "Make the bucket, or correct FILMPULSE_BACKUP_URL.",
    "forbidden": "Give the key the right to list, read, write and delete below "
    "FILMPULSE_BACKUP_URL.",
}


class Found(NamedTuple):
    """An object: its name below the folder, its size in bytes, when it was written (UTC)."""

    name: str
    size: int
    written_at: datetime


class Store:
    """One folder of one bucket."""

    def __init__(self, client: Any, url: str, encryption: str | None = None) -> None:
        """Keep the client.

        Args:
            client: A boto3 client for S3.
            url: `s3://bucket/folder`.
            encryption: Server-side encryption that objects ask for, such as `AES256`.

        Raises:
            BadInput: This is no such address.
        """
        self._client = client
        self.url = url.rstrip("/")
        self._bucket, self._prefix = _split(self.url)
        self._extra = {"ServerSideEncryption": encryption} if encryption else {}

    def __repr__(self) -> str:
        """Show the address, which holds no secret."""
        return f"Store({self.url!r})"

    @classmethod
    def from_settings(cls, settings: Settings) -> Store:
        """Open the place that the settings name; nothing is reached yet.

        Raises:
            BadInput: No place is set, or its address is none.
        """
        import boto3

        if settings.backup_url is None:
            raise no_place()
        found = account(settings, settings.backup_url)
        client = boto3.client(
            "s3",
            endpoint_url=found.endpoint_url,
            aws_access_key_id=found.key and found.key.get_secret_value(),
            aws_secret_access_key=found.secret and found.secret.get_secret_value(),
            region_name=found.region,
            config=patience(),
        )
        return cls(client, settings.backup_url, settings.backup_encryption)

    def write(self, name: str, blocks: Iterable[bytes]) -> int:
        """Write an object from blocks, by parts and without a local copy; return its bytes.

        If `blocks` raises, the error goes on, and no object and no part is left.

        One part of `PART_BYTES` is in memory at a time.
        """
        from boto3.s3.transfer import TransferConfig

        reader = _Reader(blocks)
        # Without threads, one part after the other: threads would keep ten of them in memory.
        plan = TransferConfig(
            multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False
        )
        with _reached("written", self._uri(name)):
            self._client.upload_fileobj(
                reader, self._bucket, self._key(name), ExtraArgs=self._extra, Config=plan
            )
        return reader.count

    def read(self, name: str) -> Iterator[bytes]:
        """Yield an object in blocks.

        Raises:
            FileNotFoundError: There is no such object.
        """
        from botocore.exceptions import ClientError

        with _reached("read", self._uri(name)):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(name))
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
                    raise FileNotFoundError(self._uri(name)) from error
                raise
            yield from answer["Body"].iter_chunks(BLOCK_BYTES)

    def names(self, below: str = "") -> list[Found]:
        """Return the objects whose names begin with `below`, sorted by name."""
        with _reached("listed", self._uri(below)):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._key(below)
            )
            found = [each for page in pages for each in page.get("Contents", ())]
        start = len(self._prefix)
        return sorted(
            Found(each["Key"][start:], each["Size"], each["LastModified"]) for each in found
        )

    def delete(self, name: str) -> None:
        """Delete an object, if it is there."""
        with _reached("deleted", self._uri(name)):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def end_uploads(self, before: datetime, is_ours: Callable[[str], bool]) -> int:
        """Give up uploads of ours that were begun before a moment (UTC) and never ended.

        Their parts cost money, and no list of objects shows them. Returns how many there were.
        """
        start = len(self._prefix)
        with _reached("given up", self.url):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            old = [
                (each["Key"], each["UploadId"])
                for page in pages
                for each in page.get("Uploads", ())
                if each["Initiated"] < before and is_ours(each["Key"][start:])
            ]
            for key, upload in old:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
        return len(old)

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _uri(self, name: str) -> str:
        return f"{self.url}/{name}" if name else self.url


class Account(NamedTuple):
    """How to reach a bucket. Without a key the client finds one as AWS's own tools do."""

    key: SecretStr | None
    secret: SecretStr | None
    endpoint_url: str | None
    region: str | None


def is_in_lake_s_bucket(settings: Settings, url: str) -> bool:
    """Say whether an address lies in the same bucket as the lake."""
    lake = settings.lake_url or ""
    return lake.startswith("s3://") and _split(lake)[0] == _split(url)[0]


def account(settings: Settings, url: str) -> Account:
    """Return how to reach `s3://bucket/folder`: by the backups' own account, or the lake's.

    The lake's account counts only for the lake's own bucket: otherwise a bucket elsewhere that was
    named without a key would be made on the lake's server.
    """
    key, secret = settings.backup_key, settings.backup_secret
    endpoint_url, region = settings.backup_endpoint_url, settings.backup_region
    if not (key and secret) and is_in_lake_s_bucket(settings, url):
        key, secret = settings.lake_key, settings.lake_secret
        endpoint_url, region = settings.lake_endpoint_url, region or settings.lake_region
    # A server of one's own has no regions, but its clients need the name of one.
    return Account(key, secret, endpoint_url, region or ("us-east-1" if endpoint_url else None))


def no_place() -> BadInput:
    """Return the error that says that no place for backups is set."""
    return BadInput(
        "FILMPULSE_BACKUP_URL is not set, so there is no place for backups: set it, such as "
        "s3://bucket/filmpulse.",
        reason="no_place",
    )


def patience() -> Config:
    """Return how long a client waits, and how often it tries."""
    from botocore.config import Config

    return Config(
        connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4}
    )


class _Reader(io.RawIOBase):
    """Blocks as a file to read from; counts its bytes."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks, self._rest = iter(blocks), b""
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return exactly `size` bytes; fewer only at the end."""
        parts, held = [self._rest], len(self._rest)
        while size < 0 or held < size:
            block = next(self._blocks, None)
            if block is None:
                break
            parts.append(block)
            held += len(block)
        everything = b"".join(parts)
        size = held if size < 0 else size
        self._rest = everything[size:]
        self.count += min(size, held)
        return everything[:size]


def _split(url: str) -> tuple[str, str]:
    """Return the bucket and the prefix of keys, which ends in a slash unless it is empty."""
    bucket, _, folder = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not bucket:
        raise BadInput(f"FILMPULSE_BACKUP_URL must be like s3://bucket/folder, not {url[:200]!r}.")
    return bucket, f"{folder}/" if folder else ""


@contextmanager
def _reached(verb: str, uri: str) -> Iterator[None]:
    """Turn errors of the client into ours: refused for good, or not reached now."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )

    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise _refused("keys_refused", verb, uri, str(error)) from error
    except ClientError as error:
        told = error.response.get("Error", {})
        code, why = str(told.get("Code", "")), str(told.get("Message", ""))[:200]
        for reason, codes in _REFUSALS.items():
            if code in codes:
                raise _refused(reason, verb, uri, f"{code} {why}") from error
        raise _unavailable(verb, uri, f"{code} {why}") from error
    except (BotoCoreError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise _unavailable(verb, uri, str(error)[:200]) from error


def _refused(reason: str, verb: str, uri: str, why: str) -> BackupRefused:
    said = f"{uri} could not be {verb} ({why.strip()}). {_ADVICE[reason]}"
    return BackupRefused(said, reason=reason)


def _unavailable(verb: str, uri: str, why: str) -> BackupUnavailable:
    return BackupUnavailable(
        f"{uri} could not be {verb} ({why.strip()}). The backups that were complete before are as "
        "they were; try again once the object store is well and has room."
    )
