"""The media store that the settings ask for."""

import structlog

from central.config import Bucket as BucketSettings
from central.config import CentralConfig
from central.media.folder import FolderStore
from central.media.quota import Quotas
from central.media.store import MediaStore, StoreAway
from contract.errors import ConfigError

_log = structlog.get_logger("media")


def open_store(config: CentralConfig) -> MediaStore:
    """A folder, or a bucket with `media_dir` for uploads under way and copies.

    Raises ConfigError for a folder that cannot be written, and for a bucket that is not there or cannot do what is
    asked. A bucket that is only away does not keep central from starting: uploads wait for it.
    """
    folder, asked = config.media_folder, config.media.bucket
    try:
        return FolderStore(folder, config.media.max_bytes) if asked is None else _bucket_store(config, asked)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror}) - check media_dir") from error


def quotas_of(config: CentralConfig) -> Quotas:
    """The quotas of boxes."""
    return Quotas(config.media.quota_bytes, config.media.quotas)


def _bucket_store(config: CentralConfig, asked: BucketSettings) -> MediaStore:
    try:
        from central.media.bucket import Bucket, Place
        from central.media.s3 import S3Store
    except ModuleNotFoundError as error:
        raise ConfigError(f"media.bucket needs {error.name} - pip install 'sightline[s3]'") from error
    place = Place(
        asked.name, asked.endpoint, asked.region, asked.credentials_file, asked.retention_days, asked.retention_mode
    )
    bucket = Bucket(place)
    try:
        bucket.check()
    except StoreAway as error:
        _log.warning("the bucket of media is away, uploads wait for it", reason=str(error))
    return S3Store(bucket, asked.prefix, config.media_folder, config.media.max_bytes, asked.cache_bytes)


__all__ = ["open_store", "quotas_of"]
