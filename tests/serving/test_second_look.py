"""What a second reading of the serving core found: bots that end at odd moments, and requests that do not fit."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from arena import BEHAVIOR, make_bundle, make_graph, observe
from policies import CountingPolicy, batching, begin, count, decide, request, version

from understudy.agents.bundle import Bundle, write_bundle
from understudy.errors import BundleError, RecordingError, ServingError, SpecError
from understudy.recordings import open_recordings
from understudy.serving import understudy_pb2 as pb
from understudy.serving.async_client import AsyncClient
from understudy.serving.batcher import Batcher, PolicyStepError
from understudy.serving.client import Client
from understudy.serving.deployment import Deployment
from understudy.serving.opening import parse_spec
from understudy.serving.options import ServerOptions
from understudy.serving.play import MAX_AHEAD, change
from understudy.serving.refusals import BotLimitError, to_refusal
from understudy.serving.registry import Registry
from understudy.serving.request import Births, Decided, Late, Restyles
from understudy.serving.run import serve_in_thread
from understudy.serving.saved import SavedBot
from understudy.serving.server import Server
from understudy.serving.session import Birth, Session
from understudy.serving.table import BotTable
from understudy.serving.versions import Loading, Version, Versions
from understudy.serving.watch import FolderWatch

SEEN = list(observe(np.random.default_rng(0), 1).values())
PAIR = list(observe(np.random.default_rng(1), 2).values())


def deploying(bundle: Bundle, check: Callable[[Deployment], Awaitable[None]]) -> None:
    """Run `check` with a deployment."""

    async def main() -> None:
        deployment = Deployment(Loading().load(bundle))
        try:
            await asyncio.wait_for(check(deployment), 30)
        finally:
            deployment.close()

    asyncio.run(main())


@pytest.mark.parametrize("ended", [[1, 99], [1, 1]])
def test_a_wrong_despawn_ends_nobody(bundles: list[Bundle], ended: list[int]) -> None:
    """Where one of the bots does not live, or is named twice, the others live on, and no slot is lost."""

    async def check(deployment: Deployment) -> None:
        session = Session(deployment, 10)
        session.spawn([Birth(1, 1)])
        with pytest.raises(ServingError, match="despawned"):
            session.despawn(ended)
        assert session.living == [1]
        session.close()
        assert deployment.slots.num_taken == 0

    deploying(bundles[0], check)


def test_a_birth_survives_a_wrong_tick(bundles: list[Bundle]) -> None:
    """A bot that was spawned with a tick that is refused starts afresh all the same, not as its slot's former bot."""

    async def check(deployment: Deployment) -> None:
        former = Session(deployment, 10)
        former.spawn([Birth(0, 7)])
        for _ in range(3):
            await former.decide([0], SEEN)
        former.close()
        session = Session(deployment, 10)
        session.spawn([Birth(5, 1)])
        with pytest.raises(ServingError, match="no bot 99"):
            await session.decide([5], SEEN, save=[99])
        decision = await session.decide([5], SEEN, save=[5])
        assert (decision.saved[0].seed, decision.saved[0].decisions) == (1, 1)

    deploying(bundles[0], check)


def test_a_bot_that_never_decided_leaves_its_slot_alone(bundles: list[Bundle]) -> None:
    """Spawned and despawned without a tick between, it does not start another stream's bot afresh."""

    async def check(deployment: Deployment) -> None:
        hasty, patient = Session(deployment, 10), Session(deployment, 10)
        hasty.spawn([Birth(0, 7)])
        hasty.despawn([0])
        patient.spawn([Birth(0, 1)])
        await patient.decide([0], SEEN)
        hasty.spawn([Birth(1, 2)])
        await hasty.decide([1], SEEN)
        decision = await patient.decide([0], SEEN, save=[0])
        assert (decision.saved[0].seed, decision.saved[0].decisions) == (1, 2)
        hasty.close()
        patient.close()
        assert deployment.slots.num_taken == 0

    deploying(bundles[0], check)


