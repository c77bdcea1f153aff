"""Central's HTTP front: boxes leave media and enrol, people sign in and decide, and nobody gets a 500."""

import hashlib
import json
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest
from central_kit import DAY, Box, decision, evidence, intake_of, open_db, picture, violation
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, select, text

from central.accounts import passwords
from central.accounts import service as accounts
from central.accounts.roles import OFFICER, Role
from central.app import create_app
from central.db import migrate
from central.db.accounts import UserSession, ViewLog
from central.db.database import Database
from central.db.edges import EnrolCode
from central.db.media import Media
from central.edges import enrolment
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.events import EventType, now
from contract.sealing import new_key, public_jwk, sha256_hex, sign_detached, thumbprint

LIMIT = 2_000_000
PASSWORD = "correct horse battery"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_db(tmp_path)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "media", LIMIT)


@pytest.fixture
def client(db: Database, store: FolderStore) -> Iterator[TestClient]:
    # Faults of ours come out as faults, not as a 500 that a test could take for an answer.
    with TestClient(create_app(db, store, Metrics(db)), raise_server_exceptions=True) as made:
        yield made


@pytest.fixture
def box(db: Database) -> Box:
    made = Box()
    made.enrol(db)
    return made


def put(client: TestClient, box: Box, raw: bytes, **changes: object) -> object:
    offset = int(str(changes.get("offset", 0)))
    headers = {
        "Authorization": str(changes.get("token", box.token())),
        "Upload-Offset": str(offset),
        "Upload-Length": str(changes.get("total", len(raw))),
    }
    body = changes.get("body", raw[offset:])
    return client.put(f"/edge/v1/media/{changes.get('name', sha256_hex(raw))}", content=body, headers=headers)


def head(client: TestClient, box: Box, raw: bytes) -> object:
    return client.head(f"/edge/v1/media/{sha256_hex(raw)}", headers={"Authorization": box.token()})


def test_media_arrives_whole_and_once(client: TestClient, box: Box, db: Database, store: FolderStore) -> None:
    raw = picture("a")
    assert head(client, box, raw).status_code == 404
    done = put(client, box, raw)
    assert (done.status_code, done.headers["upload-complete"], done.headers["upload-offset"]) == (
        201,
        "?1",
        str(len(raw)),
    )
    assert store.path(sha256_hex(raw)).read_bytes() == raw
    again = put(client, box, raw)
    assert (again.status_code, again.headers["upload-complete"]) == (201, "?1")
    with db.read() as session:
        (row,) = session.execute(select(Media)).scalars()
    assert (row.size, row.complete, row.edge_id) == (len(raw), True, "edge-01")


def test_an_upload_goes_on_where_it_broke(client: TestClient, box: Box, store: FolderStore) -> None:
    raw = hashlib.sha256(b"x").digest() * 20_000
    assert put(client, box, raw, body=raw[:100_000]).status_code == 409
    where = head(client, box, raw)
    assert (where.status_code, where.headers["upload-offset"], where.headers["upload-complete"]) == (
        200,
        "100000",
        "?0",
    )
    wrong = put(client, box, raw, offset=5)
    assert (wrong.status_code, wrong.headers["upload-offset"]) == (409, "100000")
    assert put(client, box, raw, offset=100_000).status_code == 201
    assert store.path(sha256_hex(raw)).read_bytes() == raw


def test_wrong_bytes_are_thrown_away(client: TestClient, box: Box, store: FolderStore, tmp_path: Path) -> None:
    raw = picture("a")
    wrong = put(client, box, raw, body=raw[:-1] + b"?")
    assert (wrong.status_code, "not what the name says" in wrong.json()["detail"]) == (422, True)
    assert head(client, box, raw).status_code == 404
    assert [file for file in (tmp_path / "media").rglob("*") if file.is_file()] == []
    assert put(client, box, raw).status_code == 201


def test_too_large_is_refused_before_and_while_it_comes(client: TestClient, box: Box) -> None:
    raw = picture("a")
    assert put(client, box, raw, total=LIMIT + 1).status_code == 413
    assert put(client, box, raw, total=len(raw) - 1).status_code == 413
    assert put(client, box, raw, total=2**60).status_code == 422


def test_one_box_cannot_spoil_the_upload_of_another(client: TestClient, box: Box, db: Database) -> None:
    other = Box("edge-02")
    other.enrol(db)
    raw = picture("a") * 10
    assert put(client, other, raw, body=b"garbage").status_code == 409
    assert head(client, box, raw).status_code == 404
    assert put(client, box, raw).status_code == 201


