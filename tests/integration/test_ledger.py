"""The ledger against a real database and a real broker: whatever is written is entered, once, for good."""

import itertools
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from bundle_kit import Bureau, bureau
from deliver_peers import Mosquitto
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import DBAPIError
from time_peers import TimeAuthority

from central.config import Broker, CentralConfig, Ledger
from central.db.accounts import ViewLog
from central.db.ledger import LedgerHead, LedgerLeaf
from central.edges import enrolment
from central.ledger import entries, heads, tree, triggers
from central.ledger.authority import Authority, authority_of
from central.ledger.keeper import Keeper, catch_up, keeper_of
from central.ledger.key import office_key
from contract import stamp
from contract.errors import BrokerError, ConfigError, RunError, SealError
from contract.events import now
from contract.ledger import HEAD_TOPIC, read_line
from contract.merkle import consistency_proof, consistent, included, inclusion_proof, leaf_hash, root
from contract.sealing import new_key, thumbprint
from sightline.broker import EmbeddedBroker
from sightline.evidence.export import Office, export
from sightline.evidence.verify import Trust, verify


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Bureau]:
    made = bureau(tmp_path / "office")
    yield made
    made.db.close()


def leaves(office: Bureau) -> list[LedgerLeaf]:
    with office.db.read() as session:
        return list(session.execute(select(LedgerLeaf).order_by(LedgerLeaf.place)).scalars())


def test_whatever_way_a_row_comes_in_it_is_entered_and_proven(office) -> None:
    number = office.case()
    with office.db.write() as session:
        case_id = session.execute(text("SELECT id FROM cases")).scalar_one()
        view = {"at": now(), "user_id": office.officer.id, "case_id": case_id, "sha256": None}
        session.execute(insert(ViewLog), [view, view])
        session.execute(insert(ViewLog.__table__).values(**view))
    catch_up(office.db)
    kinds = [leaf.kind for leaf in leaves(office)]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "key": 1, "event": 3, "case": 7, "view": 7, "account": 2,
    }  # fmt: skip
    with office.db.read() as session:
        size, nodes = tree.size(session), tree.nodes_of(session)
        for leaf in leaves(office):
            line = entries.lines(session, [(leaf.kind, leaf.ref)])[leaf.kind, leaf.ref]
            path = inclusion_proof(leaf.place, size, nodes)
            assert included(leaf_hash(line), leaf.place, size, path, root(size, nodes))
    assert catch_up(office.db) == 0
    assert number


class Between(threading.Event):
    """Somebody else who writes whenever the keeper rests; on SQLite that waits in vain while its transaction is open."""

    def __init__(self, office: Bureau) -> None:
        super().__init__()
        self.office, self.rests = office, []

    def wait(self, timeout: float | None = None) -> bool:
        with self.office.db.write() as session:
            session.execute(text("UPDATE cases SET version = version"))
        self.rests.append(timeout)
        return False


def looks(office: Bureau, count: int) -> None:
    """So many lines of the viewer log, past the ORM."""
    with office.db.write() as session:
        case_id = session.execute(text("SELECT id FROM cases")).scalar_one()
        view = {"at": now(), "user_id": office.officer.id, "case_id": case_id, "sha256": None}
        session.execute(insert(ViewLog), [view] * count)


def test_a_batch_costs_the_same_few_questions_however_many_wait(office) -> None:
    office.case()
    catch_up(office.db)
    asked: list[str] = []
    event.listen(office.db.engine, "before_cursor_execute", lambda _1, _2, said, *_: asked.append(said))
    costs = []
    for count in (10, 450):
        looks(office, count)
        asked.clear()
        assert catch_up(office.db) == count
        costs.append(len([said for said in asked if "ledger_nodes" not in said]))
    assert costs[0] == costs[1]
    # Some nodes at the edge of the tree are read: about log2 of its size, not as many as there are entries.
    assert len(asked) < 40


