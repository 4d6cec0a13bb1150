"""What a game must not send: one clear sentence in the log, a closed connection, and no harm to any other game."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from arena import make_bundle
from godot_bundles import BEHAVIOR, observe
from godot_server import Served, served
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving.dialects.godot_rl import GodotRl, GodotRlOptions
from understudy.serving.dialects.godot_rl.frames import parse_json, to_frame
from understudy.serving.dialects.godot_rl.testing import PluginGame, declare, to_godot
from understudy.serving.registry import Registry

SHOWN = to_godot(BEHAVIOR, observe(0, 0, 0))
AGENT = declare(BEHAVIOR, "rusher")
INFO = PluginGame(None, None, [AGENT], "newer").env_info()  # type: ignore[arg-type]


def frame(text: str | bytes) -> bytes:
    """A frame of any text."""
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<I", len(data)) + data


def with_info(**changes: Any) -> bytes:
    """An env_info with other entries."""
    return to_frame({**INFO, **changes})


def with_shown(**changes: Any) -> bytes:
    """A first observation with other entries."""
    return to_frame({"type": "reset", "obs": [{**SHOWN, **changes}]})


SPACE, ACTIONS = AGENT.observation_space, AGENT.action_space
BAD_INFO = [
    (frame("{"), "A message is not JSON"),
    (frame(b"\xff\xfe"), "A message is not JSON"),
    (frame("[" * 5000), "A message nests too many lists"),
    (struct.pack("<I", 1 << 21), "A message announces 2097152 bytes; it may have from 1 to 1048576."),
    (frame('{"type":"env_info","n_agents":NaN}'), "it holds NaN, and every number must be finite"),
    (frame("[]"), "A message of type 'env_info' is due now, but the game sent 'list'."),
    (frame('{"type":"step"}'), "A message of type 'env_info' is due now, but the game sent 'step'."),
    (struct.pack("<I", 0), "A message announces 0 bytes"),
    (struct.pack("<I", 2**32 - 1), "A message announces 4294967295 bytes"),
    (with_info(n_agents=0), "n_agents should be a whole number from 1 to 1024, not 0."),
    (with_info(n_agents=10**6), "n_agents should be a whole number from 1 to 1024, not 1000000."),
    (with_info(n_agents=True), "n_agents should be a whole number"),
    (with_info(n_agents=2), "observation_space should be one dict, or a list of 2 dicts"),
    (with_info(agent_policy_names=[3]), "agent_policy_names should be a list of 1 names"),
    (with_info(agent_policy_names=["rushr"]), "no bundle named 'rushr'. Did you mean 'rusher'?"),
    (with_info(observation_space=[{}]), "observation_space of an agent should be a dict of 1 to 256 entries."),
    (with_info(observation_space=[{"rays": 3}]), "observation_space should hold a dict for each key"),
    (with_info(observation_space=[{**SPACE, "rays": {"size": [5], "space": "box"}}]), "has the size [5], but"),
    (with_info(observation_space=[{**SPACE, "rays": {"size": 4, "space": "box"}}]), "list of one to four numbers"),
    (with_info(observation_space=[{**SPACE, "rays": {"size": [1e9, 1e9], "space": "box"}}]), "from 1 to 67108864"),
    (with_info(observation_space=[{**SPACE, "rays": {"size": [4], "space": "fox"}}]), "must be 'box' or 'discrete'"),
    (with_info(observation_space=[{"rays": SPACE["rays"]}]), "Agent 0 does not fit the bundle 'rusher': it sends no"),
    (with_info(action_space=[{"move": {"size": 3, "action_type": "discrete"}}]), "but the bundle's are 'buttons_fire'"),
    (with_info(action_space=[{**ACTIONS, "move": {"size": 3, "action_type": "odd"}}]), "be discrete or continuous"),
    (with_info(action_space=[{**ACTIONS, "move": {"size": 2.5, "action_type": "discrete"}}]), "not 2.5"),
]
BAD_SHOWN = [
    (to_frame({"type": "reset"}), "obs should be a list of 1 dicts"),
    (to_frame({"type": "reset", "obs": [SHOWN, SHOWN]}), "obs should be a list of 1 dicts"),
    (with_shown(rays=[1, 2, 3]), "Agent 0: Observation 'rays' should be 4 numbers"),
    (with_shown(rays=["1", "2", "3", "4"]), "Observation 'rays' should be 4 numbers"),
    (with_shown(rays=[[1], [2, 3, 4]]), "Observation 'rays' should be 4 numbers"),
    (with_shown(rays=None), "Observation 'rays' should be 4 numbers"),
    (with_shown(rays=[1e300, 0, 0, 0]), "Observation 'rays' holds inf at index [0, 0]"),
    (frame('{"type":"reset","obs":[{"rays":[1e999,0,0,0]}]}'), "Observation 'rays' holds inf"),
    (with_shown(weapon=[1.5]), "Observation 'weapon' should be whole numbers"),
    (with_shown(camera_2d="00"), "should be 72 hexadecimal characters, got 2 characters"),
    (with_shown(camera_2d="zz" * 36), "Observation 'camera_2d' is not hexadecimal text."),
    (with_shown(camera_2d=" " * 72), "Observation 'camera_2d' is not hexadecimal text."),
    (with_shown(camera_2d=[0] * 36), "should be 72 hexadecimal characters, got list"),
    (to_frame({"type": "reset", "obs": [{}]}), "Observation 'rays' is missing."),
]


async def refusal(bundles: list[Bundle], sent: list[bytes], log: pytest.LogCaptureFixture) -> str:
    """Send frames after connecting, with another game playing; return the log after the connection was closed."""
    async with served(bundles) as server, await PluginGame.connect("127.0.0.1", server.port, [AGENT]) as other:
        await other.reset([SHOWN])
        game = PluginGame(*await asyncio.open_connection("127.0.0.1", server.port), [AGENT], "newer")
        for kind in ("handshake", "env_info"):
            await game.receive(kind)
        for each in sent:
            await game.send_bytes(each)
        if len(sent) > 1:
            await game.receive("reset")
        assert await asyncio.wait_for(game.is_closed(), 5)
        await other.step([SHOWN], [False])
        assert server.registry.num_bots == 1
        await game.close()
    return "\n".join(each.getMessage() for each in log.records if each.levelname == "WARNING")


@pytest.mark.parametrize(("sent", "said"), BAD_INFO, ids=range(len(BAD_INFO)))
def test_a_bad_env_info_is_refused(
    godot_bundles: list[Bundle], caplog: pytest.LogCaptureFixture, sent: bytes, said: str
) -> None:
    """The log says in one sentence what was wrong, and the other game goes on."""
    logged = asyncio.run(refusal(godot_bundles, [sent], caplog))
    assert said in logged
    assert len(logged.splitlines()) == 1
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(("sent", "said"), BAD_SHOWN, ids=range(len(BAD_SHOWN)))
def test_a_bad_observation_is_refused(
    godot_bundles: list[Bundle], caplog: pytest.LogCaptureFixture, sent: bytes, said: str
) -> None:
    """The log says in one sentence which agent and key was wrong, and the other game goes on."""
    logged = asyncio.run(refusal(godot_bundles, [with_info(), sent], caplog))
    assert said in logged
    assert len(logged.splitlines()) == 1


@settings(max_examples=60)
@given(data=st.binary(max_size=200), cut=st.integers(0, 400), after=st.booleans())
def test_no_bytes_harm_another_game(godot_bundles: list[Bundle], data: bytes, cut: int, after: bool) -> None:
    """Random bytes, framed or not, before or in a message: the connection ends and the other game plays on."""

    async def play() -> int:
        async with (
            served(godot_bundles) as server,
            await PluginGame.connect("127.0.0.1", server.port, [AGENT]) as other,
        ):
            await other.reset([SHOWN])
            game = PluginGame(*await asyncio.open_connection("127.0.0.1", server.port), [AGENT], "newer")
            await game.send_bytes((with_info() if after else b"") + frame(data) + with_shown()[:cut])
            await game.close()
            await other.step([SHOWN], [False])
            while server.dialect.num_games > 1:
                await asyncio.sleep(0.001)
            await other.step([SHOWN], [True])
            return server.registry.num_bots

    assert asyncio.run(asyncio.wait_for(play(), 20)) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    )
)
def test_a_frame_reads_back(value: Any) -> None:
    """Whatever JSON can say, a frame is ASCII and reads back as it was."""
    data = to_frame({"type": "any", "value": value})
    (length,) = struct.unpack("<I", data[:4])
    assert length == len(data) - 4
    assert data[4:].isascii()
    assert parse_json(data[4:]) == json.loads(json.dumps({"type": "any", "value": value}))


def test_a_message_of_too_many_values_is_refused_before_it_is_read() -> None:
    """Brackets are counted in the text, before a list is made of each."""
    with pytest.raises(ServingError, match="more than 1000000 values"):
        parse_json(b"[" + b"[]," * 600_000 + b"[]]")


def test_a_policy_that_fails_ends_its_game_only(
    godot_bundles: list[Bundle], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault within a bundle closes the game that met it, and another game plays on."""
    faulty = make_bundle(tmp_path / "arena", "faulty")
    agent = declare(faulty.behavior, "faulty")

    async def play() -> bool:
        async with (
            served([*godot_bundles, faulty]) as server,
            await PluginGame.connect("127.0.0.1", server.port, [AGENT]) as other,
            await PluginGame.connect("127.0.0.1", server.port, [agent]) as game,
        ):
            await other.reset([SHOWN])
            await game.receive("reset")
            shown = {"rays": [0] * 4, "frame": [250] * 6}
            await game.send({"type": "reset", "obs": [shown], "info": [{}]})
            closed = await game.is_closed()
            await other.step([SHOWN], [False])
            return closed and server.registry.num_bots == 1

    assert asyncio.run(play())
    assert "after a fault of ours: PolicyStepError" in caplog.text


