"""Schemathesis over every operation that central's OpenAPI names: what fits the schema, and what does not.

As nobody, as each kind of person, and as a box. No answer may be a fault of the server, a 200 must be of the form that
OpenAPI promises, and nobody but an officer may move a case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unittest import SkipTest

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import response_schema_conformance

from tests.bench.intruder_http import token
from tests.bench.intruder_office import Office, Tally


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: a name for the report, and the headers that show it."""

    name: str
    headers: Mapping[str, str]


def examined(
    schema: BaseSchema,
    who: Identity,
    known: Mapping[str, str],
    examples: int,
    number: int,
    tell: Callable[[str, str, str | None], None],
) -> None:
    """Every operation, `examples` requests that fit the schema and that do not, each sent by everybody in `who`.

    Answers go to `tell`. `known`: path parameters that exist, tried beside those that are made up. Signing out comes
    last: it ends a session.
    """
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in sorted(operations, key=lambda one: one.method.lower() == "delete"):
        named = {name: known[name] for name in known if f"{{{name}}}" in operation.path}
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for fixed in [{}, named] if named else [{}]:
                _probed(operation, who, mode, fixed, examples, number, tell)


def _probed(
    operation: APIOperation[Any, Any, Any, Any], who: list[Identity], mode: GenerationMode, fixed: dict[str, str],
    examples: int, number: int, tell: Callable[[str, str, str | None], None],
) -> None:  # fmt: skip
    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=fixed or None))
    def probe(case: schemathesis.Case) -> None:
        for one in who:
            tell(f"{one.name}: {operation.method.upper()} {operation.path}", *_asked(case, one))

    try:
        probe()
    except (Unsatisfiable, SkipTest):
        # An operation without parameters has nothing that does not fit its schema: then there is nothing to try.
        if mode is not GenerationMode.NEGATIVE:
            raise


def _asked(case: schemathesis.Case, one: Identity) -> tuple[str, str | None]:
    """The status, and what is wrong with the answer."""
    try:
        answer = case.call(headers=dict(one.headers))
        checks = [not_a_server_error, *([response_schema_conformance] if answer.status_code == 200 else [])]
        case.validate_response(answer, checks=checks)
    except Exception as error:  # whatever it is: a trace of ours, or a check that does not hold
        return "?", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return str(answer.status_code), None


def attack(office: Office, tally: Tally, examples: int, number: int) -> None:
    """The whole API of a running central."""
    schema = schemathesis.openapi.from_url(f"{office.url}/openapi.json")
    office.later()
    with office.signed_in("li") as li:
        listed = li.get("/api/v1/cases?state=CANDIDATE").json()["items"]
    known = {"number": listed[0]["number"]} if listed else {}
    before = office.things()
    examined(schema, identities(office), known, examples, number, tally.told)
    if office.things() != before:
        tally.faults.append(f"API: rows where none may come: {before} -> {office.things()}")


def identities(office: Office) -> list[Identity]:
    """Nobody, two boxes, and three people whose sessions stay open."""
    found = [Identity("nobody", {}), Identity("a box", {"Authorization": token(office.insider)}),
             Identity("a box that was shut out", {"Authorization": token(office.out)})]  # fmt: skip
    for name, role in (("zhou", "auditor"), ("chen", "admin"), ("wang", "officer")):
        with office.signed_in(name) as client:
            cookie = f"sightline_session={client.cookies['sightline_session']}"
            found.append(Identity(role, {"Cookie": cookie, "X-CSRF-Token": client.headers["X-CSRF-Token"]}))
    return found


__all__ = ["Identity", "attack", "examined", "identities"]
