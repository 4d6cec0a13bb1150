"""Many rounds at once, as arrays; `step` plays one decision of each. Nothing here senses, draws or records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field

import numpy as np

from understudy.envs.skirmish import chance
from understudy.envs.skirmish.level import Level
from understudy.envs.skirmish.rules import RIFLE, WEAPON_TABLE, WEAPONS, Rules
from understudy.envs.skirmish.state import NUM_AGENTS, ROUND, idle_actions, pack_actions
from understudy.envs.skirmish.ticking import advance, look_around_all
from understudy.errors import GameError

__all__ = ["World", "idle_actions", "new_world", "pack_actions", "step"]

_FLAGS = ("crouched", "alive", "present", "busy", "revealed", "visible", "bomb_known", "bomb_recalled")
"""Kept as bytes, since numba knows no arrays of bool in a record."""


@dataclass(eq=False)
class World:
    """B rounds, each on one of some levels. All arrays below are views of `rounds`, B first.

    Agents are indexed as in `rules.AGENTS`: 0 and 1 attack, 2 and 3 defend. Whoever is not present is not alive.

    Attributes:
        levels: That are played on.
        rules: Of all rounds.
        rounds: The whole state, records of `ROUND`, shape (B,).
        heights: Of the levels, filled up with wall to the same size, float32, shape (levels, rows, columns).
        places: Of the levels, likewise, uint8, shape (levels, rows, columns).
        seed: What chance hangs on, uint64, shape (B,).
        tick: Ticks played, int64, shape (B,).
        clock: Seconds played, float64, shape (B,).
        level: Index into `levels`, int32, shape (B,).
        position: x and y in metres, float64, shape (B, 4, 2); the dead stay where they fell.
        velocity: m/s, float64, shape (B, 4, 2).
        heading: Degrees counter-clockwise from +x, in [0, 360), float64, shape (B, 4).
        pitch: Degrees, positive up, float64, shape (B, 4).
        health: 0 to 100, float32, shape (B, 4).
        reload_left: Seconds until loaded, 0 if not loading, float32, shape (B, 4).
        fire_left: Seconds until the next shot, 0 or less if ready, float32, shape (B, 4).
        recoil: Degrees by which the next shot rises, float32, shape (B, 4).
        spread: Standard deviation of a shot's direction in degrees, float32, shape (B, 4).
        plant_left: Seconds until planted, 0 if not planting, float32, shape (B, 4).
        defuse_left: Seconds until defused, 0 if not defusing, float32, shape (B, 4).
        hurt: Damage taken in the last decision, float32, shape (B, 4).
        hurt_from: Unit vectors to who hurt, times what they did, summed, float32, shape (B, 4, 2).
        events: Bit mask of `rules.EVENTS` in the last decision, uint32, shape (B, 4).
        magazine: Shots left in it, int16, shape (B, 4).
        crouched: bool, shape (B, 4).
        alive: bool, shape (B, 4).
        present: Who plays at all, bool, shape (B, 4).
        busy: Who plants or defuses, bool, shape (B, 4).
        revealed: Whom the enemy's scan shows, bool, shape (B, 4).
        visible: `[b, a, c]`: a sees c, bool, shape (B, 4, 4).
        weapon: Index into `rules.WEAPONS`, int8, shape (B, 4).
        charges: Uses of the ability left, int8, shape (B, 4).
        kills: In this round, int8, shape (B, 4).
        bomb_position: Where the bomb is, whoever has it, float64, shape (B, 2).
        bomb_left: Seconds until it explodes, once planted, float32, shape (B,).
        carrier: Who has the bomb, or -1, int8, shape (B,).
        planter: Who planted it, or -1, int8, shape (B,).
        bomb_state: Index into `rules.BOMB_STATES`, int8, shape (B,).
        bomb_known: Which side knows where the bomb is, bool, shape (B, 2).
        bomb_recalled: Whether the defenders take the bomb to lie where they saw it last, bool, shape (B,).
        bomb_seen_at: Where that was, float64, shape (B, 2).
        winner: -1, or index into `rules.SIDES`, int8, shape (B,).
        ending: Index into `rules.ENDINGS`, int8, shape (B,).
        smokes: Each agent's: x, y, seconds left and radius, float32, shape (B, 4, 4).
        devices: Each agent's scan: x, y, seconds left and radius, float32, shape (B, 4, 4).
        sounds: Loudness of each agent's sounds of each of `rules.SOUNDS` in the last decision, 0 or 1, float32, shape
            (B, 4, 4).
        sound_position: Where each was made, float64, shape (B, 4, 4, 2).
        known_position: Where each side last knew each enemy slot to be, float64, shape (B, 2, 2, 2).
        known_clock: When that was, -1 if never, float64, shape (B, 2, 2).
    """

    levels: tuple[Level, ...]
    rules: Rules
    num_rounds: InitVar[int]
    rounds: np.ndarray = field(init=False)
    heights: np.ndarray = field(init=False)
    places: np.ndarray = field(init=False)
    seed: np.ndarray = field(init=False)
    tick: np.ndarray = field(init=False)
    clock: np.ndarray = field(init=False)
    level: np.ndarray = field(init=False)
    position: np.ndarray = field(init=False)
    velocity: np.ndarray = field(init=False)
    heading: np.ndarray = field(init=False)
    pitch: np.ndarray = field(init=False)
    health: np.ndarray = field(init=False)
    reload_left: np.ndarray = field(init=False)
    fire_left: np.ndarray = field(init=False)
    recoil: np.ndarray = field(init=False)
    spread: np.ndarray = field(init=False)
    plant_left: np.ndarray = field(init=False)
    defuse_left: np.ndarray = field(init=False)
    hurt: np.ndarray = field(init=False)
    hurt_from: np.ndarray = field(init=False)
    events: np.ndarray = field(init=False)
    magazine: np.ndarray = field(init=False)
    crouched: np.ndarray = field(init=False)
    alive: np.ndarray = field(init=False)
    present: np.ndarray = field(init=False)
    busy: np.ndarray = field(init=False)
    revealed: np.ndarray = field(init=False)
    visible: np.ndarray = field(init=False)
    weapon: np.ndarray = field(init=False)
    charges: np.ndarray = field(init=False)
    kills: np.ndarray = field(init=False)
    bomb_position: np.ndarray = field(init=False)
    bomb_left: np.ndarray = field(init=False)
    carrier: np.ndarray = field(init=False)
    planter: np.ndarray = field(init=False)
    bomb_state: np.ndarray = field(init=False)
    bomb_known: np.ndarray = field(init=False)
    bomb_recalled: np.ndarray = field(init=False)
    bomb_seen_at: np.ndarray = field(init=False)
    winner: np.ndarray = field(init=False)
    ending: np.ndarray = field(init=False)
    smokes: np.ndarray = field(init=False)
    devices: np.ndarray = field(init=False)
    sounds: np.ndarray = field(init=False)
    sound_position: np.ndarray = field(init=False)
    known_position: np.ndarray = field(init=False)
    known_clock: np.ndarray = field(init=False)

    def __post_init__(self, num_rounds: int) -> None:
        self.rounds = np.zeros(num_rounds, ROUND)
        for name in ROUND.names or ():
            view = self.rounds[name]
            setattr(self, name, view.view(bool) if name in _FLAGS else view)
        shape = np.max([each.heights.shape for each in self.levels], axis=0)
        self.heights = np.stack([_filled(each.heights, shape, 4.0) for each in self.levels]).astype(np.float32)
        self.places = np.stack([_filled(each.places, shape, 0) for each in self.levels]).astype(np.uint8)

    def __len__(self) -> int:
        return len(self.rounds)

    def __getstate__(self) -> tuple[tuple[Level, ...], Rules, np.ndarray]:
        return self.levels, self.rules, self.rounds

    def __setstate__(self, state: tuple[tuple[Level, ...], Rules, np.ndarray]) -> None:
        # A copied view is no view: they are made anew, of the copied rounds.
        self.levels, self.rules, rounds = state
        self.__post_init__(len(rounds))
        self.rounds[:] = rounds

    def begin(
        self,
        index: int,
        seed: int,
        *,
        level: int | None = None,
        weapons: Sequence[int] | np.ndarray = (RIFLE,) * NUM_AGENTS,
        team_sizes: tuple[int, int] = (2, 2),
    ) -> None:
        """Begin round `index` anew.

        Args:
            index: Of the round.
            seed: What chance hangs on.
            level: Index into `levels`; None keeps it.
            weapons: Of each agent, an index into `rules.WEAPONS`.
            team_sizes: How many attack and how many defend, 1 or 2 each.

        Raises:
            GameError: If there is no such level, weapon or team.
        """
        place = int(self.level[index]) if level is None else level
        _require_setting(place, len(self.levels), weapons, team_sizes)
        rounds = self.rounds[index : index + 1]
        rounds[:] = np.zeros((), ROUND)
        record = rounds[0]
        record["seed"], record["level"] = np.uint64(seed % 2**64), place
        record["present"] = [slot < size for size in team_sizes for slot in range(2)]
        record["alive"] = record["present"]
        record["health"] = np.where(record["present"], self.rules.health, 0)
        record["weapon"], record["magazine"] = weapons, WEAPON_TABLE["magazine"][list(weapons)]
        record["charges"] = np.where(record["present"], self.rules.charges, 0)
        record["winner"], record["planter"], record["known_clock"] = -1, -1, -1.0
        self._spawn(record, team_sizes)
        look_around_all(rounds, self.rules.record, self.heights)

    def _spawn(self, record: np.void, team_sizes: tuple[int, int]) -> None:
        """Put everybody in a slot of the level, and the bomb into an attacker's hands."""
        seed = record["seed"]
        for side in range(2):
            # Which two of the four slots, in order: one of twelve ways.
            way = int(chance.uniform(seed, 0, side, chance.SPAWN) * 12)
            first, others = way // 3, [slot for slot in range(4) if slot != way // 3]
            x, y, heading = self.levels[record["level"]].spawns[side, [first, others[way % 3]]].T.astype(np.float64)
            agents = slice(2 * side, 2 * side + 2)
            record["position"][agents, 0], record["position"][agents, 1] = x, y
            record["heading"][agents] = heading % 360
        record["carrier"] = int(chance.uniform(seed, 0, 0, chance.CARRIER) * team_sizes[0])
        record["bomb_position"] = record["position"][record["carrier"]]


