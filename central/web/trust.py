"""Can it be trusted? Clock, metres, seal, chain, precheck, origin: each as a line of the case page."""

import re
from dataclasses import dataclass

from central.tickets.precheck import clock_error
from central.tickets.views import CaseView, Check
from central.web import lacks
from central.web.language import Language
from contract.events import Violation

_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
#: Checks that have a line of their own.
_OWN = frozenset({"seal", "chain", "clock"})


@dataclass(frozen=True, slots=True)
class Fact:
    """A line: `flag` is the badge it wears (`good`, `ask`, `stop`, `plain` for not known), None for plain text.

    `says` explains, `cases` are other cases to look at.
    """

    label: str
    value: str
    flag: str | None = None
    says: str | None = None
    cases: tuple[str, ...] = ()


def facts(view: CaseView, say: Language) -> list[Fact]:
    """What speaks for and against the record, in the fixed order of the checks, with nothing hidden."""
    own = {"seal": _seal(view, say), "chain": _chain(view, say), "clock": _clock(view.violation, say)}
    lines = [own.pop(check.name, None) if check.name in _OWN else _line(check, say) for check in view.checks]
    return [*(line for line in lines if line), *own.values(), _ground(view, say)]


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


def _seal(view: CaseView, say: Language) -> Fact:
    ok = view.seal.ok
    return Fact(say("trust.seal"), say("trust.seal_ok" if ok else "trust.seal_bad"), "good" if ok else "stop")


def _chain(view: CaseView, say: Language) -> Fact:
    seal = view.seal
    flag = {"pending": "ask", "broken": "stop"}.get(seal.chain_state, "good")
    place = say("origin.chain_value", seq=seal.chain_seq, id=seal.chain_id)
    return Fact(say("trust.chain"), say.known(f"trust.chain.{seal.chain_state}", seal.chain_state), flag, place)


def _ground(view: CaseView, say: Language) -> Fact:
    kind = view.violation.geometry.ground
    return Fact(say("trust.ground"), say(f"trust.ground_{kind}"), "ask" if kind == "estimated" else None)


def _line(check: Check, say: Language) -> Fact:
    label = say.known(f"check.{check.name}", check.name)
    flag = {True: "good", False: "ask", None: "plain"}[check.ok]
    return Fact(label, detail(check, say), flag, cases=tuple(check.cases))


def detail(check: Check, say: Language) -> str:
    """The result in the reader's language where the catalogue has its sentence, else as the check put it."""
    result = {True: "ok", False: "not", None: "unknown"}[check.ok]
    form = f".{check.form}" if check.form else ""
    sentence = say.known(f"check.{check.name}.{result}{form}", "")
    figures = check.figures or _NUMBERS.findall(check.detail)
    if check.name == "lists" and figures:
        figures = [say("list.and").join(say.known(f"list.{one}", one) for one in figures)]
    if not sentence or sentence.count("{}") > len(figures):
        return lacks.in_words(check.detail, say)
    return sentence.format(*figures)


def origin(view: CaseView, say: Language) -> list[tuple[str, str, bool]]:
    """(label, value, is a hash) of where it comes from: enough to find the model, the site file and the event again."""
    data, seal = view.violation, view.seal
    model = f"{data.model.name} {data.model.version}" if data.model else say("origin.model_unknown")
    rows = [
        ("model", model, False),
        ("model_hash", data.model.sha256 if data.model else None, True),
        ("rule", f"{data.rule.value} {data.rule_ver}", False),
        ("reason", data.reason, False),
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
