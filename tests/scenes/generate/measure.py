"""What a real detector's boxes look like: jitter, misses, false boxes, splits, merges, switches - from the real clips.

Run once, by hand, with the clips and weights of the shared folder:

    python -m tests.scenes.generate.measure ../shared tests/scenes/generate/measured.json

The file it writes is what `sensing.py` draws its noise from. PETS09-S2L1 has hand-made boxes of people, so misses,
false boxes, merges and switches of people are counted against truth. Vehicles have none: their misses are the holes
inside tracks, their jitter the second differences of box edges (white noise has 6 sigma^2 there; a smooth way none).
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.analysis import Pace
from edge.cameras.file import FilePackets
from edge.detect.open import open_detector
from edge.detect.protocol import Detector
from edge.frames import CLASSES, Tracks
from edge.replay import DEFAULT_START, Start, parse_start
from edge.track.tracker import Tracker

Array = NDArray[np.float64]
#: Clips by the longest stretch that is looked at [s].
CLIPS = {
    "road_illegal_parking_kevinjoy": 20.0,
    "lot_cctv_leaving_prakhar": 20.0,
    "road_cctv_india_clumsyy29": 10.0,
    "road_crosswalk_madison_roxa": 13.0,
    "road_crosswalk_blocked_guto": 8.0,
    "road_dusk_highway_federico": 10.0,
    "road_zebra_redlight_kartik": 5.2,
    "lot_person_bicycle_car_intel": 20.0,
    "street_towncentre_10s_yassim": 5.0,
}
FPS, PETS_S = 12.5, 40.0
MATCH_IOU = 0.5


def main(shared: Path, target: Path) -> None:
    """Measure everything and write `target`."""
    from zoneinfo import ZoneInfo

    detector = open_detector(shared / "weights" / "yolo11n_int8_openvino_model", threads=1)
    start = parse_start(DEFAULT_START, ZoneInfo("Asia/Shanghai"))
    tracks: dict[str, list[Any]] = defaultdict(list)
    for name, seconds in CLIPS.items():
        frames = seen(detector, shared / "clips" / f"{name}.mp4", seconds, start)
        print(f"{name}: {len(frames)} frames", file=sys.stderr)
        for kind, found in by_track(frames).items():
            tracks[kind] += found
    pets = seen(detector, shared / "clips" / "mot_pets09_s2l1_vtest.avi", PETS_S, start, fps=30.0)
    truth = read_truth(shared / "clips" / "PETS09-S2L1.gt.txt")
    measured = {
        "detector": detector.model.name,
        "fps": FPS,
        "tracks": {kind: of_tracks(found) for kind, found in tracks.items()},
        "people": against_truth(pets, truth),
    }
    target.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def seen(detector: Detector, clip: Path, seconds: float, start: Start, fps: float = FPS) -> list[tuple[float, Tracks]]:
    """(t, tracks) of a clip at about `fps`."""
    tracker, pace, frames = Tracker(), Pace(fps), []
    for t, picture in FilePackets(clip, start.wall).pictures(pace.wants):
        if t > seconds:
            break
        frames.append((t, tracker.update(t, detector.detect(picture))))
    return frames


def by_track(frames: list[tuple[float, Tracks]]) -> dict[str, list[list[tuple[int, Array, float, int]]]]:
    """Per class (the track's most frequent) its tracks: (frame index, box (4,), score, class) of each sighting."""
    rows: dict[int, list[tuple[int, Array, float, int]]] = defaultdict(list)
    for index, (_, tracks) in enumerate(frames):
        for row, one in enumerate(tracks.ids.tolist()):
            box = tracks.boxes[row].astype(np.float64)
            rows[one].append((index, box, float(tracks.scores[row]), int(tracks.classes[row])))
    found: dict[str, list[list[tuple[int, Array, float, int]]]] = defaultdict(list)
    for sightings in rows.values():
        kinds = np.bincount([kind for *_, kind in sightings])
        found[CLASSES[int(np.argmax(kinds))]].append(sightings)
    return found


def of_tracks(tracks: list[list[tuple[int, Array, float, int]]]) -> dict[str, Any]:
    """Jitter relative to the box (per edge: left, top, right, bottom), holes, class flips and scores of one class."""
    jitter: list[Array] = []
    lag: list[Array] = []
    holes: list[int] = []
    sightings = flips = 0
    scores: list[float] = []
    for track in tracks:
        if len(track) < 8:
            continue
        index = np.array([row[0] for row in track])
        boxes = np.array([row[1] for row in track])
        scores += [row[2] for row in track]
        usual = np.bincount([row[3] for row in track]).argmax()
        flips += sum(row[3] != usual for row in track)
        sightings += len(track)
        holes += [int(gap) - 1 for gap in np.diff(index) if gap > 1]
        size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        bend = boxes[2:] - 2 * boxes[1:-1] + boxes[:-2]
        whole = (index[2:] - index[:-2] == 2)[:, None] & np.ones(4, bool)
        jitter.append((bend / size[1:-1])[whole.all(axis=1)] ** 2 / 6)
        lag.append(slow_share(boxes, size))
    squares = np.concatenate(jitter) if jitter else np.zeros((0, 4))
    return {
        "tracks": len(jitter),
        "sightings": sightings,
        "jitter_rms": rounded(np.sqrt(squares.mean(axis=0))) if len(squares) else None,
        "jitter_median": rounded(np.sqrt(np.median(squares, axis=0) / 0.455)) if len(squares) else None,
        "slow_wander": round(float(np.nanmedian(np.concatenate(lag))), 4) if lag else None,
        "hole_starts_per_sighting": round(len(holes) / max(sightings, 1), 4),
        "hole_mean_frames": round(float(np.mean(holes)), 2) if holes else 0.0,
        "class_flip_share": round(flips / max(sightings, 1), 4),
        "score_quartiles": rounded(np.percentile(scores, [25, 50, 75])) if scores else None,
    }


def slow_share(boxes: Array, size: Array) -> Array:
    """Standard deviation per edge (share of the box) of a box that stands for the whole track; else empty."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    if len(boxes) < 60 or np.ptp(middle, axis=0).max() > 0.15 * size.min(axis=1).mean():
        return np.zeros(0)
    still: Array = (boxes / size.mean(axis=0)).std(axis=0)
    return still


def rounded(values: Array) -> list[float]:
    """Four digits are more than such figures bear."""
    return [round(float(value), 4) for value in values]


def read_truth(path: Path) -> dict[int, dict[int, Array]]:
    """MOT ground truth: video frame (from 0) -> person -> box."""
    frames: dict[int, dict[int, Array]] = defaultdict(dict)
    for line in path.read_text().splitlines():
        frame, person, x, y, w, h, *_ = (float(value) for value in line.split(","))
        frames[int(frame) - 1][int(person)] = np.array([x, y, x + w, y + h])
    return frames


def iou(one: Array, many: Array) -> Array:
    """Overlap (N,) of a box with boxes (N, 4)."""
    low, high = np.maximum(one[:2], many[:, :2]), np.minimum(one[2:], many[:, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(many[:, 2:] - many[:, :2], axis=1) + np.prod(one[2:] - one[:2])
    shared: Array = both / (areas - both)
    return shared


def covered(one: Array, by: Array) -> float:
    """Largest share of a box that one of the boxes (N, 4) covers."""
    if not len(by):
        return 0.0
    low, high = np.maximum(one[:2], by[:, :2]), np.minimum(one[2:], by[:, 2:])
    return float((np.prod(np.clip(high - low, 0, None), axis=1) / np.prod(one[2:] - one[:2])).max())


def against_truth(frames: list[tuple[float, Tracks]], truth: dict[int, dict[int, Array]]) -> dict[str, Any]:
    """Misses, their bursts, false boxes, merges, splits, switches and edge errors of people, counted on PETS09."""
    hits: dict[int, list[tuple[int, bool, float]]] = defaultdict(list)
    edges: dict[int, list[tuple[int, Array]]] = defaultdict(list)
    last: dict[int, int] = {}
    count = defaultdict(float)
    for t, tracks in frames:
        people = truth.get(round(t * 10), {})
        rows = np.flatnonzero(tracks.classes == CLASSES.index("person"))
        boxes, ids = tracks.boxes[rows].astype(np.float64), tracks.ids[rows]
        used: set[int] = set()
        for person, box in people.items():
            others = np.array([other for key, other in people.items() if key != person]).reshape(-1, 4)
            hidden = covered(box, others)
            match = match_of(box, boxes, used)
            hits[person].append((round(t * 10), match is not None, hidden))
            if match is None:
                count["merged"] += any(
                    covered(box, boxes[row : row + 1]) > 0.7 and len(others) and merged(boxes[row], others)
                    for row in range(len(boxes))
                )
                continue
            used.add(match)
            size = np.tile(box[2:] - box[:2], 2)
            if hidden < 0.1:
                edges[person].append((round(t * 10), (boxes[match] - box) / size))
            if person in last and last[person] != int(ids[match]):
                count["switches"] += 1
            last[person] = int(ids[match])
        spare = [row for row in range(len(boxes)) if row not in used]
        for row in spare:
            of_someone = covered(boxes[row], np.array(list(people.values())).reshape(-1, 4))
            count["splits" if of_someone > 0.5 else "false"] += 1
        count["frames"] += 1
    return told(hits, edges, count, frames)


def match_of(box: Array, boxes: Array, used: set[int]) -> int | None:
    """The row of the free box that overlaps most, from MATCH_IOU on."""
    if not len(boxes):
        return None
    shares = iou(box, boxes)
    shares[list(used)] = 0
    best = int(np.argmax(shares))
    return best if shares[best] >= MATCH_IOU else None


def merged(box: Array, others: Array) -> bool:
    """Whether a box covers somebody else as well."""
    return any(covered(other, box[None]) > 0.7 for other in others)


def told(
    hits: dict[int, list[tuple[int, bool, float]]],
    edges: dict[int, list[tuple[int, Array]]],
    count: dict[str, float],
    frames: list[tuple[float, Tracks]],
) -> dict[str, Any]:
    """The figures by name."""
    free = [hit for person in hits.values() for _, hit, hidden in person if hidden < 0.1]
    hidden = [hit for person in hits.values() for _, hit, share in person if share >= 0.3]
    bursts: list[int] = []
    for person in hits.values():
        run = 0
        for _, hit, share in person:
            if hit and run:
                bursts.append(run)
            run = 0 if hit or share >= 0.3 else run + 1
    minutes = sum(len(person) for person in hits.values()) / 10 / 60
    bias = np.array([np.mean([edge for _, edge in rows], axis=0) for rows in edges.values() if len(rows) > 20])
    wander, steps = [], []
    for rows in edges.values():
        if len(rows) > 20:
            errors = np.array([edge for _, edge in rows])
            errors = errors - errors.mean(axis=0)
            wander.append((errors**2).mean(axis=0))
            whole = np.diff([frame for frame, _ in rows]) == 1
            steps.append((errors[1:][whole] * errors[:-1][whole]).mean(axis=0))
    variance = np.mean(wander, axis=0)
    return {
        "miss_share_free": round(1 - float(np.mean(free)), 4),
        "miss_share_hidden_30": round(1 - float(np.mean(hidden)), 4) if hidden else None,
        "miss_burst_frames_10fps": rounded(np.percentile(bursts, [50, 90])) if bursts else None,
        "false_per_frame": round(count["false"] / count["frames"], 4),
        "splits_per_person_frame": round(count["splits"] / (minutes * 600), 4),
        "merged_per_person_frame": round(count["merged"] / (minutes * 600), 4),
        "switches_per_person_minute": round(count["switches"] / minutes, 2),
        "edge_bias_sd_between_people": rounded(bias.std(axis=0)),
        "edge_error_sd_within": rounded(np.sqrt(variance)),
        "edge_error_autocorrelation_0_1s": rounded(np.mean(steps, axis=0) / variance),
        "person_minutes": round(minutes, 2),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