def test_a_silent_game_is_let_go(godot_bundles: list[Bundle], caplog: pytest.LogCaptureFixture) -> None:
    """A connection that never says what it is does not hold its place for ever."""

    async def play() -> bool:
        async with served(godot_bundles, GodotRlOptions(greeting_s=0.05)) as server:
            game = PluginGame(*await asyncio.open_connection("127.0.0.1", server.port), [AGENT], "newer")
            for kind in ("handshake", "env_info"):
                await game.receive(kind)
            closed = await asyncio.wait_for(game.is_closed(), 5)
            await game.close()
            return closed

    assert asyncio.run(play())
    assert "It sent no env_info within 0.05 seconds." in caplog.text


def test_one_game_too_many_is_turned_away(godot_bundles: list[Bundle], caplog: pytest.LogCaptureFixture) -> None:
    """Beyond the limit a game is closed at once; the one that plays goes on."""

    async def play() -> None:
        options = GodotRlOptions(max_games=1)
        async with (
            served(godot_bundles, options) as server,
            await PluginGame.connect("127.0.0.1", server.port, [AGENT]) as first,
        ):
            await first.reset([SHOWN])
            second = PluginGame(*await asyncio.open_connection("127.0.0.1", server.port), [AGENT], "newer")
            assert await second.is_closed()
            await second.close()
            await first.step([SHOWN], [False])

    asyncio.run(play())
    assert "1 games are connected, which is the limit." in caplog.text


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: GodotRlOptions(seed=-1), "The seed is -1"),
        (lambda: GodotRlOptions(max_agents=0), "The option max_agents is 0"),
    ],
)
def test_bad_options_are_refused(make: Callable[[], GodotRlOptions], said: str) -> None:
    """An option out of range is named."""
    with pytest.raises(ServingError, match=said):
        make()


def test_a_public_host_and_a_taken_port_are_refused(godot_bundles: list[Bundle]) -> None:
    """The port has no passwords, so only this machine may reach it; a taken port is said to be taken."""

    async def play(server: Served) -> None:
        registry = Registry(godot_bundles)
        try:
            for host, port, said in (("0.0.0.0", 0, "has no passwords"), ("127.0.0.1", server.port, "Cannot listen")):
                with pytest.raises(ServingError, match=said):
                    await GodotRl().start(registry, host, port)
        finally:
            await registry.close()

    async def main() -> None:
        async with served(godot_bundles) as server:
            await play(server)

    asyncio.run(main())
