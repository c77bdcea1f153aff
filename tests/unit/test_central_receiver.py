"""The queue between the broker's thread and the worker, without either."""

from central_kit import open_db
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from central.config import Broker, Ingest
from central.ingest.receiver import MAX_BATCH_BYTES, Receiver
from central.metrics import Metrics


def test_a_new_connection_begins_with_an_empty_queue(tmp_path) -> None:
    db = open_db(tmp_path)
    metrics = Metrics(db)
    receiver = Receiver(Broker(), Ingest(in_flight=2), None, metrics)

    def connects() -> None:
        receiver._on_connect(receiver._client, None, None, ReasonCode(PacketTypes.CONNACK, "Success"), None)

    def brings(mid: int) -> None:
        message = MQTTMessage(mid, b"sightline/v1/edge-01/event")
        message.qos = 1
        receiver._on_message(receiver._client, None, message)

    # The database is away and the broker comes and goes: each time it brings as much as may be unacknowledged.
    for mid in range(6):
        if mid % 2 == 0:
            connects()
        brings(mid)
    assert metrics.dropped.labels("1")._value.get() == 0
    waiting = [receiver._queue.get_nowait() for _ in range(receiver._queue.qsize())]
    assert [(one.mid, one.connection) for one in waiting] == [(4, 3), (5, 3)]
    db.close()


def test_a_batch_of_large_messages_is_short(tmp_path) -> None:
    db = open_db(tmp_path)
    receiver = Receiver(Broker(), Ingest(), None, Metrics(db))
    for mid in range(20):
        message = MQTTMessage(mid, b"sightline/v1/edge-01/event")
        message.payload, message.qos = b"x" * 900_000, 1
        receiver._on_message(receiver._client, None, message)
    taken = [len(receiver._next()) for _ in range(3)]
    assert sum(taken) == 20 and max(taken) * 900_000 <= MAX_BATCH_BYTES + 900_000
    db.close()


def test_the_queue_that_is_told_is_the_one_that_is_there(tmp_path) -> None:
    """Of a figure that is set when a message comes, the last one would stay for as long as none comes."""
    db = open_db(tmp_path)
    metrics = Metrics(db)
    receiver = Receiver(Broker(), Ingest(batch=3), None, metrics)

    def told() -> float | None:
        return metrics.registry.get_sample_value("sightline_central_ingest_queue")

    assert told() == 0
    for mid in range(4):
        message = MQTTMessage(mid, b"sightline/v1/edge-01/event")
        message.payload, message.qos = b"{}", 1
        receiver._on_message(receiver._client, None, message)
    assert told() == 4
    assert len(receiver._next()) == 3 and told() == 1
    assert len(receiver._next()) == 1 and told() == 0
    db.close()
