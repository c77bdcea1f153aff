"""The one-time code as a text and as a QR code, and what the box makes of it."""

import cv2
import numpy as np
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from contract.enrolment import Invitation, enrolment_statement, read_invitation, renewal_statement
from contract.errors import InputError
from edge.config import EdgeConfig
from edge.deliver.enrol import enrol

CODE, CA = "Z0QJ-WFEV-8ZK6", "8b" * 32


def test_a_typed_code_is_a_code() -> None:
    assert read_invitation(f" {CODE.lower()}\n") == Invitation(CODE)


def test_what_was_scanned_says_more() -> None:
    whole = Invitation(CODE, "edge-01", CA)
    assert read_invitation(whole.text) == whole
    assert read_invitation(Invitation(CODE, "edge-01").text) == Invitation(CODE, "edge-01")


def test_a_camera_reads_the_qr_code() -> None:
    text = Invitation(CODE, "box-of-the-north-gate.17", CA).text
    rows = np.array([list(row) for row in segno.make(text, error="m", micro=False).matrix], np.uint8)
    picture = np.kron(np.pad((1 - rows) * 255, 4, constant_values=255), np.ones((6, 6), np.uint8)).astype(np.uint8)
    seen, _, _ = cv2.QRCodeDetector().detectAndDecode(picture)
    assert seen == text


@pytest.mark.parametrize(
    "text",
    ["sightline:enrol?", "sightline:enrol?edge=a", "sightline:enrol?code=X&edge=a/b", f"sightline:enrol?code=X&ca={CA[1:]}", "x" * 500],
)  # fmt: skip
def test_a_text_that_was_cut_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"cut short|longer"):
        read_invitation(text)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    for prefix in ("", "sightline:enrol?"):
        try:
            read_invitation(prefix + text)
        except ValueError as error:
            assert "\n" not in str(error)


def test_a_code_for_another_box_is_not_spent(tmp_path) -> None:
    config = EdgeConfig(edge_id="edge-02", sites=[tmp_path / "s.yaml"], data_dir=tmp_path)
    with pytest.raises(InputError, match=r"'edge-01'.*'edge-02'"):
        enrol(config, Invitation(CODE, "edge-01", CA).text)


def test_a_statement_binds_all_that_it_is_about() -> None:
    said = {
        enrolment_statement(CODE, "a"),
        enrolment_statement(CODE, "b"),
        enrolment_statement(CODE, "a", "request"),
        enrolment_statement(CODE, "a", "another"),
        renewal_statement("a", "request"),
        renewal_statement("b", "request"),
    }
    assert len(said) == 6
