"""What the front refuses is told once a reason, then once a minute; nothing a stranger sent gets into the log as it was."""

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from structlog.testing import capture_logs

from central.api.problems import add_handlers
from central.edges.enrolment import EnrolRefused
from central.edges.tokens import TokenRefused
from central.refusals import MOST_LINES, MOST_REASONS, Refusals


def request(path: str = "/edge/v1/enrol", address: str = "10.0.0.1") -> Request:
    return Request(
        {"type": "http", "method": "POST", "path": path, "headers": [], "client": (address, 1), "query_string": b""}
    )


def unknown() -> None:
    raise EnrolRefused("the code is unknown")


def misshapen() -> None:
    raise EnrolRefused("the code is not of the right form")


def tokenless() -> None:
    raise TokenRefused("an edge shows a token of its own key")


def caught(refuse: Callable[[], None]) -> Exception:
    try:
        refuse()
    except (EnrolRefused, TokenRefused) as error:
        return error
    raise AssertionError("nothing was refused")


def told(
    refusals: Refusals, *asked: Request, status: int = 403, refuse: Callable[[], None] = unknown
) -> list[dict[str, object]]:
    with capture_logs() as lines:
        for one in asked:
            error = caught(refuse)
            refusals.tell(one, status, error, str(error))
    return lines


def crowd(first: int, last: int) -> list[Request]:
    return [request(address=f"2001:db8::{number:x}") for number in range(first, last)]


def test_a_flood_is_one_line_and_then_its_number() -> None:
    clock = [100.0]
    refusals = Refusals(lambda: clock[0])
    (first,) = told(refusals, *[request()] * 500)
    assert (first["status"], first["reason"], first["address"], first["path"]) == (
        403,
        "the code is unknown",
        "10.0.0.1",
        "/edge/v1/enrol",
    )
    assert "more_since" not in first
    clock[0] += 59.0
    assert told(refusals, request()) == []
    clock[0] += 2.0
    assert [line["more_since"] for line in told(refusals, request(), request())] == [500]


def test_each_reason_and_each_address_has_a_line_of_its_own() -> None:
    refusals = Refusals()
    assert len(told(refusals, *[request(address=f"10.0.0.{number}") for number in range(9)])) == 9
    assert len(told(refusals, request(), status=429)) == 1
    assert len(told(refusals, request(), refuse=tokenless)) == 1
    (other,) = told(refusals, request(), request(), refuse=misshapen)
    assert other["reason"] == "the code is not of the right form", "of the same kind, status and address"
    assert told(refusals, request(), status=409) == []


def test_whoever_words_a_refusal_anew_makes_no_new_reason() -> None:
    words = iter(range(1000))

    def worded() -> None:
        raise EnrolRefused(f"there is no code {next(words):x}")

    assert len(told(Refusals(), *[request()] * 1000, refuse=worded)) == 1


def test_a_crowd_has_so_many_lines_a_minute_and_hides_nobody() -> None:
    clock = [100.0]
    refusals = Refusals(lambda: clock[0])
    assert len(told(refusals, *crowd(0, 5000))) == MOST_LINES
    assert [line["reason"] for line in told(refusals, *crowd(0, 9), refuse=tokenless)] == [
        "an edge shows a token of its own key"
    ]
    clock[0] += 61.0
    first, second = told(refusals, request(address="2001:db8::1:0"), request(address="2001:db8::1"))
    assert (first["more_elsewhere"], "more_since" in first) == (5000 - MOST_LINES, False)
    assert not {"more_elsewhere", "more_since"} & set(second)
    for minute in range(5):
        clock[0] += 61.0
        assert len(told(refusals, *crowd(9000 * minute, 9000 * minute + 2000))) == MOST_LINES
        assert len(refusals._of_address) <= 2 * MOST_LINES + 2


def test_who_was_told_of_and_stays_away_is_counted_for_the_reason() -> None:
    clock = [100.0]
    refusals = Refusals(lambda: clock[0])
    told(refusals, *[request()] * 8)
    clock[0] += 61.0
    assert "more_elsewhere" not in told(refusals, request(address="10.0.0.2"))[0]
    clock[0] += 61.0
    assert told(refusals, request(address="10.0.0.2"))[0]["more_elsewhere"] == 7


def test_whatever_a_reason_is_made_of_there_are_only_so_many() -> None:
    refusals = Refusals(lambda: 1.0)

    def made_up(number: int) -> list[dict[str, object]]:
        kind = type(f"Refused{number}", (Exception,), {})
        with capture_logs() as lines:
            refusals.tell(request(), 403, kind("no"), "no")
        return lines

    assert sum(len(made_up(number)) for number in range(3000)) <= MOST_REASONS + 1
    assert len(refusals._of_reason) <= MOST_REASONS + 1


class Code(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str


def test_requests_that_fit_no_description_are_told_apart_by_place_and_kind_alone() -> None:
    app = FastAPI()
    app.state.refusals = Refusals()
    add_handlers(app)

    @app.post("/enrol")
    @app.post("/renew/{box}")
    def take(shown: Code) -> None:
        """Anything that fits."""

    client = TestClient(app)
    with capture_logs() as lines:
        for number in range(20):
            client.post("/enrol", json={})
            client.post("/enrol", json={"code": "a", f"name {number}": 1})
            client.post(f"/renew/box-{number}", json={})
            client.get(f"/nowhere/{number}")
    assert [str(line["reason"]).rsplit(": ", 1)[-1] for line in lines] == [
        "Field required",
        "Extra inputs are not permitted",
        "Field required",
        "Not Found",
    ]


def test_a_path_is_told_as_it_goes_over_the_wire() -> None:
    (line,) = told(Refusals(), request("/x\r\nERROR all is well\x1b[31m\ud800"))
    assert set(str(line["path"])) <= set("/xERORalswei%0123456789ABCDF?mv")
