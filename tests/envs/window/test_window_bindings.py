"""Keys and mouse as actions, both ways."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.envs.window.bindings import Bindings, Choice, Motion
from understudy.envs.window.hands import Hands
from understudy.envs.window.raw_motion import parse_raw
from understudy.errors import SpecError


def choice(name: str = "move", **keys: str) -> Choice:
    """A choice with a label for each set of keys, given as text."""
    return Choice(name, tuple(keys), tuple(frozenset(each.split()) for each in keys.values()))


PLAY = Bindings(
    [
        choice("move", back="Down", none="", forward="Up", run="Up Shift_L"),
        Motion("turn", "x", most=30.0, units="degrees", pixels=4.0),
        choice("fire", no="", yes="mouse_left"),
        Motion("pitch", "y", most=100.0),
    ]
)


class Sequence:
    """A keyboard and a mouse that were seen as listed, for `Hands`."""

    def __init__(self, *looks: str, slides: tuple[float, ...] = ()) -> None:
        self._looks = iter(looks)
        self._slides = iter(slides or (0.0,) * len(looks))

    def held(self, names: frozenset[str]) -> frozenset[str]:
        """The keys of the next look."""
        return frozenset(next(self._looks).split()) & names

    def moved(self) -> tuple[float, float]:
        """The motion before the next look."""
        return next(self._slides), 0.0


def seen(*looks: str, **more: tuple[float, ...]) -> dict[str, np.ndarray]:
    """The action that was seen in so many looks."""
    hands = Hands(Sequence(*looks, **more), PLAY)  # type: ignore[arg-type]
    for _ in looks:
        hands.sample()
    return hands.action()


@given(
    st.sampled_from(range(4)),
    st.floats(-30, 30, width=32),
    st.sampled_from(range(2)),
    st.floats(-100, 100, width=32),
)
def test_what_is_played_is_read_back(move: int, turn: float, fire: int, pitch: float) -> None:
    """Reading the keys and the motion of an action gives that action."""
    action = {
        "move": np.asarray(move, np.int64),
        "turn": np.array([turn], np.float32),
        "fire": np.asarray(fire, np.int64),
        "pitch": np.array([pitch], np.float32),
    }
    again = PLAY.read(PLAY.held(action), PLAY.moved(action))
    assert list(again) == ["move", "turn", "fire", "pitch"]
    for spec in PLAY.specs:
        assert spec.space.contains(again[spec.name])
        np.testing.assert_allclose(again[spec.name], action[spec.name], rtol=1e-6)


@given(
    st.sets(st.sampled_from(["Up", "Down", "Shift_L", "mouse_left", "q"])), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)
)
def test_whatever_hands_do_is_an_action(held: set[str], right: float, down: float) -> None:
    """Any keys and any motion read as an action of the spaces."""
    action = PLAY.read(held, (right, down))
    assert all(spec.space.contains(action[spec.name]) for spec in PLAY.specs)


def test_the_largest_choice_that_is_held_wins() -> None:
    """Up with Shift is running, not walking; opposite keys are the first listed."""
    assert [int(PLAY.read(held.split(), (0, 0))["move"]) for held in ("Up Shift_L", "Up", "Up Down", "Shift_L")] == [
        3,
        2,
        0,
        1,
    ]


@pytest.mark.parametrize(
    ("looks", "label"),
    [
        (("", "", "Up", "", "", "", ""), "forward"),
        (("Up", "Up", "", "", "", ""), "none"),
        (("Up", "Up", "Up", "Up", "", ""), "forward"),
        (("Up", "", "", "Down", "Down", "Down"), "back"),
    ],
    ids=["a short tap", "let go early", "let go late", "changed over"],
)
def test_a_decision_is_what_was_mostly_done_in_it(looks: tuple[str, ...], label: str) -> None:
    """A tap is never missed, and a key that was let go of early is not held on."""
    assert PLAY.specs[0].labels[int(seen(*looks)["move"])] == label


def test_motion_adds_up_over_a_decision() -> None:
    """Every look's motion counts, in the part's units."""
    assert seen("", "", "", slides=(8.0, -2.0, 6.0))["turn"] == np.float32(3.0)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (lambda: [choice(forward="Up", back="Down")], "'move' has no choice that holds nothing"),
        (lambda: [choice(none="", up="Up", again="Up")], "'up' and 'again' hold the same keys"),
        (lambda: [choice(none="", up="Up"), choice("jump", no="", yes="Up")], "'Up' is bound in .* 'move' and 'jump'"),
        (lambda: [Motion("turn", "x", 1), Motion("look", "x", 1)], "'mouse x' is bound in .* 'turn' and 'look'"),
    ],
)
def test_bindings_that_nobody_could_read_back_are_refused(
    parts: Callable[[], list[Choice | Motion]], message: str
) -> None:
    """The sentence names the parts."""
    with pytest.raises(SpecError, match=message):
        Bindings(parts())


def test_raw_motion_is_fixed_point_by_axis() -> None:
    """An event with axes 0 and 1 set holds a whole number and 32 bits of fraction for each."""
    header = bytes(10) + b"\x00\x00" + (1).to_bytes(2, "little") + bytes(8)
    values = [(5, 1 << 31), (-3, 0)]
    data = header + (0b11).to_bytes(4, "little")
    data += b"".join(whole.to_bytes(4, "little", signed=True) + part.to_bytes(4, "little") for whole, part in values)
    assert parse_raw(data) == {0: 5.5, 1: -3.0}
