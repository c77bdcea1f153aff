"""`make test`: tests that share nothing, on every core; those that mostly wait, one more than there are cores; the rest.

`python -m tests.lanes [pytest's own options]` runs pytest three times and ends with one exit status; `python -m pytest`
runs all of them in one process, as ever. Two at once are only tests that measure nothing and open no port that others
could take. A file is in the first lane when `ABREAST` names it or its folder: it listens to no clock. It is in the
second when `WAITING` names it: cameras in real time, heartbeats, reconnections, with the processor idle meanwhile;
what it asks of time is patient enough for neighbours. The last lane measures, or needs every core.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
#: Folders and files of tests that may run beside any other of them.
ABREAST = (
    "unit",
    *(
        f"acceptance/test_{name}.py"
        for name in (
            "broken_output",
            "camera_moved",
            "evaluate",
            "evidence_pack",
            "generated_properties",
            "labels_export",
            "plan_equal",
            "plate_replay",
            "readme",
            "replay_clips",
            "web_pages",
            "wrong_input",
        )
    ),
    *(
        f"integration/test_{name}.py"
        for name in (
            "api_schemathesis",
            "approvals",
            "areas",
            "asking",
            "bookmarks",
            "calendar_horizon",
            "central_alarm_looks",
            "central_alarms",
            "central_alarms_postgres",
            "central_asking",
            "central_books",
            "central_desk",
            "central_export",
            "central_given_up",
            "central_http",
            "central_ingest",
            "central_lists",
            "central_migrations",
            "central_notices",
            "central_plate",
            "central_process",
            "central_quarantine",
            "central_queue",
            "central_retention",
            "central_sites",
            "deliver_broker",
            "deliver_central",
            "deliver_chaos",
            "desk_any_order",
            "desk_deadlines",
            "detectors",
            "duty",
            "duty_sheets",
            "duty_webhook",
            "earlier",
            "embargoes",
            "evidence_bundle",
            "evidence_content",
            "evidence_forgery",
            "evidence_keeper",
            "evidence_plate",
            "evidence_profile",
            "four_eyes_people",
            "gate_clips",
            "learning",
            "learning_postgres",
            "learning_workflow",
            "input_of_people",
            "ledger",
            "media_holds",
            "media_store",
            "migrations_with_data",
            "messages",
            "models_bundles",
            "models_prepare",
            "no_text",
            "oidc",
            "people_races",
            "phases_marked",
            "plan_glance",
            "plan_looker",
            "polling_glance",
            "polling_ledgers",
            "polling_process",
            "polling_wall",
            "plates_reading",
            "queue_areas",
            "recording_of_central",
            "recordings",
            "redaction",
            "redaction_public",
            "reports",
            "routes_by_role",
            "site_boxes",
            "stuck",
            "wall_layouts",
            "warning_period",
        )
    ),
)
#: Files of tests that spend their time waiting, beside each other.
WAITING = (
    *(
        f"acceptance/test_{name}.py"
        for name in (
            "desk_browser",
            "desk_two_people",
            "public_page",
            "recording_page",
            "web_alarms",
            "web_browser",
            "web_duty",
        )
    ),
    *(
        f"integration/test_{name}.py"
        for name in (
            "attention",
            "bench_central",
            "bench_desk",
            "broker_access",
            "cameras_file",
            "cameras_odd",
            "cameras_rtsp",
            "central_back_pressure",
            "central_turns",
            "chaos_found",
            "deliver_media",
            "deliver_outbox",
            "deliver_spans",
            "deliver_tls",
            "demo_camera",
            "docker_parts",
            "docker_stores",
            "edge_certificates",
            "edge_goes_on",
            "edge_goes_on_cameras",
            "edge_top",
            "intruder_short",
            "listening_broker",
            "live_box",
            "live_hub",
            "live_replicas",
            "masks",
            "media_killed",
            "media_quota",
            "media_sweep",
            "onvif",
            "outages",
            "people",
            "phase_stills",
            "pictures_told",
            "record_ledger",
            "record_process",
            "recordings_whole",
            "sensor_line",
            "sensors",
            "signed_video",
            "told_broker",
            "worker_hangs",
        )
    ),
)
#: Where a lane writes the names of what failed, a line each.
FAILED_FILE = "SIGHTLINE_TESTS_FAILED"
_MOST_WORKERS = 4
_RAN = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}


def lane_of(path: Path) -> str:
    """The lane, `abreast`, `waiting` or `alone`, of a file of tests."""
    inside = path.relative_to(TESTS) if path.is_relative_to(TESTS) else path
    named = {"abreast": ABREAST, "waiting": WAITING}
    return next((lane for lane, ones in named.items() if any(map(inside.is_relative_to, ones))), "alone")


def main(words: list[str]) -> int:
    """Run every lane with pytest's options `words`; the exit status that one pytest over all would have."""
    cores = min(_MOST_WORKERS, len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory() as folder:
        failed = Path(folder) / "failed"
        failed.touch()
        statuses = []
        for title, options in (
            (f"tests: those that share nothing, {cores} at a time", ["--lane", "abreast", *_at_once(cores)]),
            (f"tests: those that mostly wait, {cores + 1} at a time", ["--lane", "waiting", *_at_once(cores + 1)]),
            ("tests: those that need the machine, one after another", ["--lane", "alone"]),
        ):
            print(title, flush=True)
            status = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *words],
                env={**os.environ, FAILED_FILE: str(failed)},
                check=False,
            ).returncode
            statuses.append(status)
            if status not in _RAN or (status and {"-x", "--exitfirst"} & set(words)):
                return status
        for line in failed.read_text(encoding="utf-8").splitlines():
            print(f"tests: failed: {line}")
    return together(statuses)


def _at_once(workers: int) -> list[str]:
    return ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]


def together(statuses: list[int]) -> int:
    """Failed when one has; nothing was collected only when neither had anything."""
    if pytest.ExitCode.TESTS_FAILED in statuses:
        return pytest.ExitCode.TESTS_FAILED
    return min(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
