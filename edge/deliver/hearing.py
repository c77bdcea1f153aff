"""What a box is told over MQTT: read from strangers' bytes, checked against its own sites, put where workers look.

A command is answered, a sensor is not; what is refused is one line in the log, and the same line not again for a
minute. Nothing here decides what a fact does: that is the table's (`configs/facts.yaml`) and the policy's.
"""

import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import ValidationError

from contract.command import COMMAND, AnyCommand, Reply, TellFact
from contract.errors import SightlineError
from contract.facts import load_facts
from contract.site import Camera, Zone
from contract.statement import MAX_STATEMENT_BYTES, Reading, Statement
from contract.topics import IDENTIFIER, EdgeTopics
from edge.asked import Asked
from edge.config import EdgeConfig
from edge.deliver.complaints import QUIET_S, Complaints
from edge.deliver.durable import folder_durable
from edge.told import SIGNAL, ToldFile

log = logging.getLogger("sightline.deliver")
#: Who sent what came on the topic of commands; who he says he is, is his own word.
_COMMAND = "a command"

#: Commands that make no sense for a camera that is not recorded.
_OF_RECORDINGS = frozenset({"keep_span", "send_span"})

#: What ended longer ago than this can change no decision any more.
OVER = timedelta(seconds=60)
#: A sensor whose clock is further from ours than this is not believed.
SENSOR_CLOCK = timedelta(seconds=60)
#: How far ahead something may be announced.
AHEAD = timedelta(days=7)
#: What has ended is kept for so long: evidence of a decision is still being packed.
KEPT = timedelta(minutes=10)
#: Most statements of one camera, lasting and passing.
MOST, MOST_PASSING = 500, 1200
#: A site file that could not be read is tried again after so long. Seconds.
RETRY_S = 60.0
_Message = TypeVar("_Message")


