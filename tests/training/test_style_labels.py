"""Who played, in which style and how well is read from recordings, and what cannot be learned from is told in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dancers import DANCE, dance_form, dance_recipe, record_dancer, record_dancers

from understudy.errors import RecipeError
from understudy.recordings import Recordings, open_recordings
from understudy.training.build import build_styles
from understudy.training.learner import prepare
from understudy.training.recipe import load_recipe
from understudy.training.recovery import training_demonstrations
from understudy.training.stream import WindowStream
from understudy.training.styles import Roster


@pytest.fixture(scope="module")
def dancers(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """Six players of three styles, three short episodes each."""
    return record_dancers(tmp_path_factory.mktemp("dancers"), players=2, episodes=3, steps=40)


def test_labels_come_from_the_recordings_notes(dancers: Recordings, tmp_path: Path) -> None:
    """Every row of the cache knows its player, and every player its persona and skill."""
    learner = prepare(dance_recipe(split={"players": ["lefty-0"]}), dancers, tmp_path / "run")
    labels = learner.labels
    assert labels is not None
    assert labels.roster.players == ("lefty-1", "righty-0", "righty-1", "waiter-0", "waiter-1")
    assert labels.roster.personas == ("lefty", "righty", "righty", "waiter", "waiter")
    assert labels.roster.skills == (0.75, 0.25, 0.75, 0.25, 0.75)
    for span in learner.cache.spans:
        episode = labels.episodes(np.array([span.start, span.stop - 1]))
        assert episode[0] == episode[1]
        known = int(labels.player[episode[0]])
        assert (labels.roster.players[known] if known >= 0 else "lefty-0") == span.player
        assert labels.persona[episode[0]] == span.player.split("-")[0]


def test_a_roster_there_and_back_is_the_same(tmp_path: Path) -> None:
    """A run folder's players read back as they were."""
    roster = Roster(("a", "b"), ("x", ""), (0.25, 1.0))
    roster.save(tmp_path)
    assert Roster.load(tmp_path) == roster


def test_demonstrations_are_other_episodes_of_the_same_player(dancers: Recordings, tmp_path: Path) -> None:
    """No window is shown itself, and none another player; each is styled alike through all windows of its sequence."""
    learner = prepare(dance_recipe(loop={"window": 8, "segment": 16}), dancers, tmp_path / "run")
    demonstrations, labels = training_demonstrations(learner), learner.labels
    assert demonstrations is not None
    assert labels is not None
    taught = np.concatenate([np.arange(span.start, span.stop) for span in learner.split.train])
    for episode in {int(labels.episodes(np.array(span.start))) for span in learner.split.train}:
        for seed in range(5):
            rows = demonstrations._draw(episode, (seed,))
            assert rows.shape == (4, 8)
            assert np.isin(rows, taught).all()
            shown = labels.episodes(rows)
            assert (shown == shown[:, :1]).all()
            assert episode not in shown
            assert {labels.identity[each] for each in shown.flat} == {labels.identity[episode]}
    stream = WindowStream(learner.split.train, learner.recipe.loop)
    first, second = (demonstrations.conditions(stream.batch(update)) for update in (0, 1))
    other = demonstrations.conditions(stream.batch(2))
    assert 0 < len(first.shown) <= 8
    for name in ("player", "skill", "kept", "noise", "shown", "choices"):
        assert (getattr(first, name) == getattr(second, name)).all()
    assert not (first.noise == other.noise).all()


def test_parts_of_a_batch_are_styled_as_in_the_whole(dancers: Recordings, tmp_path: Path) -> None:
    """Two processes draw together what one would."""
    learner = prepare(dance_recipe(), dancers, tmp_path / "run")
    demonstrations = training_demonstrations(learner)
    assert demonstrations is not None
    batch = WindowStream(learner.split.train, learner.recipe.loop).batch(0)
    whole = demonstrations.conditions(batch)
    halves = [demonstrations.conditions(batch.part(part)) for part in (slice(0, 8), slice(8, 16))]
    for name in ("player", "skill", "kept", "noise", "choices"):
        parts = [getattr(half, name) for half in halves]
        assert np.array_equal(np.concatenate(parts), getattr(whole, name))
    assert [*halves[0].shown.tolist(), *(halves[1].shown + 8).tolist()] == whole.shown.tolist()


def one_player(folder: Path) -> None:
    """All recordings are by one."""
    for episode in range(3):
        record_dancer(folder, f"e{episode}", "lefty-0", episode, 20, skill=0.5)


