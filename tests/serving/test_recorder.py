"""Play that the server records: a bot's, a person's, and a person who takes a bot's controls for a while."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from arena import BEHAVIOR, observe

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.recordings import Episode, open_recordings
from understudy.serving.client import Client
from understudy.serving.options import ServerOptions
from understudy.serving.run import serve_in_thread

SEEN = [observe(np.random.default_rng(step), 2) for step in range(40)]
LEFT = {"move": np.int64(2), "buttons": np.array([1, 0], np.int8), "turn": np.array([-45], np.float32)}


def test_a_take_over_keeps_both_actions(bundles: list[Bundle], tmp_path: Path) -> None:
    """What the person did is the action; what the policy answered stands beside it; the other bot is not recorded."""
    answers = []
    with (
        serve_in_thread(bundles, ServerOptions(port=0, recordings=tmp_path)) as address,
        Client(address) as client,
        client.play("rusher") as stream,
    ):
        stream.spawn(4, seed=1, record={"player": "Ada", "map": "cellar"})
        stream.spawn(5, seed=2)
        for step, seen in enumerate(SEEN):
            played = {4: LEFT} if 10 <= step < 20 else None
            answers.append(stream.tick([5, 4], seen, played=played))
        stream.despawn(4)
        stream.tick([5], {name: value[:1] for name, value in SEEN[0].items()})
    (episode,) = open_recordings(tmp_path)
    assert episode.complete
    assert (episode.behavior, episode.num_steps) == (BEHAVIOR, 40)
    assert episode.provenance.map == "cellar"
    assert "Ada" not in episode.provenance.player
    persons = np.arange(40) // 10 == 1
    np.testing.assert_array_equal(episode.extra("person"), persons)
    np.testing.assert_array_equal(episode.observation("rays"), np.stack([each["rays"][1] for each in SEEN]))
    for name in BEHAVIOR.action_names:
        answered = np.stack([each[name][1] for each in answers])
        np.testing.assert_array_equal(episode.extra(f"policy_{name}"), answered)
        np.testing.assert_array_equal(episode.action(name)[~persons], answered[~persons])
        np.testing.assert_array_equal(episode.action(name)[persons], np.stack([LEFT[name]] * 10))


def test_a_stream_that_breaks_off_leaves_what_it_had(bundles: list[Bundle], tmp_path: Path) -> None:
    """The recording is readable, and says that it is not complete."""
    with serve_in_thread(bundles, ServerOptions(port=0, recordings=tmp_path, grace_s=0)) as address:
        client = Client(address)
        stream = client.play("rusher")
        stream.spawn(0, record={"player": "Ada"})
        for seen in SEEN:
            stream.tick([0], {name: value[:1] for name, value in seen.items()})
        client.close()
    (path,) = tmp_path.glob("*.arrows")
    episode = Episode(path)
    assert episode.num_steps == 40
    assert not episode.complete


@pytest.mark.parametrize(
    ("played", "message"),
    [
        ({7: LEFT}, "A person played bot 7, which is not in this tick"),
        ({0: {**LEFT, "buttons": np.zeros(3, np.int8)}}, "Action part 'buttons'"),
    ],
)
def test_play_that_does_not_fit_is_refused(
    bundles: list[Bundle], tmp_path: Path, played: dict[int, dict[str, np.ndarray]], message: str
) -> None:
    """A bot that is not asked for, or an action of another shape, is named."""
    with (
        serve_in_thread(bundles, ServerOptions(port=0, recordings=tmp_path)) as address,
        Client(address) as client,
        client.play("rusher") as stream,
    ):
        stream.spawn(0, record={"player": "Ada"})
        with pytest.raises(Exception, match=message):
            stream.tick([0], {name: value[:1] for name, value in SEEN[0].items()}, played=played)


def test_a_server_without_a_folder_refuses_to_record(client: Client) -> None:
    """Nothing is written where nobody asked for it."""
    with client.play("rusher") as stream:
        stream.spawn(0, record={"player": "Ada"})
        with pytest.raises(ServingError, match="records nothing; start it with --record FOLDER"):
            stream.tick([0], {name: value[:1] for name, value in SEEN[0].items()})
