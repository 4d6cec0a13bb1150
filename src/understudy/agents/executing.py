"""Test execution: one agent explores until an object of interest is in view, then another does there what a tester did.

The first is usually a bundle in some style of exploring, the second one that imitates how a tester inspects an object.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from understudy.agents.agent import Agent
from understudy.agents.bundle import Bundle
from understudy.agents.detector import Detector, Watch
from understudy.agents.runtime import BundleAgent
from understudy.errors import SpecError, SpecMismatchError
from understudy.spec import Action, BehaviorSpec, Observation, SensorSpec

_SEEDS = 2**64
_ODD = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: seeds of one play lie far from those of the next


@dataclass(frozen=True)
class Handover:
    """When an inspection ends, and when the next may begin. All in decisions.

    Attributes:
        lost: An inspection is done once no object has been in view for so long.
        most: It is given up, or taken for done, after so long.
        rest: For so long after one, and until its object is out of view, there is no other.
    """

    lost: int = 20
    most: int = 200
    rest: int = 50

    def __post_init__(self) -> None:
        if min(self.lost, self.most) < 1 or self.rest < 0:
            raise SpecError(f"A handover needs lost and most of 1 or more and rest of 0 or more, not {self}.")


@dataclass(frozen=True)
class Inspection:
    """One inspection of a play.

    Attributes:
        start: Its first decision, counted from the play's.
        stop: One past its last; None while it lasts.
        timed_out: Whether it ended since it took too long, and not since its object was out of view.
    """

    start: int
    stop: int | None = None
    timed_out: bool = False


class ExecutingAgent:
    """Explores with one agent, inspects with another, and goes on exploring where it left off.

    The inspector starts anew at each object, with a seed that follows from the play's; the explorer keeps its memory of
    before and sees nothing of the inspection. The same seed and observations give the same actions.

    Attributes:
        inspections: Of the play so far, in order.

    Args:
        explore: Plays until the detector says that an object is in view.
        inspect: Plays from then on.
        detector: Says it.
        handover: When to give back.

    Raises:
        SpecMismatchError: If the three are not of the same game.
    """

    def __init__(self, explore: Agent, inspect: Agent, detector: Detector, handover: Handover | None = None) -> None:
        self._explore, self._inspect, self._detector = explore, inspect, detector
        self._handover = handover or Handover()
        self._watch = Watch(detector.card)
        self.behavior = _together(explore.behavior, inspect.behavior, detector.card.behavior)
        self.reset(0)

    @property
    def inspecting(self) -> bool:
        """Whether the inspector decided last."""
        return bool(self.inspections) and self.inspections[-1].stop is None

    def reset(self, seed: int) -> None:
        """Forget the past and start the noise stream of `seed` from its beginning."""
        self._seed, self._decision, self._unseen, self._armed_at = seed, 0, 0, 0
        self.inspections: list[Inspection] = []
        self._armed = True
        self._watch.reset()
        self._explore.reset(seed)

    def act(self, observation: Observation) -> Action:
        """Decide once; see `Agent.act`."""
        # Checked before anything is remembered: what is refused has not happened.
        self.behavior.check_observation(observation)
        present = self._watch.see(self._detector.score(observation))
        if self.inspecting:
            self._go_on(present)
        else:
            self._look_out(present)
        self._decision += 1
        return (self._inspect if self.inspecting else self._explore).act(observation)

    def close(self) -> None:
        """Close both agents."""
        self._explore.close()
        self._inspect.close()

    def _look_out(self, present: bool) -> None:
        self._armed = self._armed or (not present and self._decision >= self._armed_at)
        if present and self._armed:
            count = len(self.inspections)
            self._inspect.reset((self._seed + _ODD * (count + 1)) % _SEEDS)
            self.inspections.append(Inspection(self._decision))
            self._unseen = 0

    def _go_on(self, present: bool) -> None:
        self._unseen = 0 if present else self._unseen + 1
        lost = self._unseen >= self._handover.lost
        start = self.inspections[-1].start
        if lost or self._decision - start >= self._handover.most:
            self.inspections[-1] = Inspection(start, self._decision, timed_out=not lost)
            # An object that is still in view was inspected already.
            self._armed, self._armed_at = False, self._decision + self._handover.rest
            self._look_out(present)


def open_executing(
    explore: Path | str,
    inspect: Path | str,
    detector: Path | str,
    *,
    style: str = "",
    inspect_style: str = "",
    handover: Handover | None = None,
) -> ExecutingAgent:
    """Open two bundles and a detector as one agent.

    Args:
        explore: The bundle that explores.
        inspect: The bundle that inspects.
        detector: The detector's file.
        style: That the first plays in, see `understudy.agents.styles`; its default if left out.
        inspect_style: That the second plays in.
        handover: When to give back.

    Raises:
        BundleError: If one of them cannot be opened.
        SpecMismatchError: If they are not of the same game.
    """
    first = BundleAgent(Bundle.load(explore), style=style)
    second = BundleAgent(Bundle.load(inspect), style=inspect_style)
    return ExecutingAgent(first, second, Detector(detector), handover)


def _together(explore: BehaviorSpec, inspect: BehaviorSpec, detect: BehaviorSpec) -> BehaviorSpec:
    """The explorer's behaviour with the sensors of all three; raises `SpecMismatchError` if they differ in the rest."""
    sensors: dict[str, SensorSpec] = {}
    for each in (*explore.sensors, *inspect.sensors, *detect.sensors):
        sensors.setdefault(each.name, each)
    whole = BehaviorSpec(explore.name, tuple(sensors.values()), explore.actions, explore.decision_hz)
    for who, part in (("the inspecting agent", inspect), ("the detector", detect)):
        try:
            BehaviorSpec(whole.name, part.sensors, part.actions, part.decision_hz).require_from(
                whole, expected=who, where="the exploring agent"
            )
        except SpecMismatchError as error:
            raise SpecMismatchError(f"{error} Take agents and a detector of the same game.") from error
    return whole
