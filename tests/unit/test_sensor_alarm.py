"""What a box seals of a decision on a sensor."""

from pathlib import Path

import pytest

from contract.events import parse_data
from contract.sensors import SensorAlarm
from contract.sitefile import load_site
from edge.rules.threshold import CALM_S, MOST_AN_HOUR, Decision, Raised, Silent, State, Wait
from edge.sensors.alarm import Doubt, Post, event_of

SITE = Path(__file__).resolve().parents[2] / "configs" / "sites" / "underpass.yaml"


def post() -> Post:
    site = load_site(SITE)
    return Post("box-1", site, site.site.sensors[0])


@pytest.mark.parametrize(
    "decision", [Raised(Wait(1000.0, 41.0), 1030.0, unstable=True), Silent(1000.0, 1900.0, unstable=True)]
)
def test_one_of_too_many_says_of_how_many_and_how_long_it_lasts(decision: Decision) -> None:
    sealed = parse_data(event_of(post(), State(), decision, Doubt()))
    assert isinstance(sealed, SensorAlarm) and sealed.unstable is not None
    assert sealed.unstable.begun == MOST_AN_HOUR
    assert (sealed.unstable.within_s, sealed.unstable.calm_s) == (3600.0, CALM_S)
    assert "unstable" in sealed.reason


@pytest.mark.parametrize("decision", [Raised(Wait(1000.0, 41.0), 1030.0), Silent(1000.0, 1900.0)])
def test_one_of_few_says_nothing_of_it_so_that_a_central_of_before_can_read_it(decision: Decision) -> None:
    assert "unstable" not in event_of(post(), State(), decision, Doubt()).data