def new_world(
    levels: Level | Sequence[Level],
    num_rounds: int,
    seeds: Sequence[int] | np.ndarray,
    rules: Rules | None = None,
    *,
    level_indices: Sequence[int] | np.ndarray | None = None,
    weapons: np.ndarray | Sequence[int] = (RIFLE,) * NUM_AGENTS,
    team_sizes: tuple[int, int] = (2, 2),
) -> World:
    """Return `num_rounds` rounds at their start.

    Args:
        levels: To play on.
        num_rounds: B, at least 1.
        seeds: One for each round.
        rules: By default `Rules()`.
        level_indices: The level of each round; by default one after the other.
        weapons: Indices into `rules.WEAPONS`, shape (4,) or (B, 4).
        team_sizes: How many attack and how many defend, 1 or 2 each.

    Raises:
        GameError: If there is no level, too few seeds, or no such weapon or team.
    """
    found = (levels,) if isinstance(levels, Level) else tuple(levels)
    if num_rounds < 1 or len(seeds) != num_rounds or not found:
        raise GameError(f"{num_rounds} rounds on {len(found)} levels with {len(seeds)} seeds; give one seed for each.")
    world = World(found, rules or Rules(), num_rounds)
    places = np.arange(num_rounds) % len(found) if level_indices is None else np.asarray(level_indices)
    held = np.broadcast_to(np.asarray(weapons), (num_rounds, NUM_AGENTS))
    for index in range(num_rounds):
        world.begin(
            index, int(seeds[index]), level=int(places[index]), weapons=held[index].tolist(), team_sizes=team_sizes
        )
    return world


