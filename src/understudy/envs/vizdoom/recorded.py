"""What a recording of a ViZDoom demo holds: which of the buttons come back, and tics as decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from understudy.envs.doom.behavior import TIC_HZ
from understudy.envs.vizdoom.replay import Tic
from understudy.errors import RecordingError, suggest
from understudy.recordings.formats import Ending, Rows
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

DEFAULT_RESOLUTION = "160X120"
DEFAULT_VARIABLES = ("HEALTH", "ARMOR", "SELECTED_WEAPON", "SELECTED_WEAPON_AMMO")

KEPT_BUTTONS = (
    *("ATTACK", "USE", "JUMP", "CROUCH", "TURN180", "ALTATTACK", "RELOAD", "ZOOM", "SPEED", "STRAFE"),
    *("MOVE_RIGHT", "MOVE_LEFT", "MOVE_BACKWARD", "MOVE_FORWARD", "TURN_RIGHT", "TURN_LEFT"),
    *("LOOK_UP", "LOOK_DOWN", "MOVE_UP", "MOVE_DOWN"),
)
"""The buttons that a replay gives back as they were pressed."""
KEPT_DELTAS = {
    "LOOK_UP_DOWN_DELTA": 180.0,
    "TURN_LEFT_RIGHT_DELTA": 180.0,
    "MOVE_FORWARD_BACKWARD_DELTA": 100.0,
    "MOVE_LEFT_RIGHT_DELTA": 100.0,
}
"""The deltas that a replay gives back, with the usual limit in a tic: degrees, or units of a player's speed."""
# What the status bar shows. All else nobody who plays sees as a number.
_SEEN = ("HEALTH", "ARMOR", "AMMO", "WEAPON", "SELECTED_WEAPON", "FRAGCOUNT")


@dataclass(frozen=True)
class Recorded:
    """What is kept of a demo.

    Attributes:
        behavior: Of its recordings.
        buttons: The buttons of the part `buttons`.
        deltas: Those of the part `deltas`.
        variables: One sensor each.
        tics: Of one decision.
        lost: Buttons that were available, and that no demo keeps.
    """

    behavior: BehaviorSpec
    buttons: tuple[str, ...]
    deltas: tuple[str, ...]
    variables: tuple[str, ...]
    tics: int
    lost: tuple[str, ...]

    @property
    def asked(self) -> tuple[str, ...]:
        """What the engine is asked for, in order."""
        return (*self.buttons, *self.deltas)

    def what_is_lost(self) -> str:
        """Say it in a sentence."""
        return f"a ViZDoom demo does not keep {', '.join(self.lost)}: the engine carries them out, and tells no more"

    def rows(self, decisions: Sequence[Sequence[Tic]], ending: Ending | None) -> Rows:
        """Put decisions, each of one or more tics, into columns."""
        firsts = [tics[0] for tics in decisions]
        pressed = [np.stack([tic.buttons for tic in tics]) for tics in decisions]
        observations = {"frame": np.stack([tic.picture for tic in firsts])}
        for index, name in enumerate(self.variables):
            observations[name.lower()] = np.array([tic.variables[index] for tic in firsts], np.float32)
        number = len(self.buttons)
        actions = {}
        if self.buttons:
            actions["buttons"] = np.array([(each[:, :number] != 0).any(axis=0) for each in pressed], np.int8)
        if self.deltas:
            actions["deltas"] = np.array([each[:, number:].sum(axis=0) for each in pressed], np.float32)
        rewards = np.array([sum(tic.reward for tic in tics) for tics in decisions], np.float32)
        ticks = np.array([tic.number for tic in firsts], np.int64)
        return Rows(observations, actions, rewards, ticks=ticks, ending=ending)


def choose_recorded(
    buttons: Sequence[str], variables: Sequence[str], picture: tuple[int, int, int], tics: int
) -> Recorded:
    """Say what is kept, of the buttons that were available (all that can be, if that is not known).

    Raises:
        RecordingError: If ViZDoom has no such button or variable, or a demo keeps none of the buttons.
    """
    from understudy.envs.vizdoom.engine import vizdoom

    available = tuple(dict.fromkeys(buttons)) or (*KEPT_BUTTONS, *KEPT_DELTAS)
    chosen = tuple(dict.fromkeys(variables)) or DEFAULT_VARIABLES
    for what, names, known in (
        ("button", available, vizdoom.Button.__members__),
        ("game variable", chosen, vizdoom.GameVariable.__members__),
    ):
        for name in names:
            if name not in known:
                raise RecordingError(f"ViZDoom has no {what} {name}.{suggest(name, known)}")
    kept = tuple(name for name in available if name in KEPT_BUTTONS)
    deltas = tuple(name for name in available if name in KEPT_DELTAS)
    if not kept and not deltas:
        raise RecordingError(f"A ViZDoom demo keeps none of the buttons {', '.join(available)}.")
    lost = tuple(name for name in available if name not in (*kept, *deltas))
    sensors = (SensorSpec("frame", spaces.Box(0, 255, picture, np.uint8)), *map(_variable, chosen))
    behavior = BehaviorSpec("vizdoom", sensors, tuple(_parts(kept, deltas, tics)), TIC_HZ / tics)
    return Recorded(behavior, kept, deltas, chosen, tics, lost)


def _variable(name: str) -> SensorSpec:
    seen = any(name.startswith(word) for word in _SEEN)
    return SensorSpec(name.lower(), spaces.Box(-np.inf, np.inf, (), np.float32), privileged=not seen)


def _parts(buttons: Sequence[str], deltas: Sequence[str], tics: int) -> list[ActionSpec]:
    parts = []
    if buttons:
        parts.append(ActionSpec("buttons", spaces.MultiBinary(len(buttons)), labels=tuple(map(str.lower, buttons))))
    if deltas:
        limits = np.array([KEPT_DELTAS[name] * tics for name in deltas], np.float32)
        box = spaces.Box(-limits, limits, dtype=np.float32)
        units = "degrees, or units of speed, per decision"
        parts.append(ActionSpec("deltas", box, units, tuple(map(str.lower, deltas))))
    return parts
