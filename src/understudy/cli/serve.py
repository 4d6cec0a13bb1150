"""`understudy serve`: play bundles for games, over gRPC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from understudy.agents.bundle import Bundle
from understudy.errors import require
from understudy.serving.tuning import poll_directly


def serve(
    bundles: Annotated[list[Path], typer.Argument(help="Bundle folders, as `understudy export` writes them.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")] = 50051,
    threads: Annotated[int, typer.Option(help="Of ONNX Runtime; one is fastest for small recurrent policies.")] = 1,
    max_bots: Annotated[int, typer.Option(help="Living bots one stream may have.")] = 4096,
    insecure_public: Annotated[
        bool, typer.Option("--insecure-public", help="Allow a host that other machines can reach.")
    ] = False,
) -> None:
    """Play bundles for games over gRPC, until Ctrl-C."""
    poll_directly()
    require("grpc", "serve")
    # Imported here because these import grpc, which must not be before `poll_directly`.
    from understudy.serving.run import serve_forever
    from understudy.serving.registry import load_bundles
    from understudy.serving.server import ServerOptions

    options = ServerOptions(host=host, port=port, threads=threads, max_bots=max_bots, public=insecure_public)
    loaded = load_bundles(bundles)
    serve_forever(loaded, options, lambda address: _announce(address, loaded))
    Console().print("Stopped.")


def _announce(address: str, bundles: Sequence[Bundle]) -> None:
    table = Table("bundle", "sensors", "actions", "decisions/s")
    for bundle in bundles:
        behavior = bundle.behavior
        sensors = (f"{each.name} {each.space.dtype}{list(each.space.shape)}" for each in behavior.sensors)
        actions = (f"{each.name} {each.space}" for each in behavior.actions)
        table.add_row(*map(escape, (bundle.name, "\n".join(sensors), "\n".join(actions), f"{behavior.decision_hz:g}")))
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"Understudy plays at {address}")
    console.print(table)
    line = f'from understudy.serving.client import Client; stream = Client("{address}").play("{bundles[0].name}")'
    console.print("From Python:")
    console.print(f"  {line}", markup=False)
    console.print("Ctrl-C stops.")
