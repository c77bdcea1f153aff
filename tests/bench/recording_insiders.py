"""What an insider does to an archive of a recording: one who has the office's key, and one who has the box's.

The first signs what he likes with it, and adds to the ledger behind its published head; of the second, central had the
true blocks before.
"""

import io
import json
from dataclasses import replace

from contract import recording
from contract.continuity import Block, Missing, hash_of
from contract.ledger import canonical
from contract.recording_archive import SealedEvent, write_archive
from contract.sealing import new_key, sha256_hex, sign_detached
from contract.sitefile import site_of
from tests.bench.recording_attacks import STRANGER, Case, Forged, packed, signed
from tests.recording_kit import S, World, film


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
    return Forged(_written(case, changed.parts()), ("asked and approved: nobody else did",))


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
    return Forged(
        _reledgered(case, changed), ("no block speaks of", "no block of its own", "what is between is missing")
    )


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


INSIDER = (
    insider_removed_segment, insider_swapped_segments, insider_encoded_anew, insider_redated, insider_shorter_span,
    insider_longer_span, insider_another_reason, insider_another_approver, insider_approved_himself,
    insider_gap_altered, insider_gap_removed, insider_recorded_more, insider_block_removed, insider_last_block_removed,
    insider_block_moved, insider_forged_block, insider_edited_block, insider_wrong_root, insider_other_camera, insider_other_site, insider_masks_altered,
    insider_unmasked, insider_station_renamed, insider_viewer_log_altered, insider_ledger_cut, insider_kept_back, box_rewrote_its_past,
    box_another_chain,
)  # fmt: skip
ATTACKS = (*STRANGER, *INSIDER)
