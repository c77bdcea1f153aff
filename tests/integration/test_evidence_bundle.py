"""A bundle from the command line, checked where nothing but the package is: what it holds, and what is refused."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundle_kit import Bureau, bureau, manifest, still
from central_kit import DAY, decision, ended, intake_of, violation
from typer.testing import CliRunner

from central.credentials.signer import content_signer
from central.redaction.finder import Box as Place
from central.redaction.redactor import Redactor
from central.tickets import service as tickets
from contract import bundle, bundle_archive
from contract.errors import InputError, SealError
from contract.events import EventType, now
from contract.ledger import Head, SignedHead
from contract.sealing import sha256_hex, thumbprint
from sightline.cli import app
from sightline.evidence.export import Office, export
from sightline.evidence.proofs import Ledger
from sightline.evidence.sealed import linked
from sightline.evidence.verify import Trust, verify
from tests.bench.forgery_tools import mended, packed, unpacked

ROOT = Path(__file__).resolve().parents[2]
#: What a machine that only checks evidence need not have.
BLOCKED = ("sqlalchemy", "fastapi", "av", "cv2", "jinja2", "httpx", "paho", "openvino", "central", "edge", "models")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    made = bureau(tmp_path / "office")
    yield made
    made.db.close()


def test_export_and_check_by_command_on_a_machine_that_has_only_the_package(office, tmp_path) -> None:
    office.case()
    case = office.case()
    office.publish()
    settings = office.folder / "central.yaml"
    settings.write_text(
        "data_dir: .\ndatabase: {url: sqlite:///central.sqlite}\n"
        "c2pa: {signer_file: own/c2pa.pem, organisation: Yingchun traffic office}\n"
    )
    target = tmp_path / "elsewhere" / "bundle.zip"
    target.parent.mkdir()
    words = ["evidence", "export", case, "--config", str(settings), "--by", "li", "--output", str(target)]
    ran = CliRunner().invoke(app, [*words, "--without-redacted"])
    assert ran.exit_code == 0, ran.output
    with office.db.read() as session:
        view = tickets.case(session, case, None)
    assert (view.history[-1].action, view.history[-1].actor) == ("exported", "li")
    checked = alone(target, "--trust", thumbprint(office.key), "--heads", str(office.folder / "heads.jsonl"))
    assert checked.returncode == 0, checked.stderr
    assert f"case {case} of box edge-01" in checked.stdout
    assert "7 manifests hold, signed with the certificate of Yingchun traffic office" in checked.stdout
    assert (office.folder / "own" / "c2pa.pem").stat().st_mode & 0o777 == 0o600
    raw = bytearray(target.read_bytes())
    raw[len(raw) // 2] ^= 1
    target.write_bytes(raw)
    checked = alone(target)
    assert checked.returncode == 1
    assert checked.stderr.count("\n") == 1
    assert checked.stderr.startswith("sightline: ")
    ran = CliRunner().invoke(app, ["evidence", "audit", "--config", str(settings)])
    assert (ran.exit_code, ran.output.strip()) == (0, "everything holds")


def test_where_manifests_cannot_be_read_it_says_so_and_checks_the_rest(office, tmp_path) -> None:
    target = office.bundle(office.case(), tmp_path / "b.zip")
    checked = alone(target, lacking=("c2pa",))
    assert checked.returncode == 0, checked.stderr
    assert "c2pa     NOT CHECKED: 7 manifests" in checked.stdout
    assert "pip install c2pa-python" in checked.stdout
    files = unpacked(target.read_bytes())
    files[bundle.C2PA_CHAIN] = content_signer(tmp_path / "other.pem", "Traffic office", None, office.db).pem
    target.write_bytes(packed(mended(files, office.key)))
    checked = alone(target, lacking=("c2pa",))
    assert checked.returncode == 1
    assert f"{bundle.C2PA_CHAIN}: is not the certificate {office.signer.fingerprint}" in checked.stderr


def alone(target: Path, *words: str, lacking: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """`sightline evidence verify` in a fresh process and folder that can import none of BLOCKED, nor `lacking`."""
    code = (
        "import sys\n"
        "class Shut:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {(*BLOCKED, *lacking)!r}: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Shut())\n"
        f"sys.argv = ['sightline', 'evidence', 'verify', {str(target)!r}, *{list(words)!r}]\n"
        "from sightline.cli import main\nmain()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=target.parent, env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_any_program_opens_it_and_the_report_speaks_two_languages(office, tmp_path) -> None:
    case = office.case()
    path = office.bundle(case, tmp_path / "b.zip")
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        english, chinese = (opened.read(f"report.{tag}.html").decode() for tag in ("en", "zh-CN"))
        viewers = opened.read("viewer-log.csv").decode().splitlines()
    assert [name for name in names if name.startswith("originals/") and not name.endswith(".c2pa")] == [
        "originals/00-far-first.jpg", "originals/01-far-spacing.jpg", "originals/02-far-trigger.jpg",
        "originals/03-clip.mp4",
    ]  # fmt: skip
    assert [name for name in names if name.startswith("overlay/")] == [
        f"overlay/{n}.jpg" for n in ("00-far-first", "01-far-spacing", "02-far-trigger")
    ]
    assert viewers[0] == "at,by,looked_at"
    assert len(viewers) == 5
    for page, words in (
        (english, ("li and wang, two officers,", "Suspected illegal parking")),
        (chinese, ("民警 li 与 wang", "疑似违法停车")),
    ):
        for word in (case, thumbprint(office.key), *words):
            assert word in page


class Corner:
    """A finder that finds one face in a corner."""

    def find(self, _picture: object) -> list[Place]:
        return [(10.0, 10.0, 60.0, 60.0)]


def test_redacted_copies_of_stills_and_clip_are_beside_the_originals(office, tmp_path) -> None:
    case, target = office.case(), tmp_path / "b.zip"
    index = export(Office(office.db, office.store, office.key, None, Redactor([Corner()])), case, "li", target)
    copies = {file.name: file.of for file in index.files if file.what == "redacted"}
    originals = {file.name: file.sha256 for file in index.files if file.what == "original"}
    assert set(copies.values()) == set(originals.values())
    assert sorted(copies) == [name.replace("originals", "redacted") for name in sorted(originals)]
    assert not {file.sha256 for file in index.files if file.what == "redacted"} & set(originals.values())
    verify(target, office.trust if office.heads.exists() else Trust())


def test_a_hole_in_the_chain_is_pending_and_never_bad(office, tmp_path) -> None:
    office.case()
    lost = office.box.say(EventType.CLOSED, ended("lost"))
    case = office.case()
    office.box.say(EventType.CLOSED, ended("lost too"))
    office.case()
    path = office.bundle(case, tmp_path / "b.zip")
    said = verify(path, Trust())
    assert any(line.startswith("pending  2 event(s)") for line in said), said
    assert intake_of(office.db).take([lost])[0].outcome == "stored"
    said = verify(office.bundle(case, tmp_path / "later.zip"), Trust())
    assert any(line.startswith("pending  1 event(s)") for line in said), said


def test_a_picture_that_has_not_arrived_is_named(office, tmp_path) -> None:
    files = [still(n) for n in range(901, 905)]
    messages = [decision(office.box, violation("slow")), office.box.say(EventType.MANIFEST, manifest("slow", files))]
    intake_of(office.db).take(messages)
    for raw in files[:2]:
        office.keep(raw)
    said = verify(office.bundle(f"{DAY}-0001", tmp_path / "b.zip"), Trust())
    assert {line.split()[1].rstrip(":") for line in said if line.startswith("missing")} == {
        sha256_hex(raw) for raw in files[2:]
    }


def test_an_export_sees_the_export_before_it(office, tmp_path) -> None:
    case = office.case()
    office.bundle(case, tmp_path / "one.zip")
    path = office.bundle(case, tmp_path / "two.zip")
    archive = bundle_archive.Archive(io.BytesIO(path.read_bytes()))
    lines = [json.loads(one["line"]) for one in json.loads(archive.read(bundle.ENTRIES, 10**8))["entries"]]
    assert [one["action"] for one in lines if one["kind"] == "case"].count("exported") == 2
    verify(path, Trust())


def test_what_cannot_be_exported_is_told_and_leaves_nothing(office, tmp_path) -> None:
    case = office.case()
    for number, by, match in ((f"{DAY}-9999", "li", "there is none"), (case, "nobody", "no such account")):
        with pytest.raises(InputError, match=match):
            export(office.office, number, by, tmp_path / "b.zip")
    (tmp_path / "there.zip").write_bytes(b"mine")
    with pytest.raises(InputError, match="is there already"):
        export(office.office, case, "li", tmp_path / "there.zip")
    with pytest.raises(InputError, match="is no folder"):
        export(office.office, case, "li", tmp_path / "none" / "b.zip")
    assert (tmp_path / "there.zip").read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir() if path.suffix in {".zip", ".part"}] == ["there.zip"]
    with office.db.read() as session:
        assert all(line.action != "exported" for line in tickets.case(session, case, None).history)


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"x" * 1000, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_bundle_is_refused(raw, tmp_path) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(raw)
    with pytest.raises(SealError, match="the archive"):
        verify(path, Trust())
    with pytest.raises(InputError, match="cannot be read"):
        verify(tmp_path / "none.zip", Trust())


def test_a_bundle_is_for_its_owner_alone(office, tmp_path) -> None:
    target = tmp_path / "b.zip"
    (tmp_path / ".b.zip.part").write_bytes(b"of an export that was killed")
    office.publish()
    office.bundle(office.case(), target)
    assert target.stat().st_mode & 0o077 == 0
    assert not (tmp_path / ".b.zip.part").exists()


def test_a_stretch_without_end_stops_at_the_first_missing_place() -> None:
    said = bundle.Exported(events=[], originals=[], chain=[("c", 0, 10**15)], lines=0, views=0)
    head = SignedHead(Head(office="o", size=0, root="0" * 64, at=now()), b"", "")
    with pytest.raises(SealError, match="event 0 is missing"):
        linked(Ledger(head, head, None, ()), said)


def test_a_bomb_is_refused_unfolded(tmp_path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr(bundle.INDEX, bytes(200_000_000))
    with pytest.raises(SealError, match="is not as it was written"):
        verify(path, Trust())
