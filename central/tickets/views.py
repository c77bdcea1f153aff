"""What pages and the API show of cases. Times are aware, `t_*` are stream seconds, boxes pixels of `frame`."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from contract.events import FactSaid, Vehicle, Violation


class View(BaseModel):
    """Base of what is shown."""

    model_config = ConfigDict(frozen=True)


class MediaItem(View):
    """One still or clip. `ready`: its bytes are there and verified. `t1` is the end of a clip."""

    sha256: str
    kind: str
    role: str | None
    moment: str | None
    t: float
    t1: float | None
    at: AwareDatetime
    w: int
    h: int
    size: int
    media_type: str
    overlay: bool
    ready: bool


class QuestionItem(View):
    """A fact no live source told. It must be answered by name (`fact`) before the case can be approved."""

    fact: str
    question: str
    sources: list[str]
    answer: str | None
    answered_by: str | None
    answered_at: AwareDatetime | None


class Check(View):
    """One result of the precheck. What fails is shown, never hidden; `ok` None is *not known here*.

    `detail` says it in English; `figures` are what a page's own sentence is filled with, and `form` which of several
    sentences it is. `cases` are numbers of other cases that it names.
    """

    name: str
    ok: bool | None
    detail: str
    figures: list[str] = Field(default=[])
    form: str = ""
    cases: list[str] = Field(default=[])


class RegisterLine(View):
    """`what` (type | color) as it was seen and as the register has it. `same` None: a person compares by eye."""

    what: str
    seen: str | None
    book: str
    same: bool | None


class RegisterCard(View):
    """The vehicle beside the register. `state`: none (no register here) | unread (no plate) | unlisted | found."""

    state: str
    plate: str | None = None
    lines: list[RegisterLine] = Field(default=[])


class HistoryLine(View):
    """One line of the append-only history."""

    at: AwareDatetime
    actor: str
    action: str
    from_state: str | None
    to_state: str | None
    detail: dict[str, JsonValue]


class Seal(View):
    """How the decision was sealed. `chain_state`: genesis | linked | pending (neighbour not arrived) | broken."""

    ok: bool
    kid: str
    event_id: str
    event_sha256: str
    chain_id: str
    chain_seq: int
    chain_state: str
    received_at: AwareDatetime


class QueueItem(View):
    """One line of the queue. `thumbnail` is the SHA-256 of a still that is there; `flags` name failed checks.

    `taken_by` names somebody else who has the case open just now; it forbids nothing. `due_at` is when its step must be
    done (None: nothing limits it), `colour` how much of that time is used: blue, yellow from half on, red from 80 %.
    `first_by` took the first look; a second one is another person's.
    """

    number: str
    state: str
    rule: str
    verdict: str
    site: str
    camera_id: str
    zone_id: str
    lane_id: str | None
    vehicle_class: str
    plate: str | None
    at_trigger: AwareDatetime
    created_at: AwareDatetime
    dwell_s: float | None
    thumbnail: str | None
    open_questions: int
    missing_media: int
    flags: list[str]
    reason_code: str | None
    due_at: AwareDatetime | None
    colour: str | None
    first_by: str | None
    decided_by: str | None
    decided_at: AwareDatetime | None
    taken_by: str | None = None


class QueuePage(View):
    """One page of cases in a state. `next` goes into `after` for the page behind it.

    `counts` are the cases in each state in which they wait, counted to 1000 and no further.
    """

    state: str
    items: list[QueueItem]
    next: str | None
    counts: dict[str, int]


class CaseView(View):
    """Everything a page shows of one case.

    `violation` is the decision as the box sealed it (geometry for the overlay, clock, numbers, model, reason);
    `vehicle` is its vehicle, with the plate that was read from the evidence since where it had none, corrected;
    `actions` are what the table opens to the roles of who looks, in this state; `undo_until` is until when who looks
    can take back their own last decision (None: there is none). `previous` and `next` are the neighbours in the queue
    of the same state. `due_at` is when the step must be done; not `due_certain`: the calendar does not know all of its
    days, and the earliest end was taken. `corrected` is what a person read otherwise than the machine, by plate, type
    and color; `vehicle` has it, `machine` what the machine read. `checks` with `ok=False` must be shown beside the
    evidence.
    """

    number: str
    version: int
    state: str
    verdict: str
    rule: str
    edge_id: str
    camera_id: str
    site: str
    zone_id: str
    lane_id: str | None
    violation: Violation
    vehicle: Vehicle
    machine: Vehicle
    corrected: dict[str, str]
    seal: Seal
    at_end: AwareDatetime | None
    dwell_s: float | None
    manifest_arrived: bool
    evidence_ready: bool
    dropped: list[str]
    below_profile: list[str]
    facts: dict[str, FactSaid]
    media: list[MediaItem]
    questions: list[QuestionItem]
    checks: list[Check]
    register_card: RegisterCard
    history: list[HistoryLine]
    actions: list[str]
    undo_until: AwareDatetime | None
    due_at: AwareDatetime | None
    due_certain: bool
    colour: str | None
    reason_code: str | None
    note: str | None
    ground: str | None
    first_by: str | None
    decided_by: str | None
    decided_at: AwareDatetime | None
    created_at: AwareDatetime
    previous: str | None
    next: str | None
