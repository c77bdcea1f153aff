"""What the front refuses is told once, then once a minute; nothing a stranger sent gets into the log as it was."""

from starlette.requests import Request
from structlog.testing import capture_logs

from central.refusals import Refusals


def request(path: str = "/edge/v1/enrol", address: str = "10.0.0.1") -> Request:
    return Request(
        {"type": "http", "method": "POST", "path": path, "headers": [], "client": (address, 1), "query_string": b""}
    )


def told(refusals: Refusals, *asked: Request, status: int = 403, kind: str = "EnrolRefused") -> list[dict]:
    with capture_logs() as lines:
        for one in asked:
            refusals.tell(one, status, kind, "the code is unknown")
    return lines


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


def test_each_kind_and_each_address_has_a_line_of_its_own() -> None:
    refusals = Refusals()
    assert len(told(refusals, *[request(address=f"10.0.0.{number}") for number in range(9)])) == 9
    assert len(told(refusals, request(), status=429)) == 1
    assert len(told(refusals, request(), kind="TokenRefused")) == 1
    assert told(refusals, request(), status=409) == []


def test_what_is_remembered_has_an_end() -> None:
    refusals = Refusals(lambda: 1.0)
    told(refusals, *[request(address=f"2001:db8::{number:x}") for number in range(5000)])
    assert len(refusals._told) <= 2000


def test_a_path_is_told_as_it_goes_over_the_wire() -> None:
    (line,) = told(Refusals(), request("/x\r\nERROR all is well\x1b[31m\ud800"))
    assert set(str(line["path"])) <= set("/xERORalswei%0123456789ABCDF?mv")
