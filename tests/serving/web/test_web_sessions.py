"""Sessions: they end by themselves, there are only so many, and one tick of each is under way at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from arena import observe
from web_server import PREFIX, Running, WebClient, as_numbers, serve_web

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving.limits import RateLimits
from understudy.serving.registry import Registry
from understudy.serving.web.options import WebOptions
from understudy.serving.web.port import WebPort


def until(true: Callable[[], bool]) -> None:
    """Wait for something to become true, ten seconds at most."""
    for _ in range(500):
        if true():
            return
        time.sleep(0.02)
    raise TimeoutError


def test_a_session_that_is_not_used_ends_and_frees_its_bots(bundles: list[Bundle]) -> None:
    """One that ticks stays; one that is silent for `idle_s` is gone, with its bots."""
    with serve_web(bundles, WebOptions(idle_s=1.0)) as running, WebClient(running.url) as web:
        silent, used = (web.call("Open", bundle="rusher") for _ in range(2))
        assert used["idleS"] == 1.0
        for each in (silent, used):
            web.call("Tick", session=each["session"], spawn=[{"bot": 0}])
        for _ in range(20):
            time.sleep(0.1)
            web.call("Tick", session=used["session"])
        assert (running.num_sessions, running.num_bots) == (1, 1)
        assert web.post("Tick", {"session": silent["session"]}).status_code == 404
        until(lambda: running.num_sessions == 0)
        assert running.num_bots == 0


def test_there_are_only_so_many_sessions(bundles: list[Bundle]) -> None:
    """The one too many is refused by a sentence; closing one makes room."""
    with serve_web(bundles, WebOptions(max_sessions=2)) as running, WebClient(running.url) as web:
        first = web.call("Open", bundle="rusher")["session"]
        web.call("Open", bundle="camper")
        refused = web.post("Open", {"bundle": "rusher"})
        assert (refused.status_code, refused.json()["code"]) == (429, "resource_exhausted")
        assert "There are 2 sessions, which is what this server allows" in refused.json()["message"]
        web.call("Close", session=first)
        web.call("Open", bundle="rusher")


def test_session_names_cannot_be_guessed(web: WebClient) -> None:
    """Each is new and has 192 random bits."""
    names = {web.call("Open", bundle="rusher")["session"] for _ in range(20)}
    assert len(names) == 20
    assert {len(name) for name in names} == {32}


def test_many_sessions_play_at_once_and_each_is_its_own(running: Running) -> None:
    """Sessions that tick together get what each gets alone."""
    rng = np.random.default_rng(0)
    seen = [as_numbers(observe(rng, 1)) for _ in range(10)]

    async def play(http: httpx.AsyncClient, seed: int) -> list[object]:
        async def call(method: str, **form: object) -> dict:
            return (await http.post(PREFIX + method, json=form)).json()

        session = (await call("Open", bundle="rusher"))["session"]
        spawn: list[dict] = [{"bot": 0, "seed": seed}]
        actions = []
        for each in seen:
            actions.append((await call("Tick", session=session, spawn=spawn, bots=[0], sensors=each))["actions"])
            spawn = []
        await call("Close", session=session)
        return actions

    async def main() -> tuple[list, list]:
        async with httpx.AsyncClient(base_url=running.url, timeout=30, verify=False) as http:
            together = await asyncio.gather(*(play(http, seed) for seed in range(8)))
            return together, [await play(http, seed) for seed in range(8)]

    together, alone = asyncio.run(main())
    for one, other in zip(together, alone, strict=True):
        for left, right in zip(one, other, strict=True):
            assert left["move"] == right["move"]
            np.testing.assert_allclose(left["turn"]["numbers"], right["turn"]["numbers"], atol=1e-3)
    assert len({str(each) for each in together}) > 1


def test_a_second_tick_before_the_answer_is_refused(running: Running) -> None:
    """Of ticks that are sent together, some are refused, none is lost and the session plays on."""
    form = {"bots": list(range(50)), "sensors": as_numbers(observe(np.random.default_rng(1), 50))}

    async def main() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=running.url, timeout=30, verify=False) as http:
            session = (await http.post(PREFIX + "Open", json={"bundle": "rusher"})).json()["session"]
            await http.post(PREFIX + "Tick", json={"session": session, "spawn": [{"bot": bot} for bot in range(50)]})
            calls = (http.post(PREFIX + "Tick", json={"session": session, **form}) for _ in range(30))
            answers = await asyncio.gather(*calls)
            return [*answers, await http.post(PREFIX + "Tick", json={"session": session, **form})]

    *together, last = asyncio.run(main())
    refused = [each for each in together if each.status_code != 200]
    assert refused
    assert all("This session is in a tick already" in each.json()["message"] for each in refused)
    assert last.status_code == 200


def test_ticks_and_openings_have_a_rate(bundles: list[Bundle]) -> None:
    """Who asks too often is told so, and may go on a little later."""
    options = WebOptions(limits=RateLimits(ticks_per_s=5, opens_per_s=0.2))
    with serve_web(bundles, options) as running, WebClient(running.url) as web:
        session = web.call("Open", bundle="rusher")["session"]
        answers = [web.post("Tick", {"session": session}) for _ in range(40)]
        refused = [each for each in answers if each.status_code == 429]
        assert len(refused) >= 10
        assert "More than 5 ticks a second in one stream" in refused[0].json()["message"]
        assert refused[0].headers["trailer-understudy-error"] == "RateLimitError"
        time.sleep(0.3)
        web.call("Tick", session=session)
        openings = [web.post("Open", {"bundle": "rusher"}) for _ in range(3)]
        assert [each.status_code for each in openings] == [200, 429, 429]
        assert "127.0.0.1 opened more than 0.2 streams a second" in openings[1].json()["message"]


def test_stopping_ends_every_session(bundles: list[Bundle]) -> None:
    """After `stop` no bot lives and nothing listens; starting anew works."""

    async def main() -> None:
        registry = Registry(bundles)
        for _ in range(2):
            web = WebPort()
            port = await web.start(registry, "127.0.0.1", 0)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                opened = await http.post(PREFIX + "Open", json={"bundle": "rusher"})
                form = {"session": opened.json()["session"], "spawn": [{"bot": 1}]}
                await http.post(PREFIX + "Tick", json=form)
                assert registry.num_bots == 1
                await web.stop()
                assert registry.num_bots == 0
                with pytest.raises(httpx.TransportError):
                    await http.post(PREFIX + "Tick", json=form)
        await registry.close()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_port_that_is_taken_is_told(running: Running, bundles: list[Bundle]) -> None:
    """The sentence names the port and the option."""

    async def main() -> None:
        registry = Registry(bundles[:1])
        try:
            await WebPort().start(registry, "127.0.0.1", int(running.url.rpartition(":")[2]))
        finally:
            await registry.close()

    with pytest.raises(ServingError, match=r"Cannot listen on 127\.0\.0\.1:\d+ for the web .*--web-port"):
        asyncio.run(main())


@pytest.mark.parametrize("options", [{"idle_s": 0}, {"max_sessions": -1}, {"origins": ("*",)}, {"origins": ("a.org",)}])
def test_options_that_cannot_be_are_refused(options: dict) -> None:
    """A limit is above zero, and an origin is what a browser sends."""
    with pytest.raises(ServingError):
        WebOptions(**options)
