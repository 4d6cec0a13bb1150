"""`understudy evaluate` from end to end: let the bot play where players played, and compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from understudy.agents.bundle import CARD_FILE, Bundle
from understudy.agents.styles import parse_style
from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.recorder import GAME
from understudy.errors import BundleError, GameError, RecordingError
from understudy.evaluation.ground import Ground
from understudy.evaluation.held_out import HeldOut, choose_held_out, trained_levels
from understudy.evaluation.panel import Options, evaluate_play
from understudy.evaluation.ratings import Game
from understudy.evaluation.result import Evaluation
from understudy.evaluation.telemetry import Telemetry, read_telemetry
from understudy.playtest.arena.contestants import PERSONA, RANDOM, Contestant, parse_contestant
from understudy.playtest.arena.matches import likeness_fixtures, play_fixtures, round_robin
from understudy.recordings import Episode, open_recordings

BOT = "bot"
Told = Callable[[str], None]
_ROUNDS = 4


@dataclass(frozen=True)
class Request:
    """What is to be evaluated.

    Attributes:
        bot: A bundle, or recordings of bots.
        against: Recordings of players.
        out: Folder for the bot's recordings.
        baselines: By name, a bundle, recordings, "random", "scripted" or a persona.
        demonstrations: Recordings that the style classifier learns from; by default `against`.
        levels: To play on; by default the players'.
        styles: The bot's to play; by default those of the players that it knows, as often as they do.
        rounds: That the bot, and each baseline, plays.
        skills: Positions of the skill dial that are rated.
        most: Recordings of players that are compared with, evenly over players.
        rated: Matches of each pair in the round robin.
        seed: Of everything by chance.
        options: How thorough the measures are.
    """

    bot: Path
    against: Path
    out: Path
    baselines: Mapping[str, str] = field(default_factory=dict)
    demonstrations: Path | None = None
    levels: Sequence[str] = ()
    styles: Sequence[str] = ()
    rounds: int = 96
    skills: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0)
    most: int = 400
    rated: int = 4
    seed: int = 0
    options: Options = field(default_factory=Options)


@lru_cache(maxsize=64)
def ground_of(name: str) -> Ground | None:
    """Return the plan of a level of skirmish; None for what is none."""
    try:
        level = load_level(name)
    except GameError:
        return None
    sites = {site: level.place_cells(site) for site in ("site_a", "site_b")}
    return Ground(name, level.heights, sites, level.lanes)


def evaluate(request: Request, tell: Told = lambda _words: None) -> tuple[Evaluation, str]:
    """Play what must be played, and compare.

    Args:
        request: What.
        tell: Called with what is done next.

    Returns:
        What was found, and the bot's name.

    Raises:
        UnderstudyError: If something asked for is not there or does not fit, in one sentence.
    """
    bundle = _bundle_at(request.bot)
    everyone = list(open_recordings(request.against))
    held_out = choose_held_out(bundle, everyone)
    players = read_telemetry(thin(held_out.episodes, request.most, request.seed), _known_ground(everyone))
    stage = _Stage(request, players, tell)
    play = {BOT: stage.play_of(BOT, bundle or request.bot)}
    for name, what in request.baselines.items():
        play[name] = stage.play_of(name, stage.parse(name, what))
    blends = stage.blends(bundle) if bundle else []
    games, dials = stage.ratings(bundle) if bundle else ([], {})
    found = evaluate_play(
        players,
        play,
        request.options,
        demonstrations=stage.demonstrations(),
        blends=blends,
        games=games,
        dials=dials,
        tell=tell,
    )
    _say_where_from(found, held_out, bundle, players)
    return found, bundle.name if bundle else request.bot.name


def thin(episodes: Sequence[Episode], most: int, seed: int = 0) -> list[Episode]:
    """Return at most so many episodes, as many of each player as there can be."""
    if len(episodes) <= most:
        return list(episodes)
    rng = np.random.default_rng(seed)
    by_player: dict[str, list[Episode]] = defaultdict(list)
    for index in rng.permutation(len(episodes)):
        by_player[episodes[index].provenance.player].append(episodes[index])
    kept: list[Episode] = []
    for turn in range(max(len(each) for each in by_player.values())):
        kept += [each[turn] for each in by_player.values() if turn < len(each)]
    return sorted(kept[:most], key=lambda each: each.name)


def mixed(words: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """Return `count` words in random order, each about as often as among those given; none of none."""
    if not words:
        return []
    kept = np.sort(words)[((np.arange(count) + 0.5) / count * len(words)).astype(int)]
    return [str(each) for each in np.random.default_rng(seed).permutation(kept)]


def _bundle_at(path: Path) -> Bundle | None:
    return Bundle.load(path) if (path / CARD_FILE).is_file() else None


def _known_ground(episodes: Sequence[Episode]) -> Callable[[str], Ground | None]:
    skirmish = {each.provenance.map for each in episodes if each.provenance.game == GAME}
    return lambda name: ground_of(name) if name in skirmish else None


class _Stage:
    """Lets contestants play as the players did: on their levels, in their mix of styles and skills."""

    def __init__(self, request: Request, players: Sequence[Telemetry], tell: Told) -> None:
        self._request, self._players, self._tell = request, players, tell
        found = [each.map for each in players if ground_of(each.map) is not None]
        asked = [each for each in found if each in request.levels] if request.levels else found
        self._levels = mixed(asked, max(1, request.rounds // _ROUNDS), request.seed) or list(request.levels)
        self._contestants: dict[str, Contestant] = {}

    def parse(self, name: str, what: str) -> Bundle | Path | Contestant:
        """Return what a baseline is: a bundle or recordings if there is such a path."""
        path = Path(what)
        if path.exists():
            return _bundle_at(path) or path
        return parse_contestant(name, what)

    def play_of(self, name: str, what: Bundle | Path | Contestant) -> list[Telemetry]:
        """Return somebody's play: recorded already, or played now."""
        if isinstance(what, Path):
            episodes = thin(list(open_recordings(what)), self._request.most, self._request.seed)
            return read_telemetry(episodes, _known_ground(episodes))
        own = self._mix(name, what) if isinstance(what, Bundle) else [what]
        self._contestants[name] = Contestant(name, what) if isinstance(what, Bundle) else what
        return self._record(name, own, self._request.rounds)

    def blends(self, bundle: Bundle) -> list[Telemetry]:
        """Return play of half-and-half blends of neighbouring styles."""
        styles = self._styles(bundle)
        if len(styles) < 2 or self._request.options.styles is None:
            return []
        pairs = list(pairwise(styles))[:3]
        own = [
            Contestant(BOT, bundle, f"{pair[0]}:0.5+{pair[1]}:0.5", skill)
            for pair in pairs
            for skill in [_skill(bundle, each) for each in self._players if each.persona in pair] or [None]
        ]
        return self._record("blends", own, max(_ROUNDS, self._request.rounds // 4))

    def ratings(self, bundle: Bundle) -> tuple[list[Game], dict[str, float]]:
        """Play a round robin of the bot, its dial and the baselines that can play."""
        dials = {}
        field = dict(self._contestants)
        for skill in self._request.skills if bundle.card.has_skill else ():
            name = f"{BOT} skill {skill:g}"
            field[name], dials[name] = Contestant(name, bundle, skill=skill), skill
        if len(field) < 2 or not self._request.rated:
            return [], {}
        fixtures = round_robin(
            list(field.values()), self._levels, self._request.rated, seed=self._request.seed + 1, rounds=_ROUNDS
        )
        return play_fixtures(fixtures, progress=self._progress("playing the round robin")), dials

    def demonstrations(self) -> list[Telemetry]:
        """Return what the style classifier learns from."""
        if self._request.demonstrations is None:
            return []
        episodes = thin(list(open_recordings(self._request.demonstrations)), 2 * self._request.most, self._request.seed)
        return read_telemetry(episodes, _known_ground(episodes))

    def _mix(self, name: str, bundle: Bundle) -> list[Contestant]:
        """The bot in the styles asked for, else in those of the players and with their skills."""
        if bundle.behavior.name != GAME:
            raise BundleError(
                f"The bundle '{bundle.name}' plays '{bundle.behavior.name}', which cannot be played here; record its "
                "play there and give these recordings instead of the bundle."
            )
        for style in self._request.styles if name == BOT else ():
            parse_style(bundle, style)
        asked = self._request.styles if name == BOT and self._request.styles else bundle.card.styles
        seats = [
            Contestant(name, bundle, each.persona, _skill(bundle, each))
            for each in self._players
            if each.persona in asked
        ]
        return seats or [Contestant(name, bundle, style) for style in (self._styles(bundle) or [""])]

    def _styles(self, bundle: Bundle) -> list[str]:
        known = self._request.styles or bundle.card.styles
        played = [each.persona for each in self._players]
        return [name for name in known if name in played] or list(known)

    def _record(self, name: str, own: Sequence[Contestant], rounds: int) -> list[Telemetry]:
        if not self._levels:
            raise GameError("The players' recordings are of no level of skirmish; name levels with --levels.")
        folder = self._request.out / name
        if folder.exists() and any(folder.iterdir()):
            raise RecordingError(f"{folder} is there already; name another report, or delete it.")
        matches = max(1, rounds // _ROUNDS)
        fixtures = likeness_fixtures(own, self._levels, matches, seed=self._request.seed, rounds=_ROUNDS)
        play_fixtures(fixtures, folder, progress=self._progress(f"letting {name} play"))
        return read_telemetry(open_recordings(folder), ground_of)

    def _progress(self, words: str) -> Callable[[int, int], None]:
        return lambda done, total: self._tell(f"{words}: round {done} of {total}")


def _skill(bundle: Bundle, player: Telemetry) -> float | None:
    skill = player.notes.get("skill")
    return float(skill) if bundle.card.has_skill and isinstance(skill, (int, float)) else None


def _say_where_from(found: Evaluation, held_out: HeldOut, bundle: Bundle | None, players: Sequence[Telemetry]) -> None:
    found.facts += held_out.facts
    found.warnings += held_out.warnings
    if bundle is not None:
        seeds = {each.seed for each in players} & {each.seed for each in found.play[BOT]} - {None}
        if not seeds:
            found.facts.append("The bot's own rounds are of seeds drawn for this evaluation.")
        played = trained_levels(bundle) & {each.map for each in found.play[BOT]}
        known = [each for each in held_out.warnings if "level" in each]
        if played and not known:
            found.warnings.append(f"The bot played on levels that it was trained on: {', '.join(sorted(played))}.")
    if any(each.notes.get("persona") for each in players):
        found.facts.append("These players are scripted personas, not people.")


__all__ = ["BOT", "PERSONA", "RANDOM", "Request", "evaluate", "ground_of", "thin"]
