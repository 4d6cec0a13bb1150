"""`understudy bots watch`: what it shows of a running server, and what it says where there is none."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from arena import BEHAVIOR, observe
from rich.console import Console

from understudy.agents.bundle import Bundle
from understudy.cli.bots import Look, render
from understudy.serving import understudy_pb2 as pb
from understudy.serving.client import Client
from understudy.serving.options import ServerOptions
from understudy.serving.run import serve_in_thread

DIGEST = "0123456789abcdef" * 4
COMMAND = "from understudy.cli.bots import app; app()"


def status(ticks: int, decisions: int, *peers: str, connected: bool = True) -> pb.StatusResponse:
    """Return what a server says: one bundle, and a stream of eight bots for each of `peers`."""
    streams = [
        pb.StreamStatus(
            peer=each, bundle="rusher", bots=8, ticks=ticks, late=ticks // 10, age_s=60, connected=connected
        )
        for each in peers
    ]
    version = pb.VersionStatus(
        digest=DIGEST, share=1, ticks=ticks, decisions=decisions, step_p50_us=234, step_p99_us=1500
    )
    return pb.StatusResponse(bundles=[pb.BundleStatus(name="rusher", versions=[version])], streams=streams)


def printed(look: Look, before: Look | None, rows: int = 30) -> str:
    """Return the page as text."""
    out = io.StringIO()
    Console(file=out, width=120).print(render(look, before, rows))
    return out.getvalue()


def test_the_first_look_has_averages() -> None:
    """Ticks per second are those since the stream began; of decisions nothing is known yet."""
    text = printed(Look(status(1200, 9600, "ipv4:10.0.0.1:5000")), None)
    assert "8 bots in 1 streams" in text
    row = next(line for line in text.splitlines() if "10.0.0.1" in line)
    assert [word.strip() for word in row.strip("│ ").split("│")] == [
        "ipv4:10.0.0.1:5000",
        "rusher",
        "1",
        "8",
        "20",
        "10.0%",
        "1:00",
        "playing",
    ]
    version = next(line for line in text.splitlines() if DIGEST[:12] in line)
    assert "–" in version
    assert "0.23 ms" in version
    assert "1.50 ms" in version


def test_rates_are_since_the_look_before() -> None:
    """Of every count, the difference over the time between."""
    before, look = (Look(status(ticks, 8 * ticks, "a:1", "b:1")) for ticks in (1000, 1090))
    look.at = before.at + 2.0
    text = printed(look, before)
    assert text.count(" 45 ") == 2
    assert " 360 " in text


def test_streams_of_one_connection_are_one_row() -> None:
    """The protocol gives all of them one name; their bots are added up."""
    text = printed(Look(status(60, 1, "a:1", "a:1", "a:1")), None)
    rows = [line for line in text.splitlines() if "a:1" in line]
    assert len(rows) == 1
    assert [word.strip() for word in rows[0].split("│")][3:5] == ["3", "24"]


def test_a_server_that_began_anew_has_no_rate() -> None:
    """A count that fell is no rate below zero."""
    before, look = Look(status(1000, 8000, "a:1")), Look(status(1, 8, "a:1"))
    look.at = before.at + 1.0
    assert "-" not in printed(look, before).replace("─", "")


def test_only_so_many_clients_are_listed() -> None:
    """The rest is counted."""
    text = printed(Look(status(1, 1, *(f"peer-{number}:1" for number in range(40)))), None, rows=10)
    assert text.count("peer-") == 10
    assert "and 30 more clients" in text


def test_bots_whose_client_is_away_are_marked() -> None:
    """They wait, and the page says so."""
    text = printed(Look(status(1, 1, "a:1", connected=False)), None)
    assert "1 of them waiting for their client" in text
    assert "client away" in text


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `understudy bots` in a process of its own."""
    command = [sys.executable, "-c", COMMAND, *arguments]
    environment = {**os.environ, "COLUMNS": "140", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


@pytest.fixture(scope="module")
def watched(bundles: list[Bundle]) -> Iterator[str]:
    """A server with the Admin service."""
    with serve_in_thread(bundles[:1], ServerOptions(port=0, admin=True)) as where:
        yield where


def test_once_prints_the_bots_of_a_server(watched: str) -> None:
    """The bots that a client plays are in the table, and the command ends."""
    with Client(watched) as client, client.play("rusher", BEHAVIOR) as stream:
        for bot in range(5):
            stream.spawn(bot, seed=bot)
        stream.tick(range(5), observe(np.random.default_rng(0), 5))
        done = run("watch", watched, "--once")
    assert done.returncode == 0, done.stderr
    assert "5 bots in 1 streams" in done.stdout
    assert "rusher" in done.stdout
    assert "playing" in done.stdout


def test_watching_goes_on_until_it_is_stopped(watched: str) -> None:
    """It prints look after look, and Ctrl-C ends it without an error."""
    command = [sys.executable, "-c", COMMAND, "watch", watched, "--every", "0.1"]
    watcher = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watcher.stdout is not None
    looks = 0
    while looks < 3:  # The test's own time limit ends what never comes.
        looks += "0 bots in 0 streams" in watcher.stdout.readline()
    assert watcher.poll() is None
    watcher.send_signal(signal.SIGINT)
    err = watcher.communicate(timeout=20)[1]
    assert (watcher.returncode, err) == (0, "")


def test_no_server_is_told_with_the_command_that_starts_one() -> None:
    """`--once` fails with a sentence."""
    done = run("watch", "127.0.0.1:1", "--once")
    assert done.returncode != 0
    assert "There is no server at 127.0.0.1:1; start one with: understudy serve BUNDLE" in done.stderr


def test_a_server_without_admin_is_told(address: str) -> None:
    """The sentence names the option."""
    done = run("watch", address, "--once")
    assert done.returncode != 0
    assert "start it with: understudy serve --admin" in done.stderr
