"""`sightline bench central`: its figures, what it calls a fault, and a small run with real parts."""

from pathlib import Path

import pytest
from rich.console import Console

from sightline.bench.central import Wish, bench_central, shortfalls, told
from sightline.bench.central_events import Voice
from sightline.bench.central_postgres import server_folders
from sightline.bench.central_show import show

PHASE = {
    "events": 1000,
    "seconds": 2.0,
    "rate": 500.0,
    "delays": [0.1] * 98 + [0.5, 0.9],
    "sent_again": 0,
    "cpu_s": {"central": 2.0, "broker": 0.5, "database": 1.5, "load": 1.0},
}
CHECKED = {"sent": 5, "stored": 5, "lost": 0, "doubled": 0, "refused": 0, "decisions": 2, "tickets": 2}


def test_shares_are_of_what_serves_and_not_of_the_boxes() -> None:
    figures = told(PHASE)
    assert figures["cores"] == {"broker": 0.25, "central": 1.0, "database": 0.75, "load": 0.5}
    assert figures["share"] == {"broker": 0.125, "central": 0.5, "database": 0.375}
    assert figures["cpu_us_per_event"]["central"] == 2000
    assert (figures["delay_s"]["p50"], figures["delay_s"]["of"]) == (0.1, 100)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lost": 1}, "1 events were lost"),
        ({"doubled": 2}, "2 events were doubled"),
        ({"refused": 3}, "3 events were refused"),
        ({"tickets": 1}, "2 decisions made 1 tickets"),
    ],
)
def test_what_must_not_be_is_named(wrong: dict[str, int], words: str) -> None:
    assert shortfalls({"checked": CHECKED}) == []
    assert shortfalls({"checked": CHECKED | wrong}) == [words]


def test_boxes_say_whole_matters_in_an_unbroken_chain() -> None:
    from itertools import islice

    from contract.events import parse_data, parse_event
    from contract.sealing import import_public, public_jwk, sha256_hex, verify_detached

    voice, before = Voice("edge-01"), "0" * 64
    key = import_public(public_jwk(voice.key))
    types: dict[str, int] = {}
    for number, one in enumerate(islice(voice.speak(), 200)):
        verify_detached(one.raw, one.jws, key)
        event = parse_event(one.raw)
        data = parse_data(event)
        assert data is not None
        assert data.chain is not None
        assert (data.chain.seq, data.chain.prev) == (number, before)
        before = sha256_hex(one.raw)
        types[event.type.rpartition(".")[2]] = types.get(event.type.rpartition(".")[2], 0) + 1
    # Two parkings of three events each to one failure to yield of two.
    assert types["illegal_parking"] == pytest.approx(2 * types["failure_to_yield"], abs=2)
    assert types["manifest"] == pytest.approx(types["illegal_parking"] + types["failure_to_yield"], abs=4)


@pytest.mark.long
@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_a_small_run(tmp_path: Path, database: str) -> None:
    if database == "postgresql" and not server_folders():
        pytest.skip("PostgreSQL is not installed")
    said: list[str] = []
    result = bench_central(
        Wish(2 if database == "postgresql" else 1, 3, 300, 10, database, tmp_path / "run"), said.append
    )
    assert shortfalls(result) == []
    assert result["checked"]["sent"] == 30 + 300 + 150
    assert result["phases"]["half"]["events"] == 150
    console = Console(record=True, width=120)
    show(result, console)
    assert "published to committed, p95" in console.export_text()
