"""A real cable between the box and a camera: two ends of a virtual Ethernet, the camera in a network of its own.

Wants the right to make network namespaces (root, or CAP_NET_ADMIN), and `ip`. Its addresses are of 198.18.0.0/15, which
RFC 2544 keeps for measurements; nothing of it is routed anywhere.
"""

import os
import shutil
import subprocess
from types import TracebackType
from typing import Self


class NoCableError(Exception):
    """This machine makes no networks for us."""


class Cable:
    """Within a `with` block; `behind` are the words before the command of whoever stands at the camera's end."""

    def __init__(self, number: int = 0) -> None:
        """`number` tells cables of one moment apart."""
        self._name = f"sl{os.getpid() % 100_000}-{number}"
        self.box, self.camera = f"198.18.{number}.1", f"198.18.{number}.2"

    @property
    def behind(self) -> tuple[str, ...]:
        return "ip", "netns", "exec", self._name

    def __enter__(self) -> Self:
        """Lay it. Raises NoCableError."""
        if shutil.which("ip") is None:
            raise NoCableError("`ip` is not installed - apt-get install iproute2")
        here, there = f"{self._name}h", f"{self._name}c"
        try:
            _ip("netns", "add", self._name)
            _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self._name)
            _ip("addr", "add", f"{self.box}/30", "dev", here)
            _ip("link", "set", here, "up")
            _ip("-n", self._name, "addr", "add", f"{self.camera}/30", "dev", there)
            _ip("-n", self._name, "link", "set", "lo", "up")
            self.mend()
        except subprocess.CalledProcessError as error:
            self.__exit__(None, None, None)
            raise NoCableError(f"no network can be made here ({error.stderr.strip()})") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        subprocess.run(["ip", "link", "del", f"{self._name}h"], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", self._name], capture_output=True, check=False)

    def cut(self) -> None:
        """Nothing comes through, and nobody says so."""
        _ip("-n", self._name, "link", "set", f"{self._name}c", "down")

    def mend(self) -> None:
        """It holds again."""
        _ip("-n", self._name, "link", "set", f"{self._name}c", "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, text=True, check=True)


__all__ = ["Cable", "NoCableError"]
