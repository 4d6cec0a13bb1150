"""A bot's life in the server: styles, memory that leaves it, and clients that come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from arena import make_bundle, observe
from hypothesis import given
from hypothesis import strategies as st

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.errors import BundleError, ServingError
from understudy.serving.async_client import AsyncClient
from understudy.serving.client import Client, PlayStream
from understudy.serving.deployment import Deployment
from understudy.serving.fallback import Fallback
from understudy.serving.options import ServerOptions
from understudy.serving.remote import RemoteAgent
from understudy.serving.request import Late
from understudy.serving.run import serve_in_thread
from understudy.serving.saved import SavedBot
from understudy.serving.server import Server
from understudy.serving.session import Birth, Session
from understudy.serving.versions import Loading

STYLES = {"calm": [0.0, 0.0], "wild": [3.0, 0.0]}


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle whose bots turn as their style says."""
    return make_bundle(tmp_path_factory.mktemp("styled") / "bundle", styles=STYLES)


@pytest.fixture(scope="module")
def styled_address(styled: Bundle) -> Iterator[str]:
    """A server of it."""
    with serve_in_thread([styled], ServerOptions(port=0, grace_s=20.0)) as where:
        yield where


def play(stream: PlayStream, bots: list[int], steps: range, save: list[int] | None = None) -> list[np.ndarray]:
    """Tick the same observations for everybody; returns the turns, (bots, 1) a step."""
    seen = [observe(np.random.default_rng(step), 1) for step in steps]
    batches = [{name: np.repeat(value, len(bots), 0) for name, value in each.items()} for each in seen]
    return [stream.tick(bots, each, save=save or [])["turn"] for each in batches]


def test_a_saved_bot_goes_on_as_if_it_had_never_stopped(styled: Bundle, styled_address: str) -> None:
    """Resumed in another server, its actions are bit for bit those of the bot that played on."""
    with Client(styled_address) as client, client.play() as stream:
        stream.spawn(7, seed=5, style="wild")
        play(stream, [7], range(40))
        play(stream, [7], range(40, 41), save=[7])
        state = stream.saved[7]
        expected = play(stream, [7], range(41, 100))
    with (
        serve_in_thread([styled], ServerOptions(port=0)) as elsewhere,
        Client(elsewhere) as client,
        client.play() as stream,
    ):
        stream.spawn(0, seed=9)
        stream.spawn(1, state=state)
        found = play(stream, [0, 1], range(41, 100))
    np.testing.assert_array_equal(np.stack(found)[:, 1], np.stack(expected)[:, 0])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda _: b"", None),
        (lambda state: state[:20], "no saved bot"),
        (lambda state: state[:-1] + bytes([state[-1] ^ 1]), "saved bot is damaged"),
        (
            lambda _: SavedBot(1, 2, np.zeros(3, np.float32), np.zeros(2, np.float32)).to_bytes(),
            "remembers 3 numbers",
        ),
    ],
)
def test_a_spoilt_memory_is_refused(styled_address: str, spoil: object, message: str | None) -> None:
    """One sentence says what is wrong with it; no bytes at all mean a new bot."""
    with Client(styled_address) as client, client.play() as stream:
        stream.spawn(1, seed=1)
        play(stream, [1], range(1), save=[1])
        stream.spawn(2, seed=1, state=spoil(stream.saved[1]))  # type: ignore[operator]
        if message is None:
            play(stream, [1, 2], range(1))
            return
        with pytest.raises(ServingError, match=message):
            play(stream, [1, 2], range(1))


@given(
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)),
)
def test_memory_there_and_back_is_the_same(seed: int, decisions: int, numbers: list[float]) -> None:
    """Bytes of a saved bot give back every number."""
    state, style = np.array(numbers, np.float32), np.array(numbers[:2], np.float32)
    back = SavedBot.from_bytes(SavedBot(seed, decisions, state, style).to_bytes(), len(state), len(style))
    assert (back.seed, back.decisions) == (seed, decisions)
    np.testing.assert_array_equal(back.state, state)
    np.testing.assert_array_equal(back.style, style)


def test_a_style_is_the_bots_own(styled: Bundle, styled_address: str) -> None:
    """Two bots of one seed differ by their style alone; numbers do what the name does; the default is the first."""
    with Client(styled_address) as client, client.play() as stream:
        for bot, style in enumerate((None, "calm", "wild", [3.0, 0.0])):
            stream.spawn(bot, seed=3, style=style)
        turns = np.stack(play(stream, [0, 1, 2, 3], range(20)))[..., 0]
        assert stream.info.styles == list(STYLES)
        assert stream.info.style_size == 2
    np.testing.assert_array_equal(turns[:, 0], turns[:, 1])
    np.testing.assert_array_equal(turns[:, 2], turns[:, 3])
    assert (turns[:, 2] > turns[:, 1]).all()
    local, remote = BundleAgent(styled, style="wild"), RemoteAgent(styled_address, style="wild")
    for agent in (local, remote):
        agent.reset(3)
        seen = observe(np.random.default_rng(0), 1)
        assert agent.act({name: value[0] for name, value in seen.items()})["turn"] == turns[0, 2]
        agent.close()


