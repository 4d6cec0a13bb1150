"""The whole evaluation: every measure of a bot beside its floor and its baselines, with a verdict on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from understudy.errors import RecordingError
from understudy.evaluation.entropy import Choice, choice_distances, choices_of, variety
from understudy.evaluation.giveaways import find_giveaways
from understudy.evaluation.matched import Comparison, Distance, compare_matched
from understudy.evaluation.measures import Histograms, Measure, divergences, panel_measures, total
from understudy.evaluation.occupancy import grids_of, occupancy_divergence, occupancy_transport, stay_of
from understudy.evaluation.ratings import Game, rate, win_table
from understudy.evaluation.result import (
    AMBER,
    GREEN,
    MEAN_KEY,
    PLAIN,
    STEPPED,
    Evaluation,
    Histogram,
    Play,
    Row,
)
from understudy.evaluation.shared import doubts, on_shared_levels
from understudy.evaluation.skill import skill_curve
from understudy.evaluation.styles import Recovery, StyleOptions, recover_players, recover_styles
from understudy.evaluation.telemetry import Telemetry
from understudy.evaluation.turing import TuringOptions, hand_steps, in_steps, players_as_bots, turing_test
from understudy.evaluation.verdicts import DIFFERENCE_RATIOS, judge, negative, ratio_row

_STEPPED = ("turn_rate", "pitch_rate")
# Three positions stand in their order by chance in one of six cases, five hardly ever.
_ENOUGH_DIALS = 5


@dataclass(frozen=True)
class Options:
    """How thorough an evaluation is.

    Attributes:
        splits: Divisions of the players that floors are means over.
        draws: Bootstrap resamples.
        transports: The same of optimal transport, which takes longer.
        turing: Of the automated Turing test; None leaves it out.
        styles: Of style recovery; None leaves it out.
        seed: Of all drawing.
    """

    splits: int = 20
    draws: int = 300
    transports: int = 24
    turing: TuringOptions | None = field(default_factory=TuringOptions)
    styles: StyleOptions | None = field(default_factory=StyleOptions)
    seed: int = 0

    @classmethod
    def quick(cls, seed: int = 0) -> Options:
        """Return what is done in a minute or two."""
        turing = TuringOptions(folds=2, updates=120, seed=seed)
        return cls(8, 100, 8, turing, StyleOptions(updates=150, seed=seed), seed)


def evaluate_play(
    players: Sequence[Telemetry],
    play: Play,
    options: Options | None = None,
    *,
    demonstrations: Sequence[Telemetry] = (),
    blends: Sequence[Telemetry] = (),
    games: Sequence[Game] = (),
    dials: Mapping[str, float] | None = None,
    tell: Callable[[str], None] = lambda _words: None,
) -> Evaluation:
    """Compare a bot, and baselines, with players.

    Args:
        players: Held-out players' episodes, at least two.
        play: Episodes by who played them; the bot is the first, the others are baselines.
        options: How thorough.
        demonstrations: Players' episodes that the style classifier learns from; by default the held-out ones.
        blends: Episodes of the bot in blends of two styles, such as "rusher:0.5+anchor:0.5".
        games: Of a round robin.
        dials: By name of a side in it, the bot's skill dial.
        tell: Called with what is done next.

    Raises:
        RecordingError: If there are too few episodes.
    """
    options = options or Options()
    if not play or not all(play.values()):
        empty = next((name for name, each in play.items() if not each), "the bot")
        raise RecordingError(f"There is no recording of {empty}; nothing can be compared with players.")
    found = on_shared_levels(players, play)
    tell("measuring habits")
    _add_panel(found, options)
    tell("measuring where they are")
    _add_occupancy(found, options)
    _add_choices(found, options)
    tell("training classifiers for the Turing test")
    _add_turing(found, options)
    _add_stepped(found, options)
    tell("naming styles")
    _add_styles(found, options, demonstrations, blends)
    tell("rating")
    _add_ratings(found, options, games, dials or {})
    found.giveaways = find_giveaways(found)
    found.warnings += doubts(found.players)
    return found


def _add_panel(found: Evaluation, options: Options) -> None:
    kept: list[tuple[Measure, np.ndarray]] = []
    for measure in panel_measures(found.players):
        edges = measure.inner_edges(found.players)
        if edges is None or all(measure.values(each) is None for each in found.play[found.bot]):
            whose = "the players'" if edges is None else "the bot's"
            found.left_out.append(f"{measure.title}: needs {measure.needs}, of which {whose} recordings hold nothing.")
        else:
            kept.append((measure, edges))

    def features(episodes: Sequence[Telemetry]) -> list[Histograms]:
        return [[measure.histogram(each, edges) for measure, edges in kept] for each in episodes]

    own = features(found.players)
    others = {name: features(episodes) for name, episodes in found.play.items()}
    if not kept:
        return
    results = _compare(found, own, others, divergences, options)
    tables = {"players": own, **others}
    for index, ((measure, edges), result) in enumerate(zip(kept, results[:-1], strict=True)):
        sums = {name: total(each[index] for each in table) for name, table in tables.items()}
        counts = {name: each for name, each in sums.items() if each is not None}
        if np.count_nonzero(sum(counts.values())) > 1:
            found.histograms.append(Histogram(measure, edges, {n: c / max(c.sum(), 1) for n, c in counts.items()}))
            found.rows.append(ratio_row(measure.key, measure.title, "bits", result, found.bot))
    found.rows.insert(0, ratio_row(MEAN_KEY, "Divergence of habits, mean of the panel", "bits", results[-1], found.bot))


def _compare(
    found: Evaluation,
    own: Sequence,
    others: Mapping[str, Sequence],
    distance: Distance,
    options: Options,
    *,
    draws: int | None = None,
) -> list[Comparison]:
    splits = options.splits if draws is None else max(4, draws // 2)
    draws = options.draws if draws is None else draws
    rounds = {name: _units(found.play[name]) for name in others}
    return compare_matched(
        found.players, own, others, distance, rounds=rounds, splits=splits, draws=draws, seed=options.seed
    )


def _units(episodes: Sequence[Telemetry]) -> list[str]:
    """What is resampled as one: a bot's rounds; of several who stand in its place, all that one of them played."""
    several = len({each.player for each in episodes}) > 1
    return [each.player if several else each.round for each in episodes]


