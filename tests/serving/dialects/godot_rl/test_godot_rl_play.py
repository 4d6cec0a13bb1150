"""Games with the newer and the older plug-in, played over a real socket against the bundle's own runtime."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from godot_bundles import BEHAVIOR, observe
from godot_server import served
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.agents.bundle import Bundle
from understudy.serving.dialects.godot_rl import GodotRlOptions
from understudy.serving.dialects.godot_rl.testing import PluginGame, declare, from_godot, play_and_compare, to_godot


@settings(max_examples=12)
@given(
    agents=st.lists(st.sampled_from([0, 1]), min_size=1, max_size=4),
    done=st.sets(st.tuples(st.integers(0, 3), st.integers(1, 9))),
    seed=st.integers(0, 2**64 - 1),
)
def test_a_game_gets_the_actions_of_a_local_runtime(
    godot_bundles: list[Bundle], agents: list[int], done: set[tuple[int, int]], seed: int
) -> None:
    """Whatever agents, policies, ends of episodes and seed, each action is that of the bundle's own runtime."""

    async def play() -> int:
        async with served(godot_bundles, GodotRlOptions(seed=seed)) as server:
            return await play_and_compare(
                "127.0.0.1",
                server.port,
                [godot_bundles[each] for each in agents],
                lambda agent, step: observe(seed % 1000, agent, step),
                lambda agent, step: (agent, step) in done,
                steps=10,
                seed=seed,
            )

    assert asyncio.run(play()) == 10 * len(agents)


def test_an_older_plug_in_gets_the_same(godot_bundles: list[Bundle]) -> None:
    """One dict of spaces and no policy names: the only bundle plays every agent."""

    async def play() -> int:
        async with served(godot_bundles[:1]) as server:
            return await play_and_compare(
                "127.0.0.1",
                server.port,
                godot_bundles[:1] * 3,
                lambda agent, step: observe(0, agent, step),
                lambda agent, step: step % (3 + agent) == 0,
                steps=20,
                plugin="older",
            )

    assert asyncio.run(play()) == 60


def test_two_games_at_once_do_not_mix(godot_bundles: list[Bundle]) -> None:
    """Two games with other observations, interleaved, each get the actions of their own runtime."""

    async def play() -> list[int]:
        async with served(godot_bundles) as server:
            games = [
                play_and_compare(
                    "127.0.0.1",
                    server.port,
                    godot_bundles,
                    lambda agent, step, game=game: observe(game, agent, step),
                    lambda *_: False,
                    steps=15,
                )
                for game in range(2)
            ]
            return await asyncio.gather(*games)

    assert asyncio.run(play()) == [30, 30]


def test_a_new_life_is_another_bot(godot_bundles: list[Bundle]) -> None:
    """Shown one observation over and over, a bot that died comes back without a past and with other noise."""

    async def play() -> list[dict[str, Any]]:
        async with served(godot_bundles[:1]) as server:
            agent, shown = declare(BEHAVIOR), [to_godot(BEHAVIOR, observe(0, 0, 0))]
            async with await PluginGame.connect("127.0.0.1", server.port, [agent]) as game:
                return [(await game.reset(shown))[0], (await game.step(shown, [True]))[0]]

    first, second = asyncio.run(play())
    assert first != second


def test_continuous_actions_are_scaled_to_the_bounds() -> None:
    """-1 and 1 in the game are the bounds of the part, whatever they are."""
    action = {"move": 1, "buttons_fire": 0, "buttons_use": 1, "turn": [-1.0, 1.0]}
    found = from_godot(BEHAVIOR, action)
    np.testing.assert_allclose(found["turn"], [-90, 10])
    assert found["buttons"].tolist() == [0, 1]


def test_a_game_that_closes_frees_its_bots(godot_bundles: list[Bundle]) -> None:
    """After a game is quit, no bot and no session of it is left."""

    async def play() -> tuple[int, int, int]:
        async with served(godot_bundles) as server:
            agents = [declare(BEHAVIOR, "rusher"), declare(BEHAVIOR, "camper")]
            async with await PluginGame.connect("127.0.0.1", server.port, agents) as game:
                await game.reset([to_godot(BEHAVIOR, observe(0, agent, 0)) for agent in range(2)])
                alive = server.registry.num_bots
            while server.dialect.num_games:
                await asyncio.sleep(0.01)
            return alive, server.registry.num_bots, len(server.registry.sessions)

    assert asyncio.run(play()) == (2, 0, 0)


def test_stopping_closes_the_game(godot_bundles: list[Bundle]) -> None:
    """When the server stops, a game that answers its step is told to close, as the trainer does."""

    async def play() -> str:
        async with served(godot_bundles[:1]) as server:
            shown = [to_godot(BEHAVIOR, observe(0, 0, 0))]
            game = await PluginGame.connect("127.0.0.1", server.port, [declare(BEHAVIOR)])
            await game.reset(shown)
            stopping = asyncio.create_task(server.dialect.stop(grace=5))
            await asyncio.sleep(0)
            await game.send({"type": "step", "obs": shown, "reward": [0], "done": [False], "info": [{}]})
            message = await game.receive("close")
            await stopping
            await game.close()
            return str(message["type"])

    assert asyncio.run(play()) == "close"


@pytest.mark.parametrize("planar", [False, True])
def test_pictures_keep_their_pixels(godot_bundles: list[Bundle], planar: bool) -> None:
    """Rows of pixels, or planes of channels by option, reach the policy as the same picture."""

    async def play() -> dict[str, Any]:
        async with served(godot_bundles[:1], GodotRlOptions(planar_pictures=planar)) as server:
            shown = to_godot(BEHAVIOR, observe(0, 0, 0))
            if planar:
                shown["camera_2d"] = np.moveaxis(observe(0, 0, 0)["camera_2d"], -1, 0).tobytes().hex()
            async with await PluginGame.connect("127.0.0.1", server.port, [declare(BEHAVIOR)]) as game:
                return (await game.reset([shown]))[0]

    expected = asyncio.run(_first_action(godot_bundles))
    assert asyncio.run(play()) == expected


async def _first_action(bundles: list[Bundle]) -> dict[str, Any]:
    async with (
        served(bundles[:1]) as server,
        await PluginGame.connect("127.0.0.1", server.port, [declare(BEHAVIOR)]) as game,
    ):
        return (await game.reset([to_godot(BEHAVIOR, observe(0, 0, 0))]))[0]
