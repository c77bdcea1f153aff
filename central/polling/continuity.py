"""Expected against recorded (domain E2.3): a camera's window by its ledger, and a station's windows phase by phase."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.polling import RecordingGap, RecordingLedger, Station
from central.sites import boxes
from contract.continuity import Coverage, Missing
from contract.polling import Window

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CameraCoverage:
    """What one camera's ledger says of one window; `edge_id` None and all unledgered where no ledger is known."""

    camera_id: str
    edge_id: str | None
    coverage: Coverage
    fault: str | None
    #: From when to when (Unix microseconds) the ledger tells at all; None where it tells nothing.
    told: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PhaseCoverage:
    """One planned window of a station, up to `until` (now, while it runs), and its cameras."""

    window: Window
    until: datetime
    cameras: tuple[CameraCoverage, ...]

    @property
    def share(self) -> float:
        """Recorded of planned over all cameras, 0..1; 1 where nothing was planned yet."""
        planned = sum(one.coverage.planned_us for one in self.cameras)
        return sum(one.coverage.recorded_us for one in self.cameras) / planned if planned else 1.0


def windows_of(station: Station) -> list[Window]:
    """Its planned windows, by time."""
    return sorted((Window.model_validate(one) for one in station.windows), key=lambda one: one.begin)


def of_station(session: Session, station: Station, now: datetime) -> list[PhaseCoverage]:
    """Each window that has begun, as far as it has gone."""
    begun = [one for one in windows_of(station) if one.begin < now]
    ledgers = _ledgers(session, [station.site])
    found = []
    for window in begun:
        until = min(window.until, now)
        cameras = [
            CameraCoverage(str(one["id"]), *_told(session, ledgers.get((station.site, str(one["id"]))), window, until))
            for one in station.cameras
        ]
        found.append(PhaseCoverage(window, until, tuple(cameras)))
    return found


def coverage(session: Session, ledger: RecordingLedger, from_us: int, until_us: int) -> Coverage:
    """What the linked blocks of a ledger say of a span."""
    gaps = _gaps(session, (ledger.edge_id, ledger.camera_id), from_us, until_us)
    first = max(from_us, ledger.from_us if ledger.from_us is not None else until_us)
    last = min(until_us, ledger.until_us if ledger.until_us is not None else from_us)
    told = max(0, last - first)
    missing = sum(one.end_us - one.start_us for one in gaps)
    return Coverage(until_us - from_us, told - missing, until_us - from_us - told, tuple(gaps))


def micros(moment: datetime) -> int:
    """Unix microseconds of a moment."""
    return round(moment.astimezone(UTC).timestamp() * 1e6)


def _told(
    session: Session, ledger: RecordingLedger | None, window: Window, until: datetime
) -> tuple[str | None, Coverage, str | None, tuple[int, int] | None]:
    first, last = micros(window.begin), micros(until)
    if ledger is None:
        return None, Coverage(last - first, 0, last - first, ()), None, None
    told = (ledger.from_us, ledger.until_us) if ledger.from_us is not None and ledger.until_us is not None else None
    return ledger.edge_id, coverage(session, ledger, first, last), ledger.fault, told


def _ledgers(session: Session, sites: Collection[str]) -> Mapping[Place, RecordingLedger]:
    """By (site, camera id); of two boxes that claim one camera the one heard last."""
    query = (
        select(RecordingLedger)
        .where(RecordingLedger.site.in_(sites), boxes.speaks(RecordingLedger.site, RecordingLedger.edge_id))
        .order_by(RecordingLedger.heard_at)
    )
    return {(one.site, one.camera_id): one for one in session.execute(query).scalars()}


def _gaps(session: Session, place: Place, from_us: int, until_us: int) -> Sequence[Missing]:
    query = (
        select(RecordingGap)
        .where(
            RecordingGap.edge_id == place[0],
            RecordingGap.camera_id == place[1],
            RecordingGap.start_us < until_us,
            RecordingGap.end_us > from_us,
        )
        .order_by(RecordingGap.start_us)
    )
    return [
        Missing.model_validate(
            {
                "start_us": max(one.start_us, from_us),
                "end_us": min(one.end_us, until_us),
                "cause": one.cause,
                "detail": one.detail,
            }
        )
        for one in session.execute(query).scalars()
    ]


__all__ = ["CameraCoverage", "PhaseCoverage", "coverage", "micros", "of_station", "windows_of"]
