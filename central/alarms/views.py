"""What pages and the API show of alarms. Times are aware."""

from pydantic import AwareDatetime

from central.tickets.views import HistoryLine, Seal, View
from contract.sensors import SensorAlarm


class AlarmItem(View):
    """One line of the list. A state has no `unit`; its `value` is 0 or 1."""

    number: str
    state: str
    matter: str
    kind: str
    edge_id: str
    sensor_id: str
    site: str
    place: str
    call: str | None
    unit: str | None
    value: float | None
    peak: float | None
    at_first: AwareDatetime
    at_trigger: AwareDatetime
    at_end: AwareDatetime | None
    lasted_s: float | None
    how: str | None
    taken_by: str | None
    finding: str | None
    closed_by: str | None


class AlarmPage(View):
    """One page of alarms. `next` goes into `after` for the page behind it; `counts` are alarms by state."""

    items: list[AlarmItem]
    next: str | None
    counts: dict[str, int]


class AlarmView(AlarmItem):
    """Everything that is known of one alarm. `sealed` is what the box sealed, `actions` what an officer may do now."""

    version: int
    sealed: SensorAlarm
    seal: Seal
    note: str | None
    history: list[HistoryLine]
    actions: list[str]
    created_at: AwareDatetime


__all__ = ["AlarmItem", "AlarmPage", "AlarmView"]