def test_what_was_stored_before_a_crash_is_entered_when_asked_for(
    client: TestClient, box: Box, db: Database, store: FolderStore
) -> None:
    raw = picture("a")
    assert put(client, box, raw).status_code == 201
    with db.write() as session:
        session.delete(session.get_one(Media, sha256_hex(raw)))
    assert head(client, box, raw).headers["upload-complete"] == "?1"
    with db.read() as session:
        assert session.get_one(Media, sha256_hex(raw)).complete


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fetc%2fpasswd", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 65, "a" * 63 + "%00", "%2e%2e", "é" * 64],
)
def test_no_other_name_ever_becomes_a_path(client: TestClient, box: Box, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    answer = put(client, box, b"x", name=name)
    assert answer.status_code in {400, 404, 405}
    assert {file for file in tmp_path.rglob("*") if "sqlite" not in file.name} == {
        file for file in before if "sqlite" not in file.name
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "edge-02"},
        {"aud": "another-central"},
        {"exp": 99_999_999_999},
        {"iat": 0, "exp": 300},
        {"iat": None},
        {"iat": "now"},
        {"exp": True},
    ],
)
def test_a_token_that_does_not_fit_is_refused(client: TestClient, box: Box, changes: dict[str, object]) -> None:
    assert put(client, box, b"x", token=box.token(**changes)).status_code == 401


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer " + "x" * 9000])
def test_no_token_is_refused(client: TestClient, box: Box, token: str) -> None:
    assert put(client, box, b"x", token=token).status_code == 401


def test_a_token_of_another_key_is_refused(client: TestClient, box: Box, db: Database) -> None:
    assert put(client, Box(), b"x").status_code == 401
    with db.write() as session:
        enrolment.revoke(session, box.edge_id)
    assert put(client, box, b"x").status_code == 403


def enrol(client: TestClient, code: str, edge_id: str = "edge-07", **changes: object) -> object:
    key = new_key()
    body = {
        "code": code,
        "edge_id": edge_id,
        "public_key": public_jwk(key),
        "proof": sign_detached(f"{code}:{edge_id}".encode(), key),
    }
    answer = client.post("/edge/v1/enrol", json=body | changes)
    if answer.status_code == 200:
        assert answer.json() == {"edge_id": edge_id, "kid": thumbprint(key)}
    return answer


def code_for(db: Database, edge_id: str = "edge-07") -> str:
    with db.write() as session:
        return enrolment.issue_code(session, edge_id)


def test_a_code_lets_one_box_in_once(client: TestClient, db: Database) -> None:
    code = code_for(db)
    assert enrol(client, code).status_code == 200
    again = enrol(client, code)
    assert (again.status_code, "used" in again.json()["detail"]) == (403, True)


def test_a_code_is_kept_as_its_hash_and_ends(client: TestClient, db: Database) -> None:
    code = code_for(db)
    with db.write() as session:
        (row,) = session.execute(select(EnrolCode)).scalars()
        assert code not in row.code_hash
        row.expires_at = now()
    assert enrol(client, code).status_code == 403


def test_a_code_is_for_its_box_and_its_key(client: TestClient, db: Database) -> None:
    code = code_for(db)
    assert enrol(client, code, edge_id="edge-08").status_code == 403
    assert enrol(client, code, proof=sign_detached(f"{code}:edge-07".encode(), new_key())).status_code == 403
    secret = new_key().as_dict(private=True)
    assert enrol(client, code, public_key=secret).status_code == 403
    assert enrol(client, code).status_code == 200


def test_guessing_codes_ends_soon(client: TestClient) -> None:
    answers = [enrol(client, f"AAAA-BBBB-{index:04d}").status_code for index in range(12)]
    assert answers == [403] * 10 + [429] * 2


def officer(
    client: TestClient, db: Database, name: str = "li", role: Role | Collection[Role] = OFFICER
) -> dict[str, str]:
    with db.write() as session:
        accounts.add_user(session, name, role, PASSWORD)
    answer = client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    return {"X-CSRF-Token": answer.json()["csrf"]}


def test_a_session_begins_and_ends(client: TestClient, db: Database) -> None:
    csrf = officer(client, db)
    token = client.cookies["sightline_session"]
    with db.read() as session:
        (row,) = session.execute(select(UserSession)).scalars()
    assert token not in (row.token_hash, row.csrf)
    assert client.get("/api/v1/session").json()["name"] == "li"
    assert client.delete("/api/v1/session").status_code == 403
    assert client.delete("/api/v1/session", headers=csrf).status_code == 204
    client.cookies.set("sightline_session", token)
    assert client.get("/api/v1/session").status_code == 401


