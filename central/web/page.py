"""The case page as plain values in the reader's language: what templates print and nothing they must compute."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo

from central.accounts.permissions import Permission
from central.accounts.service import SignedInUser
from central.clock import office_now
from central.tickets.reasons import OTHER, REASONS
from central.tickets.states import (
    APPEAL,
    APPROVED,
    CANCELLED,
    CANDIDATE,
    CONFIRMED,
    EXPIRED,
    HANDLED,
    NEEDS_MORE,
    REJECTED,
    REVIEW1,
    REVIEW2,
)
from central.tickets.views import CaseView, HistoryLine, QuestionItem
from central.web import confirm, deciding, due, evidence, overlay, registers, trust, words
from central.web.language import Language

#: The queue of each state, as addresses call it. The first is where an officer begins.
ROOMS = {
    REVIEW1: "review", REVIEW2: "second", NEEDS_MORE: "more", CANDIDATE: "arriving", APPROVED: "approved",
    REJECTED: "rejected", EXPIRED: "expired", APPEAL: "appeal", HANDLED: "handled", CANCELLED: "cancelled",
}  # fmt: skip
#: One key a reason, in the order of the codes: 1-9, then a-g.
REASON_KEYS = dict(zip(REASONS, "123456789abcdefg", strict=True))


#: The figures that an officer weighs; the rest is one click away. Keys are the rules' (domain C2, D2).
DECISIVE = frozenset(
    {"permitted_wait_s", "grace_s", "proven_s", "paused_s", "share", "driver_present", "warning_only"}
    | {"distance_m", "d_stop_m", "speed_kmh", "speed_t2_kmh", "visible_share", "pet_s"}
)


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of the time line; `since` is the time from the step before, in words."""

    name: str
    says: str
    day: str
    at: str
    iso: str
    since: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A ready answer: what is stored, how it reads, and the key that chooses it while the dialog is open."""

    value: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Question:
    """What only a person can tell; `answer` once it was answered."""

    fact: str
    text: str
    sources: str
    choices: list[Choice]
    answer: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history."""

    at: str
    iso: str
    what: str
    note: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, in a sentence, and why."""

    sentence: str
    reason: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    """A reject code and the key that chooses it."""

    code: str
    key: str
    text: str


class Page:
    """A case for `user` in the language `say`; each property is one thing on the page."""

    def __init__(
        self, view: CaseView, user: SignedInUser, say: Language, trail: str = "", taken_by: str | None = None
    ) -> None:
        self._view, self._say = view, say
        self._data = view.violation
        self._offset = view.violation.at_trigger.tzinfo or UTC
        self.number, self.version, self.state = view.number, view.version, view.state
        self.trail = trail
        self.href = f"/cases/{view.number}{trail}"
        self.queue_href = f"/?show={ROOMS.get(view.state, 'review')}{trail.replace('?', '&', 1)}"
        self.previous_href = f"/cases/{view.previous}{trail}" if view.previous else None
        self.next_href = f"/cases/{view.next}{trail}" if view.next else None
        self.taken_by = taken_by
        self.arriving = view.state == "CANDIDATE"
        self.named, self.here = len(view.media), sum(item.ready for item in view.media)
        self.asks = view.decided_at is None and any(not one.answer for one in view.questions)
        self.own_first = deciding.is_own_first(view, user)
        self.buttons = deciding.buttons(view, user, say)
        self.can_decide = bool(self.buttons)
        self.note_dialogs = deciding.note_dialogs(self.buttons, say)
        self.differs = deciding.differs(view, say)
        self.corrections = deciding.corrections(view, say)
        self.can_correct = any(one.id in ("approve", "resume") for one in self.buttons)
        self.why_not = self._why_not(user)
        self.stills = evidence.stills(view, say)
        self.clip = evidence.clip(view, say)
        self.plate = evidence.plate(view)
        self.legend = overlay.kinds([still.overlay for still in self.stills if still.overlay])
        self.trust = trust.facts(view, say)
        self.register, self.no_register = registers.rows(view, say), registers.sentence(view, say)
        self.origin = trust.origin(view, say)
        numbers = view.violation.numbers
        self.figures = words.figures({key: value for key, value in numbers.items() if key in DECISIVE}, say)
        self.more_figures = words.figures({key: value for key, value in numbers.items() if key not in DECISIVE}, say)
        self.suppression = view.violation.suppression
        self.due = due.due(view.due_at, view.colour, view.violation.at_trigger, office_now(), say)
        self.confirms = confirm.confirms(view.facts, say)

    @property
    def title(self) -> str:
        """Suspected until two officers have approved it: a machine accuses nobody."""
        kind = "rule.approved" if self.state in CONFIRMED else "rule"
        return self._say(f"{kind}.{self._view.rule}")

    @property
    def place(self) -> str:
        """Site, camera, zone and lane."""
        return f"{self._view.site} · {place(self._view.camera_id, self._view.zone_id, self._view.lane_id, self._say)}"

    @property
    def vehicle(self) -> str:
        """Class, colour and plate, as far as they were read."""
        seen = self._view.vehicle
        color = self._say.known(f"color.{seen.color}", seen.color) if seen.color else None
        return vehicle(seen.class_, seen.plate, self._say, color)

    @property
    def why(self) -> str:
        """The accusation in one sentence, from the event's own times."""
        data = self._data
        kind = self._say.known(f"vehicle.{data.vehicle.class_}", data.vehicle.class_)
        stood = words.seconds(data.t_trigger - data.t_first, self._say)
        return self._say(
            f"why.{data.rule.value}",
            vehicle=kind,
            zone=data.zone_id,
            lane=data.lane_id or "-",
            stood=stood,
            people=max(1, len(data.pedestrian_ids)),
        )

    @property
    def moments(self) -> list[Moment]:
        """The time line: t1-t2-t3, or stands - wait used up - last seen - left."""
        data, say = self._data, self._say
        known = [
            ("first", data.t_first, data.at_first),
            ("trigger", data.t_trigger, data.at_trigger),
            ("last", data.t_last, data.at_last),
        ]
        if data.rule == "illegal_parking" and data.t_last - data.t_trigger < 0.05:
            known.pop()
        if self._view.at_end is not None:
            end = self._view.at_end.astimezone(self._offset)
            known.append(("end", data.t_first + (end - data.at_first).total_seconds(), end))
        steps = []
        for place, (name, t, at) in enumerate(known):
            since = words.seconds(max(0.0, t - known[place - 1][1]), say) if place else None
            key = f"moment.{data.rule.value}.{name}"
            steps.append(Moment(say(key), say(f"{key}.says"), words.day(at), words.clock(at), at.isoformat(), since))
        return steps

    @property
    def questions(self) -> list[Question]:
        """What only a person can tell."""
        keys = iter("123456789abcdefghijklm")
        return [question(one, keys, self._say, self._offset) for one in self._view.questions]

    @property
    def decision(self) -> Decision | None:
        """What was decided, None while nothing is."""
        view, say = self._view, self._say
        if view.decided_at is None:
            return None
        when = words.stamp(view.decided_at.astimezone(self._offset))
        reason = f"{view.reason_code} {say(f'reason.{view.reason_code}')}" if view.reason_code else None
        state = APPROVED if view.state in CONFIRMED else view.state
        key = f"decided.{state}" if f"decided.{state}" in say.sentences else "decided.other"
        return Decision(say(key, who=view.decided_by or "", when=when), reason, view.note)

    @property
    def reasons(self) -> list[Reason]:
        """The reject codes with their keys."""
        return [Reason(code, key, self._say(f"reason.{code}")) for code, key in REASON_KEYS.items()]

    @property
    def needs_note(self) -> str:
        """The code that needs a note."""
        return OTHER

    @property
    def history(self) -> list[Line]:
        """What became of the case, line by line."""
        return [self._line(one) for one in self._view.history]

    def _line(self, one: HistoryLine) -> Line:
        say = self._say
        who = say("history.system") if one.actor == "system" else one.actor
        what = f"{say.known(f'action.{one.action}', one.action)} · {who}"
        reason = one.detail.get("reason")
        parts = [f"{reason} {say.known(f'reason.{reason}', '')}".strip()] if reason else []
        held = [say.known(f"check.{name}", name) for name in _names(one, "checks")]
        parts += [say("list.and").join(held)] if held else []
        parts += [say.known(f"fact.{fact}.question", fact) for fact in _names(one, "facts")]
        note = one.detail.get("note")
        parts += [str(note)] if note else []
        at = one.at.astimezone(self._offset)
        return Line(f"{at:%m-%d %H:%M:%S}", at.isoformat(), what, "\n".join(parts))

    def _why_not(self, user: SignedInUser) -> str | None:
        if self.own_first:
            return self._say("decide.cannot.own")
        if self._view.decided_at is not None:
            return None
        if self.arriving:
            return self._say("decide.cannot.arriving" if self._view.seal.ok else "decide.cannot.seal")
        return None if user.may(Permission.CASES_DECIDE) else self._say("decide.cannot.role")


