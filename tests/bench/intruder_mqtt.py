"""Fuzzed MQTT against the real central, behind a broker without an access list: nothing admitted, nothing grows."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import httpx
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from contract.sealing import JWS_PROPERTY
from contract.topics import EdgeTopics, edge_id_of
from sightline.bench.central_events import Sealed, Voice
from tests.bench.intruder_insider import HUGE, INSIDER
from tests.bench.intruder_office import Office, Tally, until
from tests.bench.intruder_shots import Intruder, Shot
from tests.bench.intruder_stranger import STRANGER

#: Most messages on their way to central: what waits at the broker waits in its memory.
_AHEAD = 3000
#: What central may hold more at the end than in the middle of the campaign, MB: caches are full by then.
GROWTH_MB = 48
_LOST_S = 120.0
_GENUINE = 30
#: Most cases of the insider that are opened as a page and over the API.
_LOOKED_AT = 150


class Sender:
    """One MQTT client that writes what it likes."""

    def __init__(self, port: int) -> None:
        #: How the broker answered what was sent, by the name of the reason, and how often it let us in.
        self.answers: Counter[str] = Counter()
        self.connections = 0
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_queued_messages_set(0)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        until(self._client.is_connected, "the broker lets the intruder in")

    def send(self, topic: str, raw: bytes, names: tuple[tuple[str, str], ...] = (), qos: int = 1) -> None:
        """Hand a message to paho."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if names:
            properties.UserProperty = list(names)
        self._client.publish(topic, raw, qos, properties=properties)

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, *_: object) -> None:
        self.connections += 1

    def _on_publish(self, _client: Client, _data: Any, _mid: int, reason: ReasonCode, _more: Properties | None) -> None:
        self.answers[str(reason)] += 1


