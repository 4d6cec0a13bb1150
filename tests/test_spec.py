"""The behaviour spec: there and back, compared at every door, and exact about what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from understudy.errors import ObservationError, SpecError, SpecMismatchError
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

RAYS = SensorSpec("rays", spaces.Box(0, 100, (4,), np.float32), "map units")
FRAME = SensorSpec("frame", spaces.Box(0, 255, (2, 3, 3), np.uint8))
MOVE = ActionSpec("move", spaces.Discrete(3), labels=("back", "none", "forward"))
TURN = ActionSpec("turn", spaces.Box(-90, 90, (1,), np.float32), "degrees per decision")
ARENA = BehaviorSpec("arena", (RAYS, FRAME), (MOVE, TURN), 17.5)

names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
words = st.text(max_size=8)
computed = st.dictionaries(words, st.integers() | words | st.lists(st.floats(allow_nan=False, allow_infinity=False)))


@st.composite
def boxes(draw: st.DrawFn, *, bounded: bool = False) -> spaces.Box:
    """Boxes of any dtype and shape, with one bound for all or one per element, and with infinities."""
    dtype = np.dtype(np.float32 if bounded else draw(st.sampled_from(["f4", "f8", "u1", "i2", "i8"])))
    shape = tuple(draw(st.lists(st.integers(1, 3), max_size=3)))
    if dtype.kind == "f":
        elements = st.floats(width=dtype.itemsize * 8, allow_nan=False, allow_infinity=not bounded)
    else:
        limits = np.iinfo(dtype)
        elements = st.integers(int(limits.min), int(limits.max))
    fill = st.nothing() if draw(st.booleans()) else None
    one, other = (draw(hnp.arrays(dtype, shape, elements=elements, fill=fill)) for _ in range(2))
    if draw(st.booleans()):
        one, other = (np.full(shape, each.flat[0]) for each in (one, other))
    low, high = np.minimum(one, other), np.maximum(one, other)
    # A lower bound of +inf or an upper one of -inf is no range; gymnasium refuses it.
    low, high = np.where(low == np.inf, 0, low), np.where(high == -np.inf, 0, high)
    return spaces.Box(low.astype(dtype), high.astype(dtype), shape, dtype.type)


@st.composite
def action_parts(draw: st.DrawFn, name: str) -> ActionSpec:
    """Action parts of every kind."""
    kinds = st.builds(spaces.Discrete, st.integers(1, 9)) | st.builds(spaces.MultiBinary, st.integers(1, 9))
    part = ActionSpec(name, draw(kinds | boxes(bounded=True)), draw(words))
    labels = draw(st.just(()) | st.tuples(*[words] * part.num_labels))
    return replace(part, labels=labels)


@st.composite
def behaviors(draw: st.DrawFn) -> BehaviorSpec:
    """Behaviours with sensors and action parts of every kind."""
    unique = st.lists(names, min_size=1, max_size=3, unique=True)
    sensors = tuple(
        SensorSpec(name, draw(boxes()), draw(words), draw(st.booleans()), draw(computed)) for name in draw(unique)
    )
    actions = tuple(draw(action_parts(name)) for name in draw(unique))
    return BehaviorSpec(draw(words), sensors, actions, draw(st.floats(1e-3, 1e3)))


@given(behaviors())
def test_json_there_and_back_is_the_identity(spec: BehaviorSpec) -> None:
    """A spec rebuilt from its JSON is the same: its text, its digest, its spaces to the last bit of each bound."""
    back = BehaviorSpec.from_json(spec.to_json())
    assert back == spec
    assert hash(back) == hash(spec)
    assert back.to_json() == spec.to_json()
    assert back.observation_space == spec.observation_space
    assert back.action_space == spec.action_space
    back.require_equal(spec, expected="a", where="b")


@given(behaviors(), behaviors())
def test_equal_and_require_equal_agree(one: BehaviorSpec, other: BehaviorSpec) -> None:
    """Two specs are unequal exactly when the door between them names a difference."""
    if one == other:
        one.require_equal(other, expected="one", where="other")
    else:
        with pytest.raises(SpecMismatchError, match=r"^The spec of other does not match one: "):
            one.require_equal(other, expected="one", where="other")


@given(behaviors())
def test_a_spec_offers_what_any_selection_of_it_needs(spec: BehaviorSpec) -> None:
    """Whoever needs only some of the sensors is served by whoever has them all, in any order."""
    for name in spec.sensor_names:
        spec.select([name]).require_from(spec, expected="the bundle", where="the game")
    reordered = spec.select(spec.sensor_names[::-1])
    reordered.require_from(spec, expected="the bundle", where="the game")
    spec.require_from(reordered, expected="the bundle", where="the game")


def test_the_digest_is_stable() -> None:
    """The digest is a fixed function of the spec: recordings made today match servers of tomorrow."""
    assert ARENA.digest == "299e010b439aefb84ef459d25abf2f87df5e02a7f54b88f4f281c8832dcb1d54"
    assert json.loads(ARENA.to_json())["format"] == 1


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (replace(ARENA, name="maze"), 'name: expected "arena", found "maze"'),
        (replace(ARENA, decision_hz=35.0), "decision_hz: expected 17.5, found 35.0"),
        (
            replace(ARENA, sensors=(replace(RAYS, space=spaces.Box(0, 100, (5,), np.float32)), FRAME)),
            "sensors.rays.space.shape: expected [4], found [5]",
        ),
        (
            replace(ARENA, sensors=(replace(RAYS, space=spaces.Box(0, np.inf, (4,), np.float32)), FRAME)),
            'sensors.rays.space.high: expected 100.0, found "inf"',
        ),
        (
            replace(ARENA, sensors=(replace(RAYS, units="m"), FRAME)),
            'sensors.rays.units: expected "map units", found "m"',
        ),
        (
            replace(ARENA, sensors=(replace(RAYS, privileged=True), FRAME)),
            "sensors.rays.privileged: expected false, found true",
        ),
        (
            replace(ARENA, sensors=(replace(RAYS, computed={"angles": [1]}), FRAME)),
            "sensors.rays.computed.angles: expected nothing, found [1]",
        ),
        (ARENA.select(["frame", "rays"]), "sensors: expected the order rays, frame, found frame, rays"),
        (
            replace(ARENA, actions=(replace(MOVE, labels=("forward", "none", "back")), TURN)),
            'actions.move.labels: expected ["back", "none", "forward"], found ["forward", "none", "back"]',
        ),
        (
            replace(ARENA, actions=(ActionSpec("move", spaces.Discrete(2)), TURN)),
            "actions.move.space.n: expected 3, found 2; "
            'actions.move.labels: expected ["back", "none", "forward"], found []',
        ),
        (
            replace(ARENA, actions=(MOVE, replace(TURN, space=spaces.Box(-90, 45, (1,), np.float32)))),
            "actions.turn.space.high: expected 90.0, found 45.0",
        ),
        (
            ARENA.select(["frame"]),
            'sensors.rays: expected {"name": "rays", "space": {"type": "box", "shape": [4], "..., found nothing',
        ),
    ],
)
def test_each_difference_is_named(found: BehaviorSpec, message: str) -> None:
    """A mismatch says where it is, what was expected and what was found."""
    with pytest.raises(SpecMismatchError) as caught:
        ARENA.require_equal(found, expected="the bundle 'bots/rusher'", where="the game")
    assert str(caught.value) == f"The spec of the game does not match the bundle 'bots/rusher': {message}."


def test_an_offer_without_a_needed_sensor_is_refused() -> None:
    """More sensors may be offered than are needed, but not fewer, and the actions must be the very same."""
    ARENA.select(["rays"]).require_from(replace(ARENA, name="other"), expected="the bot", where="the game")
    with pytest.raises(SpecMismatchError, match=r"sensors\.rays: expected .*, found nothing"):
        ARENA.require_from(ARENA.select(["frame"]), expected="the bot", where="the game")
    with pytest.raises(SpecMismatchError, match=r"actions\.turn: expected .*, found nothing"):
        ARENA.require_from(replace(ARENA, actions=(MOVE,)), expected="the bot", where="the game")
    with pytest.raises(SpecMismatchError, match=r"decision_hz: expected 17\.5, found 20\.0"):
        ARENA.require_from(replace(ARENA, decision_hz=20), expected="the bot", where="the game")


def good_observation() -> dict[str, Any]:
    """An observation that fits."""
    return {"rays": np.zeros(4, np.float32), "frame": np.zeros((2, 3, 3), np.uint8)}


def test_a_fitting_observation_passes() -> None:
    """An observation with each sensor passes, whatever else it holds; so does a batch of them."""
    ARENA.check_observation({**good_observation(), "more": "anything"})
    ARENA.check_observation({name: np.stack([value] * 7) for name, value in good_observation().items()}, rows=7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rays": None}, "Observation lacks 'rays'; it has frame."),
        ({"rays": None, "frame": None}, "Observation lacks 'rays'; it has nothing."),
        (
            {"rays": np.zeros(5, np.float32)},
            "Sensor 'rays' should be float32 of shape (4,), got float32 of shape (5,).",
        ),
        ({"rays": np.zeros(4)}, "Sensor 'rays' should be float32 of shape (4,), got float64 of shape (4,)."),
        (
            {"frame": np.zeros((3, 2, 3), np.float32)},
            "Sensor 'frame' should be uint8 of shape (2, 3, 3), got float32 of shape (3, 2, 3).",
        ),
        (
            {"rays": np.array([0, 1, np.nan, np.inf], np.float32)},
            "Sensor 'rays' holds nan at index [2]; every value must be finite.",
        ),
        (
            {"rays": np.array([0, 1, 2, -np.inf], np.float32)},
            "Sensor 'rays' holds -inf at index [3]; every value must be finite.",
        ),
        ({"rays": [0.0] * 4}, "Sensor 'rays' should be a numpy array, got list."),
    ],
)
def test_a_bad_observation_is_refused_in_words(change: dict[str, Any], message: str) -> None:
    """What does not fit is refused with the sensor, what it should be and what it is."""
    bad = {name: value for name, value in {**good_observation(), **change}.items() if value is not None}
    with pytest.raises(ObservationError) as caught:
        ARENA.check_observation(bad)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: SensorSpec("my rays", RAYS.space),
            "A sensor needs a name of letters, digits and underscores, not 'my rays'.",
        ),
        (
            lambda: SensorSpec("hp", spaces.Discrete(3)),
            "Sensor 'hp' needs a gymnasium Box as its space, not Discrete(3).",
        ),
        (
            lambda: ActionSpec("turn", spaces.Box(-np.inf, 1, (1,), np.float32)),
            "Action part 'turn' needs a bounded float32 Box, not Box(-inf, 1.0, (1,), float32).",
        ),
        (
            lambda: ActionSpec("turn", spaces.Box(-1, 1, (1,), np.float64)),
            "Action part 'turn' needs a bounded float32 Box, not Box(-1.0, 1.0, (1,), float64).",
        ),
        (
            lambda: ActionSpec("move", spaces.Discrete(3, start=-1)),
            "Action part 'move' must count its choices from 0, not -1.",
        ),
        (
            lambda: ActionSpec("grid", spaces.MultiBinary((2, 2))),
            "Action part 'grid' must be Discrete, flat MultiBinary or Box, not MultiBinary((2, 2)).",
        ),
        (
            lambda: ActionSpec("keys", spaces.MultiDiscrete([2, 3])),
            "Action part 'keys' must be Discrete, flat MultiBinary or Box, not MultiDiscrete([2 3]).",
        ),
        (lambda: replace(MOVE, labels=("a", "b")), "Action part 'move' has 2 labels for 3 values."),
        (lambda: replace(ARENA, sensors=()), "Behaviour 'arena' needs at least one sensor and one action part."),
        (lambda: replace(ARENA, sensors=(RAYS, RAYS)), "Behaviour 'arena' names the sensor 'rays' twice."),
        (lambda: replace(ARENA, actions=(MOVE, MOVE)), "Behaviour 'arena' names the action part 'move' twice."),
        (lambda: replace(ARENA, decision_hz=0), "Behaviour 'arena' decides at 0 Hz; it must be above 0."),
        (lambda: replace(ARENA, decision_hz=float("nan")), "Behaviour 'arena' decides at nan Hz; it must be above 0."),
        (
            lambda: ARENA.sensor("ray"),
            "Behaviour 'arena' has no sensor 'ray'. Did you mean 'rays'? Known: 'frame', 'rays'.",
        ),
        (
            lambda: ARENA.action("moove"),
            "Behaviour 'arena' has no action part 'moove'. Did you mean 'move'? Known: 'move', 'turn'.",
        ),
    ],
)
def test_a_wrong_spec_is_refused_in_words(make: Any, message: str) -> None:
    """A spec that is wrong in itself is refused where it is made."""
    with pytest.raises(SpecError) as caught:
        make()
    assert str(caught.value) == message


def edited(path: str, value: Any) -> str:
    """The arena's JSON with one value changed, or removed if the value is `...`."""
    form = ARENA.to_dict()
    *parents, last = path.split(".")
    home: Any = form
    for key in parents:
        home = home[int(key) if key.isdigit() else key]
    if value is ...:
        del home[last]
    else:
        home[last] = value
    return json.dumps(form)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Not a behaviour spec: Expecting property name"),
        ("[]", "Not a behaviour spec: TypeError at "),
        ("{}", "Not a behaviour spec: KeyError at 'format'."),
        (edited("format", 2), "Behaviour spec of format 2; this version reads format 1."),
        (edited("sensors", ...), "Not a behaviour spec: KeyError at 'sensors'."),
        (edited("sensors.0.name", 5), "A sensor needs a name of letters, digits and underscores, not 5."),
        (edited("sensors.0.space.type", "boxx"), "Unknown space type 'boxx'. Did you mean 'box'?"),
        (edited("sensors.0.space.low", "far"), "Not a behaviour spec: ValueError at "),
        (edited("sensors.0.space", {"type": "discrete", "n": 2}), "Sensor 'rays' has a space of type 'discrete'"),
        (edited("actions.0.space.n", -1), "Not a behaviour spec: "),
        (edited("actions.0.space", {"type": "multi_binary", "n": -1}), "Not a behaviour spec: "),
        (edited("decision_hz", "fast"), "Not a behaviour spec: TypeError at "),
    ],
)
def test_what_is_no_spec_is_refused_in_words(text: str, message: str) -> None:
    """JSON from elsewhere either is a spec or is refused as none, never with another error."""
    with pytest.raises(SpecError) as caught:
        BehaviorSpec.from_json(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "space",
    [
        {"type": "box", "shape": [1 << 20, 1 << 20], "dtype": "float32", "low": 0, "high": 1},
        {"type": "discrete", "n": 1 << 40},
        {"type": "multi_binary", "n": 1 << 40},
        {"type": "discrete", "n": -1},
    ],
)
def test_a_space_larger_than_any_game_has_is_refused_before_it_is_made(space: dict[str, Any]) -> None:
    """Neither memory nor time is spent on the sizes that a stranger's file claims."""
    form = ARENA.to_dict()
    form["actions" if space["type"] != "box" else "sensors"][0]["space"] = space
    with pytest.raises(SpecError):
        BehaviorSpec.from_dict(form)


def test_json_that_nests_without_end_is_no_spec() -> None:
    """It is refused like any other text that is none."""
    with pytest.raises(SpecError, match="Not a behaviour spec"):
        BehaviorSpec.from_json("[" * 100_000)
