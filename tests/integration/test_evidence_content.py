"""C2PA manifests of an export, read by the library's own Reader as a stranger reads them, and checked by `verify`."""

import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import av
import c2pa
import cv2
import numpy as np
import pytest
from bundle_kit import Bureau, bureau, still
from central_kit import AT
from time_peers import TimeAuthority

from central.config import Ledger
from central.credentials import signer as signers
from central.credentials.signer import content_signer
from central.ledger.authority import authority_of
from central.redaction.finder import Box as Place
from central.redaction.redactor import Redactor
from contract import bundle
from contract.errors import SealError
from contract.provenance import LABEL
from contract.sealing import sha256_hex, thumbprint
from edge.cameras.file import FilePackets
from edge.evidence.clip import write_clip
from sightline.evidence.export import Office, export
from sightline.evidence.verify import Trust, verify
from tests.bench.forgery_tools import Files, mended, packed, unpacked

_STILL = "overlay/00-far-first.jpg"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    made = bureau(tmp_path / "office")
    yield made
    made.db.close()


class Corner:
    """A finder that finds one face in a corner."""

    def find(self, _picture: object) -> list[Place]:
        return [(10.0, 10.0, 60.0, 60.0)]


def exported(office: Bureau, case: str, target: Path) -> Files:
    """The files of a bundle with redacted copies."""
    export(Office(office.db, office.store, office.key, None, Redactor([Corner()]), office.signer), case, "li", target)
    return unpacked(target.read_bytes())


def read(name: str, files: Files, anchors: str = "") -> dict[str, Any]:
    """What a reader of the world shows: the settings it comes with, or told whom to trust."""
    kind = bundle.media_type(name)
    beside = files.get(bundle.manifest_name(name)) if name.startswith("originals/") else None
    context = c2pa.Context.from_dict({"trust": {"user_anchors": anchors}} if anchors else {})
    with context, c2pa.Reader(kind, io.BytesIO(files[name]), beside, context) as reader:
        return json.loads(reader.json())


def active(told: dict[str, Any]) -> dict[str, Any]:
    return told["manifests"][told["active_manifest"]]


def faults(told: dict[str, Any]) -> list[str]:
    return [one["code"] for one in told["validation_results"]["activeManifest"].get("failure", [])]


def steps(told: dict[str, Any]) -> list[str]:
    (actions,) = (one["data"] for one in active(told)["assertions"] if one["label"] == "c2pa.actions.v2")
    return [one["action"] for one in actions["actions"]]


def filmed(shared: Path, folder: Path) -> tuple[list[bytes], bytes]:
    """Three stills and two seconds of a real street, 640x360, cut as a box cuts them."""
    street = FilePackets(shared / "clips" / "road_illegal_parking_kevinjoy.mp4", lambda t: AT + timedelta(seconds=t))
    stills = [cv2.imencode(".jpg", street.picture_at(t)[1])[1].tobytes() for t in (3.0, 4.0, 5.0)]
    return stills, write_clip(street.packets(3.0, 4.0), folder / "clip.mp4").path.read_bytes()


def test_readers_of_the_world_read_every_still_clip_and_copy(office, shared, tmp_path) -> None:
    stills, film = filmed(shared, tmp_path)
    files = exported(office, office.case(stills=stills, film=film), tmp_path / "b.zip")
    carriers = [name for name in files if name.split("/")[0] in {"originals", "overlay", "redacted"}]
    pictures = [name for name in carriers if not name.endswith(".c2pa")]
    assert len(pictures) == 4 + 3 + 4
    root = office.signer.issuers.decode()
    for name in pictures:
        told = read(name, files)
        assert (told["validation_state"], faults(told)) == ("Valid", ["signingCredential.untrusted"])
        assert read(name, files, root)["validation_state"] == "Trusted"
        assert active(told)["title"] == name
        assert active(told)["signature_info"]["issuer"] == "Traffic office"
        what, _, rest = name.partition("/")
        done = {"originals": [], "overlay": ["c2pa.drawing"], "redacted": ["c2pa.edited"]}[what]
        done += ["c2pa.transcoded"] if name == "redacted/03-clip.mp4" else []
        assert steps(told) == ["c2pa.opened", *done]
        (said,) = (one["data"] for one in active(told)["assertions"] if one["label"] == LABEL)
        original = sha256_hex(files[f"originals/{rest}"])
        (parent,) = active(told)["ingredients"]
        assert (said["original"], parent["instance_id"]) == (original, f"urn:sha256:{original}")
        sealed = json.loads(files["events/01-manifest.json"])
        taken = {one["sha256"]: one["at"] for one in sealed["data"]["images"]}
        taken[sealed["data"]["video"]["sha256"]] = sealed["data"]["video"]["at0"]
        assert datetime.fromisoformat(said["taken_at"]) == datetime.fromisoformat(taken[original])
        assert said["event"] == sha256_hex(files["events/01-manifest.json"])
        assert datetime.fromisoformat(said["sealed_at"]) == datetime.fromisoformat(sealed["time"])
        assert said["office"] == thumbprint(office.key)
    for raw, name in zip([*stills, film], sorted(n for n in pictures if n.startswith("orig")), strict=True):
        assert files[name] == raw, "what the box sealed is not touched"
    assert any(line.startswith("c2pa     11 manifests hold") for line in verify(tmp_path / "b.zip", Trust()))


