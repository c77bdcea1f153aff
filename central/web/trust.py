"""Can it be trusted? Clock, metres, seal, chain, precheck, origin: each as a line of the case page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from central.tickets.precheck import clock_error
from central.tickets.views import CaseView, Check
from central.web.language import Language
from contract.events import Violation

_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
#: Checks that have a line of their own.
_OWN = frozenset({"seal", "chain", "clock"})


@dataclass(frozen=True, slots=True)
class Fact:
    """A line: `flag` is the badge it wears (`good`, `ask`, `stop`), None for plain text; `says` explains."""

    label: str
    value: str
    flag: str | None = None
    says: str | None = None


def facts(view: CaseView, say: Language) -> list[Fact]:
    """What speaks for and against the record, with nothing hidden."""
    return [_clock(view.violation, say), *_seal(view, say), _ground(view, say), *_checks(view.checks, say)]


def _clock(data: Violation, say: Language) -> Fact:
    clock = data.clock
    label, source = say("trust.clock"), say(f"clock.{clock.source}")
    if clock.offset_ms is None:
        return Fact(label, say("trust.clock_unknown"), "ask", say("trust.clock_unknown_says"))
    offset = f"{clock.offset_ms / 1000:+.3f}"
    if clock_error(data):
        return Fact(label, say("trust.clock_over", offset=offset), "stop", source)
    if clock.uncertainty_ms is None:
        return Fact(label, say("trust.clock_known_plain", offset=offset), "good", source)
    uncertainty = f"{clock.uncertainty_ms / 1000:.3f}"
    return Fact(label, say("trust.clock_known", offset=offset, uncertainty=uncertainty), "good", source)


def _seal(view: CaseView, say: Language) -> Iterator[Fact]:
    seal = view.seal
    yield Fact(say("trust.seal"), say("trust.seal_ok" if seal.ok else "trust.seal_bad"), "good" if seal.ok else "stop")
    flag = {"pending": "ask", "broken": "stop"}.get(seal.chain_state, "good")
    place = say("origin.chain_value", seq=seal.chain_seq, id=seal.chain_id)
    yield Fact(say("trust.chain"), say.known(f"trust.chain.{seal.chain_state}", seal.chain_state), flag, place)


def _ground(view: CaseView, say: Language) -> Fact:
    kind = view.violation.geometry.ground
    return Fact(say("trust.ground"), say(f"trust.ground_{kind}"), "ask" if kind == "estimated" else None)


def _checks(checks: list[Check], say: Language) -> Iterator[Fact]:
    for check in checks:
        if check.name not in _OWN:
            label = say.known(f"check.{check.name}", check.name)
            yield Fact(label, detail(check, say), "good" if check.ok else "ask")


def detail(check: Check, say: Language) -> str:
    """The result in the reader's language where the catalogue has its sentence, else as the check put it."""
    sentence = say.known(f"check.{check.name}.{'ok' if check.ok else 'not'}", "")
    numbers = _NUMBERS.findall(check.detail)
    if not sentence or sentence.count("{}") > len(numbers):
        return check.detail
    return sentence.format(*numbers)


def origin(view: CaseView, say: Language) -> list[tuple[str, str, bool]]:
    """(label, value, is a hash) of where it comes from: enough to find the model, the site file and the event again."""
    data, seal = view.violation, view.seal
    model = f"{data.model.name} {data.model.version}" if data.model else say("origin.model_unknown")
    rows = [
        ("model", model, False),
        ("model_hash", data.model.sha256 if data.model else None, True),
        ("rule", f"{data.rule.value} {data.rule_ver}", False),
        ("jurisdiction", data.jurisdiction, False),
        ("code", data.violation_code, False),
        ("site", data.site, False),
        ("site_version", data.site_version, True),
        ("edge", data.edge_id, False),
        ("track", str(data.track_id), False),
        ("key", seal.kid, True),
        ("event", seal.event_id, True),
        ("event_hash", seal.event_sha256, True),
        ("case_key", data.case_key, True),
    ]
    return [(say(f"origin.{name}"), value, hashed) for name, value, hashed in rows if value]
