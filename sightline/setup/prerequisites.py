"""What a machine must have before anything is installed. Standard library alone, readable by old Pythons.

Each check gives a line with the remedy, or nothing. All of them are told at once, so that a newcomer mends them once.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED_GB = 5
PYTHON = (3, 11)
NODE = 18


def missing(root: Path) -> list[str]:
    """Every prerequisite that does not hold, as sentences with a remedy."""
    return [line for line in (_python(), _venv(), _node(), _npm(), _make(), _disk(root)) if line]


def _python(version: tuple[int, ...] = sys.version_info[:2]) -> str | None:
    if tuple(version[:2]) >= PYTHON:
        return None
    return "Python {}.{} is too old - install Python {}.{} or newer and run `make setup PYTHON=python{}.{}`".format(
        version[0], version[1], *PYTHON, *PYTHON
    )


def _venv() -> str | None:
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return None
    return "this Python cannot make environments - install its venv package (Debian: apt-get install python3-venv)"


def _node() -> str | None:
    path = shutil.which("node")
    if path is None:
        return f"Node is missing - install Node {NODE} or newer (Debian: apt-get install nodejs npm)"
    said = subprocess.run([path, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    found = re.match(r"v(\d+)", said.decode("utf-8", "replace"))
    if found and int(found.group(1)) >= NODE:
        return None
    return "Node {} is too old - install Node {} or newer".format(said.decode("utf-8", "replace").strip(), NODE)


def _npm() -> str | None:
    return None if shutil.which("npm") else "npm is missing - install it (Debian: apt-get install npm)"


def _make() -> str | None:
    return None if shutil.which("make") else "make is missing - install it (Debian: apt-get install make)"


def _disk(root: Path) -> str | None:
    free = shutil.disk_usage(root).free / 1e9
    if free >= NEEDED_GB:
        return None
    return f"{root}: only {free:.1f} GB free, the environment needs {NEEDED_GB} GB - make room"
