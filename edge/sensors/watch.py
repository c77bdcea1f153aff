"""One sensor of a box: readings in, alarms out, its state kept on disk."""

import logging
import math
from dataclasses import replace

from contract.events import CloudEvent
from edge.deliver.spool import Spool
from edge.rules.threshold import Decision, Reading, State, interrupted, judge, listened, set_back
from edge.sensors.alarm import Doubt, Post, event_of
from edge.sensors.believing import CLOCK_S, Unbelieved
from edge.sensors.kept import Kept, KeptFile
from edge.sensors.listening import Span
from edge.sensors.settling import Settling

log = logging.getLogger("sightline.sensors")
#: What only goes on (a wait, a time of listening) is written so often at most; a decision at once. Seconds.
WAIT_EVERY_S, REST_EVERY_S = 2.0, 60.0
#: With so many decisions that the disk refuses nothing more is judged: readings wait, and the oldest go.
MOST_OUTGOING = 100
#: The box's clock was set when it and the one that nobody sets come apart by so much from turn to turn. Seconds.
_STEP_S = 1.0
#: A complaint about a sensor stands in the log once in so long. Seconds.
_QUIET_S = 60.0


class SensorWatch:
    """Used by the loop alone. Times are `at` in seconds since 1970 and `now` by a clock that nobody sets."""

    def __init__(self, post: Post, file: KeptFile, now: float) -> None:
        """Goes on with what `file` holds."""
        kept = file.read()
        self.post = post
        self.readings = self.late = self.refused = 0
        self._file = file
        self._limits = post.limits
        self._state: State = interrupted(kept.state, post.limits)  # what changed while the box was off nobody heard
        self._outgoing = kept.anew()
        self._safe = False
        self._settling = Settling()
        self._doubt = Doubt()
        self._written = now
        self._complained = -_QUIET_S
        #: Of what came before this instant something newer may have been missed; None while nothing is heard.
        self._since: float | None = None
        self._unsure = self._stepped = -math.inf
        self._ahead: float | None = None

    def hear(self, reading: Reading, now: float) -> None:
        """A reading that is believed."""
        self.readings += 1
        self._settling.put(reading, now)

    def doubt(self, why: Unbelieved | str, now: float) -> None:
        """A reading that is not."""
        self.refused += 1
        self._doubt = Doubt(self._doubt.count + 1, str(why))
        self.lose(now)
        if now - self._complained >= _QUIET_S:
            log.warning("sensor %s: its reading %s - not taken (%d so far)", self.post.sensor.id, why, self.refused)
            self._complained = now

    def lose(self, now: float) -> None:
        """Its value is not known any more: it said what is not believed, or its gateway says that it lost it."""
        self._unsure = now
        self._state = interrupted(self._state, self._limits)

    def turn(self, at: float, now: float, span: Span) -> None:
        """Judge what waits. In `span` the box has listened since the last turn."""
        if len(self._outgoing) >= MOST_OUTGOING:
            self.refused += len(self._settling.ready(now))
            self.lose(now)
            return
        before = self._state
        self._mind_the_clock(at, now)
        if span.since is None or span.since != self._since:
            self._since = span.since
            self._state = interrupted(self._state, self._limits)
        begin = span.begin
        for came, reading in self._settling.ready(now):
            begin = self._listen(begin, min(came, span.end), at)
            self._judged(reading, came)
        self._listen(begin, span.end, at)
        if self._state != before:
            self._keep(now)

    def send(self, spool: Spool, now: float) -> None:
        """Hand over what was decided, once it is on disk here; what the spool refuses is tried again."""
        if not self._outgoing:
            return
        if not self._safe and not self._write(now):
            return
        while self._outgoing:
            try:
                spool.put(self._outgoing[0], {})
            except OSError as error:
                log.error("%s: an alarm cannot be written (%s) - free space on the disk", spool.folder, error.strerror)
                return
            self._outgoing = self._outgoing[1:]
        self._write(now)

    def end(self, spool: Spool, now: float) -> None:
        """Judge and keep what is there: the process ends."""
        for came, reading in self._settling.drain():
            self._judged(reading, came)
        self.send(spool, now)
        self._write(now)

    def measure(self) -> dict[str, object]:
        """Figures for health."""
        last = self._state.last
        return {
            "kind": self.post.sensor.kind.value,
            "state": self._named(),
            "value": last.value if last is not None else None,
            "read_at": last.t if last is not None else None,
            "readings": self.readings,
            "late": self.late,
            "refused": self.refused,
        }

    def _named(self) -> str:
        if self._state.unstable:
            return "unstable"
        if self._state.silent is not None:
            return "silent"
        return "raised" if self._state.raised is not None else "calm"

    def _listen(self, begin: float, end: float, at: float) -> float:
        """Count the listening from `begin` to `end`; up to where it is counted then."""
        if end > begin:
            self._take(*listened(self._state, self._limits, end - begin, at))
        return max(begin, end)

    def _judged(self, reading: Reading, came: float) -> None:
        """Judge a reading that is newer than the last; only such a one is a sign of life."""
        if self._state.last is not None and reading.t <= self._state.last.t:
            self.late += 1
            return
        self._take(*judge(self._state, self._limits, reading))
        self._doubt = Doubt()
        if self._since is None or came < self._since or came <= self._unsure:
            self._state = interrupted(self._state, self._limits)
        if came <= self._stepped:
            self._forget_arrival()

    def _take(self, state: State, decisions: list[Decision]) -> None:
        self._state = state
        for decision in decisions:
            event = event_of(self.post, state, decision, self._doubt)
            log.warning("sensor %s: %s: %s", self.post.sensor.id, event.type, event.data["reason"])
            self._outgoing.append(event)
            self._safe = False

    def _mind_the_clock(self, at: float, now: float) -> None:
        """No step of this box's clock fills a duration, and none makes every reading late."""
        ahead, last = at - now, self._state.last
        if self._ahead is not None and abs(ahead - self._ahead) > _STEP_S:
            self._stepped = now
            self._forget_arrival()
        self._ahead = ahead
        if last is not None and last.t > at + CLOCK_S:
            log.warning("sensor %s: this box's clock was set back, its readings begin anew", self.post.sensor.id)
            self._state = set_back(self._state, at)

    def _forget_arrival(self) -> None:
        """Begin a wait anew that would be filled by dates of arrival from before and after a step of the clock."""
        if self._state.wait is not None and not self._state.wait.dated and not self._limits.holds:
            self._state = replace(self._state, wait=None)

    def _keep(self, now: float) -> None:
        """Write what only goes on, not too often; decisions are written by `send`."""
        every = WAIT_EVERY_S if self._state.wait is not None else REST_EVERY_S
        if self._outgoing or now - self._written >= every:
            self._write(now)

    def _write(self, now: float) -> bool:
        self._written = now
        self._safe = self._file.write(Kept(state=self._state, outgoing=list[CloudEvent](self._outgoing)))
        return self._safe


__all__ = ["SensorWatch"]