def step(world: World, actions: Mapping[str, np.ndarray]) -> None:
    """Play one decision of every round that is not over, in place.

    Args:
        world: Changed.
        actions: By part name, shape (B, 4): `move`, `gait`, `fire` and `act` whole numbers, `turn` and `pitch` degrees.

    Raises:
        ObservationError: If a part lacks, or has another shape, or values out of its range.
    """
    advance(
        world.rounds,
        pack_actions(actions, len(world)),
        world.rules.record,
        WEAPON_TABLE,
        world.heights,
        world.places,
        world.rules.ticks_per_decision,
    )


def _filled(cells: np.ndarray, shape: np.ndarray, filling: float) -> np.ndarray:
    rows, columns = shape - cells.shape
    return np.pad(cells, ((0, rows), (0, columns)), constant_values=filling)


def _require_setting(
    level: int, num_levels: int, weapons: Sequence[int] | np.ndarray, team_sizes: tuple[int, int]
) -> None:
    if not 0 <= level < num_levels:
        raise GameError(f"There is no level {level}; the world has {num_levels}, counted from 0.")
    if len(weapons) != NUM_AGENTS or not all(0 <= each < len(WEAPONS) for each in weapons):
        raise GameError(f"Weapons {list(weapons)} should be {NUM_AGENTS} numbers below {len(WEAPONS)}, one each.")
    if len(team_sizes) != 2 or not all(each in (1, 2) for each in team_sizes):
        raise GameError(f"Teams of {team_sizes} cannot play; each side needs 1 or 2.")
