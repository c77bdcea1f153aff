"""People who want more than is theirs: rights of others, sessions, forms, addresses, passwords."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from central.accounts.signing_in import FAILURES_BY_ADDRESS
from tests.bench.intruder_office import PASSWORD, Office, Tally
from tests.bench.intruder_request import Attack, tried

_NOTHING = "a" * 64


def pages(office: Office) -> Iterator[Attack]:
    """Addresses of elsewhere, headers in names, forms of other sites."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    for back in ("//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/%0d%0aX-Evil: 1",
                 "/\r\nX-Evil: 1", "/x\x00", " //evil.example", "/\t/evil.example", "///evil.example", "/..//evil.example"):  # fmt: skip
        data = httpx.QueryParams({"name": "li", "password": PASSWORD, "next": back})
        yield Attack("sign in, and on to elsewhere", "POST", "/sign-in", (303,), {"content": str(data), "headers": form},
                     never="'location': 'http")  # fmt: skip
        yield Attack("language, and on to elsewhere", "POST", "/language", (303,),
                     {"content": str(httpx.QueryParams({"to": "en\r\nX-Evil: 1", "next": back})), "headers": form}, never="x-evil")  # fmt: skip
    good = str(httpx.QueryParams({"name": "li", "password": PASSWORD, "next": "/"}))
    yield Attack(
        "signed in by another site",
        "POST",
        "/sign-in",
        (403,),
        {"content": good, "headers": form | {"Sec-Fetch-Site": "cross-site"}},
        never="set-cookie",
    )
    yield Attack("signed in by another site's plain form", "POST", "/api/v1/session", (415, 422),
                 {"content": json.dumps({"name": "li", "password": PASSWORD}), "headers": {"Content-Type": "text/plain"}}, never="set-cookie")  # fmt: skip
    for cookie in ("a" * 43, "../../x", "'; DROP TABLE users; --", "\u00e9" * 20, "", "x" * 5000):
        headers = {"Cookie": b"sightline_session=" + cookie.encode("latin-1")}
        yield Attack("session that nobody opened", "GET", "/api/v1/session", (400, 401, 431), {"headers": headers})
    for method in ("TRACE", "PROPFIND", "PATCH", "OPTIONS", "X" * 50):
        yield Attack("methods that are none of ours", method, "/api/v1/cases", (400, 401, 405, 501))


def rights(office: Office, tally: Tally) -> None:
    """Auditor and admin look and do not decide; nobody decides without the token of his own session."""
    with office.signed_in("li") as li, office.signed_in("wang") as wang:
        listed = (
            li.get("/api/v1/cases?state=REVIEW1").json()["items"]
            or li.get("/api/v1/cases?state=CANDIDATE").json()["items"]
        )
        number = listed[0]["number"]
        version = {"version": li.get(f"/api/v1/cases/{number}").json()["version"], "code": "R16", "note": "x"}
        path, state = f"/api/v1/cases/{number}/reject", li.get(f"/api/v1/cases/{number}").json()["state"]
        for name in ("zhou", "chen"):
            with office.signed_in(name) as other:
                tried(other, Attack("decides without the role", "POST", path, (403,), {"json": version}), tally)
        cross = {"headers": {"X-CSRF-Token": wang.headers["X-CSRF-Token"]}, "json": version}
        tried(li, Attack("another session's token", "POST", path, (403,), cross), tally)
        tried(li, Attack("no token", "POST", path, (403,), {"headers": {"X-CSRF-Token": ""}, "json": version}), tally)
        tried(
            li,
            Attack("odd token", "POST", path, (403,), {"headers": {"X-CSRF-Token": b"\xe9" * 9}, "json": version}),
            tally,
        )
        tried(li, Attack("another's still", "GET", f"/api/v1/cases/{number}/media/{'0' * 64}", (404,)), tally)
        after = li.get(f"/api/v1/cases/{number}").json()
        if after["state"] != state:
            tally.faults.append(f"case {number} was decided by who may not: {state} -> {after['state']}")
    for path in (
        "/api/v1/cases",
        f"/api/v1/cases/{number}",
        f"/api/v1/cases/{number}/media/{_NOTHING}",
        "/api/v1/session",
    ):
        with httpx.Client(base_url=office.url) as nobody:
            tried(nobody, Attack("looks without a session", "GET", path, (401,)), tally)


def sessions(office: Office, tally: Tally) -> None:
    """A session that an intruder chose beforehand is not taken up; one that was ended is over; the cookie is guarded."""
    chosen = "A" * 43
    with httpx.Client(base_url=office.url, cookies={"sightline_session": chosen}) as client:
        answer = client.post("/api/v1/session", json={"name": "li", "password": PASSWORD})
        given = answer.cookies.get("sightline_session")
        said = answer.headers.get("set-cookie", "")
        guarded = "HttpOnly" in said and "SameSite=lax" in said
        tally.told("session fixed beforehand", "a new token" if given != chosen else chosen,
                   None if given and given != chosen and guarded else f"the cookie is {said[:80]!r}")  # fmt: skip
    with httpx.Client(base_url=office.url, cookies={"sightline_session": chosen}) as client:
        tried(client, Attack("session fixed beforehand", "GET", "/api/v1/session", (401,)), tally)
    with httpx.Client(base_url=office.url, headers={"X-CSRF-Token": answer.json()["csrf"]}) as client:
        cookie = {"headers": {"Cookie": f"sightline_session={given}"}}
        tried(client, Attack("signs out", "DELETE", "/api/v1/session", (204,), cookie), tally)
        tried(client, Attack("session that was ended", "GET", "/api/v1/session", (401,), cookie), tally)


def guesses(office: Office, tally: Tally, count: int) -> None:
    """Passwords guessed: one after another, and forty in one moment; what it costs central's memory.

    Of the forty a slow machine looks at none after 5 s: those are told 503 and when to come again, which is no fault.
    They are no failures of the address, so that the limit may not be reached yet: then single guesses must reach it.
    """

    def guess(number: int) -> str:
        body = {"name": f"someone{number}", "password": "wrong password"}
        answer = httpx.post(f"{office.url}/api/v1/session", json=body, timeout=120)
        busy = answer.status_code == 503 and "retry-after" in answer.headers
        return "busy" if busy else str(answer.status_code)

    with httpx.Client(base_url=office.url, timeout=60) as client:
        answers = [
            client.post("/api/v1/session", json={"name": "wang", "password": f"guess {n}"}).status_code
            for n in range(8)
        ]
        tally.told(
            "password guessed, 8 times",
            str(answers),
            None if answers[-1] == 429 else f"8 guesses are answered {answers}",
        )
    before, most = office.rss_mb(), 0.0
    with ThreadPoolExecutor(40) as crowd:
        going = [crowd.submit(guess, number) for number in range(count)]
        while not all(one.done() for one in going):
            most = max(most, office.rss_mb())
            time.sleep(0.02)
    told = {one.result() for one in going}
    for number in range(count, count + FAILURES_BY_ADDRESS + 1):
        if "429" in told:
            break
        told.add(guess(number))
    codes = sorted(told)
    wrong = sum(one.result() == "401" for one in going)
    tally.notes.append(
        f"{count} guesses, 40 at once: {wrong} were looked at, RSS {before:.0f} -> at most {most:.0f} MB"
    )
    fault = None if set(codes) <= {"401", "429", "busy"} and "429" in codes else f"answered {codes}"
    fault = fault or (f"{most - before:.0f} MB for 40 guesses at once" if most - before > 400 else None)
    tally.told("passwords guessed, 40 at once", str(codes), fault)


__all__ = ["guesses", "pages", "rights", "sessions"]
