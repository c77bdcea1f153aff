"""What a stranger does to an archive of a recording, and words of which the checker's sentences must have one.

He has no key of the office's or the box's, and puts the archive together again after what he did. Where seconds are
concerned they must be named as well. What those do who have a key stands in `recording_insiders`.
"""

import io
import json
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import av

from contract import bundle, bundle_archive, recording
from contract.recording import Filed, Statement
from contract.recording_check import span_words
from contract.sealing import new_key, public_jwk, sha256_hex, sign_detached, thumbprint
from tests.recording_kit import S, World, film, world

Files = dict[str, bytes]
ZONE = "Asia/Shanghai"


@dataclass
class Case:
    """An archive that is to be forged, its world, and chance."""

    world: World
    raw: bytes
    rng: random.Random

    @property
    def files(self) -> Files:
        return unpacked(self.raw)

    @property
    def statement(self) -> Statement:
        return Statement.model_validate_json(self.files[recording.STATEMENT])

    def films(self) -> list[str]:
        return [one.name for one in self.statement.files if one.name.startswith("segments/")]

    def when(self, name: str) -> str:
        """The seconds that a segment of the true archive holds, as sentences tell them."""
        wanted, sha256 = self.world.wanted, next(one.sha256 for one in self.statement.files if one.name == name)
        held = recording.segments_of(self.world.blocks, wanted.from_us, wanted.until_us)
        span = next(one.spans[0] for one in held if one.recorded.sha256 == sha256)
        return span_words(ZONE, *span)


@dataclass
class Forged:
    raw: bytes
    names: tuple[str, ...]


def unpacked(raw: bytes) -> Files:
    archive = bundle_archive.Archive(io.BytesIO(raw))
    return {name: archive.read(name, 1 << 30) for name in archive.entries}


def packed(files: Files) -> bytes:
    out = io.BytesIO()
    bundle_archive.write(out, list(files.items()))
    return out.getvalue()


def signed(case: Case, files: Files, key=None, **changes: object) -> bytes:
    """The files with a statement of what they are now, signed by the office's key, or by `key`."""
    key = key or case.world.office
    said = Statement.model_validate_json(files[recording.STATEMENT])
    filed = [
        Filed(name=name, sha256=sha256_hex(raw), bytes=len(raw))
        for name, raw in files.items()
        if name not in {recording.STATEMENT, recording.SEAL}
    ]
    held = said.model_copy(
        update={"files": filed, "root": recording.root_of(filed), "office": thumbprint(key), **changes}
    )
    raw = held.model_dump_json().encode()
    return packed({**files, recording.STATEMENT: raw, recording.SEAL: sign_detached(raw, key).encode()})


# A stranger, who repacks what he changed.


def removed_segment(case: Case) -> Forged:
    name = case.rng.choice(case.films())
    return Forged(packed({k: v for k, v in case.files.items() if k != name}), (case.when(name),))


def removed_tail(case: Case) -> Forged:
    films = case.films()
    cut = case.rng.randrange(1, len(films))
    return Forged(packed({k: v for k, v in case.files.items() if k not in films[cut:]}), (case.when(films[-1]),))


def swapped_segments(case: Case) -> Forged:
    files, (one, other) = case.files, case.rng.sample(case.films(), 2)
    files[one], files[other] = files[other], files[one]
    return Forged(packed(files), (f"{case.when(one)}: {one} holds the pictures of {case.when(other)}",))


def moved_segment(case: Case) -> Forged:
    films = case.films()
    one = case.rng.choice(films[:-1])
    files = case.files
    moved = {**{k: v for k, v in files.items() if k != one}, one: files[one]}
    return Forged(packed(moved), (f"{case.when(one)}: {one} stands behind",))


def repeated_second(case: Case) -> Forged:
    files, (one, other) = case.files, case.rng.sample(case.films(), 2)
    files[one] = files[other]
    return Forged(packed(files), (f"{case.when(one)}: {one} holds the pictures of",))


def repeated_entry(case: Case) -> Forged:
    """One file under its own name twice: programs that unpack it take either."""
    name, out = case.rng.choice(case.films()), io.BytesIO(case.raw)
    entry = bundle_archive.Archive(out).entries[name]
    at = entry.offset + entry.size
    again = case.raw[entry.offset - 30 - len(name) : at]
    return Forged(case.raw[:at] + again + case.raw[at:], (f"{name} at byte {at} stands in it twice",))


def encoded_anew(case: Case) -> Forged:
    files, name = case.files, case.rng.choice(case.films())
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(files[name])) as source,
        av.open(out, "w", "mp4", options={"movflags": "empty_moov+default_base_moof"}) as target,
    ):
        stream = target.add_stream("libx264", rate=4, options={"preset": "ultrafast", "crf": "35"})
        stream.width, stream.height, stream.pix_fmt = (
            source.streams.video[0].width,
            source.streams.video[0].height,
            "yuv420p",
        )
        for picture in source.decode(video=0):
            picture.pict_type = 0
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
    files[name] = out.getvalue()
    return Forged(packed(files), (f"{case.when(name)}: {name} has", f"{case.when(name)}: {name} is not"))


