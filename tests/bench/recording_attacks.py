"""What a forger does to an archive of a recording, and words of which the checker's sentences must have one.

By somebody without any key (`stranger_*`, and the bare names), by one who has the office's (`insider_*`) and can sign a new
statement and append to the ledger, and by one who has the box's (`box_*`). The segments' seconds are words as well.
"""

import io
import json
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace

import av

from contract import bundle, bundle_archive, recording
from contract.continuity import Block, Missing, hash_of
from contract.ledger import canonical
from contract.recording import Filed, Statement
from contract.recording_archive import SealedEvent, write_archive
from contract.recording_check import span_words
from contract.sealing import new_key, public_jwk, sha256_hex, sign_detached, thumbprint
from contract.sitefile import site_of
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


def made(case: Case, changed: World, **parts: object) -> bytes:
    """An archive of a world that an insider changed, its ledger made anew behind the published head."""
    out = io.BytesIO()
    write_archive(out, replace(changed.parts(), **parts), changed.office)
    return out.getvalue()


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


# An insider: he signs what he likes with the office's key, and adds to the ledger behind its published head.


def insider_removed_segment(case: Case) -> Forged:
    name = case.rng.choice(case.films())
    return Forged(
        signed(case, {k: v for k, v in case.files.items() if k != name}), (f"the segment of {case.when(name)}",)
    )


def insider_swapped_segments(case: Case) -> Forged:
    files, (one, other) = case.files, sorted(case.rng.sample(case.films(), 2))
    files[one], files[other] = files[other], files[one]
    return Forged(signed(case, files), (f"the segment of {case.when(one)}",))


def insider_encoded_anew(case: Case) -> Forged:
    files, name = case.files, case.rng.choice(case.films())
    files[name] = film(95)
    return Forged(signed(case, files), (f"the segment of {case.when(name)}",))


def insider_redated(case: Case) -> Forged:
    """Every name an hour later, and the statement's span with them: the ledger of requests is made anew to fit."""
    wanted = case.world.wanted
    later = {"from_us": wanted.from_us + 3600 * S, "until_us": wanted.until_us + 3600 * S}
    changed = replace(
        case.world, request=case.world.request.model_copy(update={"wanted": wanted.model_copy(update=later)})
    )
    return Forged(_reledgered(case, changed), ("no block speaks of",))


def insider_shorter_span(case: Case) -> Forged:
    """The span cut at its end, everything else made to fit; the request in the ledger is what it was."""
    request = case.world.request
    wanted = request.wanted.model_copy(update={"until_us": request.wanted.until_us - S})
    out = io.BytesIO()
    parts = case.world.parts()
    write_archive(out, replace(parts, request=request.model_copy(update={"wanted": wanted})), case.world.office)
    return Forged(out.getvalue(), ("what was asked for and approved is",))


def insider_longer_span(case: Case) -> Forged:
    wanted = case.world.wanted.model_copy(update={"until_us": case.world.wanted.until_us + 600 * S})
    changed = replace(case.world, request=case.world.request.model_copy(update={"wanted": wanted}))
    return Forged(_reledgered(case, changed), ("no block speaks of",))


def insider_another_reason(case: Case) -> Forged:
    asked = case.world.request.model_copy(update={"reason": "training"})
    return Forged(signed(case, case.files, request=asked), ("gives another reason than the request",))


def insider_another_approver(case: Case) -> Forged:
    asked = case.world.request.model_copy(update={"approved_by": "zhao"})
    return Forged(signed(case, case.files, request=asked), ("the ledger says that wang approved it",))


def insider_approved_himself(case: Case) -> Forged:
    changed = replace(case.world, request=case.world.request.model_copy(update={"approved_by": "li"}))
    return Forged(made(case, changed, request=changed.request), ("asked and approved: nobody else did",))


def insider_gap_altered(case: Case) -> Forged:
    said = case.statement
    gaps = list(said.gaps)
    if not gaps:
        extra = Missing(start_us=case.world.wanted.from_us, end_us=case.world.wanted.from_us + S, cause="power")
        return Forged(signed(case, case.files, gaps=[extra]), ("tells of a gap",))
    at = case.rng.randrange(len(gaps))
    gaps[at] = gaps[at].model_copy(
        update=case.rng.choice(({"cause": "start"}, {"end_us": gaps[at].end_us - 1}, {"detail": "x"}))
    )
    return Forged(signed(case, case.files, gaps=gaps), ("tells the gap",))


def insider_gap_removed(case: Case) -> Forged:
    said = case.statement
    if not said.gaps:
        return insider_gap_altered(case)
    return Forged(signed(case, case.files, gaps=said.gaps[1:]), ("tells the gap",))


def insider_recorded_more(case: Case) -> Forged:
    return Forged(
        signed(case, case.files, recorded_us=case.statement.recorded_us + S), ("s were recorded; the box signed",)
    )


