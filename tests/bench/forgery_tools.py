"""A forger's tools: a bundle taken apart, put together again, and signed with whatever key is at hand."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass

import av
from joserfc.jwk import OKPKey

from contract import bundle, bundle_archive
from contract.ledger import Head, sign_head
from contract.merkle import consistency_proof, inclusion_proof, root
from contract.sealing import new_key, public_jwk, sha256_hex, sign_detached, thumbprint

Files = dict[str, bytes]


@dataclass
class Forged:
    """A false archive, and words of which its checker's sentence must have one: what and where."""

    raw: bytes
    names: tuple[str, ...]


def unpacked(raw: bytes) -> Files:
    """The files of an archive."""
    archive = bundle_archive.Archive(io.BytesIO(raw))
    return {name: archive.read(name, 1 << 30) for name in archive.entries}


def packed(files: Files) -> bytes:
    out = io.BytesIO()
    bundle_archive.write(out, list(files.items()))
    return out.getvalue()


def mended(files: Files, key: OKPKey | None, /, **changes: object) -> Files:
    """The files with an index that fits them again, signed by `key` (None: the old signature stays)."""
    index = json.loads(files[bundle.INDEX])
    known = {one["name"]: one for one in index["files"]}
    index["files"] = [
        {
            **known.get(name, {"what": "original", "of": None}),
            "name": name,
            "sha256": sha256_hex(raw),
            "bytes": len(raw),
        }
        for name, raw in files.items()
        if name not in {bundle.INDEX, bundle.SEAL}
    ]
    if key is not None:
        index["office"] = thumbprint(key)
    index |= changes
    raw = json.dumps(index).encode()
    seal = files[bundle.SEAL] if key is None else sign_detached(raw, key).encode()
    return {**files, bundle.INDEX: raw, bundle.SEAL: seal}


def swapped_key(files: Files) -> Files:
    """All that the office signed, signed by a stranger: index, head and published head."""
    key = new_key()
    files = {**files, bundle.OFFICE_KEY: json.dumps(public_jwk(key)).encode()}
    for name, seal in ((bundle.HEAD, bundle.HEAD_SEAL),):
        head = Head.model_validate_json(files[name])
        signed = sign_head(head.size, bytes.fromhex(head.root), head.at, key)
        files |= {name: signed.raw, seal: signed.jws.encode()}
    given = json.loads(files[bundle.PUBLISHED])
    old = Head.model_validate_json(given["head"])
    signed = sign_head(old.size, bytes.fromhex(old.root), old.at, key)
    files[bundle.PUBLISHED] = json.dumps(given | {"head": signed.raw.decode(), "jws": signed.jws}).encode()
    return mended(files, key)


def reheaded(files: Files, key: OKPKey, lines: dict[int, bytes], nodes: dict[tuple[int, int], bytes]) -> Files:
    def at(level: int, place: int) -> bytes:
        return nodes[level, place]

    head, given = Head.model_validate_json(files[bundle.HEAD]), json.loads(files[bundle.PUBLISHED])
    old = Head.model_validate_json(given["head"])
    new, before = (sign_head(one.size, root(one.size, at), one.at, key) for one in (head, old))
    way = [step.hex() for step in consistency_proof(old.size, head.size, at)]
    proven = [
        {"place": place, "line": line.decode(), "path": [s.hex() for s in inclusion_proof(place, head.size, at)]}
        for place, line in sorted(lines.items())
    ]
    return files | {
        bundle.HEAD: new.raw,
        bundle.HEAD_SEAL: new.jws.encode(),
        bundle.PUBLISHED: json.dumps({"head": before.raw.decode(), "jws": before.jws, "path": way}).encode(),
        bundle.ENTRIES: json.dumps({"entries": proven}).encode(),
    }


def remuxed(raw: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """An MP4 of the same stream with other packets."""
    out = io.BytesIO()
    with av.open(io.BytesIO(raw)) as source, av.open(out, "w", "mp4") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        packets = [bytes(packet) for packet in source.demux(stream) if packet.size]
        step = int(1 / (12 * stream.time_base))
        for number, payload in enumerate(change(packets)):
            packet = av.Packet(payload)
            packet.stream, packet.pts, packet.dts, packet.time_base = (
                copy,
                number * step,
                number * step,
                stream.time_base,
            )
            target.mux(packet)
    return out.getvalue()