def cut_segment(case: Case) -> Forged:
    files, name = case.files, case.rng.choice(case.films())
    files[name] = files[name][: files[name].rindex(b"moof") - 4]
    return Forged(packed(files), (f"{case.when(name)}: {name} has",))


def changed_byte(case: Case) -> Forged:
    files, name = case.files, case.rng.choice(case.films())
    raw = bytearray(files[name])
    raw[case.rng.randrange(len(raw))] ^= 1 << case.rng.randrange(8)
    return Forged(packed({**files, name: bytes(raw)}), (f"{case.when(name)}: {name} is not what the box recorded",))


def changed_times(case: Case) -> Forged:
    """The pictures' own decode times, set on by an hour in each fragment."""
    files, name = case.files, case.rng.choice(case.films())
    raw = bytearray(files[name])
    at = raw.find(b"tfdt")
    while at >= 0:
        raw[at + 8 : at + 12] = struct.pack(">I", 3600)
        at = raw.find(b"tfdt", at + 4)
    return Forged(packed({**files, name: bytes(raw)}), (f"{case.when(name)}: {name} is not",))


def renamed_segment(case: Case) -> Forged:
    """Given another date in its name."""
    name = case.rng.choice(case.films())
    stem, _, rest = name.partition("T")
    other = f"{stem}T{(int(rest[:2]) + 1) % 24:02d}{rest[2:]}"
    return Forged(
        packed({other if k == name else k: v for k, v in case.files.items()}),
        (f"{case.when(name)}: {name} is missing",),
    )


def foreign_segment(case: Case) -> Forged:
    files, name = case.files, case.rng.choice(case.films())
    return Forged(packed({**files, name: film(90)}), (f"{case.when(name)}: {name}",))


def shorter_span(case: Case) -> Forged:
    return _restated(case, "request", lambda said: said["wanted"].update(until_us=said["wanted"]["until_us"] - S))


def another_reason(case: Case) -> Forged:
    return _restated(case, "request", lambda said: said.update(reason="routine"))


def another_approver(case: Case) -> Forged:
    return _restated(case, "request", lambda said: said.update(approved_by="zhao"))


def another_camera(case: Case) -> Forged:
    return _restated(case, "station", lambda said: said.update(camera="计票台"))


def gap_altered(case: Case) -> Forged:
    files = case.files
    said = json.loads(files[recording.STATEMENT])
    if said["gaps"]:
        case.rng.choice(said["gaps"])["cause"] = "start"
    else:
        said["gaps"] = [
            {"start_us": case.world.wanted.from_us, "end_us": case.world.wanted.from_us + S, "cause": "power"}
        ]
    return Forged(
        packed({**files, recording.STATEMENT: json.dumps(said).encode()}),
        ("recording.json: is not what the office signed",),
    )


def another_seal(case: Case) -> Forged:
    """The statement signed anew by a key that nobody knows, which stays beside it or takes the office's place."""
    key, files = new_key(), case.files
    words = ("recording.json: is not what the office signed",)
    if case.rng.random() < 0.5:
        files[recording.OFFICE_KEY] = json.dumps(public_jwk(key)).encode()
        words = ("somebody else signed it",)
    return Forged(signed(case, files, key), words)


def another_office(case: Case) -> Forged:
    """All that an office signs, by an office of the forger's own: key, heads, statement."""
    other = world(case.world.folder / "other", case.rng.randrange(1 << 20))
    return Forged(other.archive().read_bytes(), ("somebody else signed it",))


def block_removed(case: Case) -> Forged:
    return _lines(case, lambda lines: lines.pop(case.rng.randrange(len(lines))))


def block_altered(case: Case) -> Forged:
    def change(lines: list[str]) -> None:
        at = case.rng.randrange(len(lines))
        given = json.loads(lines[at])
        given["event"] = given["event"].replace('"camera_id":"hall', '"camera_id":"hell')
        lines[at] = json.dumps(given)

    return _lines(case, change)


def sealed_of_another(case: Case) -> Forged:
    other = world(case.world.folder / "other", case.rng.randrange(1 << 20))
    lines = unpacked(other.archive().read_bytes())[recording.SEALED]
    return Forged(packed({**case.files, recording.SEALED: lines}), ("sealed.jsonl: has", "sealed.jsonl: is not what"))


def viewer_log_altered(case: Case) -> Forged:
    files = case.files
    lines = files[recording.VIEWERS].splitlines(keepends=True)
    files[recording.VIEWERS] = b"".join(lines[:-1]) if len(lines) > 1 else lines[0] + b"2026-12-20,li,all\r\n"
    return Forged(packed(files), ("viewer-log.csv: has", "viewer-log.csv: is not what"))


def site_file_altered(case: Case) -> Forged:
    files = case.files
    files["site/00.yaml"] = files["site/00.yaml"].replace(b"[0.02, 0.30]", b"[0.12, 0.30]")
    return Forged(packed(files), ("site/00.yaml: is not what",))


