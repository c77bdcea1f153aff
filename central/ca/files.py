"""Files that are whole or not there, and keys that their owner alone can read."""

import os
import stat
import threading
from pathlib import Path

from contract.errors import ConfigError

#: Larger than any key or certificate of ours.
_MOST = 65_536


def write_file(path: Path, raw: bytes, mode: int = 0o644) -> None:
    """Replace `path` by `raw` in one step, on disk when this returns. Raises OSError, and then nothing is left."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(raw)
            file.flush()
            os.fsync(handle)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_once(path: Path, raw: bytes, mode: int) -> None:
    """Write `path`, on disk when this returns, unless it is there or another process wrote it in the same moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.once")
    write_file(part, raw, mode)
    try:
        path.hardlink_to(part)
    except FileExistsError:
        return
    finally:
        part.unlink(missing_ok=True)


def read_private(path: Path) -> bytes:
    """A key. Raises ConfigError when it cannot be read, or when others can read it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise ConfigError(f"{path}: the key cannot be read ({error.strerror}) - mend its owner and mode") from error
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if stat.S_IMODE(facts.st_mode) & 0o077 or facts.st_uid != os.geteuid():
            raise ConfigError(f"{path}: others can read the key - `chmod 600` it; a key that was read is no secret")
        return file.read(_MOST)


__all__ = ["read_private", "write_file", "write_once"]