def place(camera_id: str, zone_id: str, lane_id: str | None, say: Language) -> str:
    """Camera, zone and lane in words."""
    parts = [say("place.camera", camera=camera_id), say("place.zone", zone=zone_id)]
    if lane_id:
        parts.append(say("place.lane", lane=lane_id))
    return " · ".join(parts)


def vehicle(kind: str, plate: str | None, say: Language, color: str | None = None) -> str:
    """`Car · blue · plate not read`."""
    parts = [say.known(f"vehicle.{kind}", kind), color, plate or say("vehicle.no_plate")]
    return " · ".join(part for part in parts if part)


def question(one: QuestionItem, keys: Iterator[str], say: Language, zone: tzinfo) -> Question:
    """A question in the reader's language where the fact is known to the catalogue, else as the box put it.

    `keys` gives each ready answer its own key, across all questions of a case; `zone` is the site's.
    """
    values = say.known(f"fact.{one.fact}.choices", "yes no").split()
    choices = [Choice(value, say.known(f"answer.{value}", value), next(keys, "")) for value in values]
    sources = say("questions.sources", sources=", ".join(one.sources)) if one.sources else say("questions.no_sources")
    answer = None
    if one.answer is not None and one.answered_at is not None:
        chosen, mark, rest = one.answer.partition(":")
        said = say.known(f"answer.{chosen}", chosen) + mark + rest
        when = words.stamp(one.answered_at.astimezone(zone))
        answer = say("questions.answered", answer=said, who=one.answered_by or "", when=when)
    return Question(one.fact, say.known(f"fact.{one.fact}.question", one.question), sources, choices, answer)


def _names(line: HistoryLine, of: str) -> list[str]:
    said = line.detail.get(of)
    return [str(name) for name in said] if isinstance(said, list) else []