@dataclass
class Fuzz:
    """One run of it over `office`."""

    office: Office
    tally: Tally
    seed: int
    genuine: dict[str, str] = field(default_factory=dict)
    forbidden: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    allowed: set[str] = field(default_factory=set)
    rss: list[tuple[int, float]] = field(default_factory=list)
    reached: int = 0

    def run(self, count: int) -> None:
        """`count` shots, and what became of them."""
        office = self.office
        sender = Sender(office.broker_port)
        try:
            voices = {voice.edge_id: voice.speak() for voice in office.victims}
            heard = [next(one) for one in voices.values() for _ in range(_GENUINE)]
            for voice in office.victims:
                self._truths(sender, voice, [one for one in heard if voice.edge_id.encode() in one.raw])
            self._answered("the victims' events")
            before = office.things()
            intruder = Intruder(random.Random(self.seed), office.victims, heard, office.insider)
            begun = time.monotonic()
            self._fire(sender, intruder, count)
            self.tally.notes.append(
                f"{count} messages in {time.monotonic() - begun:.0f} s, {self.reached} reached central"
            )
            late = [next(voices[voice.edge_id]) for voice in office.victims]
            for voice, one in zip(office.victims, late, strict=True):
                self._truths(sender, voice, [one])
            self._answered("what the victims say afterwards")
        except TimeoutError as error:
            raise TimeoutError(f"{error} ({self._way(sender)})") from error
        finally:
            sender.close()
        self.tally.notes.append(self._way(sender))
        self._judge(before)
        self._lost()
        self._memory()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _truths(self, sender: Sender, voice: Voice, events: list[Sealed]) -> None:
        for one in events:
            sender.send(EdgeTopics(voice.edge_id).event, one.raw, ((JWS_PROPERTY, one.jws),))
            self.genuine[sha256(one.raw).hexdigest()] = voice.edge_id
            self.reached += 1

    def _fire(self, sender: Sender, intruder: Intruder, count: int) -> None:
        kinds: Counter[str] = Counter()
        for number, shot in enumerate(intruder.shots(count, (*STRANGER, *INSIDER), HUGE)):
            sender.send(shot.topic, shot.raw, shot.names)
            kinds[shot.kind] += 1
            self.reached += _reaches(shot)
            digest = sha256(shot.raw).hexdigest()
            if shot.must:
                self.forbidden[digest] = (shot.kind, edge_id_of(shot.topic))
            else:
                self.allowed.add(digest)
            if number % max(100, count // 100) == 0:
                until(lambda: self.reached - sum(self.office.outcomes().values()) < _AHEAD, "central keeps up", _LOST_S)
                self.rss.append((number, self.office.rss_mb()))
        self.tally.tried.update(kinds)
        self._answered("every message of the intruder")
        self.rss.append((count, self.office.rss_mb()))

    def _answered(self, what: str) -> None:
        until(lambda: sum(self.office.outcomes().values()) >= self.reached, f"central has answered for {what}", _LOST_S)

    def _way(self, sender: Sender) -> str:
        """Where messages stayed that were not answered for: at the sender, at the broker, dropped by central."""
        return (
            f"{self.reached} for central, {sum(self.office.outcomes().values())} answered for by it; the broker answered "
            f"{dict(sender.answers)} on {sender.connections} connection(s); central dropped {self.office.dropped()} by "
            f"QoS and was let in {self.office.connections()} time(s)"
        )

    def _judge(self, before: dict[str, int]) -> None:
        """Against the database, the counters and the log."""
        admitted, outcomes = self.office.events(), self.office.outcomes()
        for digest, edge_id in admitted.items():
            if digest in self.genuine:
                if self.genuine[digest] != edge_id:
                    self.tally.faults.append(f"a true event stands under another box: {edge_id}")
            elif digest in self.forbidden and digest not in self.allowed:
                self.tally.faults.append(f"ADMITTED: {self.forbidden[digest][0]} ({digest[:12]}, box {edge_id})")
            elif edge_id != self.office.insider.edge_id:
                self.tally.faults.append(f"ADMITTED under {edge_id}: an event that it never said ({digest[:12]})")
        if missing := set(self.genuine) - set(admitted):
            self.tally.faults.append(f"{len(missing)} true events of the victims are not there")
        after = self.office.things()
        if any(after[table] != before[table] for table in ("edges", "edge_keys", "media", "users")):
            self.tally.faults.append(f"rows where none may come: {before} -> {after}")
        if outcomes.get("failed"):
            self.tally.faults.append(f"central could not handle {outcomes['failed']} messages - see its log")
        own = len(admitted) - len(self.genuine)
        self.tally.notes.append(f"outcomes: {outcomes}; {own} events that fit are kept as the insider's own words")

    def _lost(self) -> None:
        """What was promised to be answered and could not be."""
        if dropped := self.office.dropped().get("1"):
            self.tally.faults.append(f"central dropped {dropped} messages that asked for an answer")
        if (times := self.office.connections()) > 1:
            self.tally.faults.append(f"central lost its connection to the broker {times - 1} time(s)")

    def _memory(self) -> None:
        half = [one for one in self.rss if one[0] >= self.rss[-1][0] / 2]
        first, middle, last = self.rss[0][1], half[0][1], self.rss[-1][1]
        slope = _slope(half)
        self.tally.notes.append(
            f"RSS of central: {first:.0f} MB before, {last:.0f} MB after, at most {max(mb for _, mb in self.rss):.0f} MB; "
            f"second half {last - middle:+.1f} MB, {1000 * slope:+.3f} MB per 1,000 messages"
        )
        if last - middle > GROWTH_MB:
            self.tally.faults.append(f"central's memory grows: {middle:.0f} MB in the middle, {last:.0f} MB at the end")


def refusals(office: Office, tally: Tally) -> None:
    """The lines with which central told what it refused: one kind each, with how many there are."""
    said: Counter[str] = Counter()
    for line in office.lines():
        if line.get("event") in {"event refused", "ALARM: the seal of an event does not hold"}:
            said[str(line.get("reason", line["event"]))] += 1
    tally.notes += [f"log: {number:6} x {reason}" for reason, number in said.most_common()]
    if len(said) < 8:
        tally.faults.append(f"only {len(said)} kinds of refusal are in the log")


def looked_at(office: Office, tally: Tally, most: int = _LOOKED_AT) -> None:
    """Every page and answer that shows what the insider got in: none may fail, none may carry his tags."""
    with office.signed_in("li") as officer:
        numbers: list[str] = []
        for state in ("CANDIDATE", "REVIEW1", "NEEDS_MORE", "APPROVED", "REJECTED"):
            answer = officer.get(f"/api/v1/cases?state={state}&limit=200")
            _fine(tally, f"API: list of {state}", answer)
            numbers += [one["number"] for one in answer.json()["items"]]
        for address in ("/", "/?show=all", "/metrics", "/healthz"):
            _fine(tally, f"page {address}", officer.get(address))
        for number in numbers[-most:]:
            _fine(tally, "API: a case", officer.get(f"/api/v1/cases/{number}"))
            page = officer.get(f"/cases/{number}", headers={"Accept": "text/html"})
            _fine(tally, "page: a case", page)
            if "<script>alert" in page.text or "<img src=x" in page.text:
                tally.faults.append(f"page of case {number}: carries the intruder's tags")


def _fine(tally: Tally, name: str, answer: httpx.Response) -> None:
    fault = None if answer.status_code == 200 else f"{answer.request.url} answers {answer.status_code}"
    tally.told(name, str(answer.status_code), fault)


def _reaches(shot: Shot) -> bool:
    """Whether the broker gives it to central, which hears `sightline/v1/+/event`."""
    levels = shot.topic.split("/")
    return len(levels) == 4 and (levels[:2], levels[3]) == (["sightline", "v1"], "event")


def _slope(points: list[tuple[int, float]]) -> float:
    """MB a message, by least squares."""
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


__all__ = ["Fuzz", "looked_at", "refusals"]
