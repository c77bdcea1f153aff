"""One bucket of an S3 store: put, get, list, versions, Object Lock. boto3 and its exceptions end here.

boto3 is AWS's own client and kept from week to week: request signing, retries, checksums and the whole of Object Lock.
It is an extra of its own (`sightline[s3]`): who keeps media in a folder does not install it.
"""

import base64
import configparser
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from central.media.store import Locked, StoreAway, StoreFull
from contract.errors import ConfigError
from contract.events import now

_CHUNK = 1024 * 1024
_GONE = frozenset({"404", "NotFound", "NoSuchKey", "NoSuchVersion", "NoSuchObjectLegalHold"})
_UNLOCKED = frozenset({"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"})
_DENIED = frozenset({"403", "AccessDenied", "Forbidden", "SignatureDoesNotMatch", "InvalidAccessKeyId", "ObjectLocked"})
_NO_ROOM = frozenset({"507", "QuotaExceeded", "InsufficientStorage", "XMinioStorageFull"})


class Denied(StoreAway):
    """The store refuses us: rights are missing, or a hold or retention is on the object."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is. Without `endpoint` it is AWS's; without `credentials` boto3 looks where it always does.

    `credentials` is an AWS shared credentials file (INI, profile `default`). New objects are retained `retention_days`
    in `mode`; 0 leaves that to the bucket's own default.
    """

    name: str
    endpoint: str | None = None
    region: str = "us-east-1"
    credentials: Path | None = None
    retention_days: int = 0
    mode: Literal["compliance", "governance"] = "compliance"


@dataclass(frozen=True, slots=True)
class Found:
    """An object of a listing: key, bytes, and when it came."""

    key: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object; a `marker` has no bytes and hides those before it."""

    id: str
    marker: bool


class Bucket:
    """The bucket at `place`. Used by several threads. Whatever cannot be reached is StoreAway."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._client: Any = _client(place)

    def check(self) -> None:
        """Raise ConfigError when the bucket is not there, not ours, or cannot retain what is to be retained."""
        where = f"bucket {self._place.name} at {self._place.endpoint or 'AWS'}"
        try:
            with self._talking():
                self._client.head_bucket(Bucket=self._place.name)
        except (FileNotFoundError, Denied) as error:
            raise ConfigError(f"{where}: is not there or not ours - check media.bucket and its credentials") from error
        if self._place.retention_days and not self.locks:
            raise ConfigError(f"{where}: has no Object Lock - make it with it, or set media.bucket.retention_days to 0")

    @cached_property
    def locks(self) -> bool:
        """Whether the bucket has Object Lock."""
        try:
            with self._talking():
                found = self._client.get_object_lock_configuration(Bucket=self._place.name)
        except (FileNotFoundError, Denied):
            return False
        return bool(found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")

    def size(self, key: str) -> int | None:
        """Bytes of the newest version, None where there is none."""
        try:
            with self._talking():
                return int(self._client.head_object(Bucket=self._place.name, Key=key)["ContentLength"])
        except FileNotFoundError:
            return None

    def put(self, key: str, file: Path, sha256: str) -> None:
        """Store a file; the store checks it against its SHA-256 (hex) as well. Raises StoreFull."""
        more: dict[str, Any] = {}
        if self._place.retention_days:
            more["ObjectLockMode"] = self._place.mode.upper()
            more["ObjectLockRetainUntilDate"] = now() + timedelta(days=self._place.retention_days)
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        with file.open("rb") as body, self._talking():
            self._client.put_object(
                Bucket=self._place.name, Key=key, Body=body, ChecksumSHA256=checksum, ContentLength=file.stat().st_size,
                **more,
            )  # fmt: skip

    def read(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The bytes of an object. Raises FileNotFoundError."""
        which = {} if version is None else {"VersionId": version}
        with self._talking():
            yield from self._client.get_object(Bucket=self._place.name, Key=key, **which)["Body"].iter_chunks(_CHUNK)

    def objects(self, prefix: str) -> Iterator[Found]:
        """Every object whose key begins with `prefix`, in its newest version."""
        with self._talking():
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._place.name, Prefix=prefix):
                for one in page.get("Contents", []):
                    yield Found(one["Key"], int(one["Size"]), one["LastModified"])

    def versions(self, key: str) -> list[Version]:
        """Every version of exactly this key, newest first."""
        versions: list[tuple[bool, datetime, Version]] = []
        with self._talking():
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._place.name, Prefix=key)
            for page in pages:
                for kind, marker in (("Versions", False), ("DeleteMarkers", True)):
                    for one in page.get(kind, []):
                        if one["Key"] == key:
                            versions.append(
                                (bool(one["IsLatest"]), one["LastModified"], Version(one["VersionId"], marker))
                            )
        return [version for *_, version in sorted(versions, key=lambda one: one[:2], reverse=True)]

    def remove(self, key: str, version: str) -> None:
        """Delete one version for good. Raises Locked where a hold or retention keeps it."""
        try:
            with self._talking():
                self._client.delete_object(Bucket=self._place.name, Key=key, VersionId=version)
        except Denied as error:
            raise Locked(f"object {key} cannot be removed: a hold or retention of the bucket keeps it") from error

    def hold(self, key: str, version: str, on: bool) -> None:
        """Set the legal hold of one version."""
        status = {"Status": "ON" if on else "OFF"}
        with self._talking():
            self._client.put_object_legal_hold(Bucket=self._place.name, Key=key, VersionId=version, LegalHold=status)

    def on_hold(self, key: str, version: str) -> bool:
        """Whether one version is under legal hold."""
        try:
            with self._talking():
                found = self._client.get_object_legal_hold(Bucket=self._place.name, Key=key, VersionId=version)
        except FileNotFoundError:
            return False
        return bool(found.get("LegalHold", {}).get("Status") == "ON")

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """The client's faults as ours."""
        try:
            yield
        except ClientError as error:
            raise _meant(error, self._place.name) from error
        except BotoCoreError as error:
            cause = type(error).__name__
            raise StoreAway(f"bucket {self._place.name}: cannot be reached ({cause}) - try again later") from error


def _meant(error: ClientError, bucket: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _GONE | _UNLOCKED:
        return FileNotFoundError(errno.ENOENT, f"bucket {bucket}: {code}")
    if code in _DENIED:
        return Denied(f"bucket {bucket}: refuses us ({code}) - check the rights of central's key, then try again")
    if code in _NO_ROOM:
        return StoreFull("the media store has no room - try again later")
    return StoreAway(f"bucket {bucket}: answered {code or 'an error'} - try again later")


def _client(place: Place) -> Any:
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 3},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if place.endpoint else {},
    )
    keys = _keys(place.credentials) if place.credentials else {}
    return boto3.session.Session().client(
        "s3", endpoint_url=place.endpoint, region_name=place.region, config=config, **keys
    )


def _keys(file: Path) -> dict[str, str]:
    """The profile `default` of an AWS credentials file. Raises ConfigError, which never holds what the file says."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
        profile = parser["default"]
        return {name: profile[name] for name in ("aws_access_key_id", "aws_secret_access_key")}
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}) - it holds the keys of media.bucket") from error
    except (configparser.Error, KeyError, ValueError) as error:
        raise ConfigError(
            f"{file}: needs [default] with aws_access_key_id and aws_secret_access_key - write them there"
        ) from error


__all__ = ["Bucket", "Denied", "Found", "Place", "Version"]
