"""The history of a case or an alarm: lines that are only ever added."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, String, event, inspect
from sqlalchemy.orm import Mapped, Mapper, mapped_column, object_session

from central.db.base import Base


class Line:
    """Columns of one line; the table adds whose it is."""

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str | None] = mapped_column(String(20))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


def only_added_to(lines: type[Line], whose: str) -> None:
    """Refuse to change or remove a line of this table; `whose` is "a case" or "an alarm"."""

    def refuse(_mapper: Mapper[Any], _connection: Any, line: Line) -> None:
        raise ValueError(f"the history of {whose} is only added to: line {line.id} cannot be changed or removed")

    event.listen(lines, "before_update", refuse)
    event.listen(lines, "before_delete", refuse)


def add_line(owner: Base, owner_key: str, line: Line) -> None:
    """Add `line` to `owner.history`. `owner_key` is the line's column that holds the id of its owner."""
    session = object_session(owner)
    owner_id = getattr(owner, "id", None)
    if owner_id is not None and session is not None and "history" in inspect(owner).unloaded:
        # A whole history need not be read to add a line to it.
        setattr(line, owner_key, owner_id)
        session.add(line)
    else:
        getattr(owner, "history").append(line)  # noqa: B009 - of a case or an alarm


__all__ = ["Line", "add_line", "only_added_to"]
