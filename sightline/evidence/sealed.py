"""The box's part of a bundle: its key, the seal over each event's bytes, and the chain that links them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import OKPKey
from pydantic import ValidationError

from contract import bundle
from contract.errors import SealError
from contract.events import MAX_EVENT_BYTES, CloudEvent, Data, parse_data, parse_event
from contract.sealing import GENESIS, import_public, sha256_hex, thumbprint, verify_detached
from sightline.evidence.opening import Opened
from sightline.evidence.proofs import Ledger, Line

_SMALL = 10_000


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event whose seal holds: the file it stands in, its bytes' hash, its place in the chain, and what it says."""

    name: str
    sha256: str
    place: tuple[str, int]
    event: CloudEvent
    data: Data | None


def sealed(opened: Opened, ledger: Ledger) -> list[Sealed]:
    """Every event of the bundle, its seal, its admission and its key checked. Raises SealError."""
    keys = {line.entry["kid"]: _key(line) for line in ledger.of("key")}
    admitted = {line.entry["sha256"]: line for line in ledger.of("event")}
    found = [_event(opened, file, keys, admitted) for file in opened.named("event")]
    for number, one in enumerate(found):
        if one.name != bundle.event_name(number, one.event.type):
            raise SealError(f"{one.name}: holds {one.event.type}: the events were swapped or reordered")
    places = [one.place for one in found]
    if places != sorted(places):
        raise SealError("events/: are not in the order of the box's chain: they were reordered")
    return found


def linked(ledger: Ledger, said: bundle.Exported) -> int:
    """Check the stretches of the chain that the export names, hole by hole; how many links. Raises SealError."""
    places: dict[tuple[str, int], Mapping[str, Any]] = {}
    for line in ledger.of("event"):
        chain = line.entry["chain"]
        place = (str(chain["id"]), int(chain["seq"]))
        if place in places:
            raise SealError(
                f"the chain {place[0]}: two events stand at place {place[1]}: the box was copied or set back"
            )
        places[place] = line.entry
    pending = {(name, seq) for name, seq in said.pending}
    # One by one: a stretch can be said to be of any length, and the first place that is missing ends it.
    wanted = ((name, seq) for name, first, last in said.chain for seq in range(first, last + 1))
    for place in wanted:
        if place not in places and place not in pending:
            raise SealError(f"the chain {place[0]}: event {place[1]} is missing: it was removed or the chain cut short")
    return sum(_link(places, place) for place in sorted(places))


def _link(places: Mapping[tuple[str, int], Mapping[str, Any]], place: tuple[str, int]) -> int:
    name, seq = place
    here, before = places[place], places.get((name, seq - 1))
    prev = here["chain"]["prev"]
    if seq == 0:
        if prev != GENESIS:
            raise SealError(f"the chain {name}: event 0 ({here['id']}) is not its beginning")
        return 1
    if before is None:
        return 0
    if prev != before["sha256"]:
        raise SealError(
            f"the chain {name}: event {seq} ({here['id']}) does not follow event {seq - 1} ({before['id']})"
        )
    if here["kid"] != before["kid"] or here["edge"] != before["edge"]:
        raise SealError(f"the chain {name}: event {seq} ({here['id']}) was sealed by another key than the one before")
    return 1


def _key(line: Line) -> tuple[str, OKPKey]:
    """A box's key as central let it in: the box's id and the key."""
    entry = line.entry
    try:
        key = import_public(dict(entry["jwk"]))
    except (SealError, KeyError, TypeError, ValueError) as error:
        raise SealError(f"{bundle.ENTRIES}: entry {line.place} holds no key of a box") from error
    if thumbprint(key) != entry["kid"]:
        raise SealError(f"{bundle.ENTRIES}: entry {line.place} names a key {entry['kid']} and holds another")
    return str(entry["edge"]), key


def _event(
    opened: Opened,
    file: bundle.BundleFile,
    keys: Mapping[str, tuple[str, OKPKey]],
    admitted: Mapping[str, Line],
) -> Sealed:
    raw = opened.archive.read(file.name, MAX_EVENT_BYTES)
    seal = opened.archive.read(bundle.seal_name(file.name), _SMALL).decode("ascii", "replace")
    digest = sha256_hex(raw)
    line = admitted.get(digest)
    if line is None:
        raise SealError(
            f"{file.name}: the ledger has no event of these bytes: it was changed, or never came from a box"
        )
    entry = line.entry
    edge, key = keys.get(entry["kid"], ("", None))
    if key is None or edge != entry["edge"]:
        raise SealError(f"{file.name}: was sealed by a key {entry['kid']} that was not let in for box {entry['edge']}")
    try:
        verify_detached(raw, seal, key)
    except SealError as error:
        raise SealError(f"{file.name}: the box's seal does not hold over these bytes: {error}") from error
    event, data = _parsed(raw, file.name)
    _same(file.name, event, entry)
    place = (str(entry["chain"]["id"]), int(entry["chain"]["seq"]))
    return Sealed(file.name, digest, place, event, data)


def _parsed(raw: bytes, name: str) -> tuple[CloudEvent, Data | None]:
    try:
        event = parse_event(raw)
        return event, parse_data(event)
    except (ValidationError, ValueError, RecursionError) as error:
        raise SealError(f"{name}: is no event of the contract") from error


def _same(name: str, event: CloudEvent, entry: Mapping[str, Any]) -> None:
    """What central entered about the event is what the event says."""
    if event.id != entry["id"] or event.type != entry["type"] or event.source.split("/")[2] != entry["edge"]:
        raise SealError(f"{name}: is not the event {entry['id']} that the ledger admitted")
    if event.data.get("chain") != entry["chain"]:
        raise SealError(f"{name}: stands elsewhere in the chain than the ledger says")


__all__ = ["Sealed", "linked", "sealed"]