async def turn_of_a_late_bot(session: Session, bot: int) -> float:
    """Let a bot be late, and return the turn it gets."""
    session.budget_s = -1.0
    decision = await session.decide([bot], SEEN)
    assert decision.late is Late.BUDGET
    return float(decision.actions[2][0, 0])


def test_a_bot_that_starts_afresh_repeats_nothing(bundles: list[Bundle]) -> None:
    """Its fallback is idle, not what it did in its former life."""

    async def check(deployment: Deployment) -> None:
        session = Session(deployment, 10)
        session.spawn([Birth(0, 1)])
        assert (await session.decide([0], SEEN)).actions[2][0, 0] != 0
        session.spawn([Birth(0, 1)])
        assert await turn_of_a_late_bot(session, 0) == 0

    deploying(bundles[0], check)


def test_a_bot_never_repeats_what_another_stream_s_bot_did(bundles: list[Bundle]) -> None:
    """A slot's former bot may have acted last, but its successor's last action is its own."""

    async def check(deployment: Deployment) -> None:
        former, heir = Session(deployment, 10), Session(deployment, 10)
        former.spawn([Birth(0, 1)])
        theirs = (await former.decide([0], SEEN)).actions[2][0, 0]
        former.despawn([0])
        heir.spawn([Birth(0, 2), Birth(1, 3)])
        own = (await heir.decide([0], SEEN)).actions[2][0, 0]
        await heir.decide([1], SEEN)
        former.spawn([Birth(2, 4)])
        await former.decide([2], SEEN)
        assert theirs != own
        assert await turn_of_a_late_bot(heir, 0) == own

    deploying(bundles[0], check)


def test_a_bot_born_as_its_stream_broke_off_repeats_nothing(bundles: list[Bundle]) -> None:
    """The tick that it was born in is forgotten, and still it does not do what its slot's former bot did."""

    async def check(deployment: Deployment) -> None:
        former = Session(deployment, 10)
        former.spawn([Birth(0, 1), Birth(1, 1)])
        await former.decide([0], SEEN)
        await former.decide([1], SEEN)
        former.close()
        session = Session(deployment, 10)
        session.spawn([Birth(0, 1), Birth(1, 1)])
        session.submit([0], SEEN)
        session.interrupt()
        assert await turn_of_a_late_bot(session, 0) == 0
        assert await turn_of_a_late_bot(session, 1) == 0

    deploying(bundles[0], check)


def test_a_session_that_is_closed_in_a_tick_cancels_it(bundles: list[Bundle]) -> None:
    """Whoever waits for the answer is cancelled, as by anything else, and no slot is lost or given twice."""

    async def check(deployment: Deployment) -> None:
        session = Session(deployment, 10)
        session.spawn([Birth(0, 1)])
        waiting = asyncio.create_task(session.decide([0], SEEN))
        await asyncio.sleep(0)
        session.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert deployment.slots.num_taken == 0

    deploying(bundles[0], check)


def test_an_answer_that_came_just_before_the_end_is_still_an_answer(bundles: list[Bundle]) -> None:
    """A session that is closed between a decision and whoever waits for it breaks nothing."""

    async def check(deployment: Deployment) -> None:
        session = Session(deployment, 10)
        session.spawn([Birth(0, 1)])
        ticket = session.submit([0], SEEN, inline=True)
        decided = ticket.answer if isinstance(ticket.answer, Decided) else await ticket.answer
        session.close()
        assert session.complete(ticket, decided).late is Late.NO
        assert deployment.slots.num_taken == 0

    deploying(bundles[0], check)