def test_guessing_passwords_ends_soon_and_says_nothing(client: TestClient, db: Database) -> None:
    officer(client, db)
    wrong = [client.post("/api/v1/session", json={"name": "li", "password": "wrong"}) for _ in range(6)]
    assert [answer.status_code for answer in wrong] == [401] * 5 + [429]
    nobody = client.post("/api/v1/session", json={"name": "nobody\x00", "password": "wrong"})
    assert (nobody.status_code, nobody.json()) == (401, wrong[0].json())
    assert client.post("/api/v1/session", json={"name": "li", "password": PASSWORD}).status_code == 429


def test_who_waits_too_long_for_a_turn_to_sign_in_is_sent_away(client: TestClient, db: Database, monkeypatch) -> None:
    officer(client, db)
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.05)
    given, form = {"name": "li", "password": PASSWORD}, {"Accept": "text/html", "Accept-Language": "en"}
    with passwords._AT_ONCE, passwords._AT_ONCE:
        busy = client.post("/api/v1/session", json=given)
        page = client.post("/sign-in", data=given, headers=form)
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "5")
    assert busy.json() == {"detail": "too many others are signing in - try again shortly"}
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "Too many others are signing in just now." in page.text
    assert client.post("/api/v1/session", json=given).status_code == 201


def test_who_is_over_the_limit_waits_for_no_turn(client: TestClient, db: Database, monkeypatch) -> None:
    officer(client, db)
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.05)
    wrong = {"name": "li", "password": "wrong"}
    assert [client.post("/api/v1/session", json=wrong).status_code for _ in range(5)] == [401] * 5
    with passwords._AT_ONCE, passwords._AT_ONCE:
        assert client.post("/api/v1/session", json=wrong).status_code == 429


def case_in_review(client: TestClient, db: Database, box: Box) -> str:
    manifest, files = evidence()
    intake_of(db).take([decision(box, violation()), box.say(EventType.MANIFEST, manifest)])
    for raw in files:
        assert put(client, box, raw).status_code == 201
    return f"{DAY}-0001"


def test_media_of_a_case_with_ranges_and_every_look_noted(client: TestClient, db: Database, box: Box) -> None:
    number, clip = case_in_review(client, db, box), evidence()[1][-1]
    path = f"/api/v1/cases/{number}/media/{sha256_hex(clip)}"
    assert client.get(path).status_code == 401
    officer(client, db)
    part = client.get(path, headers={"Range": "bytes=4-11"})
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, clip[4:12], "video/mp4")
    assert part.headers["x-content-type-options"] == "nosniff"
    assert client.get(f"/api/v1/cases/{number}").status_code == 200
    assert client.get(f"/api/v1/cases/{number}/media/{'0' * 64}").status_code == 404
    with db.read() as session:
        looks = session.execute(select(ViewLog.sha256).order_by(ViewLog.id)).scalars().all()
    assert looks == [sha256_hex(clip), None]


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "image/jpeg\r\nX: y"])
def test_a_box_cannot_choose_what_a_browser_runs(client: TestClient, db: Database, box: Box, kind: str) -> None:
    manifest, files = evidence()
    images = [one.model_copy(update={"media_type": kind}) for one in manifest.images]
    manifest = manifest.model_copy(update={"images": images})
    intake_of(db).take([decision(box, violation()), box.say(EventType.MANIFEST, manifest)])
    put(client, box, files[0])
    officer(client, db)
    answer = client.get(f"/api/v1/cases/{DAY}-0001/media/{sha256_hex(files[0])}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "sandbox"


def test_many_hands_on_one_case_decide_it_once(client: TestClient, db: Database, box: Box) -> None:
    number = case_in_review(client, db, box)
    csrf = officer(client, db)
    version = client.get(f"/api/v1/cases/{number}").json()["version"]
    answers: list[int] = []
    together = Barrier(8)

    def hand(index: int) -> None:
        together.wait()
        step, body = ("approve", {"version": version}) if index % 2 else ("reject", {"version": version, "code": "R01"})
        answers.append(client.post(f"/api/v1/cases/{number}/{step}", json=body, headers=csrf).status_code)

    threads = [Thread(target=hand, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7
    view = client.get(f"/api/v1/cases/{number}").json()
    assert len([line for line in view["history"] if line["action"] in {"approve", "reject"}]) == 1


STRANGE = [
    "",
    "\x00",
    "\ud800",
    "x" * 100_000,
    "<script>alert(1)</script>",
    "'; DROP TABLE cases; --",
    "\u202eabc",
    "🚗",
]


@pytest.mark.parametrize("text", STRANGE)
def test_strange_text_is_kept_as_text_or_refused(client: TestClient, db: Database, box: Box, text: str) -> None:
    number, csrf = case_in_review(client, db, box), officer(client, db)
    version = client.get(f"/api/v1/cases/{number}").json()["version"]
    tries = [
        (f"/api/v1/cases/{number}/reject", {"version": version, "code": text}),
        (f"/api/v1/cases/{number}/approve", {"version": version, "answers": {text: text}}),
        (f"/api/v1/cases/{number}/approve", {"version": text}),
        (f"/api/v1/cases/{number}/reject", {"version": version, "code": "R16", "note": text}),
    ]
    for path, body in tries:
        answer = client.post(path, content=json.dumps(body), headers=csrf | {"Content-Type": "application/json"})
        assert answer.status_code in {200, 409, 422}
        if answer.status_code == 200:
            assert answer.json()["note"] == text
        else:
            assert len(answer.json()["detail"]) < 400


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/cases?state=NONE",
        "/api/v1/cases?limit=0",
        "/api/v1/cases?limit=x",
        "/api/v1/cases?after=x",
        "/api/v1/cases?after=%00",
        "/api/v1/cases/%00",
        f"/api/v1/cases/{DAY}-9999",
        f"/api/v1/cases/{DAY}-0001/media/..%2f..%2fcentral.sqlite",
        "/api/v1/nothing",
    ],
)
def test_a_bad_question_gets_a_sentence(client: TestClient, db: Database, path: str) -> None:
    officer(client, db)
    answer = client.get(path)
    assert answer.status_code in {404, 422}
    assert answer.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"name": 1}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_none_gets_a_sentence(client: TestClient, body: bytes) -> None:
    for path in ("/api/v1/session", "/edge/v1/enrol"):
        answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 422}
        assert answer.json()["detail"]


