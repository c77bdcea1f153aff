"""Alarms of sensors as plain values in the reader's language: their rows in the queue, and the page of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from central.accounts.permissions import Permission
from central.accounts.service import SignedInUser
from central.alarms.service import OVER, PENDING
from central.alarms.views import AlarmItem, AlarmView
from central.alarms.workflow import FINDINGS
from central.web import words
from central.web.language import Language
from central.web.queue import Filter

#: What the filters are called in the address, and whether they show what is pending.
FILTERS = {"sensors": True, "sensors-over": False}


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One line; `at` is UTC, and the browser writes it in its own zone."""

    number: str
    href: str
    kind: str
    title: str
    says: str
    site: str
    place: str
    at: datetime
    age: str
    state: str
    note: str | None
    #: A sensor names no zone of its site: the browser writes these times in its own.
    zone: None = None


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """One line of the history."""

    at: str
    iso: str
    what: str
    note: str


def filters(counts: Mapping[str, int], shown: str, say: Language) -> list[Filter]:
    """The two lists of alarms."""
    return [
        Filter(
            f"/?show={name}",
            say(f"queue.filter.{name}"),
            str(sum(counts[state] for state in (PENDING if pending else OVER))),
            name == shown,
        )
        for name, pending in FILTERS.items()
    ]


def rows(items: list[AlarmItem], now: datetime, say: Language) -> list[AlarmRow]:
    """The lines of one page."""
    return [_row(item, now, say) for item in items]


def _row(item: AlarmItem, now: datetime, say: Language) -> AlarmRow:
    taken = say("alarm.taken_by", who=item.taken_by) if item.taken_by and item.state == "TAKEN" else None
    return AlarmRow(
        number=item.number,
        href=f"/alarms/{item.number}",
        kind=say(f"sensor.{item.kind}"),
        title=title(item, say),
        says=_says(item, say),
        site=item.site,
        place=item.place,
        at=item.at_trigger,
        age=words.age(item.at_trigger, now, say),
        state=item.state,
        note=say(f"finding.{item.finding}") if item.finding else taken,
    )


def title(item: AlarmItem, say: Language) -> str:
    """What happened, in a few words."""
    return say(f"alarm.{'silent' if item.matter == 'silent' else item.kind}")


def _says(item: AlarmItem, say: Language) -> str:
    """The value that counts, else how the sensor is called."""
    if item.matter == "silent" or item.unit is None or item.peak is None:
        return say("alarm.sensor", sensor=item.sensor_id)
    return f"{say('alarm.sensor', sensor=item.sensor_id)} · {_number(item.peak, item.unit)}"


def _number(value: float, unit: str) -> str:
    return f"{value:g} {unit}"