def test_a_style_can_change_in_mid_life(styled_address: str) -> None:
    """From the tick on that carries it, the bot turns as a bot that always had it; its memory goes on."""
    with Client(styled_address) as client, client.play() as stream:
        for bot, style in enumerate(("calm", "wild", "calm")):
            stream.spawn(bot, seed=3, style=style)
        before = np.stack(play(stream, [0, 1, 2], range(10)))[..., 0]
        stream.restyle(2, "wild")
        after = np.stack(play(stream, [0, 1, 2], range(10, 20)))[..., 0]
    np.testing.assert_array_equal(before[:, 2], before[:, 0])
    np.testing.assert_array_equal(after[:, 2], after[:, 1])


@pytest.mark.parametrize(
    ("style", "message"), [("wlid", "no style 'wlid'.*Did you mean 'wild'"), ([1.0], "is 2 finite numbers")]
)
def test_a_style_that_is_none_is_refused(styled_address: str, style: object, message: str) -> None:
    """The sentence names what there is."""
    with Client(styled_address) as client, client.play() as stream:
        stream.spawn(0, seed=3, style=style)  # type: ignore[arg-type]
        with pytest.raises((ServingError, BundleError), match=message):
            play(stream, [0], range(1))


def test_a_client_that_was_cut_off_takes_its_bots_back(styled_address: str) -> None:
    """With the lease, a new stream goes on with the same bots, bit for bit; without it nobody does."""
    with Client(styled_address) as client, client.play() as stream:
        stream.spawn(4, seed=8)
        expected = play(stream, [4], range(30))
    lost = Client(styled_address)
    broken = lost.play()
    broken.spawn(4, seed=8)
    first = play(broken, [4], range(12))
    lost.close()  # without a word
    with Client(styled_address) as client:
        with pytest.raises(ServingError, match="No bots wait under that lease"):
            client.play(resume=broken.lease + "x")
        back = _patiently(client, broken.lease)
        assert back.resumed == [4]
        rest = play(back, [4], range(12, 30))
        back.close()
        with pytest.raises(ServingError, match="No bots wait under that lease"):
            client.play(resume=broken.lease)
    np.testing.assert_array_equal(np.stack(first + rest), np.stack(expected))


def _patiently(client: Client, lease: str) -> PlayStream:
    """Resume as soon as the server has noticed that the stream broke off."""
    for _ in range(200):
        try:
            return client.play(resume=lease)
        except ServingError:
            pass
    raise TimeoutError


def test_bots_of_a_lost_client_end_after_the_grace_time(styled: Bundle) -> None:
    """Nobody comes back for them, so their slots are free again."""

    async def main() -> None:
        server = Server([styled], ServerOptions(port=0, grace_s=0.3))
        await server.start()
        client = AsyncClient(server.address)
        stream = await client.play()
        stream.spawn(0, 1)
        await stream.tick([0], observe(np.random.default_rng(0), 1))
        await client.close()
        await asyncio.sleep(0.1)
        assert server.num_bots == 1
        for _ in range(100):
            if not server.num_bots:
                break
            await asyncio.sleep(0.05)
        assert server.num_bots == 0
        await server.stop(grace=0.1)

    asyncio.run(main())


@pytest.mark.parametrize("fallback", list(Fallback))
def test_a_late_tick_gets_its_fallback(styled_address: str, fallback: Fallback) -> None:
    """With a budget that nobody can keep, the bot repeats what it did here, which is nothing; it is marked."""
    with Client(styled_address) as client, client.play() as stream:
        stream.spawn(0, seed=1)
        play(stream, [0], range(3), save=[0])
        state = stream.saved[0]
        (expected,) = play(stream, [0], range(3, 4))
    with Client(styled_address) as client, client.play(budget_s=1e-6, fallback=fallback) as stream:
        stream.spawn(0, state=state)
        for turn in play(stream, [0], range(3, 6)):
            assert stream.late is Late.BUDGET
            assert turn.tolist() == [[0.0]]
        play(stream, [0], range(1), save=[0])
        assert stream.saved[0] == state
    with Client(styled_address) as client, client.play() as stream:
        stream.spawn(0, state=state)
        np.testing.assert_array_equal(play(stream, [0], range(3, 4))[0], expected)


def test_a_fallback_repeats_the_last_action(styled: Bundle) -> None:
    """The bot's own last one, also where other bots decided in between."""

    async def main() -> None:
        deployment = Deployment(Loading().load(styled))
        session = Session(deployment, 10)
        session.spawn([Birth(0, 1), Birth(1, 2)])
        sensors = list(observe(np.random.default_rng(0), 1).values())
        first = await session.decide([0], sensors)
        await session.decide([1], sensors)
        session.budget_s = -1.0
        again = await session.decide([0], sensors)
        assert again.late is Late.BUDGET
        for part, expected in zip(again.actions, first.actions, strict=True):
            np.testing.assert_array_equal(part, expected)
        assert (session.ticks, session.late_ticks) == (3, 1)
        session.close()
        assert deployment.slots.num_taken == 0
        deployment.close()

    asyncio.run(main())
