"""What central counts of itself, for Prometheus. Each process has its own registry."""

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from central.db.cases import Case
from central.db.database import Database
from central.db.events import Event, Quarantine
from central.db.ledger import LedgerTree, LedgerWaiting
from central.db.media import CaseHold, Media
from central.tickets import stuck
from central.tickets.horizon import horizons
from central.tickets.review import WORKFLOW

#: States of a chain's link that somebody should know of. `broken` is an alarm.
_OPEN = ("pending", "broken")
#: Counting that takes longer than this (s) is spared for so many times as long.
_QUICK_S, _SPARED = 0.05, 100.0
#: But never for longer: once it may have waited behind a lock.
_MOST_SPARED_S = 120.0


class Metrics:
    """Counters of this process, and gauges read from the database when they are asked for."""

    def __init__(self, db: Database) -> None:
        self.registry = CollectorRegistry()
        self.events = Counter(
            "sightline_central_events_total",
            "Events taken in, by what became of them: stored, duplicate, refused, failed",
            ["outcome"],
            registry=self.registry,
        )
        self.lag = Histogram(
            "sightline_central_ingest_lag_seconds",
            "From the time of an event to its commit",
            buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
            registry=self.registry,
        )
        self.batch = Histogram(
            "sightline_central_ingest_batch_events",
            "Events taken in with one commit",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
            registry=self.registry,
        )
        self.queued = Gauge(
            "sightline_central_ingest_queue", "Messages received that wait for their batch", registry=self.registry
        )
        self.dropped = Counter(
            "sightline_central_ingest_dropped_total",
            "Messages that found the queue full, by quality of service; QoS 1 is not read and waits instead",
            ["qos"],
            registry=self.registry,
        )
        for qos in ("0", "1"):
            self.dropped.labels(qos)
        self.bad_seals = Counter(
            "sightline_central_bad_seals_total",
            "Events of an enrolled box whose seal does not hold: kept in the quarantine, never a case",
            registry=self.registry,
        )
        self.media_bytes = Counter(
            "sightline_central_media_bytes_total", "Bytes of media received and verified", registry=self.registry
        )
        self.media_refused = Counter(
            "sightline_central_media_refused_total",
            "Uploads that were refused, by status",
            ["status"],
            registry=self.registry,
        )
        self.media_removed = Counter(
            "sightline_central_media_orphans_removed_total", "Orphans that sweeps removed", registry=self.registry
        )
        self.media_removed_bytes = Counter(
            "sightline_central_media_orphans_removed_bytes_total", "Their bytes", registry=self.registry
        )
        self.media_sweep = Gauge(
            "sightline_central_media_sweep",
            "What the last sweep of this process found: looked, orphans, locked, entered, missing",
            ["found"],
            registry=self.registry,
        )
        self.media_sweep_at = Gauge(
            "sightline_central_media_sweep_time_seconds", "Unix time of the last sweep's end", registry=self.registry
        )
        self.live = Gauge(
            "sightline_central_live",
            "Live view at this replica: streams that come here, viewers, other replicas that fetch one",
            ["of"],
            registry=self.registry,
        )
        self.broker_up = Gauge(
            "sightline_central_broker_connected", "1 while connected to the broker", registry=self.registry
        )
        self.registry.register(_Stored(db))


class _Stored:
    """Gauges that every replica reads alike from the database.

    With millions of rows counting takes its time: what was counted is told again for a hundred times as long, and
    two minutes at most.
    """

    def __init__(self, db: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._told: list[GaugeMetricFamily] = []
        self._until = clock()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Cases by state, and what is stored, quarantined and held. Nothing while the database is away."""
        begun = self._clock()
        if not self._told or begun >= self._until:
            self._told = list(self._counted())
            ended = self._clock()
            took = ended - begun
            self._until = ended + (min(_SPARED * took, _MOST_SPARED_S) if took > _QUICK_S else 0.0)
        yield from self._told

    def _counted(self) -> Iterator[GaugeMetricFamily]:
        cases = GaugeMetricFamily("sightline_central_cases", "Cases by state", labels=["state"])
        try:
            with self._db.read() as session:
                found = dict(session.execute(select(Case.state, func.count()).group_by(Case.state)).all())
                events = session.execute(select(func.count()).select_from(Event)).scalar_one()
                refused = session.execute(select(func.count()).select_from(Quarantine)).scalar_one()
                sizes = dict(session.execute(select(Media.edge_id, func.sum(Media.size)).group_by(Media.edge_id)).all())
                held = session.execute(
                    select(func.count()).select_from(CaseHold).where(CaseHold.released_at.is_(None))
                ).scalar_one()
                links = dict(
                    session.execute(
                        select(Event.chain_state, func.count())
                        .where(Event.chain_state.in_(_OPEN))
                        .group_by(Event.chain_state)
                    ).all()
                )
                entered = session.execute(select(LedgerTree.size)).scalar_one()
                waiting = session.execute(select(func.count()).select_from(LedgerWaiting)).scalar_one()
                reaching = horizons(session)
                still = sum(one.count for one in stuck.stranded(session)), stuck.late(session)
        except SQLAlchemyError:
            return
        chain = GaugeMetricFamily(
            "sightline_central_chain_links", "Events whose neighbour is on its way, or does not fit", labels=["state"]
        )
        for state in _OPEN:
            chain.add_metric([state], links.get(state, 0))
        yield chain
        days = GaugeMetricFamily(
            "sightline_central_calendar_days",
            "Days from today on that a calendar of working days knows; below 0 every day counts as worked",
            labels=["country"],
        )
        for one in reaching:
            days.add_metric([one.country], one.days)
        yield days
        yield GaugeMetricFamily(
            "sightline_central_second_looks_stranded", "Second looks that nobody there is may take", value=still[0]
        )
        yield GaugeMetricFamily(
            "sightline_central_evidence_late", "Cases whose evidence has not come within a minute",
            value=still[1].count if still[1] else 0,
        )  # fmt: skip
        yield GaugeMetricFamily("sightline_central_ledger_entries", "Entries in the ledger", value=entered)
        yield GaugeMetricFamily("sightline_central_ledger_waiting", "Rows not entered yet", value=waiting)
        for state in WORKFLOW.states:
            cases.add_metric([state], found.get(state, 0))
        yield cases
        yield GaugeMetricFamily("sightline_central_events_stored", "Events in the database", value=events)
        yield GaugeMetricFamily("sightline_central_quarantined", "Messages in quarantine", value=refused)
        yield GaugeMetricFamily(
            "sightline_central_media_stored_bytes", "Bytes of media held", value=sum(sizes.values())
        )
        yield GaugeMetricFamily("sightline_central_cases_held", "Cases under legal hold", value=held)
        boxes = GaugeMetricFamily("sightline_central_media_edge_bytes", "Bytes of media by box", labels=["edge"])
        for edge_id, size in sizes.items():
            boxes.add_metric([edge_id], float(size))
        yield boxes

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing is promised before the database was asked."""
        return iter(())