def _add_occupancy(found: Evaluation, options: Options) -> None:
    grids = grids_of([*found.players, *(each for episodes in found.play.values() for each in episodes)])
    own = [stay_of(each, grids) for each in found.players]
    others = {name: [stay_of(each, grids) for each in episodes] for name, episodes in found.play.items()}
    others = {name: each for name, each in others.items() if None not in each}
    if None in own or found.bot not in others:
        found.left_out.append("Occupancy: needs the extra 'position', in the recordings of the players and of the bot.")
        return
    shared = {each.map for each in found.players} & {each.map for each in found.play[found.bot]}
    if not shared:
        found.left_out.append("Occupancy: the bot was recorded on none of the players' levels.")
        return
    (grid,) = _compare(found, own, others, occupancy_divergence, options)
    found.rows.append(ratio_row("occupancy_jsd", "Occupancy, divergence on a grid", "bits", grid, found.bot))
    (metres,) = _compare(found, own, others, occupancy_transport, options, draws=options.transports)
    found.rows.append(ratio_row("occupancy_ot", "Occupancy, optimal transport", "m", metres, found.bot))


def _add_choices(found: Evaluation, options: Options) -> None:
    everyone = [*found.players, *(each for episodes in found.play.values() for each in episodes)]

    def known(episodes: Sequence[Telemetry]) -> list[Choice]:
        choices = [each for each in choices_of(episodes, everyone) if each is not None]
        return choices if len(choices) == len(episodes) else []

    own, others = known(found.players), {name: known(each) for name, each in found.play.items()}
    others = {name: each for name, each in others.items() if each}
    if not own or found.bot not in others:
        found.left_out.append("Routes and sites: need the extra 'position' in all recordings.")
        return
    choices, entropy = _compare(found, own, others, choice_distances, options)
    found.rows.append(ratio_row("choices_jsd", "Routes and sites, divergence", "bits", choices, found.bot))
    title = "Routes and sites, entropy off by"
    found.rows.append(ratio_row("choices_entropy", title, "bits", entropy, found.bot, DIFFERENCE_RATIOS))
    found.varieties = {"players": variety(own), **{name: variety(each) for name, each in others.items()}}