def page_altered(case: Case) -> Forged:
    files = case.files
    files[recording.PAGE] += b"<p>whole</p>"
    return Forged(packed(files), ("index.html: has",))


def ledger_altered(case: Case) -> Forged:
    files = case.files
    files[bundle.ENTRIES] = files[bundle.ENTRIES].replace(b"wang", b"zhao")
    return Forged(packed(files), ("ledger/entries.json: is not what",))


def small_file_removed(case: Case) -> Forged:
    files = case.files
    name = case.rng.choice([name for name in files if not name.startswith("segments/")])
    del files[name]
    return Forged(packed(files), (name, "cut short", "is not in the bundle"))


def extra_file(case: Case) -> Forged:
    files = list(case.files.items())
    name = case.rng.choice(("segments/99999-20260101T000000Z.mp4", "notes.txt", "segments/0.mp4"))
    last = next(n for n, (one, _) in enumerate(files) if one.startswith("segments/"))
    files.insert(case.rng.randint(last, len(files)), (name, b"x"))
    return Forged(packed(dict(files)), (f"{name}: is in the archive and not in its signed statement",))


def appended(case: Case) -> Forged:
    return Forged(case.raw + case.rng.randbytes(case.rng.randint(1, 90)), ("what stands behind its last file",))


def commented(case: Case) -> Forged:
    return Forged(case.raw[:-2] + struct.pack("<H", 5) + b"hello", ("what stands behind its last file",))


def directory_altered(case: Case) -> Forged:
    """A symbolic link, by the directory; the entry itself stays."""
    at = case.raw.rindex(b"PK\x01\x02")
    raw = bytearray(case.raw)
    raw[at + 38 : at + 42] = struct.pack("<I", 0o120777 << 16)
    return Forged(bytes(raw), ("what stands behind its last file",))


def header_altered(case: Case) -> Forged:
    """Flags, method, date or checksum of a segment's header."""
    name, raw = case.rng.choice(case.films()), bytearray(case.raw)
    entry = bundle_archive.Archive(io.BytesIO(case.raw)).entries[name]
    at = entry.offset - 30 - len(name) + case.rng.choice((4, 6, 8, 10, 12, 14, 15, 16, 17))
    raw[at] ^= 1 + case.rng.randrange(255)
    return Forged(bytes(raw), (name,))


def path_out(case: Case) -> Forged:
    """A name that leads out of the folder, by another program."""
    out = io.BytesIO(case.raw)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(case.rng.choice(("../../evil", "/etc/passwd", "segments/../../x", "C:\\x")), b"x")
    return Forged(out.getvalue(), ("the archive: the name of the file at byte",))


def unfolding(case: Case) -> Forged:
    """A file that is small here and large where it is unpacked."""
    out = io.BytesIO(case.raw)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("segments/99998-20260101T000000Z.mp4", bytes(1 << 20))
    return Forged(out.getvalue(), ("the header of segments/99998-20260101T000000Z.mp4",))


def torn(case: Case) -> Forged:
    at = case.rng.randrange(44, len(case.raw))
    return Forged(case.raw[:at], (f"the download broke off at byte {at}",))


def torn_and_altered(case: Case) -> Forged:
    films, files = case.films(), case.files
    raw = bytearray(files[films[0]])
    raw[-1] ^= 1
    whole = packed({**files, films[0]: bytes(raw)})
    entry = bundle_archive.Archive(io.BytesIO(whole)).entries[films[-1]]
    return Forged(
        whole[: entry.offset + case.rng.randrange(1, entry.size)],
        (f"{case.when(films[0])}: {films[0]} is not what the box",),
    )


def _restated(case: Case, part: str, change: Callable[[dict], None]) -> Forged:
    files = case.files
    said = json.loads(files[recording.STATEMENT])
    change(said[part])
    return Forged(
        packed({**files, recording.STATEMENT: json.dumps(said).encode()}),
        ("recording.json: is not what the office signed",),
    )


def _lines(case: Case, change: Callable[[list[str]], object]) -> Forged:
    files = case.files
    lines = files[recording.SEALED].decode().splitlines(keepends=True)
    change(lines)
    return Forged(
        packed({**files, recording.SEALED: "".join(lines).encode()}), ("sealed.jsonl: is not", "sealed.jsonl: has")
    )


STRANGER = (
    removed_segment, removed_tail, swapped_segments, moved_segment, repeated_second, repeated_entry, encoded_anew,
    cut_segment, changed_byte, changed_times, renamed_segment, foreign_segment, shorter_span, another_reason,
    another_approver, another_camera, gap_altered, another_seal, another_office, block_removed, block_altered,
    sealed_of_another, viewer_log_altered, site_file_altered, page_altered, ledger_altered, small_file_removed,
    extra_file, appended, commented, directory_altered, header_altered, path_out, unfolding, torn, torn_and_altered,
)  # fmt: skip