@pytest.mark.parametrize("path", ["/healthz", "/sign-in", "/api/v1/session", "/nothing"])
def test_every_answer_has_the_strict_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")


def test_health_tells_what_is_wrong(client: TestClient, db: Database) -> None:
    well = client.get("/healthz")
    assert (well.status_code, well.json()["broker"]) == (200, "not used")
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    ill = client.get("/healthz")
    assert (ill.status_code, ill.json()["migrations"]) == (503, "at 0000")


def test_a_newer_version_on_disk_makes_nobody_unwell(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pip install` under a running central: it goes on by the schema that its own code wants, until it is restarted."""
    assert client.get("/healthz").status_code == 200
    newer = tmp_path / "migrations"
    shutil.copytree(migrate._FOLDER, newer)
    (newer / "versions" / "9999_newer.py").write_text(f"revision = '9999'\ndown_revision = {migrate.head()!r}\n")
    monkeypatch.setattr(migrate, "_FOLDER", newer)
    assert client.get("/healthz").json()["migrations"] == "current"


@pytest.mark.parametrize("path", ["/api/v1/session", "/edge/v1/enrol", "/api/v1/cases/1/approve", "/sign-in"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_without_end_is_refused_unread(client: TestClient, path: str, announced: bool) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    kind = {"Content-Type": "application/x-www-form-urlencoded" if path == "/sign-in" else "application/json"}
    content = b"".join(body()) if announced else body()
    answer = client.post(path, content=content, headers=kind)
    assert answer.status_code == 413, answer.text


@pytest.mark.parametrize("name", ["%00", "a%00.css", "..%2f..%2fapp.py", "%0a.js"])
def test_a_static_name_that_is_no_path(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_a_pool_without_a_free_connection_is_busy_and_no_fault(tmp_path: Path, store: FolderStore) -> None:
    db = open_db(tmp_path)
    db.engine.dispose()
    db.engine = create_engine(db.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    with TestClient(create_app(db, store, Metrics(db)), raise_server_exceptions=False) as client:
        client.cookies.update({"sightline_notice": "x", "sightline_session": "x"})
        with db.read() as session:
            session.execute(text("SELECT 1"))
            answers = [client.get(path, headers={"Accept": "text/html"}) for path in ("/q/notice", "/", "/notices")]
            answers.append(client.get("/api/v1/cases"))
        assert [(one.status_code, one.headers["retry-after"]) for one in answers] == [(503, "5")] * 4
        assert "try again shortly" in answers[0].text and "try again shortly" in answers[3].json()["detail"]
    db.close()