def test_others_write_between_the_batches_of_a_long_queue(office) -> None:
    office.case()
    catch_up(office.db)
    looks(office, 2 * tree.BATCH + 7)
    between = Between(office)
    assert catch_up(office.db, between) == 2 * tree.BATCH + 7
    # SQLite's own waiters look every 0.1 s: a shorter rest would pass them by.
    assert len(between.rests) == 2 and min(between.rests) > 0.1


def test_the_end_of_a_key_is_entered(office) -> None:
    office.box.key = type(office.box)().key
    office.box.enrol(office.db)
    with office.db.write() as session:
        enrolment.revoke(session, "edge-01")
    catch_up(office.db)
    kinds = sorted(leaf.kind for leaf in leaves(office))
    assert kinds == ["account", "account", "key", "key", "key-retired", "key-revoked", "key-revoked"]


def test_leaves_and_nodes_cannot_be_changed_or_removed(office) -> None:
    office.case()
    office.publish()
    for statement in (
        "UPDATE ledger_leaves SET ref = 'x'", "DELETE FROM ledger_leaves", "UPDATE ledger_nodes SET hash = hash",
        "DELETE FROM ledger_nodes", "DELETE FROM ledger_heads",
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match="only added to"), office.db.write() as session:
            session.execute(text(statement))


def test_a_trigger_that_was_dropped_is_named(office) -> None:
    on = "" if office.db.engine.dialect.name == "sqlite" else " ON view_log"
    with office.db.engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER ledger_view{on}")
        with pytest.raises(RunError, match="ledger_view"):
            triggers.require(connection)
        triggers.install(connection)
        triggers.require(connection)


def test_several_keepers_enter_everything_once(office) -> None:
    for _ in range(3):
        office.case()
    failed: list[Exception] = []

    def work() -> None:
        try:
            while catch_up(office.db):
                pass
        except Exception as error:
            failed.append(error)

    keepers = [threading.Thread(target=work) for _ in range(4)]
    for one in keepers:
        one.start()
    for one in keepers:
        one.join(60)
    assert not failed
    found = leaves(office)
    assert [leaf.place for leaf in found] == list(range(len(found)))
    assert len({(leaf.kind, leaf.ref) for leaf in found}) == len(found) == 3 + 3 * (3 + 7 + 4)


def test_a_head_a_day_each_going_on_from_the_one_before(office, monkeypatch) -> None:
    office.case()
    office.publish()
    office.publish()
    moment = now()
    for day in (1, 2):
        office.case()
        monkeypatch.setattr(heads, "now", lambda day=day: moment + timedelta(days=day))
        office.publish()
    lines = [read_line(line, office.key) for line in office.heads.read_text().splitlines()]
    assert [line.head.size for line in lines] == sorted({line.head.size for line in lines})
    assert len(lines) == 3
    with office.db.read() as session:
        nodes = tree.nodes_of(session)
        for old, new in itertools.pairwise(lines):
            way = consistency_proof(old.head.size, new.head.size, nodes)
            assert consistent(
                old.head.size, bytes.fromhex(old.head.root), new.head.size, bytes.fromhex(new.head.root), way
            )


def test_a_file_of_heads_that_was_changed_is_never_written_over(office) -> None:
    office.case()
    office.publish()
    office.heads.write_text(office.heads.read_text().replace('"head"', '"tail"'))
    before = office.heads.read_text()
    with pytest.raises(RunError, match=r"heads\.jsonl: holds other heads"):
        office.publish()
    assert office.heads.read_text() == before


def test_the_office_key_is_private_and_never_replaced_unnoticed(office) -> None:
    path = office.folder / "office.jwk"
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    with office.db.read() as session, pytest.raises(ConfigError, match="others can read"):
        office_key(session, path)
    path.chmod(0o600)
    office.case()
    office.publish()
    path.rename(path.with_suffix(".lost"))
    with office.db.read() as session, pytest.raises(ConfigError, match="restore it from its backup"):
        office_key(session, path)
    other = bureau(office.folder / "other")
    (other.folder / "office.jwk").rename(path)
    other.db.close()
    with office.db.read() as session, pytest.raises(RunError, match="is not the key"):
        office_key(session, path)