def test_a_copy_shows_nothing_but_what_it_shows_and_names_nobody(office, tmp_path) -> None:
    """No thumbnail of the picture before it was blurred, no officer, and the pictures themselves are untouched."""
    files = exported(office, office.case(), tmp_path / "b.zip")
    for name in ("redacted/00-far-first.jpg", "redacted/03-clip.mp4", _STILL):
        told = active(read(name, files))
        assert "thumbnail" not in told and all("thumbnail" not in one for one in told["ingredients"])
        labels = {one["label"] for one in told["assertions"]}
        assert labels - {"c2pa.hash.bmff.v3"} == {"c2pa.actions.v2", LABEL}
        (said,) = (one["data"] for one in told["assertions"] if one["label"] == LABEL)
        assert set(said) == {
            "case", "edge", "camera", "what", "original", "taken_at", "sealed_at", "event", "office",
        }  # fmt: skip
    manifest = files["originals/00-far-first.c2pa"]
    assert b"JFIF" not in manifest and b"\xff\xd8\xff" not in manifest
    assert b'"li"' not in manifest and office.officer.name == "li"
    with av.open(io.BytesIO(files["redacted/03-clip.mp4"])) as film:
        assert sum(1 for _ in film.decode(video=0)) == 12
    assert cv2.imdecode(np.frombuffer(files[_STILL], np.uint8), cv2.IMREAD_COLOR) is not None


def forged(files: Files, office: Bureau, tmp_path: Path, named: dict[str, dict[str, Any]] | None = None) -> Path:
    """A bundle of these files, signed by an insider with the office's key; `named` as he likes in the index."""
    listed = json.loads(mended(files, office.key)[bundle.INDEX])["files"]
    for one in listed:
        one |= (named or {}).get(one["name"], {})
    path = tmp_path / "forged.zip"
    path.write_bytes(packed(mended(files, office.key, files=listed)))
    return path


def test_nothing_is_fetched_for_a_manifest_that_stands_elsewhere(office, tmp_path) -> None:
    """A picture can name an address where its manifest is: `verify` works offline, whatever a picture says."""
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(beside)

        def log_message(self, *_: object) -> None:
            """Silent."""

    files = exported(office, office.case(), tmp_path / "b.zip")
    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        out = io.BytesIO()
        who = office.signer
        info = c2pa.C2paSignerInfo(alg=who.algorithm, sign_cert=who.pem, private_key=who.key, ta_url=None)
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder({"title": _STILL, "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.created",
             "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"}]}}]}) as builder:  # fmt: skip
            builder.set_no_embed()
            builder.set_remote_url(f"http://127.0.0.1:{server.server_port}/manifest.c2pa")
            beside = builder.sign(signer, "image/jpeg", io.BytesIO(files["originals/00-far-first.jpg"]), out)
        assert active(read(_STILL, files | {_STILL: out.getvalue()}))["title"] == _STILL
        assert asked, "this is how readers take it by themselves"
        asked.clear()
        with pytest.raises(SealError, match=f"^{_STILL}: its C2PA manifest cannot be read"):
            verify(forged(files | {_STILL: out.getvalue()}, office, tmp_path), Trust())
        assert asked == []
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_copy_gets_round_its_manifest_by_no_other_name(office, tmp_path) -> None:
    files = unpacked(office.bundle(office.case(), tmp_path / "b.zip").read_bytes())
    (of,) = (one["of"] for one in json.loads(files[bundle.INDEX])["files"] if one["name"] == _STILL)
    files["overlay/00-far-first.bin"] = files.pop(_STILL)
    path = forged(files, office, tmp_path, {"overlay/00-far-first.bin": {"what": "overlay", "of": of}})
    with pytest.raises(SealError, match=r"^overlay/00-far-first\.bin: is named as no picture or clip"):
        verify(path, Trust())


#: 200 MB of zeros, as Brotli writes them.
_ZEROS = bytes.fromhex(
    "cfffff7f002400e2b14072effff9ffff0f8004401c1680eefd3fffffff01900088c302d0bdffe7ffff3f001200715800baf7fffc"
    "ffff074002200e0b40f7fe9fffffff004800c46101e8defff3ffff1f000980382c00ddfb7ffeffff032001108705a07bffcfffff"
    "7f002400e2b00074effff9ffff0f8004401c1680eefd3fffffff01900088c302d0bdffe7ffff3f001200715800baf7fff9ffff07"
    "4002200e0b40f7fe0f"
)


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def _labelled(kind: bytes, label: bytes, content: bytes) -> bytes:
    """A JUMBF superbox (ISO/IEC 19566-5) of C2PA."""
    told = kind + bytes.fromhex("00110010800000aa00389b71") + b"\x03" + label + b"\x00"
    return _box(b"jumb", _box(b"jumd", told) + content)


