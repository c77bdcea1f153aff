"""The review by two people: two looks, deadlines, what can be undone, what a person read otherwise.

A case that one person had approved goes to the second look: nothing is approved by one person any more. One that was
here before and was not touched since stands where it stood. What happens to a case here is a line of its history, as
everything is.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_QUEUES = {"ix_cases_queue": (), "ix_cases_queue_rule": ("rule",), "ix_cases_queue_site": ("site",)}
_NEW: dict[str, sa.Column[Any]] = {
    "state_at": sa.Column("state_at", _MOMENT, nullable=False, server_default="1970-01-01 00:00:00.000000"),
    "jurisdiction": sa.Column("jurisdiction", sa.String(41), nullable=False, server_default=""),
    "utc_offset_s": sa.Column("utc_offset_s", sa.Integer(), nullable=False, server_default="0"),
    "due_at": sa.Column("due_at", _MOMENT, nullable=True),
    "due_certain": sa.Column("due_certain", sa.Boolean(), nullable=True),
    "yellow_at": sa.Column("yellow_at", _MOMENT, nullable=True),
    "red_at": sa.Column("red_at", _MOMENT, nullable=True),
    "sort_at": sa.Column("sort_at", _MOMENT, nullable=False, server_default="1970-01-01 00:00:00.000000"),
    "ground": sa.Column("ground", sa.String(2), nullable=True),
    "first_by": sa.Column("first_by", sa.String(64), nullable=True),
    "first_by_id": sa.Column("first_by_id", sa.Integer(), nullable=True),
    "decided_by_id": sa.Column("decided_by_id", sa.Integer(), nullable=True),
    "final_at": sa.Column("final_at", _MOMENT, nullable=True),
    "corrected": sa.Column("corrected", sa.JSON(), nullable=False, server_default="{}"),
}
_OLD: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Integer(), "event_id": sa.String(), "state": sa.String(), "at_trigger": _MOMENT, "created_at": _MOMENT,
    "decided_by": sa.String(), "decided_at": _MOMENT, "version": sa.Integer(),
}  # fmt: skip
_CASES = sa.table(
    "cases",
    *(sa.column(name, kind) for name, kind in _OLD.items()),
    *(sa.column(name, column.type) for name, column in _NEW.items()),
)
_EVENTS = sa.table("events", sa.column("id", sa.String()), sa.column("raw", sa.LargeBinary()))
_USERS = sa.table("users", sa.column("id", sa.Integer()), sa.column("name", sa.String()))
_LOG = sa.table(
    "case_log", sa.column("id", sa.Integer()),
    sa.column("case_id", sa.Integer()), sa.column("at", _MOMENT), sa.column("actor", sa.String()),
    sa.column("action", sa.String()), sa.column("from_state", sa.String()), sa.column("to_state", sa.String()),
    sa.column("detail", sa.JSON()),
)  # fmt: skip
_UP = {"REVIEW": "REVIEW1", "APPROVED": "REVIEW2"}
_DOWN = {
    **dict.fromkeys(("PRECHECK", "REVIEW1", "REVIEW2", "NEEDS_MORE"), "REVIEW"),
    **dict.fromkeys(("ENTERED", "NOTIFIED", "HANDLED", "APPEAL", "UPHELD", "ARCHIVED"), "APPROVED"),
    **dict.fromkeys(("CANCELLED", "EXPIRED"), "REJECTED"),
}
_ONE, _TWO = "one look", "two looks"
_BATCH = 1000
#: Lines by which somebody decides.
_DECIDED = frozenset({"approve", "reject", "send back", "ask", "resume", "set aside"})
#: What only the columns made here hold, beside the history.
_TOLD = ("first_by", "first_by_id", "decided_by_id", "ground")


def upgrade() -> None:
    """Columns and ways through the queue; every case gets its place, and what waits its next look."""
    for column in _NEW.values():
        op.add_column("cases", column)
    for name in _QUEUES:
        op.drop_index(name, "cases")
    bind = op.get_bind()
    users = {name: id_ for id_, name in bind.execute(sa.select(_USERS.c.id, _USERS.c.name))}
    corrected = _corrected(bind)
    for batch in _batches(bind):
        _placed(bind, batch, users, corrected)
        ids = [row["id"] for row in batch]
        before = _histories(bind, ids)
        _moved(bind, [(row, to) for row in batch if (to := _up(row, before.get(row["id"], []), users))], _TWO, users)
        _told(bind, _histories(bind, ids), batch)
    for name, among in {**_QUEUES, "ix_cases_queue_verdict": ("verdict",)}.items():
        op.create_index(name, "cases", ["state", *among, "sort_at", "number"])


def downgrade() -> None:
    """One look again: what two people had in hands waits anew, what is past them is approved or rejected."""
    bind = op.get_bind()
    for batch in _batches(bind):
        _moved(bind, [(row, _DOWN[row["state"]]) for row in batch if row["state"] in _DOWN], _ONE, {})
    for name in (*_QUEUES, "ix_cases_queue_verdict"):
        op.drop_index(name, "cases")
    for name in _NEW:
        op.drop_column("cases", name)
    for name, among in _QUEUES.items():
        op.create_index(name, "cases", ["state", *among, "at_trigger", "number"])


def _batches(bind: sa.Connection) -> Iterator[list[Mapping[str, Any]]]:
    last = 0
    query = sa.select(_CASES, _EVENTS.c.raw).join(_EVENTS, _EVENTS.c.id == _CASES.c.event_id).order_by(_CASES.c.id)
    while batch := bind.execute(query.where(_CASES.c.id > last).limit(_BATCH)).mappings().all():
        yield [dict(row) for row in batch]
        last = batch[-1]["id"]


def _placed(
    bind: sa.Connection,
    batch: list[Mapping[str, Any]],
    users: Mapping[str, int],
    corrected: Mapping[int, Mapping[str, str]],
) -> None:
    """Where and by whose law: what the decision of the box says. A deadline that no line tells is put by the jobs."""
    step = sa.update(_CASES).where(_CASES.c.id == sa.bindparam("key"))
    values = [
        {
            "key": row["id"],
            "to_jurisdiction": str(said.get("jurisdiction", ""))[:41],
            "to_offset": _offset(said.get("at_trigger")),
            "to_sort": row["at_trigger"],
            "to_state_at": row["decided_at"] or row["created_at"],
            "to_by": users.get(row["decided_by"] or ""),
            "to_corrected": corrected.get(row["id"], {}),
        }
        for row in batch
        for said in [json.loads(row["raw"])["data"]]
    ]
    bind.execute(
        step.values(
            jurisdiction=sa.bindparam("to_jurisdiction"),
            utc_offset_s=sa.bindparam("to_offset"),
            sort_at=sa.bindparam("to_sort"),
            state_at=sa.bindparam("to_state_at"),
            decided_by_id=sa.bindparam("to_by"),
            corrected=sa.bindparam("to_corrected", type_=sa.JSON()),
        ),
        values,
    )


def _corrected(bind: sa.Connection) -> dict[int, dict[str, str]]:
    """What people had corrected when this version ran here before."""
    lines = sa.select(_LOG.c.case_id, _LOG.c.detail).where(_LOG.c.action == "correct").order_by(_LOG.c.id)
    found: dict[int, dict[str, str]] = {}
    for case_id, detail in bind.execute(lines):
        found.setdefault(case_id, {})[detail["field"]] = detail["said"]
    return found


def _offset(moment: object) -> int:
    try:
        offset = datetime.fromisoformat(str(moment)).utcoffset()
    except ValueError:
        return 0
    return int(offset.total_seconds()) if offset is not None else 0


def _histories(bind: sa.Connection, ids: Sequence[int]) -> dict[int, list[sa.Row[Any]]]:
    """Steps, and the lines that tell a deadline."""
    wanted = _LOG.c.to_state.is_not(None) | _LOG.c.action.in_(("opened", "reckoned"))
    lines = sa.select(_LOG).where(_LOG.c.case_id.in_(ids), wanted).order_by(_LOG.c.id)
    found: dict[int, list[sa.Row[Any]]] = {}
    for line in bind.execute(lines):
        found.setdefault(line.case_id, []).append(line)
    return found


def _up(row: Mapping[str, Any], history: Sequence[sa.Row[Any]], users: Mapping[str, int]) -> str | None:
    """Where a case goes, None where it is already: back where it was, when only the way down has touched it since."""
    steps = _steps(history)
    last = steps[-1] if steps else None
    if last is not None and last.action == _ONE:
        return str(last.from_state)
    if row["state"] == "APPROVED" and last is not None and last.from_state == "REVIEW2":
        return None
    if row["state"] == "APPROVED" and row["decided_by"] not in users:
        # Nobody knows whose look that was: then both are taken.
        return "REVIEW1"
    return _UP.get(row["state"])


def _moved(
    bind: sa.Connection, rows: list[tuple[Mapping[str, Any], str]], action: str, users: Mapping[str, int]
) -> None:
    if not rows:
        return
    at = datetime.now(UTC)
    bind.execute(
        sa.insert(_LOG),
        [
            {"case_id": row["id"], "at": at, "actor": "system", "action": action, "from_state": row["state"],
             "to_state": to, "detail": {"by": users[by]} if (by := row["decided_by"]) in users else {}}
            for row, to in rows
        ],
    )  # fmt: skip
    for row, to in rows:
        values = {"state": to, "version": row["version"] + 1}
        bind.execute(sa.update(_CASES).where(_CASES.c.id == row["id"]).values(**values))


def _told(bind: sa.Connection, histories: Mapping[int, Sequence[sa.Row[Any]]], batch: list[Mapping[str, Any]]) -> None:
    """What the histories say of who decided the cases, on which ground and by when: also when they were here before."""
    captured = {row["id"]: row["at_trigger"] for row in batch}
    for case_id, history in histories.items():
        stands = _stands(history)
        values = {name: value for name in _TOLD if (value := stands[name]) is not None}
        led = next((line for line in reversed(_steps(history)) if line.action not in (_ONE, _TWO)), None)
        if led is not None and led.to_state == stands["state"]:
            values["state_at"] = led.at
        if stands["told"]:
            values |= _deadline(captured[case_id], stands["due"])
        if values:
            bind.execute(sa.update(_CASES).where(_CASES.c.id == case_id).values(**values))


def _deadline(captured: datetime, due: datetime | None) -> dict[str, Any]:
    """The deadline that a history tells, and when its colour changes: yellow when half of it is used, red at 80 %."""
    if due is None:
        return {"due_certain": True}
    # SQLite keeps times of UTC without saying so.
    captured = captured if captured.tzinfo else captured.replace(tzinfo=UTC)
    whole = due - captured
    shown = {"yellow_at": captured + whole * 0.5, "red_at": captured + whole * 0.8}
    return {"due_certain": True, "due_at": due, "sort_at": due, **shown}


def _stands(history: Sequence[sa.Row[Any]]) -> dict[str, Any]:
    """What a history comes to, by the rules of this version: those of later ones are another matter."""
    now: dict[str, Any] = dict.fromkeys((*_TOLD, "decided_by", "due")) | {"state": "CANDIDATE", "told": False}
    before = now
    for line in history:
        if line.to_state is None:
            now = now | _due(line)
        elif line.action == "undo":
            now = before
        else:
            before, now = now, _next(now, line)
    return now


def _next(now: dict[str, Any], line: sa.Row[Any]) -> dict[str, Any]:
    by = line.detail.get("by")
    now = now | {"state": line.to_state, "told": False} | _due(line)
    if line.to_state == "REVIEW1":
        now |= {"first_by": None, "first_by_id": None}
    if line.action in {"verify", "appeal"}:
        return now | {"ground": line.detail.get("ground") if line.action == "verify" else None}
    if line.action == _TWO and line.to_state == "REVIEW2":
        return now | {"first_by": now["decided_by"], "first_by_id": by, "decided_by_id": by}
    if line.action not in _DECIDED:
        return now
    now |= {"decided_by": line.actor, "decided_by_id": by}
    if line.action == "approve" and (line.to_state == "REVIEW2" or line.from_state == "REVIEW"):
        now |= {"first_by": line.actor, "first_by_id": by}
    return now


def _due(line: sa.Row[Any]) -> dict[str, Any]:
    if "due" not in line.detail:
        return {}
    said = line.detail["due"]
    return {"due": datetime.fromisoformat(said).astimezone(UTC) if said else None, "told": True}


def _steps(history: Sequence[sa.Row[Any]]) -> list[sa.Row[Any]]:
    return [line for line in history if line.to_state is not None]
