"""Ways to forge a bundle. Each takes the files of a true one and gives the archive of a false one.

Three forgers: one who changes bytes, one who mends the index and signs it with a key of his own, and an insider who
has the office's key - but no box's key, and not the heads that the world has seen.
"""

import json
import random
from collections.abc import Callable

from bundle_kit import Bureau, still
from joserfc.jwk import OKPKey

from contract import bundle
from contract.ledger import Head, canonical
from contract.merkle import completed, leaf_hash
from contract.sealing import new_key, public_jwk, sha256_hex, sign_detached, thumbprint
from tests.bench import forgery_content
from tests.bench.forgery_tools import Files, Forged, mended, packed, reheaded, remuxed, swapped_key, unpacked

# --- who only changes bytes ---------------------------------------------------------------------------------------


def byte_flipped(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    at = rng.randrange(len(raw))
    where = ("archive", *unpacked(raw))
    return Forged(raw[:at] + bytes([raw[at] ^ rng.randint(1, 255)]) + raw[at + 1 :], where)


def cut_short(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    return Forged(raw[: rng.randrange(1, len(raw))], ("archive", *unpacked(raw)))


def grown(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    at = rng.choice([0, rng.randrange(len(raw)), len(raw)])
    return Forged(raw[:at] + rng.randbytes(rng.randint(1, 40)) + raw[at:], ("archive", *unpacked(raw)))


def file_flipped(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    files = unpacked(raw)
    name = rng.choice(sorted(files))
    at = rng.randrange(len(files[name]))
    files[name] = files[name][:at] + bytes([files[name][at] ^ rng.randint(1, 255)]) + files[name][at + 1 :]
    return Forged(packed(files), (name,))


def file_removed(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    files = unpacked(raw)
    name = rng.choice(sorted(files))
    del files[name]
    return Forged(packed(files), (name,))


def file_added(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    files = unpacked(raw) | {"originals/09-far-last.jpg": still(rng.randrange(10**6) + 10**6)}
    return Forged(packed(files), ("originals/09-far-last.jpg",))


def files_swapped(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    files = unpacked(raw)
    one, two = rng.sample(sorted(name for name in files if "/" in name), 2)
    files[one], files[two] = files[two], files[one]
    return Forged(packed(files), (one, two))


# --- who mends the index -------------------------------------------------------------------------------------------


def index_mended(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    files = unpacked(raw)
    files[_original(files, rng)] = still(rng.randrange(10**6) + 10**6)
    return Forged(packed(mended(files, None)), (bundle.INDEX,))


def resigned(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    files = unpacked(raw)
    files[_original(files, rng)] = still(rng.randrange(10**6) + 10**6)
    return Forged(packed(swapped_key(files)), (bundle.OFFICE_KEY,))


def index_resigned(raw: bytes, rng: random.Random, _: Bureau) -> Forged:
    """Another key signs the index, and the office's key stays."""
    return Forged(packed(mended(unpacked(raw), new_key())), (bundle.INDEX,))


# --- an insider who has the office's key -----------------------------------------------------------------------------


def picture_swapped(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    files = unpacked(raw)
    name = _original(files, rng)
    files[name] = still(rng.randrange(10**6) + 10**6)
    return Forged(packed(mended(files, office.key)), (name,))


def pictures_exchanged(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    files = unpacked(raw)
    one, two = rng.sample(sorted(name for name in files if name.endswith(".jpg") and name.startswith("orig")), 2)
    files[one], files[two] = files[two], files[one]
    return Forged(packed(mended(files, office.key)), (one, two))


def picture_hidden(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """A picture taken out and called missing."""
    files = unpacked(raw)
    name = _original(files, rng)
    gone = {"sha256": sha256_hex(files.pop(name)), "why": "it had not arrived"}
    return Forged(packed(_without_copies(mended(files, office.key, missing=[gone]), office.key)), ("originals/",))


def frames_cut(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    return _film(raw, office, lambda packets: packets[: rng.randint(1, len(packets) - 1)])


def frames_swapped(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    def swap(packets: list[bytes]) -> list[bytes]:
        one, two = rng.sample(range(len(packets)), 2)
        packets[one], packets[two] = packets[two], packets[one]
        return packets

    return _film(raw, office, swap)


def frames_repeated(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    at = rng.randrange(12)
    return _film(raw, office, lambda packets: packets[: at + 1] * 2 + packets[at + 1 :])


def event_removed(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    files = unpacked(raw)
    name = rng.choice(_events(files))
    del files[name], files[bundle.seal_name(name)]
    return Forged(packed(mended(files, office.key)), ("events/", "originals/"))


def events_reordered(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    files = unpacked(raw)
    one, two = rng.sample(_events(files), 2)
    for a, b in ((one, two), (bundle.seal_name(one), bundle.seal_name(two))):
        files[a], files[b] = files[b], files[a]
    return Forged(packed(mended(files, office.key)), ("events/",))


def event_backdated(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    files = unpacked(raw)
    name = rng.choice(_events(files))
    files[name] = files[name].replace(b"2026-", b"2025-", 1)
    return Forged(packed(mended(files, office.key)), (name,))


def event_resigned(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """A changed event, sealed with a key that no box has."""
    files = unpacked(raw)
    name = rng.choice(_events(files))
    files[name] = files[name].replace(b"2026-", b"2025-", 1)
    files[bundle.seal_name(name)] = sign_detached(files[name], new_key()).encode()
    return Forged(packed(mended(files, office.key)), (name,))


def event_entered(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """A changed event, sealed with a stranger's key, and the entries of event and key changed to fit."""
    files = unpacked(raw)
    name, key = rng.choice(_events(files)), new_key()
    old = sha256_hex(files[name])
    files[name] = files[name].replace(b"2026-", b"2025-", 1)
    seal = sign_detached(files[name], key)
    files[bundle.seal_name(name)] = seal.encode()

    def change(entry: dict) -> None:
        if entry["kind"] == "key":
            entry |= {"kid": thumbprint(key), "jwk": public_jwk(key)}
        if entry.get("sha256") == old:
            entry |= {
                "sha256": sha256_hex(files[name]),
                "jws_sha256": sha256_hex(seal.encode()),
                "kid": thumbprint(key),
            }

    return Forged(packed(mended(_entries(files, change), office.key)), (bundle.ENTRIES,))


def chain_cut(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """An event between the case's own, or behind them, taken out of the chain."""
    files = unpacked(raw)
    own = {sha256_hex(files[name]) for name in _events(files)}
    given = json.loads(files[bundle.ENTRIES])
    others = [one for one in given["entries"] if _kind(one, "event") and json.loads(one["line"])["sha256"] not in own]
    given["entries"].remove(rng.choice(others))
    files[bundle.ENTRIES] = json.dumps(given).encode()
    return Forged(packed(mended(files, office.key)), ("the chain ",))


def decision_changed(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    def change(entry: dict) -> None:
        if entry.get("action") == "approve":
            entry |= rng.choice([{"by": "wang"}, {"at": "2026-01-01T00:00:00.000000+00:00"}, {"action": "reject"}])

    return Forged(packed(mended(_entries(unpacked(raw), change), office.key)), (bundle.ENTRIES,))


def line_removed(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """A line of the history or of the viewer log is left out, and the list that people read is mended."""
    files, kind = unpacked(raw), rng.choice(["case", "view"])
    given = json.loads(files[bundle.ENTRIES])
    mine = [one for one in given["entries"] if _kind(one, kind) and "exported" not in one["line"]]
    given["entries"].remove(rng.choice(mine))
    files[bundle.ENTRIES] = json.dumps(given).encode()
    views = [json.loads(one["line"]) for one in given["entries"] if _kind(one, "view")]
    files[bundle.VIEWERS] = bundle.viewer_log(views)
    return Forged(packed(mended(files, office.key)), ("history", "viewer log"))


def viewer_renamed(raw: bytes, _: random.Random, office: Bureau) -> Forged:
    files = unpacked(raw)
    files[bundle.VIEWERS] = files[bundle.VIEWERS].replace(b",li,", b",wu,", 1)
    return Forged(packed(mended(files, office.key)), (bundle.VIEWERS,))


def entries_reordered(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    files = unpacked(raw)
    given = json.loads(files[bundle.ENTRIES])
    one, two = rng.sample(range(len(given["entries"])), 2)
    given["entries"][one], given["entries"][two] = given["entries"][two], given["entries"][one]
    files[bundle.ENTRIES] = json.dumps(given).encode()
    return Forged(packed(mended(files, office.key)), (bundle.ENTRIES,))


def bundle_backdated(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    made = f"20{rng.randint(10, 25)}-03-01T09:00:00Z"
    return Forged(packed(mended(unpacked(raw), office.key, made_at=made)), (bundle.INDEX,))


def taken_by_another(raw: bytes, _: random.Random, office: Bureau) -> Forged:
    return Forged(packed(mended(unpacked(raw), office.key, by="wang")), (bundle.INDEX,))


def case_renamed(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    name = f"20261121-{rng.randint(5000, 9999)}"
    return Forged(packed(mended(unpacked(raw), office.key, case=name)), (bundle.INDEX,))


def ledger_rebuilt(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """A whole new ledger around a changed decision, with heads of the right size that the office's key signs."""
    files = unpacked(raw)
    given = json.loads(files[bundle.ENTRIES])
    size = Head.model_validate_json(files[bundle.HEAD]).size
    lines = {one["place"]: one["line"].encode() for one in given["entries"]}
    for place, line in lines.items():
        entry = json.loads(line)
        if entry.get("action") == "approve":
            lines[place] = canonical(entry | {"by": "wang"})
    nodes: dict[tuple[int, int], bytes] = {}

    def known(level: int, at: int) -> bytes:
        return nodes[level, at]

    for place in range(size):
        leaf = leaf_hash(lines.get(place, rng.randbytes(20)))
        for level, at, value in completed(place, leaf, known):
            nodes[level, at] = value
    return Forged(packed(mended(reheaded(files, office.key, lines, nodes), office.key)), (bundle.PUBLISHED,))


def _original(files: Files, rng: random.Random) -> str:
    return rng.choice(sorted(name for name in files if name.startswith("originals/") and name.endswith(".jpg")))


def _events(files: Files) -> list[str]:
    return sorted(name for name in files if name.startswith("events/") and name.endswith(".json"))


def _kind(one: dict, kind: str) -> bool:
    return json.loads(one["line"])["kind"] == kind


def _entries(files: Files, change: Callable[[dict], None]) -> Files:
    given = json.loads(files[bundle.ENTRIES])
    for one in given["entries"]:
        entry = json.loads(one["line"])
        change(entry)
        one["line"] = canonical(entry).decode()
    return files | {bundle.ENTRIES: json.dumps(given).encode()}


def _without_copies(files: Files, key: OKPKey) -> Files:
    """Copies of a picture that is gone go with it."""
    kept = {name: raw for name, raw in files.items() if not name.startswith("overlay/")}
    missing = json.loads(files[bundle.INDEX])["missing"]
    return mended(kept, key, missing=missing)


def _film(raw: bytes, office: Bureau, change: Callable[[list[bytes]], list[bytes]]) -> Forged:
    """The clip with its coded pictures changed, put together again as a clip that plays."""
    files = unpacked(raw)
    name = next(name for name in files if name.startswith("originals/") and name.endswith(".mp4"))
    files[name] = remuxed(files[name], change)
    return Forged(packed(mended(files, office.key)), (name,))


Mutation = Callable[[bytes, random.Random, Bureau], Forged]
MUTATIONS: tuple[Mutation, ...] = (
    byte_flipped, cut_short, grown, file_flipped, file_removed, file_added, files_swapped, index_mended, resigned,
    index_resigned, picture_swapped, pictures_exchanged, picture_hidden, frames_cut, frames_swapped, frames_repeated,
    event_removed, events_reordered, event_backdated, event_resigned, event_entered, chain_cut, decision_changed,
    line_removed, viewer_renamed, entries_reordered, bundle_backdated, taken_by_another, case_renamed, ledger_rebuilt,
    *forgery_content.MUTATIONS,
)  # fmt: skip