def no_player(folder: Path) -> None:
    """One recording names nobody."""
    record_dancer(folder, "a", "lefty-0", 0, 20, skill=0.5)
    record_dancer(folder, "b", "", 1, 20, skill=0.5)


def no_style(folder: Path) -> None:
    """No recording names a style."""
    for player in range(2):
        record_dancer(folder, f"e{player}", f"lefty-{player}", player, 20, skill=0.5, persona="")


def wrong_style(folder: Path) -> None:
    """A style's name is a number."""
    record_dancer(folder, "a", "lefty-0", 0, 20, skill=0.5, persona=3)


def no_skill(folder: Path) -> None:
    """No recording tells the skill."""
    for player in ("lefty-0", "righty-0"):
        record_dancer(folder, player, player, 0, 20)


def wrong_skill(folder: Path) -> None:
    """A skill is out of its range."""
    record_dancer(folder, "a", "lefty-0", 0, 20, skill=0.5)
    record_dancer(folder, "b", "righty-0", 0, 20, skill=7)


def one_episode_each(folder: Path) -> None:
    """Nobody has another episode to be recognised by."""
    for player in ("lefty-0", "righty-0"):
        record_dancer(folder, player, player, 0, 20, skill=0.5)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            one_player,
            "style: all recordings to train on are by one player ('lefty-0'), so nothing tells styles apart; add "
            "recordings of others, or take 'style' out of the recipe.",
        ),
        (no_player, "style: the recording 'b' names no player; leave it out, or name one in it."),
        (
            no_style,
            "style.persona: no recording has the note 'persona', so no style has a name; write it when recording, or "
            "name the note that does.",
        ),
        (wrong_style, "style.persona: 'a' has 3 as 'persona'; it should be a name."),
        (
            no_skill,
            "style.skill: no recording has the note 'skill'; name another note, or set style.skill to null for bots "
            "without a skill dial.",
        ),
        (wrong_skill, "style.skill: 'b' has 7 as 'skill'; it should be a number from 0 to 1."),
        (
            one_episode_each,
            "style: no player has two recordings of 8 steps or more, so that one shows the style of the other; add "
            "recordings, or set style.demonstrated to 0.",
        ),
    ],
)
def test_recordings_without_styles_are_refused_in_words(
    tmp_path: Path, record: Callable[[Path], None], message: str
) -> None:
    """Each mistake is one sentence, told before anything is learned."""
    record(tmp_path / "logs")
    with pytest.raises(RecipeError) as caught:
        training_demonstrations(prepare(dance_recipe(split={}), open_recordings(tmp_path / "logs"), tmp_path / "run"))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mirror": {"negate": ["turn"]}}, "style: a mirrored player is another one; take 'mirror' out of the recipe."),
        (
            {"style": {"sensors": {"musik": {"encoder": "vector"}}}},
            "style.sensors: the recipe reads no sensor 'musik'. Did you mean 'music'? Known: 'music'.",
        ),
    ],
)
def test_a_recipe_whose_styles_cannot_be_read_is_refused(changes: dict[str, Any], message: str) -> None:
    """What a recipe asks of demonstrations has to be there."""
    with pytest.raises(RecipeError) as caught:
        build_styles(dance_recipe(**changes), DANCE, 2)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("style", "message"),
    [
        ({"sise": 4}, "unknown key 'style.sise'. Did you mean 'size'? Known there: "),
        (
            {"sensors": {"music": {"encoder": "vector", "width": [3]}}},
            "unknown key 'style.sensors.music.width'. Did you mean 'widths'? Known there: encoder, octaves, "
            "sharp, widths.",
        ),
        ({"noise": 0}, "'style.noise': input should be greater than 0 (found 0)."),
        (
            {"sliders": {"speed": {"of": "velocity"}}},
            "'style.sliders.speed.of': string should match pattern '^(action|observation|extra)\\.\\w+$'",
        ),
        (
            {"sliders": {"speed": {"off": "extra.velocity"}}},
            "the key 'style.sliders.speed.of' is missing.",
        ),
    ],
)
def test_a_wrong_style_in_a_recipe_is_told_by_its_key(tmp_path: Path, style: dict[str, Any], message: str) -> None:
    """As everywhere in a recipe: where, what was found, and what might be meant."""
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(dance_form(style=style)))
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}: {message}")