def test_of_two_machines_with_a_key_each_the_second_signs_nothing(office) -> None:
    office.case()
    other = new_key()
    office.publish()
    for tomorrow in (None, "2999-01-01"):
        with pytest.raises(RunError, match=r"copy office\.jwk") as told, office.db.write() as session:
            heads.make(session, other, tomorrow) if tomorrow else heads.of_today(session, other)
        assert thumbprint(office.key) in str(told.value) and thumbprint(other) in str(told.value)
    office.case()
    office.publish()
    with office.db.read() as session:
        assert set(session.execute(select(LedgerHead.kid)).scalars()) == {thumbprint(office.key)}


def test_a_machine_without_the_key_that_signs_leaves_the_ledger_to_the_one_that_has_it(office, capsys) -> None:
    config = CentralConfig(data_dir=office.folder / "second")
    office.case()
    office.publish()
    assert keeper_of(config, office.db) is None
    assert not config.ledger_key.exists()
    assert "copy it here" in capsys.readouterr().out
    assert keeper_of(config.model_copy(update={"data_dir": office.folder}), office.db) is not None


def test_a_clock_that_was_ahead_does_not_stop_publication(office, monkeypatch) -> None:
    moment = now()
    for day in (9, 0, 1):
        office.case()
        monkeypatch.setattr(heads, "now", lambda day=day: moment + timedelta(days=day))
        office.publish()
    lines = [read_line(line, office.key) for line in office.heads.read_text().splitlines()]
    assert [line.head.at.date() for line in lines] == [(moment + timedelta(days=d)).date() for d in (9, 0, 1)]
    with office.db.read() as session:
        newest = heads.last_published(session, tree.size(session))
    assert newest is not None and newest.size == lines[-1].head.size


def test_an_authority_is_asked_with_the_database_free_and_left_alone_after_a_failure(office, monkeypatch) -> None:
    asked: list[bytes] = []

    class Away(Authority):
        def stamp(self, message: bytes) -> bytes:
            with office.db.write() as session:  # waits for ever on SQLite where a transaction is open
                session.execute(text("UPDATE ledger_tree SET size = size"))
            asked.append(message)
            raise RunError("away")

    office.case()
    keeper = Keeper(office.db, office.key, office.heads, authority=Away("http://127.0.0.1:1/", []))
    keeper.round()
    assert len(asked) == 1
    read: list[int] = []
    published = heads.published
    monkeypatch.setattr(heads, "published", lambda session: read.append(1) or published(session))
    keeper.round()
    assert (len(asked), read) == (1, [])
    keeper._rest_until = 0.0
    keeper.round()
    assert (len(asked), read) == (2, [])
    office.heads.unlink()
    keeper.round()
    assert read == [1] and office.heads.exists()


def subscriber(port: int, name: str) -> tuple[Client, list[bytes], threading.Event]:
    heard: list[bytes] = []
    came = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(name, f"pw-{name}")
    client.on_connect = lambda *_: client.subscribe(HEAD_TOPIC, qos=1)

    def on_message(_client, _data, message) -> None:
        heard.append(message.payload)
        came.set()

    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client, heard, came