class AlarmPage:
    """An alarm for `user` in the language `say`; each property is one thing on the page."""

    def __init__(self, view: AlarmView, user: SignedInUser, say: Language) -> None:
        self._view, self._say = view, say
        self._sealed = view.sealed
        self.number, self.version, self.state = view.number, view.version, view.state
        self.title = title(view, say)
        self.place = f"{view.site} · {view.place}"
        self.call = view.call
        self.queue_href = f"/?show={'sensors' if view.state in PENDING else 'sensors-over'}"
        acts = user.may(Permission.ALARMS_ACT)
        self.can_take = acts and "take" in view.actions
        self.can_close = acts and "close" in view.actions
        self.why_not = say("decide.cannot.role") if view.actions and not acts else None
        self.findings = [(code, say(f"finding.{code}")) for code in FINDINGS]

    @property
    def why(self) -> str:
        """What the box sealed, in one sentence."""
        sealed, say = self._sealed, self._say
        lasted = words.seconds((sealed.at_trigger - sealed.at_first).total_seconds(), say)
        if sealed.matter == "silent":
            return say("alarm.why.silent", minutes=words.seconds(sealed.silent_after_s, say))
        if sealed.unit is None or sealed.peak is None:
            return say(f"alarm.why.state.{sealed.kind.value}", lasted=lasted)
        side = "over" if sealed.raise_at > sealed.clear_at else "under"
        return say(
            f"alarm.why.{side}",
            limit=_number(sealed.raise_at, sealed.unit),
            peak=_number(sealed.peak, sealed.unit),
            lasted=lasted,
        )

    @property
    def doubts(self) -> str:
        """What came of a silent sensor and was not believed; empty when nothing came."""
        return self._say("alarm.doubts", n=self._sealed.refused) if self._sealed.refused else ""

    @property
    def doubt_says(self) -> str:
        """Why the last of it was not believed, in the box's own words."""
        return self._sealed.refused_why

    @property
    def unstable(self) -> str | None:
        """That this is one of too many for a sensor that works, and when it will be over; None while it is one of few.

        Whoever goes there decides whether the place or the sensor is looked after.
        """
        many, say = self._sealed.unstable, self._say
        if many is None:
            return None
        return say(
            f"alarm.unstable.{self._sealed.matter}",
            n=many.begun,
            within=f"{many.within_s / 60:g}",
            calm=f"{many.calm_s / 60:g}",
        )

    @property
    def ended(self) -> str | None:
        """How it ended by the sensor's own word, None while it has not."""
        view, say = self._view, self._say
        if view.at_end is None:
            return None
        at = words.stamp(view.at_end.astimezone(self._offset))
        return say(f"alarm.ended.{view.how}", at=at, lasted=words.seconds(view.lasted_s or 0.0, say))

    @property
    def found(self) -> str | None:
        """What a person found, None while nobody has said."""
        view = self._view
        if view.finding is None:
            return None
        return self._say("alarm.found", finding=self._say(f"finding.{view.finding}"), who=view.closed_by or "")

    @property
    def note(self) -> str | None:
        """In the person's own words."""
        return self._view.note

    @property
    def taken(self) -> str | None:
        """Who looks after it."""
        return self._say("alarm.taken_by", who=self._view.taken_by) if self._view.taken_by else None

    @property
    def moments(self) -> list[tuple[str, str, str]]:
        """(name, day and time, ISO 8601) of its steps, in the site's time."""
        sealed, say = self._sealed, self._say
        steps = [(f"alarm.moment.{sealed.matter}.first", sealed.at_first), ("alarm.moment.trigger", sealed.at_trigger)]
        if self._view.at_end is not None:
            steps.append(("alarm.moment.end", self._view.at_end.astimezone(self._offset)))
        return [(say(key), words.stamp(at), at.isoformat()) for key, at in steps]

    @property
    def figures(self) -> list[tuple[str, str]]:
        """Limits and values."""
        sealed, say = self._sealed, self._say
        rows = [
            ("for", words.seconds(sealed.for_s, say)),
            ("silence", words.seconds(sealed.silent_after_s, say)),
            ("dated", say(f"alarm.dated.{sealed.dated}")),
        ]
        if sealed.unit is not None:
            limits = [("raise", sealed.raise_at), ("clear", sealed.clear_at), ("value", sealed.value)]
            peak = [("peak", self._view.peak)]
            rows = [(name, _number(v, sealed.unit)) for name, v in [*limits, *peak] if v is not None] + rows
        return [(say(f"alarm.figure.{name}"), value) for name, value in rows]

    @property
    def origin(self) -> list[tuple[str, str, bool]]:
        """(label, value, is a hash) of where it comes from."""
        view, seal, sealed = self._view, self._view.seal, self._sealed
        rows = [
            ("alarm.origin.sensor", view.sensor_id, False),
            ("origin.edge", view.edge_id, False),
            ("origin.site", view.site, False),
            ("alarm.origin.camera", sealed.camera, False),
            ("origin.site_version", sealed.site_version, True),
            ("origin.key", seal.kid, True),
            ("origin.event", seal.event_id, True),
            ("origin.event_hash", seal.event_sha256, True),
            ("origin.case_key", sealed.case_key, True),
        ]
        return [(self._say(key), value, hashed) for key, value, hashed in rows if value]

    @property
    def seal(self) -> list[tuple[str, str, str]]:
        """(label, badge, words) of seal and chain."""
        say, seal = self._say, self._view.seal
        flag = {"pending": "ask", "broken": "stop"}.get(seal.chain_state, "good")
        chain = say.known(f"trust.chain.{seal.chain_state}", seal.chain_state)
        sealed = ("good", say("trust.seal_ok")) if seal.ok else ("stop", say("trust.seal_bad"))
        return [(say("trust.seal"), *sealed), (say("trust.chain"), flag, chain)]

    @property
    def history(self) -> list[AlarmLine]:
        """What became of it, line by line."""
        return [self._line(one.at, one.actor, one.action, one.detail) for one in self._view.history]

    def _line(self, at: datetime, actor: str, action: str, detail: Mapping[str, object]) -> AlarmLine:
        say = self._say
        who = say("history.system") if actor == "system" else actor
        finding = detail.get("finding")
        parts = [say(f"finding.{finding}")] if finding in FINDINGS else []
        parts += [str(detail["note"])] if detail.get("note") else []
        moment = at.astimezone(self._offset)
        what = f"{say.known(f'alarm.action.{action}', action)} · {who}"
        return AlarmLine(f"{moment:%m-%d %H:%M:%S}", moment.isoformat(), what, "\n".join(parts))

    @property
    def _offset(self) -> tzinfo:
        return self._sealed.at_trigger.tzinfo or UTC
