"""The web front over HTTP, against the application that central serves: who gets what, and refusals as sentences."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from central.accounts.roles import Role
from central.db.accounts import User, ViewLog
from central.db.cases import Case
from central.lists import imports
from contract.events import FactSaid, Vehicle
from tests.acceptance import web_scene, web_world
from tests.acceptance.web_world import DAY, PASSWORD, World

YIELD, ARRIVING, ASKS = f"{DAY}-0001", f"{DAY}-0002", f"{DAY}-0003"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    built = web_world.build(tmp_path_factory.mktemp("central"))
    built.user("li")
    built.user("audit", Role.AUDITOR)
    built.passing()
    built.parking(media=False)
    built.passing(unknown=[web_world.QUESTION])
    return built


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    with web_world.serving(world) as url:
        yield url


@pytest.fixture
def stranger(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Accept": "text/html", "Accept-Language": "en"}, timeout=60) as client:
        yield client


def sign_in(client: httpx.Client, name: str = "li") -> httpx.Client:
    answer = client.post("/sign-in", data={"name": name, "password": PASSWORD, "next": "/"})
    assert answer.status_code == 303, answer.text
    return client


@pytest.fixture
def officer(stranger: httpx.Client) -> httpx.Client:
    return sign_in(stranger)


def csrf(client: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


def state(world: World, number: str) -> tuple[str, int]:
    with world.db.read() as session:
        row = session.execute(select(Case).where(Case.number == number)).scalar_one()
        return row.state, row.version


def still_of(client: httpx.Client, number: str) -> str:
    found = re.search(rf"/cases/{number}/media/[0-9a-f]{{64}}", client.get(f"/cases/{number}").text)
    assert found
    return found[0]


@pytest.mark.parametrize("path", ["/", f"/cases/{YIELD}", "/?show=approved"])
def test_a_stranger_is_led_to_sign_in_and_back(stranger: httpx.Client, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert where.startswith("/sign-in")
    back = stranger.post(
        "/sign-in", data={"name": "li", "password": PASSWORD, "next": dict(httpx.URL(where).params).get("next", "/")}
    )
    assert back.headers["location"] == path


def test_a_stranger_sees_no_evidence_and_decides_nothing(stranger: httpx.Client, world: World, address: str) -> None:
    with httpx.Client(base_url=address, timeout=60) as inside:
        path = still_of(sign_in(inside), YIELD)
    assert stranger.get(path).status_code == 401
    assert stranger.post(f"/cases/{YIELD}/approve", data={"version": "1"}).headers["location"].startswith("/sign-in")
    assert state(world, YIELD)[0] == "REVIEW1"


def test_a_refresh_after_the_session_ended_leads_to_sign_in(stranger: httpx.Client) -> None:
    answer = stranger.get("/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/sign-in")


def test_wrong_password_is_one_sentence_that_does_not_say_which(stranger: httpx.Client) -> None:
    for name in ("li", "nobody"):
        answer = stranger.post("/sign-in", data={"name": name, "password": "wrong wrong wrong", "next": "/"})
        assert answer.status_code == 401
        assert "Name or password is wrong." in answer.text


def test_signing_in_leads_nowhere_else(stranger: httpx.Client) -> None:
    answer = stranger.post("/sign-in", data={"name": "li", "password": PASSWORD, "next": "//evil.example/"})
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_another_site_cannot_sign_somebody_in_or_out(officer: httpx.Client) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert officer.post("/sign-in", data={"name": "li", "password": PASSWORD}, headers=elsewhere).status_code == 403
    assert officer.post("/sign-out", data={"csrf": csrf(officer)}, headers=elsewhere).status_code == 403
    assert officer.post("/sign-out", data={"csrf": "guessed"}).status_code == 403
    assert officer.get("/").status_code == 200
    assert officer.post("/sign-out", data={"csrf": csrf(officer)}).status_code == 303
    assert officer.get("/").status_code == 303


def test_a_decision_needs_the_token_of_the_session(officer: httpx.Client, world: World) -> None:
    before = state(world, YIELD)
    for token in ({}, {"csrf": ""}, {"csrf": "x" * 43}):
        answer = officer.post(f"/cases/{YIELD}/approve", data={"version": str(before[1]), **token})
        assert answer.status_code == 403
        assert "nothing was changed" in answer.text
    assert state(world, YIELD) == before


def test_an_auditor_looks_and_does_not_decide(stranger: httpx.Client, world: World) -> None:
    auditor = sign_in(stranger, "audit")
    page = auditor.get(f"/cases/{YIELD}").text
    assert "Your role may look, not decide." in page
    assert '<dialog id="approve"' not in page
    answer = auditor.post(
        f"/cases/{YIELD}/approve", data={"csrf": csrf(auditor), "version": str(state(world, YIELD)[1])}
    )
    assert answer.status_code == 403
    assert state(world, YIELD)[0] == "REVIEW1"


def test_evidence_still_arriving_is_shown_and_cannot_be_approved(officer: httpx.Client, world: World) -> None:
    page = officer.get(f"/cases/{ARRIVING}").text
    assert "The evidence is still on its way" in page
    assert "0 of 4 files are here." in page
    answer = officer.post(
        f"/cases/{ARRIVING}/approve", data={"csrf": csrf(officer), "version": str(state(world, ARRIVING)[1])}
    )
    assert answer.status_code == 422
    assert state(world, ARRIVING)[0] == "CANDIDATE"


def test_what_no_camera_can_tell_is_shown_to_be_confirmed(officer: httpx.Client, world: World) -> None:
    facts = {
        "driver_present": FactSaid(sources=["model", "reviewer"]),
        "disabled_permit": FactSaid(value="no", sources=["plate_list"]),
    }
    key = world.parking(facts=facts)
    with world.db.read() as session:
        number = session.execute(select(Case.number).where(Case.case_key == key)).scalar_one()
    page = officer.get(f"/cases/{number}").text
    panel = page.partition("Confirm what no camera can tell")[2].partition("</section>")[0]
    assert (
        panel.index("Is the driver in the vehicle") < panel.index("not known") < panel.index("permit that holds here")
    )
    assert "could tell: a model, you" in panel
    assert "Confirm what no camera can tell" not in officer.get(f"/cases/{YIELD}").text


def test_nothing_is_approved_with_a_question_open(officer: httpx.Client, world: World) -> None:
    form = {
        "csrf": csrf(officer),
        "version": str(state(world, ASKS)[1]),
        "fact-1": "officer_directing",
        "choice-1": "",
        "words-1": " ",
    }
    never = officer.post(f"/cases/{ASKS}/approve", data=form)
    assert never.status_code == 422 and "You have not had it open as it stands now" in never.text
    assert officer.get(f"/cases/{ASKS}").status_code == 200
    answer = officer.post(f"/cases/{ASKS}/approve", data=form)
    assert answer.status_code == 422
    assert "Answer first what no machine could tell: Was an officer directing the traffic" in answer.text
    chinese = officer.post(f"/cases/{ASKS}/approve", data=form, headers={"Accept-Language": "zh-CN"}).text
    assert '<html lang="zh-CN"' in chinese and "请先回答机器无法得知的事项：当时是否有交警指挥？" in chinese
    assert "no machine could tell" not in chinese
    assert state(world, ASKS)[0] == "REVIEW1"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"code": "R17"}, 422),
        ({"code": ""}, 422),
        ({"code": "R16", "note": "  "}, 422),
        ({"code": "R03", "note": "x" * 3000}, 422),
        ({"code": "R03", "note": "x" * 5_000_000}, 413),
        ({"code": "R03", "note": "\x00"}, 422),
        ({"code": "R03", "version": "٣"}, 422),
        ({"code": "R03", "version": "999999"}, 409),
        ({"code": "' OR 1=1 --"}, 422),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    officer: httpx.Client, world: World, form: dict[str, str], status: int
) -> None:
    before = state(world, YIELD)
    answer = officer.post(f"/cases/{YIELD}/reject", data={"csrf": csrf(officer), "version": str(before[1]), **form})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "Traceback" not in answer.text
    assert state(world, YIELD) == before


def test_what_somebody_wrote_is_not_lost_with_what_was_refused(officer: httpx.Client) -> None:
    words = "</textarea><b>the sign is hidden\nby a tree</b>"
    form = {"csrf": csrf(officer), "version": "999999", "code": "R03", "note": words}
    answer = officer.post(f"/cases/{YIELD}/reject", data=form)
    shown = answer.text.partition("readonly>")[2].partition("</textarea>")[0]
    assert (answer.status_code, html.unescape(shown).strip()) == (409, words)
    assert "readonly>" not in officer.post(f"/cases/{YIELD}/reject", data=form | {"note": ""}).text


@pytest.mark.parametrize(
    "path",
    [
        "/cases/20991231-0001",
        "/cases/x",
        "/cases/%00",
        "/cases/..%2f..",
        "/nowhere",
        "/static/../routes.py",
        "/static/%2e%2e/routes.py",
        "/static/js",
    ],
)
def test_what_is_not_there_is_a_page(officer: httpx.Client, path: str) -> None:
    answer = officer.get(path)
    assert answer.status_code == 404
    assert "There is no such page or case here." in answer.text


@pytest.mark.parametrize(
    "query", ["show=nonsense", "after=x", f"after={DAY}-9999", "decided=x", "show=review&after=%00"]
)
def test_an_odd_address_of_the_queue_is_never_a_crash(officer: httpx.Client, query: str) -> None:
    assert officer.get(f"/?{query}").status_code in {200, 404}


def test_a_program_is_answered_in_json_as_before(officer: httpx.Client) -> None:
    answer = officer.get("/api/v1/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/json")


def test_a_clip_can_be_sought_and_is_never_sniffed(officer: httpx.Client, world: World) -> None:
    page = officer.get(f"/cases/{YIELD}").text
    path = re.search(r'<video src="([^"]+)"', page)
    assert path
    whole = officer.get(path[1])
    assert whole.content == web_scene.clip(4.0).raw
    part = officer.get(path[1], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert officer.get(path[1], headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["cache-control"].startswith("private")
    assert whole.headers["content-disposition"].startswith("inline")
    assert officer.get(path[1] + "?download=1").headers["content-disposition"].startswith("attachment")


def test_evidence_is_reached_only_through_its_own_case(officer: httpx.Client) -> None:
    path = still_of(officer, YIELD)
    assert officer.get(path).status_code == 200
    assert officer.get(path.replace(YIELD, ARRIVING)).status_code == 404
    assert officer.get(f"/cases/{YIELD}/media/{'0' * 64}").status_code == 404
    assert officer.get(f"/cases/{YIELD}/media/..%2f..%2fetc").status_code == 404


def test_every_look_is_on_record(officer: httpx.Client, world: World) -> None:
    def looks() -> list[tuple[str, str | None, str | None]]:
        with world.db.read() as session:
            query = select(User.name, ViewLog.sha256, ViewLog.why, ViewLog.media).join(User, User.id == ViewLog.user_id)
            rows = session.execute(query.order_by(ViewLog.id)).all()
            shown.extend(rows[-1].media or [])
            return [(name, digest, why) for name, digest, why, _ in rows]

    shown: list[str] = []

    before = len(looks())
    path = still_of(officer, YIELD)
    officer.get(path)
    officer.get(path, headers={"Range": "bytes=5-9"})
    officer.get(f"/cases/{YIELD}", headers={"HX-Request": "true"})
    # One line for the page with all of its stills, whatever of them the browser fetches and fetches again.
    assert looks()[before:] == [("li", None, "opened")]
    digest = path.rpartition("/")[2]
    assert digest in shown
    # All but the first byte is a look, too; what follows a moment later goes on with it.
    for part in ("bytes=1-", "bytes=9-"):
        officer.get(f"{path}?download=1", headers={"Range": part})
    assert looks()[before:] == [("li", None, "opened"), ("li", digest, None)]
    officer.get(f"{path}?download=1")
    assert looks()[before:] == [("li", None, "opened"), ("li", digest, None), ("li", digest, None)]


def test_pages_forbid_scripts_from_anywhere_else(officer: httpx.Client) -> None:
    for path in ("/", f"/cases/{YIELD}", "/sign-in", "/nowhere"):
        policy = officer.get(path).headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_files_with_their_hash_are_kept_and_others_asked_for(officer: httpx.Client) -> None:
    named = re.search(r"/static/css/base\.css\?v=[0-9a-f]{12}", officer.get("/").text)
    assert named
    assert "immutable" in officer.get(named[0]).headers["cache-control"]
    assert officer.get("/static/js/keys.js").headers["cache-control"] == "no-cache"


def test_the_switch_changes_the_language_and_stays_here(officer: httpx.Client) -> None:
    answer = officer.post("/language", data={"to": "zh-CN", "next": f"/cases/{YIELD}"})
    assert answer.headers["location"] == f"/cases/{YIELD}"
    assert '<html lang="zh-CN">' in officer.get("/").text
    assert officer.post("/language", data={"to": "xx", "next": "https://evil.example"}).headers["location"] == "/"


def test_a_machine_accuses_nobody(officer: httpx.Client) -> None:
    page = officer.get(f"/cases/{YIELD}").text
    assert "Suspected failure to yield" in page
    assert re.search(r"<h1>\s*Failure to yield", page) is None


def test_browser_libraries_are_built() -> None:
    from central.web.front import STATIC

    assert (STATIC / "vendor" / "htmx.min.js").is_file(), (
        "run `npm ci && npm run build` in central/web (make setup does)"
    )
    assert "node_modules" not in {path.name for path in Path(STATIC).iterdir()}


def test_a_list_that_comes_in_while_the_page_stands_open_is_asked_about(world: World, officer: httpx.Client) -> None:
    key = world.parking(vehicle=Vehicle(class_="car", color="white", plate="皖B77777"))
    with world.db.read() as session:
        number = session.execute(select(Case.number).where(Case.case_key == key)).scalar_one()
    assert "stolen_or_cloned" not in officer.get(f"/cases/{number}").text
    file = world.folder / "stolen.txt"
    file.write_text("皖B·77777\n", encoding="utf-8")
    imports.plates(world.db, "stolen", file, "cli:li")
    sent = {"csrf": csrf(officer), "version": str(state(world, number)[1])}
    refused = officer.post(f"/cases/{number}/approve", data=sent)
    assert refused.status_code == 409
    assert "A list that came in since asks about" in refused.text and f'href="/cases/{number}"' in refused.text
    assert "stolen_or_cloned" in officer.get(f"/cases/{number}").text
    assert officer.post(f"/cases/{number}/approve", data=sent).status_code == 422
    assert state(world, number)[0] == "REVIEW1"


def test_the_law_and_earlier_cases_of_the_plate_stand_on_the_page(officer: httpx.Client, world: World) -> None:
    keys = [world.parking(vehicle=Vehicle(class_="car", plate=plate)) for plate in ("苏B54321", "苏B54321", "苏B54322")]
    with world.db.read() as session:
        first, second, other = (
            session.execute(select(Case.number).where(Case.case_key == key)).scalar_one() for key in keys
        )

    def panel(number: str, title: str) -> str:
        return officer.get(f"/cases/{number}").text.partition(title)[2].partition("</section>")[0]

    assert f"/cases/{first}" in panel(second, "This plate at this site before")
    assert other not in panel(second, "This plate at this site before")
    assert "No earlier case." in panel(other, "This plate at this site before")
    law = panel(first, "What the law says")
    assert "1039" in law and "Fine" in law and "3 min 0 s" in law and "cn-default" not in law