def test_the_head_is_kept_by_the_broker_and_no_box_can_write_it(office, tmp_path, free_port) -> None:
    broker = Mosquitto(tmp_path / "mosquitto", free_port, {"central": "pw-central", "edge-01": "pw-edge-01"})
    broker.start()
    try:
        office.case()
        (tmp_path / "password").write_text("pw-central")
        central = Broker(port=free_port, username="central", password_file=tmp_path / "password")
        Keeper(office.db, office.key, office.heads, central).round()
        box = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        box.username_pw_set("edge-01", "pw-edge-01")
        box.connect("127.0.0.1", free_port)
        box.loop_start()
        box.publish(HEAD_TOPIC, b"forged", qos=1, retain=True).wait_for_publish(10)
        box.disconnect()
        box.loop_stop()
        client, heard, came = subscriber(free_port, "central")
        assert came.wait(10)
        client.disconnect()
        client.loop_stop()
        assert read_line(heard[0].decode(), office.key).as_line() == office.heads.read_text().splitlines()[-1]
        with office.db.read() as session:
            assert session.execute(select(LedgerHead.announced_at)).scalar_one() is not None
    finally:
        broker.kill()
    with office.db.write() as session:
        session.execute(select(LedgerHead)).scalar_one().announced_at = None
    with pytest.raises(BrokerError, match="did not take the ledger's head"):
        Keeper(office.db, office.key, office.heads, central).round()


def test_the_broker_of_the_demo_takes_the_head_as_well(office, tmp_path, free_port) -> None:
    (tmp_path / "password").write_text("pw-central")
    office.case()
    with EmbeddedBroker(tmp_path / "broker", free_port, {"central": "pw-central"}):
        central = Broker(port=free_port, username="central", password_file=tmp_path / "password")
        Keeper(office.db, office.key, office.heads, central).round()
    with office.db.read() as session:
        assert session.execute(select(LedgerHead.announced_at)).scalar_one() is not None


@pytest.fixture(scope="module")
def timestamps(tmp_path_factory) -> Iterator[tuple[str, Path, Path]]:
    """An authority on this machine: its address, its root, and the root of another one."""
    authority = TimeAuthority(tmp_path_factory.mktemp("tsa"))
    yield authority.url, authority.root, authority.other
    authority.close()


def test_an_authority_stamps_the_head_and_the_bundle_shows_it(office, tmp_path, timestamps) -> None:
    url, ca, other = timestamps
    case = office.case()
    authority = authority_of(Ledger(timestamp_url=url, timestamp_ca=ca))
    assert authority is not None
    Keeper(office.db, office.key, office.heads, authority=authority).round()
    with office.db.read() as session:
        row = session.execute(select(LedgerHead)).scalar_one()
    assert abs(stamp.checked(row.stamp, row.raw, authority.roots) - now()) < timedelta(minutes=2)
    with pytest.raises(SealError, match="timestamp does not hold"):
        stamp.checked(row.stamp, row.raw + b" ", authority.roots)
    target = tmp_path / "stamped.zip"
    export(Office(office.db, office.store, office.key, authority), case, "li", target)
    said = verify(target, Trust(heads=office.heads, authority=ca))
    assert any(line.startswith("stamped") for line in said)
    with pytest.raises(SealError, match=r"ledger/head\.tsr"):
        verify(target, Trust(authority=other))


def test_an_authority_that_is_away_or_not_the_one_stops_nothing_and_is_told(
    office, tmp_path, timestamps, free_port
) -> None:
    url, ca, other = timestamps
    case = office.case()
    away = authority_of(Ledger(timestamp_url=f"http://127.0.0.1:{free_port}/", timestamp_ca=ca))
    wrong = authority_of(Ledger(timestamp_url=url, timestamp_ca=other))
    for authority, match in ((away, "gives no timestamp"), (wrong, "does not hold")):
        with pytest.raises(RunError, match=match):
            authority.stamp(b"x")
        Keeper(office.db, office.key, office.heads, authority=authority).round()
        target = tmp_path / f"{match[:4]}.zip"
        index = export(Office(office.db, office.store, office.key, authority), case, "li", target)
        assert any("gave no stamp" in note for note in index.notes)
        verify(target, Trust(heads=office.heads))
    with office.db.read() as session:
        assert set(session.execute(select(LedgerHead.stamp)).scalars()) == {None}