def test_a_birth_for_another_size_of_memory_starts_afresh() -> None:
    """A tick that was checked before a swap and is decided after it keeps the bundle playing, for everybody."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:  # noqa: ARG001
        asked = request(0, spawn=True)
        saved = {0: SavedBot(7, 3, np.ones(5, np.float32), np.ones(2, np.float32))}
        births = Births(asked.slots, np.zeros(1, np.uint64), np.ones((1, 2), np.float32), saved)
        restyles = Restyles(asked.slots, np.ones((1, 2), np.float32))
        misfit = asked._replace(births=births, restyles=restyles)
        assert await asyncio.wait_for(count(batcher, misfit), 5) == [0]
        assert await asyncio.wait_for(count(batcher, request(0)), 5) == [1]

    batching(check)


def test_a_turn_that_goes_wrong_fails_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    """A request that nothing can be done with gets an error, and the next one is decided."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:  # noqa: ARG001
        nowhere = Restyles(np.array([99]), np.zeros((1, 0), np.float32))
        with pytest.raises(PolicyStepError):
            await asyncio.wait_for(decide(batcher, request(0, spawn=True)._replace(restyles=nowhere)), 5)
        assert await asyncio.wait_for(count(batcher, request(0, spawn=True)), 5) == [0]

    with caplog.at_level(logging.CRITICAL):
        batching(check)


def test_a_swap_to_another_memory_gives_each_bot_the_new_default_style() -> None:
    """Numbers of another style mean nothing to the new version, and zeros may be no style of it at all."""
    table = BotTable(1, 1)
    table.reset(np.arange(2), np.zeros(2, np.uint64))
    default = np.array([1, 2], np.float32)
    assert table.refit(1, 1, default)
    np.testing.assert_array_equal(table.read(np.arange(2)).style, [default, default])
    assert table.refit(1, 1, np.array([3, 4], np.float32))
    np.testing.assert_array_equal(table.read(np.arange(2)).style, [default, default])


def test_a_tick_that_is_cancelled_while_it_computes_leaves_no_trace() -> None:
    """Nobody gets its answer, so for its bots nothing has happened."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        assert await count(batcher, request(0, spawn=True)) == [0]
        policy.batches.clear()
        task = await begin(batcher, policy, request(0))
        task.cancel()
        await asyncio.sleep(0)
        policy.gate.set()
        assert await count(batcher, request(0)) == [1]

    batching(check)


def test_a_tick_larger_than_the_queue_is_decided_where_nothing_waits() -> None:
    """Overload is what waits before a tick; a stream whose one tick is too large would never be answered else."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:  # noqa: ARG001
        assert await count(batcher, request(*range(6), spawn=True)) == [0] * 6

    batching(check, max_waiting_rows=4)


def test_other_threads_always_see_a_version_that_plays() -> None:
    """Whoever asks for the newest version while trials come and go gets one."""
    versions, done = Versions(version(CountingPolicy())), threading.Event()

    def change_about() -> None:
        while not done.is_set():
            versions.try_out(version(CountingPolicy()), 1.0)
            versions.take_back()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=change_about)
    thread.start()
    try:
        for _ in range(100_000):
            assert versions.newest is not None
            assert None not in versions.all
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(before)


def test_a_trial_that_ended_is_not_promoted() -> None:
    """The operator is told, rather than left with no version at all."""
    versions = Versions(version(CountingPolicy()))
    stable = versions.stable
    versions.promote()
    assert versions.stable is stable
    assert versions.share == 0


@pytest.mark.parametrize("kind", ["bots", "despawn", "spawn", "restyle", "save"])
def test_too_many_of_anything_are_refused_before_they_are_looked_at(bundles: list[Bundle], kind: str) -> None:
    """A message of a few million two-byte births costs no more than counting them."""

    async def check(deployment: Deployment) -> None:
        session, tick = Session(deployment, 10), pb.Tick()
        many: dict[str, Any] = {"spawn": [pb.Spawn()] * 11, "restyle": [pb.Restyle()] * 11}
        getattr(tick, kind).extend(many.get(kind, [0] * 11))
        with pytest.raises(BotLimitError, match="11 bots"):
            change(session, tick)

    deploying(bundles[0], check)


def test_a_style_s_name_is_cut_before_it_is_compared(tmp_path: Path) -> None:
    """A megabyte of name neither keeps the server busy nor comes back."""

    async def check(deployment: Deployment) -> None:
        spawn = pb.Spawn(bot=1, style=pb.Style(name="x" * (1 << 20)))
        with pytest.raises(BundleError) as caught:
            change(Session(deployment, 10), pb.Tick(spawn=[spawn]))
        assert len(str(caught.value)) < 300

    deploying(make_bundle(tmp_path / "styled", styles={"calm": [0.0, 0.0]}), check)


