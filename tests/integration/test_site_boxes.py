"""A station is bound to its boxes: what another says of it is kept, shown nowhere, and told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from central_kit import Box, open_db
from fastapi.testclient import TestClient
from sqlalchemy import delete
from typer.testing import CliRunner

from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.db.events import Event
from central.db.polling import FeedTrouble, RecordingLedger
from central.duty import seeing
from central.live import cameras
from central.polling import continuity, wall
from central.sites import boxes
from contract.errors import InputError
from contract.events import now
from contract.sealing import GENESIS
from sightline.commands.central_site import app as commands
from tests.live_kit import CAMERA, Hall

NOW = datetime(2026, 12, 12, 7, 0, tzinfo=UTC)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """The station's own box has told of it, and then another has: a ledger, and a trouble."""
    one = Hall(tmp_path, open_db(tmp_path))
    Box("edge-66").enrol(one.db)
    with one.db.write() as session:
        session.add(
            RecordingLedger(
                edge_id="edge-66", camera_id=CAMERA, site="ps-1", next_number=0, hash=GENESIS,
                heard_at=now() + timedelta(hours=1),
            )
        )  # fmt: skip
        session.add(
            Event(
                id="x", edge_id="edge-66", type="t", chain_id="c", chain_seq=0, chain_prev=GENESIS, sha256="0" * 64,
                chain_state="linked", raw=b"{}", jws="j", kid="k", sealed=True, at=NOW, received_at=NOW,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            FeedTrouble(
                edge_id="edge-66", case_key="k", event_id="x", camera_id=CAMERA, site="ps-1", kind="covered",
                severity="alarm", reason="a hand", figures={}, at_first=NOW, at_trigger=NOW, created_at=NOW,
            )
        )  # fmt: skip
    yield one
    one.db.close()


def shown(hall: Hall) -> tuple[set[str | None], int]:
    """Which boxes the wall believes, and how many alarms of troubles somebody on duty would be told."""
    with hall.db.read() as session:
        (tile,) = wall.tiles(session, NOW)
        ledgers = continuity._ledgers(session, ["ps-1"])
        found = {tile.cameras[0].edge_id, *(one.edge_id for one in ledgers.values())}
        return found, sum(one.kind == "trouble" for one in seeing.seen(session, NOW))


def watched(hall: Hall, edge_id: str) -> str | None:
    with hall.db.read() as session:
        return cameras.site_of(session, edge_id, CAMERA, ())


def test_only_the_boxes_of_a_station_speak_for_it(hall: Hall) -> None:
    assert shown(hall) == ({"edge-66"}, 1) and watched(hall, "edge-66") == "ps-1"  # heard last, and nothing was said
    with hall.db.write() as session:
        boxes.name(session, "ps-1", ["edge-01"], "cli:li")
    assert shown(hall) == ({"edge-01"}, 0)
    assert watched(hall, "edge-66") is None and watched(hall, "edge-01") == "ps-1"
    token = hall.person("mei", Role.MONITOR)
    with TestClient(hall.app(), headers={"Accept-Language": "en"}) as client:
        client.cookies.set(SESSION_COOKIE, token)
        page = client.get("/stations/ps-1").text
        assert "Other boxes speak for this station: edge-66." in page and "a hand" not in page
        with hall.db.write() as session:
            boxes.name(session, "ps-1", ["edge-01", "edge-66"], "cli:li")
        page = client.get("/stations/ps-1").text
        assert "Other boxes" not in page and "a hand" in page
    with hall.db.write() as session:
        session.execute(delete(FeedTrouble))
        boxes.name(session, "ps-1", [], "cli:li")
    assert shown(hall)[0] == {"edge-66"}


def test_a_box_of_another_station_is_a_stranger_here(hall: Hall) -> None:
    with hall.db.write() as session:
        boxes.name(session, "ps-1", ["edge-01"], "cli:li")
    with hall.db.read() as session:
        assert boxes.strangers(session, "ps-1") == ["edge-66"] and boxes.strangers(session, "ps-9") == []
    for site, named in (("ps-9", ["edge-01"]), ("ps-1", ["no/box"]), ("ps-1", [f"e-{n}" for n in range(51)])):
        with pytest.raises(InputError), hall.db.write() as session:
            boxes.name(session, site, named, "cli:li")
    with hall.db.read() as session:
        assert boxes.named(session, "ps-1") == ["edge-01"]


def test_the_command_names_boxes_and_says_who_speaks(hall: Hall) -> None:
    config = hall.folder / "central.yaml"
    address = hall.db.engine.url.render_as_string(hide_password=False)
    config.write_text(yaml.safe_dump({"data_dir": ".", "database": {"url": address}}))
    run = CliRunner().invoke
    told = run(commands, ["boxes", "ps-1", "--config", str(config)])
    assert "every box may speak" in told.output, told.output
    told = run(commands, ["boxes", "ps-1", "--box", "edge-01", "--box", "edge-02", "--config", str(config)])
    assert "ps-1: edge-01, edge-02" in told.output
    told = run(commands, ["boxes", "ps-1", "--config", str(config)])
    assert "ps-1: edge-01, edge-02" in told.output
    assert "every box" in run(commands, ["boxes", "ps-1", "--every", "--config", str(config)]).output