def test_a_manifest_that_is_a_bomb_is_refused(office, tmp_path) -> None:
    """C2PA knows manifests that are compressed (Brotli): ours never are, and one that unfolds without end is named."""
    files = exported(office, office.case(), tmp_path / "b.zip")
    label = active(read("originals/00-far-first.jpg", files))["label"].encode()
    folded = _labelled(b"c2cm", label, _box(b"brob", _ZEROS))
    files["originals/00-far-first.c2pa"] = _labelled(b"c2pa", b"c2pa", folded)
    with pytest.raises(SealError, match=r"00-far-first.jpg: its C2PA manifest cannot be read \(Verify: output exceeds"):
        verify(forged(files, office, tmp_path), Trust())


def test_a_picture_that_is_none_is_said_to_have_no_manifest(office, tmp_path) -> None:
    stills = [b"\xff\xd8\xff\xe0 torn on the way to the disk", *(still(n) for n in (901, 902))]
    case, target = office.case(stills=stills), tmp_path / "b.zip"
    index = export(office.office, case, "li", target)
    assert any(note.startswith("originals/00-far-first.jpg: can carry no C2PA manifest") for note in index.notes)
    assert any(line.startswith("c2pa     5 manifests hold") for line in verify(target, Trust()))


def test_an_export_without_manifests_holds_and_says_so(office, tmp_path) -> None:
    case, target = office.case(), tmp_path / "b.zip"
    export(Office(office.db, office.store, office.key), case, "li", target)
    said = verify(target, Trust())
    assert "c2pa     no manifests were made" in said
    assert "note     no C2PA manifests were made: exported without them" in said
    files = unpacked(target.read_bytes()) | {bundle.C2PA_CHAIN: office.signer.pem}
    with pytest.raises(SealError, match=f"^{bundle.C2PA_CHAIN}: the ledger's export has no C2PA manifests"):
        verify(forged(files, office, tmp_path, {bundle.C2PA_CHAIN: {"what": "key"}}), Trust())


def test_a_certificate_that_has_run_out_since_is_no_fault_but_told(office, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(signers, "LIFE", timedelta(seconds=3))
    brief = content_signer(tmp_path / "brief.pem", "Traffic office", None, office.db)
    case, target = office.case(), tmp_path / "b.zip"
    export(Office(office.db, office.store, office.key, signer=brief), case, "li", target)
    assert any("manifests hold" in line for line in verify(target, Trust()))
    end = brief.chain[0].not_valid_after_utc + timedelta(seconds=1)
    while datetime.now(UTC) <= end:
        time.sleep(0.05)
    said = verify(target, Trust())
    assert any(line.startswith("c2pa     7 manifests fit, NOT CHECKED who signed 7:") for line in said)
    files = unpacked(target.read_bytes())
    files[_STILL] = files[_STILL][:-50] + bytes(1) + files[_STILL][-49:]
    with pytest.raises(SealError, match=f"^{_STILL}: it was altered"):
        verify(forged(files, office, tmp_path), Trust())


def test_the_authority_stamps_each_manifest_and_holds_nothing_up(office, tmp_path) -> None:
    authority = TimeAuthority(tmp_path)
    try:
        asks = authority_of(Ledger(timestamp_url=authority.url, timestamp_ca=authority.root))
        case = office.case()
        export(Office(office.db, office.store, office.key, asks, None, office.signer), case, "li", tmp_path / "b.zip")
        assert authority.asked == 1 + 7, "the head's stamp, and one for each manifest"
        files = unpacked((tmp_path / "b.zip").read_bytes())
        told = read(_STILL, files, (office.signer.issuers + authority.root.read_bytes()).decode())
        codes = {one["code"] for one in told["validation_results"]["activeManifest"]["success"]}
        assert {"timeStamp.validated", "timeStamp.trusted"} <= codes
        assert active(told)["signature_info"]["time"]
        said = verify(tmp_path / "b.zip", Trust())
        assert any(line.startswith("c2pa     7 manifests hold") for line in said)
        verify(tmp_path / "b.zip", Trust(authority=authority.root))
    finally:
        authority.close()
    index = export(
        Office(office.db, office.store, office.key, asks, None, office.signer), case, "li", tmp_path / "late.zip"
    )
    assert "the timestamp authority gave no stamp when this was exported" in index.notes
    assert any(line.startswith("c2pa     7 manifests hold") for line in verify(tmp_path / "late.zip", Trust()))


def test_any_program_still_opens_the_archive(office, tmp_path) -> None:
    with zipfile.ZipFile(office.bundle(office.case(), tmp_path / "b.zip")) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
    assert [name for name in names if name.endswith(".c2pa")] == [
        f"originals/{stem}.c2pa" for stem in ("00-far-first", "01-far-spacing", "02-far-trigger", "03-clip")
    ]
    assert bundle.C2PA_CHAIN in names