class Hearing:
    """The box's ear. Used by deliver's loop alone, but for `heeds`."""

    def __init__(self, config: EdgeConfig, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` only ever goes forward (s). Raises OSError when the disk refuses the folders."""
        self._topics = EdgeTopics(config.edge_id)
        self._sites = config.sites
        self._folder = folder_durable(folder_durable(config.data_dir) / "told", 0o700)
        for kind in ("lasting", "passing"):
            folder_durable(self._folder / kind, 0o700)
        self._asked_folder = config.data_dir / "asked"
        self._asked: dict[str, Asked] = {}
        self._table = load_facts()
        self._cameras: dict[str, Camera] | None = None
        self._unread: tuple[float, SightlineError] | None = None
        self._measuring: frozenset[str] = frozenset()
        self._files: dict[str, ToldFile] = {}
        self._passing: dict[str, deque[Statement]] = {}
        self._clock = clock
        self._complaints = Complaints(clock)
        self._lost = 0
        self._lost_at: float | None = None

    def hear(self, topic: str, raw: bytes, now: datetime) -> Reply | None:
        """Take one message that came at `now`. The answer to a command, None where nobody waits for one."""
        sensor = self._topics.sensor_of(topic)
        if topic == self._topics.command:
            return self._commanded(raw, now)
        if sensor is not None:
            fault = self._sensed(sensor, raw, now)
            if fault is not None:
                self._complaints.say(topic, f"sensor {sensor}: {fault} - not taken")
        return None

    def overrun(self, lost: int) -> None:
        """`lost` messages so far found no place, the box has so much to hear; say so once a minute."""
        now = self._clock()
        if lost > self._lost and (self._lost_at is None or now - self._lost_at >= QUIET_S):
            log.warning("%d messages came faster than this box takes them - not heard", lost - self._lost)
            self._lost, self._lost_at = lost, now

    def heeds(self, topic: str) -> bool:
        """Whether a message is worth a place in the queue: not the readings of a declared sensor, however many.

        May be asked by any thread. Which sensors are declared is known from the first reading on.
        """
        return topic not in self._measuring

    def _commanded(self, raw: bytes, now: datetime) -> Reply | None:
        command, fault = _read(COMMAND.validate_json, raw)
        if command is None:
            self._complaints.say(_COMMAND, f"{_COMMAND}: {fault} - not taken")
            name = _name_of(raw)
            return Reply(id=name, status="refused", reason=str(fault)) if name else None
        if isinstance(command, TellFact):
            by, refusal = command.statement.by, self._taken(command.statement, now)
        else:
            by, refusal = getattr(command, "by", "central"), self._put_down(command)
        if refusal is None:
            log.info("%s %s", by, _in_words(command))
            return Reply(id=command.id, status="done")
        self._complaints.say(_COMMAND, f"{by}: {refusal} - not taken")
        return Reply(id=command.id, status="refused", reason=refusal)

    def _put_down(self, command: AnyCommand) -> str | None:
        """Put a command where the part that does it looks; why it is refused, as a sentence, else None."""
        try:
            camera_id = getattr(command, "camera_id", None)
            if camera_id is not None:
                camera = self._known().get(camera_id)
                if camera is None:
                    return f"camera {camera_id!r} is none of this box - it has: {', '.join(sorted(self._known()))}"
                if camera.recording is None and command.command in _OF_RECORDINGS:
                    return f"camera {camera_id} is not recorded - there is nothing to keep or to send"
            return self._asked.setdefault(command.command, Asked(self._asked_folder, command.command)).put(command)
        except SightlineError as error:
            return str(error).splitlines()[0]
        except OSError as error:
            return f"{self._asked_folder}: cannot be written ({error.strerror}) - free space on the disk"

    def _sensed(self, sensor: str, raw: bytes, now: datetime) -> str | None:
        """Take a sensor's word; why not, as a sentence, else None."""
        if not self._tells_facts(sensor):
            return None
        said, fault = _sensors_word(sensor, raw, now)
        if said is None:
            return fault
        if said.fact != SIGNAL or said.camera_id is not None:
            return self._taken(said, now, sensor)
        try:
            places = list(self._lights(sensor))
        except SightlineError as error:
            return str(error).splitlines()[0]
        if not places:
            return "no crossing names it as its signal's topic - name camera_id and zone_id, or the topic in the site"
        told = [said.model_copy(update={"camera_id": camera_id, "zone_id": zone_id}) for camera_id, zone_id in places]
        return next((why for one in told if (why := self._taken(one, now, sensor)) is not None), None)

    def _tells_facts(self, sensor: str) -> bool:
        """False where a site file declares it: its readings are judged by `edge.sensors`."""
        with contextlib.suppress(SightlineError):  # a site that cannot be read is said when a fact comes
            self._known()
        return self.heeds(self._topics.sensor(sensor))

    def _taken(self, said: Statement, now: datetime, sensor: str | None = None) -> str | None:
        """Put a statement where the workers of its cameras look; why it is refused, as a sentence, else None."""
        try:
            cameras = self._known()
            refusal = self._table.objection(said.fact, said.value) or _times(said, now) or self._misplaced(said, sensor)
            if refusal is not None:
                return refusal
            named = [said.camera_id] if said.camera_id else sorted(cameras)
            # All or none: half a box that obeys is worse than a refusal.
            full = [why for one in named if (why := self._full(one, said, now)) is not None]
            if full:
                return full[0]
            for camera_id in named:
                self._put(camera_id, said, now)
        except SightlineError as error:
            return str(error).splitlines()[0]
        except OSError as error:
            return f"{self._folder}: cannot be written ({error.strerror}) - free space on the disk"
        return None

    def _full(self, camera_id: str, said: Statement, now: datetime) -> str | None:
        """Why one more statement of that camera cannot be taken, None when it can."""
        if said.valid_until is None or len(self._others(camera_id, said, now)) < MOST:
            return None
        return f"{camera_id}: {MOST} statements hold already - let some end"

    def _others(self, camera_id: str, said: Statement, now: datetime) -> list[Statement]:
        """What else is known of that camera and has not long ended."""
        kept = self._file("lasting", camera_id).read()
        return [one for one in kept if one.id != said.id and not _over(one, now - KEPT)]

    def _put(self, camera_id: str, said: Statement, now: datetime) -> None:
        if said.valid_until is None:
            held = self._passing.setdefault(camera_id, deque(maxlen=MOST_PASSING))
            held.append(said)
            while held[0].valid_from < now - KEPT:
                held.popleft()
            self._file("passing", camera_id).write(held, durable=False)
            return
        kept = self._others(camera_id, said, now)
        self._file("lasting", camera_id).write([*kept, said], durable=True)

    def _misplaced(self, said: Statement, sensor: str | None) -> str | None:
        """Why it cannot be said of that place, None when it can."""
        cameras = self._known()
        if said.camera_id is None:
            return f"{SIGNAL} needs camera_id and zone_id" if said.fact == SIGNAL else None
        camera = cameras.get(said.camera_id)
        if camera is None:
            return f"camera {said.camera_id!r} is none of this box - it has: {', '.join(sorted(cameras))}"
        zone = next((one for one in camera.zones if one.id == said.zone_id), None)
        if said.zone_id is not None and zone is None:
            known = ", ".join(one.id for one in camera.zones) or "none"
            return f"zone {said.zone_id!r} is none of camera {camera.id} - it has: {known}"
        return self._unlit(zone, sensor) if said.fact == SIGNAL else None

    def _unlit(self, zone: Zone | None, sensor: str | None) -> str | None:
        """Why the state of a signal cannot be said of that zone by this sensor, None when it can."""
        if zone is None:
            return f"{SIGNAL} needs zone_id"
        if zone.signal == "none" or zone.signal.source != "mqtt":
            return f"zone {zone.id}: has no signal over mqtt - give it `signal: {{source: mqtt}}` in the site file"
        if zone.signal.topic is not None and (sensor is None or zone.signal.topic not in self._names(sensor)):
            return f"zone {zone.id} hears {zone.signal.topic} alone - say it there, or mend `signal.topic`"
        return None

    def _lights(self, sensor: str) -> Iterator[tuple[str, str]]:
        """(camera id, zone id) of every crossing whose signal the site file says comes from this sensor."""
        for camera in self._known().values():
            for zone in camera.zones:
                signal = zone.signal
                if signal != "none" and signal.source == "mqtt" and signal.topic in self._names(sensor):
                    yield camera.id, zone.id

    def _names(self, sensor: str) -> tuple[str, str]:
        """How a site file may name a sensor: by its id, or by its whole topic."""
        return sensor, self._topics.sensor(sensor)

    def _known(self) -> dict[str, Camera]:
        """The cameras of the box, read when the first statement comes.

        SiteError when a site cannot be read; it is not read again for every message that comes.
        """
        if self._cameras is None:
            if self._unread is not None and self._clock() - self._unread[0] < RETRY_S:
                raise self._unread[1].with_traceback(None)
            try:
                self._cameras = self._load()
            except SightlineError as error:
                self._unread = (self._clock(), error)
                raise
        return self._cameras

    def _load(self) -> dict[str, Camera]:
        from contract.sitefile import load_site  # shapely and a calendar: most boxes are never told anything

        sites = [load_site(path).site for path in self._sites]
        self._measuring = frozenset(self._topics.sensor(one.id) for site in sites for one in site.sensors)
        return {camera.id: camera for site in sites for camera in site.cameras}

    def _file(self, kind: str, camera_id: str) -> ToldFile:
        path = self._folder / kind / f"{camera_id}.json"
        return self._files.setdefault(str(path), ToldFile(path))


def _over(said: Statement, moment: datetime) -> bool:
    return said.valid_until is not None and said.valid_until < moment


def _times(said: Statement, now: datetime) -> str | None:
    """Why its times are of no use, None when they are."""
    if said.valid_until is None:
        return None if said.fact == SIGNAL else f"{said.fact} needs `until` - nothing holds for ever"
    if said.valid_until <= said.valid_from:
        return "`until` is not after `from`"
    if said.valid_from - now > AHEAD:
        return f"`from` is over {AHEAD.days} days ahead - say it later"
    return "it has ended - what was decided then is decided" if _over(said, now - OVER) else None


def _in_words(command: AnyCommand) -> str:
    if isinstance(command, TellFact):
        said = command.statement
        return f"says: {said.fact} is {said.value} ({said.camera_id or 'every camera'})"
    return f"asks: {command.command} of {getattr(command, 'camera_id', None) or getattr(command, 'hold', '')}"


def _read(read: Callable[[bytes], _Message], raw: bytes) -> tuple[_Message | None, str | None]:
    """The message, or why it is none as a sentence."""
    if len(raw) > MAX_STATEMENT_BYTES:
        return None, f"is over {MAX_STATEMENT_BYTES} bytes"
    try:
        return read(raw), None
    except ValidationError as error:
        return None, _why(error)


def _sensors_word(sensor: str, raw: bytes, now: datetime) -> tuple[Statement | None, str | None]:
    """What a sensor says, or why it is not believed as a sentence."""
    reading, fault = _read(Reading.model_validate_json, raw)
    if reading is None:
        return None, fault
    if abs(reading.at - now) > SENSOR_CLOCK:
        return None, f"its clock is {(reading.at - now).total_seconds():+.0f} s from this box's - set it"
    try:
        return reading.stated(sensor), None
    except ValidationError as error:  # what only shows when both are put together must not end deliver
        return None, _why(error)


def _why(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])[:60]
    said = str(first["msg"]).removeprefix("Value error, ")[:200]
    return f"{key}: {said}" if key else f"is not the JSON it should be ({said})"


def _name_of(raw: bytes) -> str | None:
    """The `id` of a command that is otherwise none, so that who sent it learns that; None when there is none."""
    try:
        name = json.loads(raw[:MAX_STATEMENT_BYTES]).get("id")
    except (ValueError, AttributeError, RecursionError):
        return None
    return name if isinstance(name, str) and IDENTIFIER.fullmatch(name) else None


__all__ = ["Hearing"]