def test_the_numbers_of_a_spec_are_counted_over_all_its_sensors() -> None:
    """Many large sensors are refused like one that is too large, before any is made."""
    form = json.loads(BEHAVIOR.to_json())
    space = {**form["sensors"][0]["space"], "shape": [1 << 23]}
    form["sensors"] = [{**form["sensors"][0], "name": f"s{index}", "space": space} for index in range(3)]
    with pytest.raises(SpecError, match="numbers"):
        parse_spec(json.dumps(form))


def test_a_refusal_can_quote_any_text() -> None:
    """JSON may hold half a character, which has no bytes of its own."""
    assert "half" in to_refusal(SpecError("half: \ud800")).details


def test_a_graph_for_one_batch_size_is_refused_at_load(tmp_path: Path) -> None:
    """One sentence names the bundle, where the graph's own runtime would raise an error of its own."""
    graph = onnx.load_from_string(make_graph(0))
    for each in graph.graph.input:
        each.type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(BundleError, match=r"cannot decide for a batch of 64"):
        Loading().load(_bundle(tmp_path / "fixed", graph.SerializeToString(), state_size=8))


def test_a_graph_whose_memory_has_another_size_is_refused_at_load(tmp_path: Path) -> None:
    """A next state that the table cannot keep never gets to play."""
    graph = onnx.load_from_string(make_graph(0))
    (node,) = [each for each in graph.graph.node if "next_state" in each.output]
    node.op_type = "Concat"
    node.input.append(node.input[0])
    node.attribute.append(onnx.helper.make_attribute("axis", 1))
    (out,) = [each for each in graph.graph.output if each.name == "next_state"]
    out.type.tensor_type.shape.dim[1].dim_value = 16
    with pytest.raises(BundleError, match="state"):
        Loading().load(_bundle(tmp_path / "wide", graph.SerializeToString(), state_size=8))


def _bundle(folder: Path, graph: bytes, **card: Any) -> Bundle:
    sizes = {"noise_size": 6, "logits_size": 6, **card}
    texts: dict[str, Any] = {"provenance": {}, "certificate": {}, "style_size": 0, "styles": {}}
    return write_bundle(folder, graph, None, name="odd", behavior=BEHAVIOR, **sizes, **texts)


