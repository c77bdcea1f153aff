"""When an event is sent again."""

from edge.deliver.window import LONGEST_S, Window


def test_again_after_three_seconds_and_then_more_slowly() -> None:
    window = Window()
    window.sent("a", 100.0)
    assert window.due(102.9) == [] and window.due(103.0) == ["a"]
    window.sent("a", 103.0)
    assert window.due(108.9) == [] and window.due(109.0) == ["a"]
    for turn in range(10):
        window.sent("a", 200.0 + turn)
    assert window.due(209.0 + LONGEST_S) == ["a"]
    window.acked("a", 230.0)
    assert window.due(1000.0) == [] and len(window) == 0


def test_no_more_than_a_window_waits() -> None:
    window = Window(size=3)
    for name in "abc":
        window.sent(name, 1.0)
    assert window.room() == 0
    window.acked("b", 2.0)
    assert window.room() == 1


def test_one_that_central_never_answers_holds_nobody_up() -> None:
    window = Window(size=2)
    window.sent("poison", 1.0)
    window.sent("poison", 4.0)
    window.sent("b", 5.0)
    assert window.room() == 0
    window.acked("b", 5.5)
    assert window.room() == 2
    assert "poison" in window.due(20.0)


def test_a_silent_central_is_probed_and_wakes_all() -> None:
    window = Window(size=64, probe=2)
    for number in range(20):
        window.sent(str(number), 1.0)
    assert len(window.due(4.0)) == 20
    for number in range(20):
        window.sent(str(number), 4.0)
    assert window.due(30.0) == ["0", "1"]
    window.sent("0", 30.0)
    window.acked("0", 31.0)
    assert len(window.due(31.0)) == 19


def test_a_new_connection_makes_everything_due() -> None:
    window = Window()
    window.sent("a", 1.0)
    window.sent("b", 1.5)
    assert window.due(2.0) == []
    window.reset(2.0)
    assert window.due(2.0) == ["a", "b"]
