"""How fast this machine looks at the demo's street: `python -m sightline.demo.bench`, JSON on standard output.

The scene goes through the very pipeline that runs live (decode, detect, track, rules), as fast as it can.
"""

import io
import json
import os
import resource
import sys
import time
from pathlib import Path


def main() -> int:
    """Prints detector, seconds of video and of work, and how many times faster than real time."""
    from edge.detect.package import read_package
    from edge.replay import Sink, parse_start, place_of
    from edge.video_replay import replay_videos
    from models.prepare import default_package
    from sightline.demo.folder import Folder, default_home
    from sightline.demo.scene.render import prepare_scene
    from sightline.demo.scene.site import SITE_FILE

    files = prepare_scene(Folder(default_home()).cache, _tell)
    package = default_package(_tell)
    place = place_of(Path(SITE_FILE), None)
    sink = Sink(io.StringIO(), None)
    begin = parse_start("2026-01-05T10:00:00+08:00", place.site_file.site.zone_info)
    seconds = float(json.loads(files.truth.read_text(encoding="utf-8"))["duration_s"])
    wall, cpu = time.monotonic(), _cpu()
    replay_videos(place, [files.scene], begin, sink, _tell, model=package, evidence=None)
    wall, cpu = time.monotonic() - wall, _cpu() - cpu
    figures = {
        "detector": read_package(package).name,
        "cores": os.cpu_count(),
        "video_s": seconds,
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "times_real_time": round(seconds / wall, 2),
        "violations": sink.violations,
    }
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