def test_the_watch_goes_on_after_any_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that vanishes while it is read, in the middle of an export, does not end the watch."""
    bundle = make_bundle(tmp_path / "watched", "watched")
    load, failed = Bundle.load, threading.Event()

    def fail_once(folder: Path) -> Bundle:
        if failed.is_set():
            return load(folder)
        failed.set()
        raise FileNotFoundError(folder)

    async def main() -> None:
        registry = Registry([bundle])
        watch = asyncio.create_task(FolderWatch(registry, 0.02).run())
        monkeypatch.setattr(Bundle, "load", fail_once)
        for stamp in (1, 2):
            os.utime(bundle.folder / "bundle.json", (stamp, stamp))
            for _ in range(200):
                await asyncio.sleep(0.02)
                if failed.is_set() and (stamp == 1 or registry.choose("").versions.trial is not None):
                    break
        assert registry.choose("").versions.trial is not None
        watch.cancel()
        await registry.close()

    asyncio.run(main())


class Gated:
    """A runtime that can be held still."""

    def __init__(self, runtime: Any) -> None:
        self.gate = threading.Event()
        self._runtime = runtime

    def step(self, *arguments: Any) -> Any:
        """Wait for the gate, then decide."""
        assert self.gate.wait(20)
        return self._runtime.step(*arguments)


def holding(
    bundle: Bundle, options: ServerOptions, check: Callable[[Server, AsyncClient, Gated], Awaitable[None]]
) -> None:
    """Run `check` with a server whose policy waits for a gate."""

    async def main() -> None:
        server = Server([bundle], options)
        versions = server.registry.choose("").versions
        gated = Gated(versions.stable.runtime)
        versions.stable = Version(bundle, gated)
        await server.start()
        try:
            async with AsyncClient(server.address) as client:
                await asyncio.wait_for(check(server, client, gated), 30)
        finally:
            gated.gate.set()
            await server.stop(grace=0.1)

    asyncio.run(main())


ONE = {name: value[:1] for name, value in observe(np.random.default_rng(0), 1).items()}


def test_no_more_ticks_are_under_way_than_promised(bundles: list[Bundle]) -> None:
    """The server submits that many ticks of a stream, and reads no further until one is answered."""

    async def check(server: Server, client: AsyncClient, gated: Gated) -> None:
        async with await client.play() as stream:
            stream.spawn(0, 1)
            for _ in range(3 * MAX_AHEAD):
                await stream.send([0], ONE)
            await asyncio.sleep(0.3)
            (session,) = server.registry.sessions
            assert len(session._under_way) == MAX_AHEAD
            gated.gate.set()
            for _ in range(3 * MAX_AHEAD):
                await stream.receive()

    holding(bundles[0], ServerOptions(port=0), check)


def test_a_recording_holds_the_ticks_of_its_own_life(bundles: list[Bundle], tmp_path: Path) -> None:
    """Also where the bot starts afresh, and ends, while the ticks before are still under way."""

    async def check(server: Server, client: AsyncClient, gated: Gated) -> None:  # noqa: ARG001
        async with await client.play() as stream:
            for life in range(2):
                stream.spawn(0, life, record={"player": "Ada", "map": str(life)})
                for _ in range(2 + life):
                    await stream.send([0], ONE)
            stream.despawn(0)
            await stream.send([], {name: value[:0] for name, value in ONE.items()})
            await asyncio.sleep(0.2)
            gated.gate.set()
            for _ in range(6):
                await stream.receive()

    holding(bundles[0], ServerOptions(port=0, recordings=tmp_path), check)
    episodes = open_recordings(tmp_path)
    assert {each.provenance.map: each.num_steps for each in episodes} == {"0": 2, "1": 3}
    assert all(each.complete for each in episodes)


def test_a_recording_that_cannot_be_begun_is_refused_with_a_sentence(bundles: list[Bundle], tmp_path: Path) -> None:
    """Such as one whose file would have too long a name."""
    with (
        serve_in_thread(bundles[:1], ServerOptions(port=0, recordings=tmp_path)) as address,
        Client(address) as client,
        client.play() as stream,
    ):
        stream.spawn(0, record={"player": "Ada", "game": "g" * 400})
        with pytest.raises(RecordingError, match="bot 0 cannot be recorded"):
            stream.tick([0], ONE)


def test_a_stream_that_comes_back_without_a_budget_has_none(bundles: list[Bundle]) -> None:
    """What its former stream asked for does not go on."""
    with serve_in_thread(bundles[:1], ServerOptions(port=0, grace_s=20)) as address:
        lost = Client(address)
        broken = lost.play(budget_s=1e-6)
        broken.spawn(0)
        broken.tick([0], ONE)
        assert broken.late is Late.BUDGET
        lost.close()
        with Client(address) as client:
            for _ in range(200):
                try:
                    back = client.play(resume=broken.lease)
                except ServingError:
                    continue
                break
            back.tick([0], ONE)
            assert back.late is Late.NO
            back.close()


def test_a_bot_that_was_despawned_cannot_be_restyled(client: Client) -> None:
    """The client says so itself, and the stream goes on."""
    with client.play("rusher") as stream:
        stream.spawn(0)
        stream.tick([0], ONE)
        stream.despawn(0)
        with pytest.raises(ServingError, match="Bot 0 cannot be restyled"):
            stream.restyle(0, None)
        with pytest.raises(ServingError, match="Bot 0 cannot be despawned"):
            stream.despawn(0)
        stream.spawn(0)
        stream.tick([0], ONE)


@pytest.mark.parametrize(
    "spoil", [{"buttons": np.zeros(3, np.int8)}, {"turn": np.array([np.nan], np.float32)}, {"move": None}]
)
def test_play_that_is_refused_by_the_client_changes_nothing(client: Client, spoil: dict[str, Any]) -> None:
    """What was to be sent with it, such as a birth, is sent with the next tick."""
    action = {"move": np.int64(2), "buttons": np.zeros(2, np.int8), "turn": np.zeros(1, np.float32)} | spoil
    action = {name: value for name, value in action.items() if value is not None}
    with client.play("rusher") as stream:
        stream.spawn(0)
        with pytest.raises(Exception, match="Action part"):
            stream.tick([0], ONE, played={0: action})
        stream.tick([0], ONE)


def test_a_tick_that_was_given_up_ends_its_stream_with_a_sentence(bundles: list[Bundle]) -> None:
    """The next tick raises that, and does not cancel whoever asks for it."""

    async def check(server: Server, client: AsyncClient, gated: Gated) -> None:  # noqa: ARG001
        async with await client.play() as stream:
            stream.spawn(0, 1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.tick([0], ONE), 0.2)
            gated.gate.set()
            with pytest.raises(ServingError, match="given up"):
                await stream.tick([0], ONE)

    holding(bundles[0], ServerOptions(port=0), check)


RECKLESS = """
import asyncio, sys
import numpy as np
from understudy.serving.async_client import AsyncClient

