"""Keeps what may become evidence, lets go what will not, and packs what was decided.

A rule says Keep when an instant may matter, Release when it will not, and at last a decision. Stills of the decisive
moments are taken from the packets at full resolution and lie on disk at once; the clip is cut when its last second
has come. What could not be kept is named, never passed over.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2

from contract.errors import ModelError
from contract.events import Image, Vehicle
from contract.pack_check import lacks
from edge.cameras.packets import CameraPacket, PacketStore
from edge.evidence.clip import ClipError, alike, write_clip
from edge.evidence.demands import Demands
from edge.evidence.kept import MOMENTS, Decided, KeptPassage, Moment
from edge.evidence.label import Label
from edge.evidence.pack import Pack, Packer
from edge.evidence.plate import PlateSeen, PlateWitness, best_looks
from edge.rules.decision import Box, Decision, Keep, Outcome, Release

#: A clip that would be longer loses its beginning. Seconds.
LONGEST_S = 60.0
#: A stream that died will not bring the clip's last seconds: pack what there is after this long. Seconds.
PATIENCE_S = 20.0
#: The evidence waits this long for its plate. Seconds.
PLATE_PATIENCE_S = 60.0
#: A picture kept this close to the decisive instant shows it as well, when the exact one is gone. Seconds.
NEAR_ENOUGH_S = 1.0
#: Pictures of a passage that nobody decided or released, because the box restarted, go after this.
ORPHAN = timedelta(days=2)


class EvidenceKeeper:
    """Evidence of one camera. Used by one thread; `store` may be filled by another."""

    def __init__(
        self,
        store: PacketStore,
        folder: Path,
        *,
        label: Label | None = None,
        frame: tuple[int, int] | None = None,
        tell: Callable[[str], None] | None = None,
        plates: PlateWitness | None = None,
        demands: Demands | None = None,
    ) -> None:
        """`folder` is this camera's own; what an earlier run left there is found again.

        `label` asks for overlay copies; `frame` is the site's, in whose pixels boxes are; `tell` hears of what
        could not be kept; `plates` reads the plate of the accused vehicle, and of no other; `demands` is what the
        jurisdiction asks for, by default what it is in China.
        """
        self._store = store
        self._root = folder
        self._label = label
        self._frame = frame
        self._tell = tell or (lambda _: None)
        self._plates = plates
        self._asked: dict[str, tuple[Future[PlateSeen], float]] = {}
        self._patience_s = 0.0
        self._demands = demands or Demands()
        self._held: dict[str, KeptPassage] = {}
        self._given: set[str] = set()
        self._inherited: set[str] = set()
        self._deadline: dict[str, float] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._inherit()

    def keep(self, said: Keep) -> None:
        """Keep the picture of this instant on disk until its passage is decided or released."""
        if said.moment not in MOMENTS:
            raise ValueError(f"{said.moment!r} is not one of {', '.join(MOMENTS)}")
        moment: Moment = next(name for name in MOMENTS if name == said.moment)
        why = self._take(self._of(said.passage), moment, said.t, said.box)
        if why:
            self._tell(f"{why} - {said.passage}")

    def release(self, said: Release) -> None:
        """Let go what was kept of a passage, unless it was decided meanwhile."""
        held = self._held.get(said.passage)
        if held is not None and held.kept.decided is None:
            self._forget(said.passage)

    def decided(self, decision: Decision, case_key: str = "") -> None:
        """Take the decision: a violation gets its stills at once and its pack when `due`; others are let go.

        `case_key` comes back in the pack.
        """
        if decision.outcome is Outcome.CLOSED:
            return
        if decision.outcome is not Outcome.VIOLATION:
            self.release(Release(decision.passage))
            return
        held = self._of(decision.passage)
        missing = self._decisive(held, decision)
        trigger = decision.trigger or decision.last
        decided = Decided(
            case_key=case_key,
            rule=str(decision.rule),
            zone_id=decision.zone_id,
            t_first=decision.first.t,
            t_trigger=trigger.t,
            t_last=decision.last.t,
            at_first=self._store.wall(decision.first.t),
            at_trigger=self._store.wall(trigger.t),
            at_last=self._store.wall(decision.last.t),
            missing=missing,
            vehicle_class=decision.vehicle_class,
            color=decision.color,
            looks=best_looks(decision) if self._plates else [],
        )
        try:
            held.decide(decided)
        except OSError as error:  # it stands in memory, and the pack will say what is missing
            self._tell(f"{held.folder}: cannot be written ({error.strerror}) - free space on the disk")
        self._inherited.discard(decision.passage)
        self._deadline[decision.passage] = time.monotonic() + PATIENCE_S
        self._ask(decision.passage)

    def due(self, t: float, most: int | None = None) -> list[Pack]:
        """Packs, `most` at most, whose clip is complete at stream second `t`, or will not get longer.

        Each is given once: its files are named by what is in them, and stay as they are until `done` is called with it.
        """
        passages = [passage for passage in self._open() if self._is_due(passage, t)]
        return [self._pack(passage) for passage in passages[:most]]

    def flush(self, patience_s: float = PLATE_PATIENCE_S) -> list[Pack]:
        """All packs that are open, as they are: the stream has ended. Waits so long for plates that are being read."""
        self._patience_s = patience_s
        return [self._pack(passage) for passage in self._open()]

    def done(self, pack: Pack) -> None:
        """The pack is safe elsewhere: its folder goes."""
        self._forget(pack.passage)

    @property
    def waiting(self) -> int:
        """How many passages have something on disk."""
        return len(self._held)

    def _inherit(self) -> None:
        for held in KeptPassage.found(self._root):
            newest = max((shot.at for shot in held.kept.shots), default=None)
            old = newest is None or datetime.now(UTC) - newest > ORPHAN
            if old and held.kept.decided is None:
                held.remove()
                continue
            self._held[held.kept.passage] = held
            self._inherited.add(held.kept.passage)

    def _of(self, passage: str) -> KeptPassage:
        if passage not in self._held:
            self._held[passage] = KeptPassage.begin(self._root, passage)
        return self._held[passage]

    def _forget(self, passage: str) -> None:
        held = self._held.pop(passage, None)
        self._inherited.discard(passage)
        self._given.discard(passage)
        self._deadline.pop(passage, None)
        self._asked.pop(passage, None)
        if held is not None:
            held.remove()

    def _take(self, held: KeptPassage, moment: Moment, t: float, box: Box) -> str | None:
        """Keep one instant; why it could not be kept, else None."""
        try:
            exact_t, picture = self._store.picture_at(t)
            held.add(moment, exact_t, self._store.wall(exact_t), picture, box, self._frame)
        except LookupError as error:
            return f"still of {moment}: {error.args[0] if error.args else error}"
        except OSError as error:
            return f"still of {moment} at {t:.3f} s: the disk refuses it ({error.strerror})"
        return None

    def _decisive(self, held: KeptPassage, decision: Decision) -> list[str]:
        """Make sure of first, trigger and last; what cannot be had is returned as sentences."""
        self._settle(held, decision)
        wanted = [("first", decision.first), ("trigger", decision.trigger), ("last", decision.last)]
        missing, have = [], set()
        for name, moment in wanted:
            if moment is None or moment.t in have:
                continue
            have.add(moment.t)
            as_moment: Moment = next(known for known in MOMENTS if known == name)
            kept = held.shot(as_moment)
            if kept is not None and abs(kept.t - moment.t) < 0.001:
                continue
            why = self._take(held, as_moment, moment.t, moment.box)
            if why is not None and (kept is None or abs(kept.t - moment.t) > NEAR_ENOUGH_S):
                missing.append(why)
        return missing

    def _settle(self, held: KeptPassage, decision: Decision) -> None:
        """Give shots of an earlier run the stream time of this one, by wall clock; drop those of another stay."""
        if decision.passage not in self._inherited:
            return
        last, reference = decision.last.t, self._store.wall(decision.last.t)
        shots = []
        for shot in held.kept.shots:
            t = last + (shot.at - reference).total_seconds()
            if decision.first.t - 1.0 <= t <= last + 1.0:
                shots.append(shot.model_copy(update={"t": round(t, 6)}))
        held.kept = held.kept.model_copy(update={"shots": shots})

    def _open(self) -> list[str]:
        return [name for name, held in self._held.items() if held.kept.decided is not None and name not in self._given]

    def _is_due(self, passage: str, t: float) -> bool:
        return self._is_complete(passage, t) and not self._plate_awaited(passage)

    def _is_complete(self, passage: str, t: float) -> bool:
        if passage in self._inherited or time.monotonic() > self._deadline.get(passage, 0.0):
            return True
        decided = self._held[passage].kept.decided
        return decided is not None and t >= decided.t_last + self._demands.evidence.post_roll_s

    def _pack(self, passage: str) -> Pack:
        held = self._held[passage]
        decided = held.kept.decided
        assert decided is not None
        self._given.add(passage)
        packer = Packer(self._store, held, self._label)
        images = packer.images()
        dropped = list(decided.missing)
        video = None
        if passage in self._inherited:
            dropped.append("video: the box restarted before the clip was cut")
        else:
            try:
                video = packer.video(write_clip(self._clip(decided, dropped), held.folder / "clip.mp4"))
            except ClipError as error:
                dropped.append(f"video: {error}")
            except OSError as error:
                dropped.append(f"video: the disk refuses it ({error.strerror})")
        unread: list[str] = []
        vehicle = self._vehicle(held, decided, packer, images, unread)
        images += packer.composite(images)
        tells = self._demands.of_plate(decided, vehicle)
        asked = self._demands.asked(decided.rule, decided.zone_id)
        below = [*lacks(asked, images, video, packer.headers(images)), *(self._label.lacking if self._label else [])]
        return Pack(
            passage=passage,
            case_key=decided.case_key,
            at=decided.at_last,
            images=images,
            video=video,
            dropped=[*dropped, *packer.dropped],
            below_profile=[*below, *unread, *packer.shadows(images)],
            files=packer.files,
            vehicle=vehicle,
            facts=dict(tells.facts),
            suppression=list(tells.suppression),
        )

    def _vehicle(
        self, held: KeptPassage, decided: Decided, packer: Packer, images: list[Image], below: list[str]
    ) -> Vehicle | None:
        """The vehicle with its plate, whose crop is added to `images`; what is lacking goes to `below`."""
        asked = self._ask(held.kept.passage)
        if asked is None:
            return None
        try:
            seen = asked[0].result(self._patience_s)
            if seen.shot is not None:
                images.append(packer.plate(seen.shot))
        except TimeoutError:
            below.append("plate: it was not read in time")
            return None
        except (OSError, RuntimeError, ModelError, cv2.error) as error:  # costs the plate, never the case
            why = (str(error).splitlines() or [type(error).__name__])[0]
            self._tell(f"the plate could not be read ({why[:200]})")
            below.append("plate: the reader failed")
            return None
        if seen.voted.text is None:
            below.append(f"plate: {seen.voted.why}")
        return seen.vehicle(decided)

    def _ask(self, passage: str) -> "tuple[Future[PlateSeen], float] | None":
        """The reading of a decided passage's plate and when it was asked for; None where nobody reads."""
        held = self._held[passage]
        decided = held.kept.decided
        if self._plates is None or decided is None:
            return None
        if passage not in self._asked:
            store = None if passage in self._inherited else self._store
            self._asked[passage] = self._plates.ask(held, decided, store, self._frame), time.monotonic()
        return self._asked[passage]

    def _plate_awaited(self, passage: str) -> bool:
        """Whether the plate is still being read, and may be."""
        asked = self._ask(passage)
        return asked is not None and not asked[0].done() and time.monotonic() < asked[1] + PLATE_PATIENCE_S

    def _clip(self, decided: Decided, dropped: list[str]) -> list[CameraPacket]:
        """Packets of the clip; what had to stay out of it is added to `dropped`."""
        evidence = self._demands.evidence
        begin, end = wanted_span(
            decided.t_first, decided.t_last, evidence.pre_roll_s, evidence.post_roll_s, evidence.video_min_s
        )
        if end - begin > LONGEST_S:
            dropped.append(f"video {begin:.1f} s to {end - LONGEST_S:.1f} s: a clip holds at most {LONGEST_S:.0f} s")
            begin = end - LONGEST_S
        packets = alike(self._store.packets(begin, end), decided.t_trigger)
        if packets and packets[0].t > begin + 0.05 and begin >= 0:
            dropped.append(f"video before {packets[0].t:.1f} s: no longer in memory")
        if packets and packets[-1].t < end - 1.0:
            dropped.append(f"video after {packets[-1].t:.1f} s: the stream ended or changed there")
        return packets


def wanted_span(
    first: float, last: float, pre_s: float = 3.0, post_s: float = 2.0, least_s: float = 10.0
) -> tuple[float, float]:
    """Stream seconds that the clip of a decision should cover: by default 3 s before to 2 s after, 10 s at least."""
    end = last + post_s
    return min(first - pre_s, end - least_s), end
