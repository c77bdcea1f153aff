"""What else of a machine goes wrong: a disk that is full, a clock that is set."""

import os
import resource
import shutil
import struct
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from contract.errors import RunError
from tests.bench.chaos_process import ROOT, Kept

#: Where no file may be longer than this nothing can be written any more: the same database, the same journals. Bytes.
_NO_ROOM = 3000


@dataclass
class Disk:
    """A file system of its own in `folder` where one may be mounted, else a limit on the files of `users`."""

    folder: Path
    megabytes: int
    users: list[Kept] = field(default_factory=list)
    mounted: bool = False

    def make(self) -> "Disk":
        """Mount it."""
        self.folder.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m", "tmpfs", str(self.folder)]
        self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self

    def fill(self) -> None:
        """Nothing more goes onto it."""
        if not self.mounted:
            for user in self.users:
                user.limit_files(_NO_ROOM)
            return
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def free(self) -> None:
        """There is room again."""
        for user in self.users if not self.mounted else []:
            user.limit_files(resource.RLIM_INFINITY)
        (self.folder / "ballast").unlink(missing_ok=True)

    def unmake(self) -> None:
        """Unmount it, with all that is on it."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


@dataclass(frozen=True)
class ShiftedClock:
    """The wall clock of those processes whose environment names it (`tests/scenes/clock_shift.c`)."""

    library: Path
    file: Path

    def __post_init__(self) -> None:
        self.file.write_bytes(struct.pack("=d", 0.0))

    @property
    def environment(self) -> dict[str, str]:
        """What its processes are started with."""
        return {"LD_PRELOAD": str(self.library), "SIGHTLINE_CLOCK_SHIFT": str(self.file)}

    def set(self, seconds: float) -> None:
        """From now on it is wrong by so much."""
        with self.file.open("r+b") as file:
            file.write(struct.pack("=d", seconds))


def clock_library(folder: Path) -> Path:
    """The library that moves clocks, built with this machine's compiler. Raises RunError where there is none."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RunError("cc: is not installed, clocks cannot be set - apt-get install gcc libc6-dev")
    built, source = folder / "clock_shift.so", ROOT / "tests" / "scenes" / "clock_shift.c"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-lm"]
    subprocess.run(command, check=True, env={**os.environ})
    return built
