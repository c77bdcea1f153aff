"""Every refusal of the services has its sentence in each language: asked of the source and of the tables themselves."""

import ast
import importlib
import re
import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

import central
from central.accounts.roles import Role
from central.alarms.workflow import WORKFLOW as ALARMS
from central.alarms.workflow import AlarmFacts
from central.tickets.guards import CaseFacts, Last
from central.tickets.review import WORKFLOW
from central.web import lacks
from central.web.language import load
from central.web.refused import in_words
from central.workflow.engine import Workflow
from central.workflow.errors import Refused
from central.workflow.said import Said
from central.workflow.table import SYSTEM, Actor, Doing
from contract import pack_check

ROOT = Path(central.__file__).parent
EN, ZH = load("en"), load("zh-CN")
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
#: Two words of another alphabet, one after the other: codes, ids and names stand alone.
LATIN = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")


def says(file: str, name: str) -> bool:
    """Whether what module `file` calls `name` refuses with a sentence: other refusals are called the same elsewhere."""
    module = importlib.import_module("central." + file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    found = getattr(module, name, None)
    return isinstance(found, type) and issubclass(found, Refused | Said)


def said_in_source() -> Iterator[tuple[str, str, set[str] | None]]:
    """(place, code, names of values; None where they are handed on as a whole) of each sentence that is made."""
    own = ("ingest/", "db/migrations/", "workflow/said.py", "workflow/errors.py")
    for file in sorted(ROOT.rglob("*.py")):
        if (name := file.relative_to(ROOT).as_posix()).startswith(own):
            continue  # what a box sent is refused to the log, and the classes themselves hand on what they were given
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and says(name, node.func.id):
                code = node.args[1] if len(node.args) == 2 else None
                place = f"{name}:{node.lineno}"
                assert isinstance(code, ast.Constant) and isinstance(code.value, str), f"{place}: has no code"
                given = {one.arg for one in node.keywords}
                yield place, code.value, None if None in given else {one for one in given if one}


def test_every_refusal_in_the_source_has_its_sentence_and_every_sentence_its_refusal() -> None:
    found = list(said_in_source())
    assert len(found) > 80
    wrong = []
    for place, code, given in found:
        sentence = ZH.sentences.get(f"refused.{code}")
        asked = {name for _, name, _, _ in string.Formatter().parse(sentence or "") if name}
        if sentence is None or (given is not None and not asked <= given):
            wrong.append(f"{place}: {code} says {asked}, given {given}")
    assert wrong == []
    spoken = {key.removeprefix("refused.") for key in ZH.sentences if key.startswith("refused.")}
    assert spoken - {code for _, code, _ in found} == set()


FACTS = (
    CaseFacts(),
    CaseFacts(upheld=True, extended=True),
    CaseFacts(suppressed=("emergency_vehicle",), held=("clock", "site"), unanswered=("driver_present", "clock")),
    CaseFacts(manifest=True, missing_media=2, sealed=True, seen=True, reason="R16", unanswered=("clock",)),
    CaseFacts(manifest=True, sealed=True, seen=True, first_by=7, judges=frozenset({7}), ground="G8", verified=True),
    CaseFacts(manifest=True, sealed=True, seen=True, first_by=8, differs=("type", "color"), ground="G8"),
    CaseFacts(seen=True, first_by=8, due=AT - timedelta(days=1), keep_until=AT + timedelta(days=9), ground="G6"),
    CaseFacts(seen=True, first_by=8, last=Last("REVIEW1", 7, AT), due=AT + timedelta(days=1)),
)
LASTS = (Last("REVIEW1", 8, AT), Last("REVIEW2", 7, AT - timedelta(hours=1)), Last("REVIEW1", 7, AT, AT))


def objections() -> Iterator[Said]:
    """Whatever either table says against any of its steps, to each role, over facts in which every guard objects."""
    roles = [frozenset[str](), *(frozenset({str(role)}) for role in Role), frozenset({SYSTEM})]
    cases = [*FACTS, *(replace(FACTS[-1], last=last) for last in LASTS)]
    alarms = [AlarmFacts(), AlarmFacts(over=True, finding="S05")]
    tables: list[tuple[Workflow, list]] = [(WORKFLOW, cases), (ALARMS, alarms)]
    for table, facts in tables:
        for state, action, held, known in product(table.states, table.actions, roles, facts):
            try:
                table.step(state, action, known, Doing(Actor(7, "wang", held), AT))
            except Refused as refusal:
                yield refusal.said
    guards = {guard for row in WORKFLOW.rows for guard in row.guards}
    said = (guard(known, Doing(Actor(7, "wang", frozenset()), AT)) for guard, known in product(guards, cases))
    yield from filter(None, said)


def test_whatever_a_table_says_against_a_step_is_said_in_chinese() -> None:
    found = {in_words(said, ZH): said for said in objections()}
    assert len({said.code for said in found.values()}) > 25
    assert [f"{said.code}: {words}" for words, said in found.items() if LATIN.search(words)] == []
    assert all("{" not in words and words.endswith(("。", "？")) for words in found)
    assert all(in_words(said, EN) for said in found.values())


def test_a_sentence_within_a_sentence_is_said_in_the_same_language() -> None:
    why = Said("20261122-0001: 名称: holds a line break", "export.left", number="20261122-0001",
               why=Said("名称: holds a line break", "cell.break", column="名称"))  # fmt: skip
    words = in_words(Said("no approved case", "export.nothing", why=[why]), ZH)
    assert words == "目前没有可以移交的案件。20261122-0001：名称：内容中有换行。"


def test_a_code_that_no_catalogue_has_is_a_fault() -> None:
    with pytest.raises(KeyError):
        in_words(Said("new", "new.one"), ZH)


def lacks_in_source() -> Iterator[str]:
    """Each sentence that a box or the precheck may say of a pack, its gaps filled with something."""
    contract = Path(pack_check.__file__)
    for node in ast.walk(ast.parse(contract.read_text(encoding="utf-8"))):
        found = node.value if isinstance(node, ast.Yield | ast.Return) else None
        if isinstance(found, ast.JoinedStr | ast.Constant) and (said := _filled(found)):
            yield said
    edge = contract.parents[1] / "edge" / "evidence"
    for name in ("keeper", "pack"):
        for node in ast.walk(ast.parse((edge / f"{name}.py").read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", "") == "append"
                and "dropped" in ast.dump(node)
            ):
                yield from filter(None, map(_filled, node.args))
    for node in ast.walk(ast.parse((edge / "clip.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ClipError":
            yield from (f"video: {_filled(one)}" for one in node.args)


def _filled(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_filled(one) if isinstance(one, ast.Constant) else "12" for one in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_whatever_a_box_says_that_is_lacking_is_said_in_chinese() -> None:
    found = {said: lacks.in_words(said, ZH) for said in lacks_in_source() if said not in {"video: 12"}}
    assert len(found) > 18
    assert [said for said, words in found.items() if words == said or LATIN.search(words)] == []
    assert all(lacks.in_words(said, EN) == said for said in found)


def test_what_no_catalogue_knows_stands_as_the_box_put_it() -> None:
    assert lacks.in_words("the lens is fogged", ZH) == "the lens is fogged"
    assert lacks.in_words("no picture of role plate", ZH) == "缺少图片：号牌"