def insider_block_removed(case: Case) -> Forged:
    """A block and its segments, out of the middle, as if they had never been."""
    at = case.rng.randrange(len(case.world.blocks))
    return _without_block(case, at)


def insider_last_block_removed(case: Case) -> Forged:
    return _without_block(case, _reach(case))


def insider_block_moved(case: Case) -> Forged:
    files = case.files
    lines = files[recording.SEALED].splitlines(keepends=True)
    files[recording.SEALED] = b"".join([*lines[1:], lines[0]]) if len(lines) > 1 else lines[0] * 2
    return Forged(signed(case, files), ("block ", "no block speaks of"))


def insider_forged_block(case: Case) -> Forged:
    """A gap told as recorded, sealed by a key of the forger's own that the ledger never let in."""
    changed = replace(case.world, blocks=_rewritten(case))
    book, places = changed.book(changed.events(), case.world.box)
    events = changed.events(new_key())
    parts = replace(changed.parts(), events=events, ledger=book.files(places, changed.made_at))
    return Forged(_written(case, parts), ("sealed by a key that was never let in",))


def insider_edited_block(case: Case) -> Forged:
    """A block with another gap in it under the seal of the true one, entered in the ledger as if it had come so."""
    changed = replace(case.world, blocks=_rewritten(case))
    events = [SealedEvent(new.raw, old.jws) for new, old in zip(changed.events(), case.world.events(), strict=True)]
    book, places = changed.book(events)
    parts = replace(changed.parts(), events=events, ledger=book.files(places, changed.made_at))
    return Forged(_written(case, parts), ("the box's seal does not hold",))


def insider_wrong_root(case: Case) -> Forged:
    files, said = case.files, case.statement.model_copy(update={"root": "ab" * 32})
    raw = said.model_dump_json().encode()
    seal = sign_detached(raw, case.world.office).encode()
    return Forged(packed({**files, recording.STATEMENT: raw, recording.SEAL: seal}), ("its Merkle root",))


def insider_other_camera(case: Case) -> Forged:
    """The true blocks of another camera of the same box."""
    other = replace(case.world, wanted=case.world.wanted.model_copy(update={"camera_id": "hall-9"}))
    other.blocks = [one.model_copy(update={"camera_id": "hall-9"}) for one in case.world.blocks]
    lines = [json.dumps({"event": one.raw.decode(), "jws": one.jws}) + "\n" for one in other.events()]
    return Forged(signed(case, {**case.files, recording.SEALED: "".join(lines).encode()}), ("is of camera hall-9",))


def insider_other_site(case: Case) -> Forged:
    """The file of another station."""
    return _resited(case, case.world.site.replace(b"site: chunjiang-polling-02", b"site: chunjiang-polling-03"))


def insider_masks_altered(case: Case) -> Forged:
    said = case.statement
    none = said.sites[0].model_copy(update={"masks": [], "by": "nobody"})
    return Forged(signed(case, case.files, sites=[none]), ("tells other masks",))


def insider_unmasked(case: Case) -> Forged:
    """A site file of the forger's own that hides nothing, or less."""
    text = case.world.site.decode()
    return _resited(case, case.rng.choice((text[: text.index("    zones:")], text.replace("0.92", "0.31"))).encode())


def insider_station_renamed(case: Case) -> Forged:
    other = case.statement.station.model_copy(update={"village": "别村"})
    return Forged(signed(case, case.files, station=other), ("names another station",))


def insider_viewer_log_altered(case: Case) -> Forged:
    """A watching that the ledger has, out of the log; or one put in that it has not."""
    files = case.files
    lines = files[recording.VIEWERS].decode().splitlines(keepends=True)
    kept = [one for one in lines if not one.rstrip().rpartition(",")[2].isdigit()]
    if len(kept) == len(lines):
        kept.append("2026-12-19T08:00:00.000000+00:00,li,watched live (main),7\r\n")
    files[recording.VIEWERS] = "".join(kept).encode()
    return Forged(signed(case, files, views=len(kept) - 1), ("viewer-log.csv: is not what the ledger has",))


def insider_ledger_cut(case: Case) -> Forged:
    """A ledger of the insider's own that never was the published one."""
    parts, other = case.world.parts(), replace(case.world, request=case.world.request)
    book, places = other.book(parts.events)
    book.lines[0] = canonical({"kind": "case", "case": "20261211-0009", "action": "opened"})
    fresh = type(book)(book.key)
    for line in book.lines:
        entry = json.loads(line)
        fresh.enter(entry.pop("kind"), **entry)
        if len(fresh.lines) == book.published:
            fresh.publish(case.world.made_at)
    return Forged(_written(case, replace(parts, ledger=fresh.files(places, case.world.made_at))), ("is not among the",))


