"""Which objects an event names: the quick way round the reading finds what the whole reading finds."""

import json

from hypothesis import given
from hypothesis import strategies as st

from central.db.media import names_in

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
KEYS = st.sampled_from(["sha256", "overlay_sha256", "sha256x", "model", "images", "a", "b"])
LEAVES = st.one_of(HEX, st.just("sha256"), st.integers(), st.none(), st.text(max_size=5))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def _named(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {v for k, v in value.items() if k.endswith("sha256") and isinstance(v, str) and len(v) == 64}
        return own.union(*map(_named, value.values()))
    return set().union(*map(_named, value)) if isinstance(value, list) else set()


@given(st.dictionaries(KEYS, TREES, max_size=5), st.booleans())
def test_every_name_but_the_models_is_found(data: dict[str, object], escaped: bool) -> None:
    raw = json.dumps({"data": data}).encode()
    if escaped:
        raw = raw.replace(b"sha256", rb"\u0073ha256")
    assert names_in(raw) == _named({key: value for key, value in data.items() if key != "model"})
