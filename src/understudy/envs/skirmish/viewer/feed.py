"""What has just happened and is still worth showing: hits, wounds, and who brought down whom."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from understudy.envs.skirmish.rules import AGENTS, DEATH, DEFUSE_DONE, HEADSHOT, HIT, KILL, PLANT_DONE, Record

HIT_S, HURT_S, LINE_S = 0.25, 1.2, 5.0
"""For how long a hit is marked, a wound's direction shown, and a line of the feed kept."""


@dataclass(frozen=True)
class Line:
    """One line of the feed.

    Attributes:
        clock: When, in seconds of whoever draws.
        actor: Who did it, by agent index; -1 for nobody.
        word: What was done.
        target: To whom, by agent index; -1 for nobody.
    """

    clock: float
    actor: int
    word: str
    target: int = -1


@dataclass
class Feed:
    """Remembers the events of decisions for a while.

    Attributes:
        lines: The newest last.
        hit_clock: When an agent last hit somebody, by agent.
        kill_clock: When an agent last brought somebody down, by agent.
        hurts: When, and from which heading in degrees, an agent was hurt, by agent.
    """

    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=5))
    hit_clock: dict[int, float] = field(default_factory=dict)
    kill_clock: dict[int, float] = field(default_factory=dict)
    hurts: dict[int, deque[tuple[float, float]]] = field(
        default_factory=lambda: {agent: deque(maxlen=4) for agent in range(len(AGENTS))}
    )

    def note(self, state: Record, clock: float) -> None:
        """Take in the events of the decision that led to `state`."""
        masks = [int(mask) for mask in state["events"]]
        killers = [agent for agent, mask in enumerate(masks) if mask >> KILL & 1]
        for agent, mask in enumerate(masks):
            if mask >> HIT & 1:
                self.hit_clock[agent] = clock
            if mask >> KILL & 1:
                self.kill_clock[agent] = clock
            if mask >> DEATH & 1:
                self._note_death(agent, killers, masks, clock)
            if mask >> PLANT_DONE & 1:
                self.lines.append(Line(clock, agent, "planted the bomb"))
            if mask >> DEFUSE_DONE & 1:
                self.lines.append(Line(clock, agent, "defused the bomb"))
            self._note_hurt(state, agent, clock)

    def recent(self, clock: float) -> list[Line]:
        """Return the lines that are still shown."""
        return [line for line in self.lines if clock - line.clock < LINE_S]

    def _note_death(self, victim: int, killers: list[int], masks: list[int], clock: float) -> None:
        enemies = [agent for agent in killers if agent // 2 != victim // 2]
        killer = enemies[0] if enemies else -1
        headshot = killer >= 0 and masks[killer] >> HEADSHOT & 1
        self.lines.append(Line(clock, killer, "headshot" if headshot else "shot", victim))

    def _note_hurt(self, state: Record, agent: int, clock: float) -> None:
        if state["hurt"][agent] > 0:
            x, y = (float(each) for each in state["hurt_from"][agent])
            self.hurts[agent].append((clock, math.degrees(math.atan2(y, x))))
