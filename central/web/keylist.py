"""Which keys do what, for `?`. The scripts under static/js bind them."""

from central.web.language import Language

Keys = list[tuple[list[str], str]]


def queue_keys(say: Language) -> Keys:
    """Keys of the queue."""
    return [
        (["j", "k"], f"{say('keys.next')}, {say('keys.previous')}"),
        ([say("keys.enter")], say("keys.open")),
        (["?"], say("keys.help")),
    ]


def case_keys(say: Language) -> Keys:
    """Keys of a case."""
    return [
        (["a"], say("keys.approve")),
        (["r"], say("keys.reject")),
        (["j", "k"], f"{say('keys.next')}, {say('keys.previous')}"),
        (["1", "-", "9"], say("keys.stills")),
        (["v"], say("keys.clip")),
        (["o"], say("keys.overlay")),
        ([say("keys.space")], say("keys.play")),
        (["←", "→"], say("keys.step")),
        (["l"], say("keys.loop")),
        (["q"], say("keys.queue")),
        (["?"], say("keys.help")),
    ]