def _add_turing(found: Evaluation, options: Options) -> None:
    if options.turing is None:
        return
    for name, episodes in found.play.items():
        result = turing_test(found.players, episodes, options.turing)
        if result is not None:
            found.turing[name] = result
    if found.bot not in found.turing:
        found.left_out.append("Automated Turing test: too few rounds long enough to train on some and test on others.")
        return
    floor = players_as_bots(found.players, options.turing)
    if floor is not None:
        found.turing["players"] = floor
    auc = found.turing[found.bot].auc
    baselines = {name: each.auc for name, each in found.turing.items() if name not in (found.bot, "players")}
    found.rows.append(
        Row(
            "turing_auc",
            "Automated Turing test, AUC",
            "",
            auc,
            floor.auc if floor else None,
            None,
            baselines,
            judge(auc, (0.65, 0.8)),
            "at most 0.65",
        )
    )


def _add_stepped(found: Evaluation, options: Options) -> None:
    """If the bot's hand moves in steps: the habits and the test once more, with the players' movements in these."""
    bots = found.play[found.bot]
    steps = hand_steps(bots, found.players)
    if not steps:
        return
    stepped = Evaluation(found.bot, {found.bot: in_steps(bots, steps)}, in_steps(found.players, steps))
    _add_panel(stepped, options)
    _add_turing(stepped, options)
    kept = [each for key in (MEAN_KEY, *_STEPPED, "turing_auc") if (each := stepped.row(key))]
    found.rows += [replace(each, key=each.key + STEPPED, title=f"{each.title}, all in its steps") for each in kept]
    counts = " and ".join(f"{len(values)} steps of {name}" for name, values in steps.items())
    found.facts.append(
        f"The bot's hand knows {counts}. That tells it from players, though nobody who plays with it could see it; so "
        "what depends on it is also measured with everybody's movements rounded to these steps."
    )


def _add_styles(
    found: Evaluation, options: Options, demonstrations: Sequence[Telemetry], blends: Sequence[Telemetry]
) -> None:
    if options.styles is None:
        return
    learned = demonstrations or found.players
    play = {**found.play, found.bot: [*found.play[found.bot], *blends]}
    recoveries = {name: recover_styles(learned, each, options.styles) for name, each in play.items()}
    found.recovery = recoveries.pop(found.bot)
    if found.recovery is None:
        found.left_out.append("Style recovery: needs two styles or more, of the players and of the bot.")
        return
    ceiling = _ceiling(found.players, demonstrations, options.styles)
    accuracy = found.recovery.accuracy
    found.rows.append(
        Row(
            "style_recovery",
            "Style recovery, share named rightly",
            "",
            accuracy,
            ceiling.accuracy if ceiling else None,
            None,
            {name: each.accuracy for name, each in recoveries.items() if each is not None},
            judge(negative(accuracy), (-0.85, -0.7)),
            "at least 0.85",
            more_is_better=True,
        )
    )


def _ceiling(
    players: Sequence[Telemetry], demonstrations: Sequence[Telemetry], options: StyleOptions
) -> Recovery | None:
    """Players named as the bot is: by the same classifier where it learned from others, else by one of half of them."""
    names, rounds = {each.player for each in demonstrations}, {each.round for each in demonstrations}
    others = [each for each in players if each.player not in names and each.round not in rounds]
    found = recover_styles(demonstrations, others, options) if demonstrations else None
    return found or recover_players(demonstrations or players, options)


def _add_ratings(found: Evaluation, options: Options, games: Sequence[Game], dials: Mapping[str, float]) -> None:
    if not games:
        found.left_out.append(
            "Ratings and the skill dial: need games against each other, which recordings do not give."
        )
        return
    found.standings, found.wins = rate(games, options.seed), win_table(games)
    if found.bot in found.standings:
        own = found.standings[found.bot]
        others = {name: each.wins for name, each in found.standings.items() if name in found.play and name != found.bot}
        found.rows.append(Row("win_rate", "Share of games won", "", own.wins, None, None, others, PLAIN, "", True))
    found.curve = skill_curve(games, dials, options.seed)
    if found.curve is None:
        found.left_out.append("Skill dial: the bot has none, or fewer than three positions of it played.")
        return
    rank = found.curve.spearman
    title = "Skill dial against rating, Spearman"
    verdict = judge(negative(rank), (-0.9, -0.7))
    if verdict == GREEN and len(found.curve.dials) < _ENOUGH_DIALS:
        verdict = AMBER
    found.rows.append(Row("skill_spearman", title, "", rank, None, None, {}, verdict, "at least 0.9", True))
