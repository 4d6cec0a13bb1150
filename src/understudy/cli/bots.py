"""`understudy bots …`: the bots that live in a running server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from understudy.errors import ServingError, require

if TYPE_CHECKING:
    from understudy.serving import understudy_pb2 as pb
    from understudy.serving.credentials import Metadata

app = typer.Typer(help="The bots that live in a running server.", no_args_is_help=True)

TIMEOUT_S = 5.0
DIGITS = 12
"""Of a bundle's digest."""

LATE = 0.01
"""Share of late ticks from which on it is shown in colour."""

_UNKNOWN = "–"


@app.callback()
def bots() -> None:
    """The bots that live in a running server."""


@app.command("watch")
def watch(
    address: Annotated[str, typer.Argument(help="Of the server, HOST:PORT; it must run with --admin.")] = (
        "127.0.0.1:50051"
    ),
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print one table and stop.")] = False,
    tls_ca: Annotated[Path | None, typer.Option(help="PEM file of the server's authority; turns on TLS.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM file of this client's certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of its key.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File that holds the token and nothing else.")] = None,
) -> None:
    """Show bundles, versions and clients with their bots, until Ctrl-C."""
    require("grpc", "serve")
    from understudy.serving.credentials import ClientTls, call_metadata, open_channel, read_token

    tls = ClientTls(tls_ca, tls_cert, tls_key) if tls_ca or tls_cert or tls_key else None
    metadata = call_metadata(read_token(token_file) if token_file else None)
    with open_channel(address, [("grpc.max_reconnect_backoff_ms", 2000)], tls) as channel:
        ask = _asker(channel, address, metadata)
        if once:
            Console().print(render(ask(), None))
        else:
            _watch(ask, every)


@dataclass
class Client:
    """The streams of one connection that play one bundle; gRPC names connections, not streams."""

    streams: int = 0
    away: int = 0
    bots: int = 0
    ticks: int = 0
    late: int = 0
    age_s: float = 0.0

    def add(self, stream: pb.StreamStatus) -> None:
        """Count one more stream."""
        self.streams += 1
        self.away += not stream.connected
        self.bots += stream.bots
        self.ticks += stream.ticks
        self.late += stream.late
        self.age_s = max(self.age_s, stream.age_s)


class Look:
    """What the server said at one moment.

    Attributes:
        bundles: As it told them.
        clients: By connection and bundle.
        at: When, by `time.monotonic`.
    """

    def __init__(self, status: pb.StatusResponse) -> None:
        self.at = time.monotonic()
        self.bundles = status.bundles
        self.clients: dict[tuple[str, str], Client] = {}
        for stream in status.streams:
            self.clients.setdefault((stream.peer, stream.bundle), Client()).add(stream)

    def counts(self) -> dict[tuple[str, str], int]:
        """Return what rates are made of: the decisions of each version and the ticks of each client."""
        versions = {(bundle.name, each.digest): each.decisions for bundle in self.bundles for each in bundle.versions}
        return versions | {key: client.ticks for key, client in self.clients.items()}


def render(look: Look, before: Look | None, rows: int = 30) -> RenderableType:
    """Return the page.

    Args:
        look: What to show.
        before: The look before it, for rates; None for the first, which has only the clients' averages.
        rows: Of clients; the ones with most bots come first.
    """
    rates = _rates(look, before)
    parts: list[RenderableType] = [_headline(look), _versions(look, rates), _clients(look, rates, rows)]
    if len(look.clients) > rows:
        parts.append(Text(f"and {len(look.clients) - rows} more clients", style="dim"))
    return Group(*parts)


def _rates(look: Look, before: Look | None) -> dict[tuple[str, str], float]:
    """Return how much each count rose a second since the look before, if it was there and did not begin anew."""
    if before is None or look.at <= before.at:
        return {}
    now, then = look.counts(), before.counts()
    return {key: (now[key] - then[key]) / (look.at - before.at) for key in now if 0 <= then.get(key, -1) <= now[key]}