def insider_kept_back(case: Case) -> Forged:
    """A segment is said to be absent: that is told, with its seconds, and on whose word."""
    name = case.rng.choice(case.films())
    sha256 = next(one.sha256 for one in case.statement.files if one.name == name)
    absent = [*case.statement.absent, recording.Absent(sha256=sha256, why="lost on the way")]
    files = {k: v for k, v in case.files.items() if k != name}
    return Forged(
        signed(case, files, absent=absent),
        (f"missing  {case.when(name)}: recorded and not here, lost on the way: on the office's word",),
    )


# The box, by somebody who has its key: central had the true blocks.


def box_rewrote_its_past(case: Case) -> Forged:
    changed = replace(case.world, blocks=_rewritten(case))
    return Forged(
        _written(case, replace(case.world.parts(), events=changed.events())), ("is not in the office's ledger",)
    )


def box_another_chain(case: Case) -> Forged:
    """Blocks that no longer name one another, entered in the ledger as they are."""
    blocks = list(case.world.blocks)
    if len(blocks) < 2 or _reach(case) < 1:
        return box_rewrote_its_past(case)
    at = case.rng.randint(1, _reach(case))
    blocks[at] = blocks[at].model_copy(update={"prev": "cd" * 32})
    return Forged(_reledgered(case, replace(case.world, blocks=blocks)), ("names another block",))


def _resited(case: Case, raw: bytes) -> Forged:
    """Another site file, and the statement as that would have it."""
    wanted, site = case.world.wanted, site_of(raw, "site/00.yaml")
    one = recording.in_force(site, wanted.camera_id, sha256_hex(raw), 0, "site/00.yaml")
    files = {**case.files, "site/00.yaml": raw}
    forged = signed(case, files, sites=[one], station=recording.station_of(site, wanted.camera_id))
    return Forged(forged, ("the box recorded by the site file",))


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


def _reach(case: Case) -> int:
    """The place of the block that reaches the span's end."""
    return next(n for n, one in enumerate(case.world.blocks) if one.until_us >= case.world.wanted.until_us)


def _without_block(case: Case, at: int) -> Forged:
    if at > _reach(case):
        at = _reach(case)
    blocks = [one for n, one in enumerate(case.world.blocks) if n != at]
    if not blocks:
        return insider_gap_altered(case)
    changed = replace(case.world, blocks=blocks)
    return Forged(_reledgered(case, changed), ("no block speaks of", "what is between is missing"))


def _rewritten(case: Case) -> list[Block]:
    """The same time with another gap in it, and every block behind chained to that."""
    blocks, at = list(case.world.blocks), case.rng.randrange(0, _reach(case) + 1)
    held = [*blocks[at].recorded, *blocks[at].missing]
    one = case.rng.choice(held)
    said = Missing(start_us=one.start_us, end_us=one.end_us, cause="storage", detail="said later")
    blocks[at] = blocks[at].model_copy(update={
        "recorded": [each for each in blocks[at].recorded if each is not one],
        "missing": [*(each for each in blocks[at].missing if each is not one), said],
    })  # fmt: skip
    for number in range(at + 1, len(blocks)):
        if blocks[number].number == blocks[number - 1].number + 1:
            blocks[number] = blocks[number].model_copy(update={"prev": hash_of(blocks[number - 1])})
    return blocks


def _reledgered(case: Case, changed: World) -> bytes:
    changed.wanted = changed.request.wanted
    return _written(case, changed.parts())


def _written(case: Case, parts) -> bytes:
    """What an insider's own builder makes of it: what segments are no longer named is left out."""
    out = io.BytesIO()
    held = {**dict.fromkeys(case.world.absent, "gone"), **parts.absent}
    write_archive(out, replace(parts, absent=held), case.world.office)
    return out.getvalue()


STRANGER = (
    removed_segment, removed_tail, swapped_segments, moved_segment, repeated_second, repeated_entry, encoded_anew,
    cut_segment, changed_byte, changed_times, renamed_segment, foreign_segment, shorter_span, another_reason,
    another_approver, another_camera, gap_altered, another_seal, another_office, block_removed, block_altered,
    sealed_of_another, viewer_log_altered, site_file_altered, page_altered, ledger_altered, small_file_removed,
    extra_file, appended, commented, directory_altered, header_altered, path_out, unfolding, torn, torn_and_altered,
)  # fmt: skip
INSIDER = (
    insider_removed_segment, insider_swapped_segments, insider_encoded_anew, insider_redated, insider_shorter_span,
    insider_longer_span, insider_another_reason, insider_another_approver, insider_approved_himself,
    insider_gap_altered, insider_gap_removed, insider_recorded_more, insider_block_removed, insider_last_block_removed,
    insider_block_moved, insider_forged_block, insider_edited_block, insider_wrong_root, insider_other_camera, insider_other_site, insider_masks_altered,
    insider_unmasked, insider_station_renamed, insider_viewer_log_altered, insider_ledger_cut, insider_kept_back, box_rewrote_its_past,
    box_another_chain,
)  # fmt: skip
ATTACKS = (*STRANGER, *INSIDER)
