"""Files that are handed to somebody who checks them: bombs, names that lead out of the folder, JSON without end.

Each is checked in a process of its own, as the commands do it; it must say one sentence, leave nothing behind, and hold
no more memory than an ordinary check.
"""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.intruder_office import ROOT, Tally

#: An ordinary check holds some 150 MB, libraries above all.
MOST_MB = 400
_PATIENCE_S = 120


def _zip(path: Path, files: dict[str, bytes], level: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", level) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)


def _bomb(path: Path) -> None:
    zeros = b"\x00" * 50_000_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in ("index.json", "manifest.json", "media/" + "a" * 64):
            with archive.open(name, "w", force_zip64=True) as file:
                for _ in range(4):
                    file.write(zeros)


def _lying(path: Path) -> None:
    """Its directory says 10 bytes where there are 50 million."""
    _zip(path, {"index.json": b"\x00" * 50_000_000})
    raw = path.read_bytes()
    at = raw.rfind(b"PK\x01\x02")
    path.write_bytes(raw[: at + 24] + (10).to_bytes(4, "little") + raw[at + 28 :])


def _link(path: Path) -> None:
    info = zipfile.ZipInfo("index.json")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")


FILES: dict[str, Callable[[Path], None]] = {
    "600 MB in 600 kB": _bomb,
    "sizes that lie": _lying,
    "a link to elsewhere": _link,
    "names that lead out": lambda path: _zip(
        path, {"../../../escaped": b"x", "/tmp/escaped": b"x", "index.json": b"{}"}
    ),
    "50,000 files": lambda path: _zip(path, {f"f{n}": b"" for n in range(50_000)}),
    "JSON, 1,000,000 deep": lambda path: _zip(
        path, {"index.json": b"[" * 1_000_000, "manifest.json": b"[" * 1_000_000}
    ),
    "JSON, a number of 5 MB": lambda path: _zip(path, {"index.json": b'{"case":' + b"9" * 5_000_000 + b"}"}),
    "JSON, NaN and half a letter": lambda path: _zip(
        path, {"index.json": b'{"case":NaN,"x":"\\ud800"}', "index.jws": b"a..b"}
    ),
    "JSON of an attacker": lambda path: _zip(
        path, {"index.json": json.dumps({"files": [{"name": "../../x"}]}).encode()}
    ),
    "no archive": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 100) and None,
    "nothing": lambda path: path.write_bytes(b"") and None,
}
_CHECKS = {"evidence verify": ("evidence", "verify"), "edge outbox verify": ("edge", "outbox", "verify")}


def attack(folder: Path, tally: Tally, kinds: tuple[str, ...] = tuple(FILES)) -> None:
    """Every file by every check that reads files of others."""
    folder.mkdir(parents=True)
    for kind in kinds:
        path = folder / "handed over.zip"
        FILES[kind](path)
        for name, words in _CHECKS.items():
            fault, said = _checked(folder, path, words)
            tally.told(f"file, {name}: {kind}", said, fault)


def _checked(folder: Path, path: Path, words: tuple[str, ...]) -> tuple[str | None, str]:
    before = sorted(folder.rglob("*"))
    program = (
        "import resource,sys\nfrom sightline.cli import main\ntry:\n    status = main()\nexcept SystemExit as end:\n    status = end.code\n"
        "sys.stderr.write(f'\\npeak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}')\nsys.exit(status or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    said, _, peak = done.stderr.rpartition("\npeak ")
    sentence = " ".join(said.split())
    if done.returncode not in {1, 2} or "Traceback" in said or len(said.strip().splitlines()) != 1:
        return f"exit {done.returncode}, {done.stderr[-300:]!r}", sentence[:100]
    if int(peak) / 1000 > MOST_MB:
        return f"holds {int(peak) / 1000:.0f} MB", sentence[:100]
    if sorted(folder.rglob("*")) != before or Path("/tmp/escaped").exists():
        return "left something behind", sentence[:100]
    return None, f"{sentence.replace(str(path), 'FILE')[:110]} ({int(peak) / 1000:.0f} MB)"


__all__ = ["FILES", "attack"]
