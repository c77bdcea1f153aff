"""Webhooks against real HTTP servers: signed, sent again, given up, never led elsewhere, and once whoever is killed."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from central_kit import person
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, update
from test_duty import on_duty
from test_polling_wall import MIN, NOW, fill

from central.accounts.roles import Role
from central.db.database import Database
from central.db.duty import DutyAlarm, DutyNotice, DutyShift
from central.duty import sending, telling, webhook
from central.duty.escalation import DEFAULT
from central.duty.webhook import Hooks, Letter, deliver, public
from central.tickets.errors import Unfit
from contract.events import now
from tests.schema_kit import SharedPostgres, sqlite_at
from tests.station_kit import trouble

Answer = Callable[[BaseHTTPRequestHandler], None]


class Hook:
    """A real receiver on loopback: what came, and an answer of the test's choosing."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None) -> None:
        self.came: list[tuple[dict[str, str], bytes]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
                answer(self)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *words: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> "Hook":
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def says(status: int, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("content-length", "0")
        request.end_headers()

    return answer


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    made = Hooks(tmp_path / "duty.key", "https://central.example", frozenset({"127.0.0.1"}))
    made.secret_of("https://x.example/")
    return made


def letter(port: int, path: str = "/told", scheme: str = "http", host: str = "127.0.0.1") -> Letter:
    return Letter("n-1", f"{scheme}://{host}:{port}{path}", 1, "007 Hall 7", "covered", NOW, "/duty#alarm-1")


def tried(hooks: Hooks, one: Letter) -> str | None:
    return asyncio.run(deliver(hooks, one))


def test_it_is_signed_as_kept_libraries_check_and_holds_four_things(hooks: Hooks) -> None:
    with Hook(says(204)) as hook:
        one = letter(hook.port, "/told?to=mei")
        assert tried(hooks, one) is None
        ((headers, body),) = hook.came
    assert json.loads(body) == {
        "station": "007 Hall 7", "check": "covered", "time": NOW.isoformat(), "link": "https://central.example/duty#alarm-1",
    }  # fmt: skip
    secret = base64.b64decode(hooks.secret_of(one.url).removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert (
        headers["webhook-signature"]
        == "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    )
    assert headers["webhook-id"] == "n-1" and abs(int(headers["webhook-timestamp"]) - time.time()) < 5
    assert headers["host"] == f"127.0.0.1:{hook.port}"
    other = base64.b64decode(hooks.secret_of("https://other.example/").removeprefix("whsec_"))
    assert other != secret and len(secret) == 32


def test_what_answers_badly_slowly_or_elsewhere_has_not_taken_it(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PATIENCE_S", 0.5)

    def drips(request: BaseHTTPRequestHandler) -> None:
        """A byte at a time, each well within any pause that is allowed."""
        for sign in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 50:
            request.wfile.write(bytes([sign]))
            request.wfile.flush()
            time.sleep(0.1)

    with Hook(says(200)) as inner, Hook(says(302, location=f"http://127.0.0.1:{inner.port}/")) as leads:
        assert "redirects are not followed" in str(tried(hooks, letter(leads.port)))
        assert inner.came == [] and len(leads.came) == 1
    with Hook(says(500)) as broken, Hook(lambda _: time.sleep(2)) as slow, Hook(drips) as dripping:
        assert tried(hooks, letter(broken.port)) == "it answered 500"
        begun = time.monotonic()
        assert "no answer" in str(tried(hooks, letter(slow.port)))
        assert "no answer" in str(tried(hooks, letter(dripping.port)))
        assert time.monotonic() - begun < 2
        gone = broken.port
    assert "cannot be reached" in str(tried(hooks, letter(gone)))


def test_only_whose_certificate_bears_its_name_is_told(hooks: Hooks, tmp_path: Path) -> None:
    ours, others = certificate(tmp_path, "127.0.0.1"), certificate(tmp_path, "10.9.9.9")
    for name, trusted, taken in ((ours, None, False), (ours, ours, True), (others, others, False)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(name)
        with Hook(says(200), context) as hook:
            said = tried(Hooks(hooks.key_file, "", hooks.hosts, trusted), letter(hook.port, scheme="https"))
            assert (said is None) is taken and bool(hook.came) is taken


def certificate(folder: Path, host: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    raw = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{host}.pem").write_bytes(raw + made.public_bytes(pem))
    return folder / f"{host}.pem"


def test_nothing_inside_is_reached_that_the_settings_do_not_name(tmp_path: Path) -> None:
    strict = Hooks(tmp_path / "duty.key", "", frozenset())
    strict.secret_of("https://x.example/")
    with Hook(says(200)) as hook:
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"):
            assert tried(strict, letter(hook.port, scheme="http", host=host)) is not None, host
            # It is not the handshake that fails: nothing is connected to at all.
            assert "private" in str(tried(strict, letter(hook.port, scheme="https", host=host))), host
        named = Hooks(strict.key_file, "", frozenset({f"127.0.0.1:{hook.port + 1}"}))
        assert tried(named, letter(hook.port)) is not None
        assert hook.came == []
    for url in (
        "ftp://a.example/", "https://u:p@a.example/", "https://a.example/#x", "https:///x", "file:///etc/passwd", "https://a.example\\@b/",
        "https://a.example/ x", "https://a.example:99999/", "https://ä.example/", "https://10.0.0.1/", "https://[fd00::1]/", "http://a.example/",
        "https://a.example/" + "x" * 600, "https://a%2eexample/",
    ):  # fmt: skip
        with pytest.raises(Unfit):
            strict.fit(url)
    assert strict.fit("https://a.example/hook?x=1")


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True), ("2600::1", True), ("10.1.2.3", False), ("100.64.0.1", False), ("169.254.169.254", False),
        ("::1", False), ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("64:ff9b::808:808", True),
        ("2002:a00:1::", False), ("224.0.0.1", False), ("255.255.255.255", False), ("fe80::1", False), ("0.0.0.0", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, is_public: bool) -> None:
    assert public(ip_address(address)) is is_public


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = (
        sqlite_at(tmp_path / "central.sqlite")
        if request.param == "sqlite"
        else request.getfixturevalue("postgres").migrated("hooks")
    )
    yield made
    made.close()


def told(db: Database, url: str) -> None:
    """One open alarm of which mei, who has a webhook, is to be told."""
    fill(db, 1)
    on_duty(db, "mei", 1)
    with db.write() as session:
        session.execute(update(DutyShift).values(webhook=url))
        trouble(session, 0, NOW)
    assert telling.look(db, DEFAULT, NOW)


def notice(db: Database) -> DutyNotice:
    with db.read() as session:
        return session.execute(select(DutyNotice)).scalar_one()


def test_it_is_tried_again_ever_later_and_given_up_at_last(db: Database) -> None:
    told(db, "https://a.example/")
    at, waits = NOW, []
    for _ in range(sending.TRIES):
        (one,) = sending.claim(db, at, 9)
        assert one.station == "000 Hall 0" and one.check == "covered"
        assert sending.claim(db, at, 9) == []
        sending.settle(db, one, "it answered 500", at)
        row = notice(db)
        if row.done_at is None:
            assert row.next_at is not None
            waits.append((row.next_at - at).total_seconds())
            at = row.next_at
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300] and notice(db).said == "it answered 500"
    assert sending.claim(db, at + timedelta(days=1), 9) == []


def test_who_was_answered_for_meanwhile_is_not_told_and_a_late_answer_counts(db: Database) -> None:
    told(db, "https://a.example/")
    (one,) = sending.claim(db, NOW, 9)
    (again,) = sending.claim(db, NOW + sending.LEASE, 9)
    assert again.id == one.id and again.tries == 2
    sending.settle(db, one, "late and bad", NOW + sending.LEASE)
    assert notice(db).said is None
    sending.settle(db, one, None, NOW + sending.LEASE)
    assert notice(db).done_at is not None
    with db.write() as session:
        session.execute(update(DutyNotice).values(done_at=None, next_at=NOW))
        session.execute(update(DutyAlarm).values(acknowledged_at=NOW, acknowledged_by="mei"))
    assert sending.claim(db, NOW + MIN, 9) == [] and notice(db).done_at == NOW + MIN


_SENDER = """
import os, sys, time
from datetime import timedelta
from pathlib import Path
from central.db import tables
from central.db.database import Database
from central.duty import sending, webhook
from central.duty.webhook import Hooks
dies, real = sys.argv[3] == "dies", webhook.deliver
async def deliver(hooks, letter):
    said = await real(hooks, letter)
    if dies: os.kill(os.getpid(), 9)     # it was taken, and nobody will ever know
    return said
webhook.deliver = deliver
sending.EVERY_S = 0.05
sender = sending.Sender(Database(sys.argv[1]), Hooks(Path(sys.argv[2]), "", frozenset({"127.0.0.1"})), timedelta(seconds=3))
sender.start()
time.sleep(30)
"""


def test_two_senders_tell_each_once_and_what_a_killed_one_held_is_told_again_under_its_id(
    postgres: SharedPostgres, hooks: Hooks
) -> None:
    db = postgres.migrated("hooks_killed")
    fill(db, 30)
    user = person(db, "mei", Role.MONITOR)
    here = now()
    with Hook(says(200)) as hook:
        url = f"http://127.0.0.1:{hook.port}/"
        with db.write() as session:
            session.add(
                DutyShift(
                    user_id=user.id,
                    level=1,
                    areas=[],
                    begin_at=here - MIN,
                    until_at=here + 60 * MIN,
                    phone="",
                    webhook=url,
                    made_by="chen",
                    made_at=here,
                )
            )
            for n in range(30):
                trouble(session, n, here)
        line = [sys.executable, "-c", _SENDER, db.engine.url.render_as_string(hide_password=False), str(hooks.key_file)]
        first = subprocess.Popen([*line, "dies"])
        assert telling.look(db, DEFAULT, now())
        assert first.wait(20) == -9
        rest = [subprocess.Popen([*line, "lives"]) for _ in range(2)]
        try:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                with db.read() as session:
                    left = session.execute(select(DutyNotice.id).where(DutyNotice.done_at.is_(None))).all()
                if not left:
                    break
                time.sleep(0.1)
        finally:
            for one in rest:
                one.kill()
                one.wait()
        came = [headers["webhook-id"] for headers, _ in hook.came]
    with db.read() as session:
        ids = set(session.execute(select(DutyNotice.id)).scalars())
    # The killed one had claimed all of them; which it had brought is known only to who took them.
    assert left == [] and set(came) == ids and len(ids) == 30 and len(came) <= 60
    print(f"\n30 notices, {len(came)} posts: {len(came) - 30} came again under their id after a kill")
    db.close()