def _headline(look: Look) -> Text:
    clients = look.clients.values()
    num_bots, num_streams, away = (sum(getattr(each, what) for each in clients) for what in ("bots", "streams", "away"))
    waiting = f", {away} of them waiting for their client" if away else ""
    return Text.assemble((f"{num_bots} bots", "bold"), f" in {num_streams} streams{waiting}")


def _versions(look: Look, rates: dict[tuple[str, str], float]) -> Table:
    table = Table("bundle", "version", title="Bundles", title_justify="left")
    for column in ("share", "bots", "decisions/s", "p50", "p99", "failed"):
        table.add_column(column, justify="right")
    for bundle in look.bundles:
        num_bots = sum(client.bots for (_, name), client in look.clients.items() if name == bundle.name)
        for each in bundle.versions:
            table.add_row(
                Text(bundle.name),
                each.digest[:DIGITS],
                f"{each.share:.0%}",
                str(round(num_bots * each.share)),
                _number(rates.get((bundle.name, each.digest))),
                _milliseconds(each.step_p50_us),
                _milliseconds(each.step_p99_us),
                Text(str(each.failures), style="bold red" if each.failures else ""),
            )
    return table


def _clients(look: Look, rates: dict[tuple[str, str], float], rows: int) -> Table:
    table = Table("client", "bundle", title="Clients", title_justify="left")
    for column in ("streams", "bots", "ticks/s", "late", "for"):
        table.add_column(column, justify="right")
    table.add_column("state")
    by_bots = sorted(look.clients.items(), key=lambda item: (-item[1].bots, item[0]))
    for (peer, bundle), each in by_bots[:rows]:
        average = each.ticks / each.age_s if each.age_s else None
        late = each.late / each.ticks if each.ticks else 0.0
        table.add_row(
            Text(peer or "unknown"),
            Text(bundle),
            str(each.streams),
            str(each.bots),
            _number(rates.get((peer, bundle), average)),
            Text(f"{late:.1%}", style="bold yellow" if late > LATE else ""),
            _duration(each.age_s),
            Text("client away", style="yellow") if each.away else Text("playing", style="green"),
        )
    return table


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f}"


def _milliseconds(microseconds: float) -> str:
    return f"{microseconds / 1000:.2f} ms" if microseconds else _UNKNOWN


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _watch(ask: Callable[[], Look], every: float) -> None:
    console = Console()
    try:
        if not console.is_terminal:
            _repeat(ask, every, console.print, console.height)
        with Live(console=console, auto_refresh=False, screen=True) as live:
            _repeat(ask, every, lambda page: live.update(page, refresh=True), console.height)
    except KeyboardInterrupt:
        return


def _repeat(ask: Callable[[], Look], every: float, show: Callable[[RenderableType], None], height: int) -> NoReturn:
    """Show look after look; a server that went away may come back, so its absence is shown and waited out."""
    before: Look | None = None
    while True:
        try:
            look = ask()
        except ServingError as error:
            before = None
            show(Text.assemble((str(error), "bold red"), "\nTrying again; Ctrl-C stops."))
        else:
            show(render(look, before, rows=max(height - len(look.bundles) - 12, 3)))
            before = look
        time.sleep(every)


def _asker(channel: Any, address: str, metadata: Metadata) -> Callable[[], Look]:
    import grpc

    from understudy.serving import understudy_pb2 as pb
    from understudy.serving import understudy_pb2_grpc as pb_grpc
    from understudy.serving.refusals import to_error

    stub: Any = pb_grpc.AdminStub(channel)  # type: ignore[no-untyped-call]

    def ask() -> Look:
        try:
            return Look(stub.Status(pb.StatusRequest(), timeout=TIMEOUT_S, metadata=metadata))
        except grpc.RpcError as failure:
            if failure.code() is grpc.StatusCode.UNIMPLEMENTED:
                raise ServingError(
                    f"The server at {address} does not tell about its bots; start it with: understudy serve --admin"
                ) from None
            raise to_error(failure, address) from None

    return ask