async def main():
    stream, bots = await AsyncClient(sys.argv[1]).play(), range(1000)
    seen = {each.name: np.zeros((1000, *each.space.shape), each.space.dtype) for each in stream.info.behavior.sensors}
    for bot in bots:
        stream.spawn(bot)
    await stream.tick(bots, seen)
    print("plays", flush=True)
    while True:
        await stream.send(bots, seen, save=bots)

asyncio.run(main())
"""


def test_clients_that_are_killed_in_the_middle_of_an_answer_can_come_back(
    bundles: list[Bundle], caplog: pytest.LogCaptureFixture
) -> None:
    """Each stream broke off, whether the server was reading or writing just then, and that is no internal error."""

    async def play_and_die(address: str, wait_s: float) -> None:
        program = (sys.executable, "-c", RECKLESS, address)
        player = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
        assert player.stdout is not None
        assert await player.stdout.readline()
        await asyncio.sleep(wait_s)
        player.kill()
        await player.communicate()

    async def main() -> None:
        server = Server(bundles[:1], ServerOptions(port=0, grace_s=20.0))
        await server.start()
        for each in range(10):
            await play_and_die(server.address, 0.03 * each)
        for _ in range(100):
            if not any(each for each in server.registry.sessions if not server.registry.is_parked(each)):
                break
            await asyncio.sleep(0.02)
        assert (len(server.registry.sessions), server.num_bots) == (10, 10_000)
        await server.stop(grace=0.1)
        assert server.num_bots == 0

    asyncio.run(main())
    assert "internal error" not in caplog.text


def test_clients_that_went_away_are_not_kept_without_end(
    bundles: list[Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of too many, those that went first lose their bots; the newest can come back."""
    monkeypatch.setattr("understudy.serving.registry.MAX_PARKED", 2)

    async def main() -> None:
        registry = Registry(bundles[:1])
        for lease in ("first", "second", "third"):
            session = registry.open("")
            session.spawn([Birth(0, 1)])
            registry.park(session, lease)
        assert registry.num_bots == 2
        with pytest.raises(ServingError, match="No bots wait"):
            registry.resume("first", "", "")
        assert registry.resume("third", "", "").living == [0]
        await registry.close()

    asyncio.run(main())


def test_ctrl_c_while_a_server_starts_in_a_thread_ends_it(
    bundles: list[Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interrupt is raised as soon as the server has stopped, and its thread is gone."""
    start = Server.start

    async def start_slowly(server: Server) -> str:
        await asyncio.sleep(0.3)
        return await start(server)

    monkeypatch.setattr(Server, "start", start_slowly)
    before = set(threading.enumerate())
    interrupt = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt), serve_in_thread(bundles[:1]):
        pytest.fail("It was interrupted before.")
    assert not {each for each in threading.enumerate() if each.name == "understudy server"} - before
