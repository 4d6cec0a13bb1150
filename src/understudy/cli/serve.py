"""`understudy serve`: play bundles for games, over gRPC."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from understudy.agents.bundle import Bundle
from understudy.errors import require
from understudy.serving.tuning import poll_directly, share_interpreter

if TYPE_CHECKING:
    from understudy.serving.security import Security

_PORTS, _LIMITS, _SAFETY, _WORK = "Other protocols", "Limits", "Who may play", "Operation"


def serve(
    bundles: Annotated[list[Path], typer.Argument(help="Bundle folders, as `understudy export` writes them.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")] = 50051,
    threads: Annotated[int, typer.Option(help="Of ONNX Runtime; one is fastest for small recurrent policies.")] = 1,
    precision: Annotated[
        str, typer.Option(help="auto picks the fastest variant that agrees well enough; or fp32, int8, bf16.")
    ] = "fp32",
    min_agreement: Annotated[
        float, typer.Option(help="Share of decisions in which a variant must act as the original does.")
    ] = 0.99,
    web_port: Annotated[
        int | None, typer.Option(help="Connect and gRPC-Web over HTTP/1.1, for browsers.", rich_help_panel=_PORTS)
    ] = None,
    web_origin: Annotated[
        list[str] | None, typer.Option(help="A web page that may call, as https://HOST.", rich_help_panel=_PORTS)
    ] = None,
    godot_port: Annotated[
        int | None, typer.Option(help="Godot RL Agents, usually 11008.", rich_help_panel=_PORTS)
    ] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Prometheus.", rich_help_panel=_PORTS)] = None,
    seed: Annotated[
        int, typer.Option(help="Of bots whose games send none: ML-Agents, Godot RL.", rich_help_panel=_PORTS)
    ] = 0,
    max_bots: Annotated[int, typer.Option(help="Living bots one stream may have.", rich_help_panel=_LIMITS)] = 4096,
    max_ticks: Annotated[float, typer.Option(help="Ticks a second in one stream.", rich_help_panel=_LIMITS)] = math.inf,
    max_opens: Annotated[float, typer.Option(help="Streams a second by one host.", rich_help_panel=_LIMITS)] = math.inf,
    grace: Annotated[
        float, typer.Option(help="Seconds that bots wait for a client that was cut off.", rich_help_panel=_LIMITS)
    ] = 5.0,
    tls_cert: Annotated[
        Path | None, typer.Option(help="PEM: the server's certificate.", rich_help_panel=_SAFETY)
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM: its private key.", rich_help_panel=_SAFETY)] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help="PEM: only clients with a certificate from there.", rich_help_panel=_SAFETY)
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(help="File with a NAME TOKEN pair a line: only clients with one.", rich_help_panel=_SAFETY),
    ] = None,
    insecure_public: Annotated[
        bool,
        typer.Option("--insecure-public", help="Let everyone play who can reach the host.", rich_help_panel=_SAFETY),
    ] = False,
    watch: Annotated[
        float, typer.Option(help="Seconds between looks for new versions in the folders.", rich_help_panel=_WORK)
    ] = 0.0,
    admin: Annotated[
        bool, typer.Option("--admin", help="Answer `understudy bots` and version changes.", rich_help_panel=_WORK)
    ] = False,
    bundles_root: Annotated[
        Path | None, typer.Option(help="Folder that --admin may load bundles from.", rich_help_panel=_WORK)
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Folder for recordings that clients ask for.", rich_help_panel=_WORK)
    ] = None,
    log_format: Annotated[Literal["text", "json"], typer.Option(help="text or json.", rich_help_panel=_WORK)] = "text",
) -> None:
    """Play bundles for games over gRPC, until Ctrl-C.

    The same port answers Understudy's own tick stream, the Open Inference Protocol (Triton and KServe clients) and
    games made with ML-Agents.
    """
    poll_directly()
    share_interpreter()
    require("grpc", "serve")
    # Imported here because these import grpc, which must not be before `poll_directly`.
    from understudy.serving.json_log import configure_log
    from understudy.serving.limits import RateLimits
    from understudy.serving.options import ServerOptions
    from understudy.serving.registry import load_bundles
    from understudy.serving.run import serve_forever
    from understudy.serving.versions import Loading

    configure_log(log_format)
    side_ports = {"web": web_port, "godot": godot_port, "metrics": metrics_port}
    options = ServerOptions(
        host=host,
        port=port,
        side_ports={name: number for name, number in side_ports.items() if number is not None},
        loading=Loading(threads, precision, min_agreement),
        max_bots=max_bots,
        rates=RateLimits(max_ticks, max_opens),
        grace_s=grace,
        recordings=record,
        watch_s=watch,
        admin=admin,
        bundles_root=bundles_root,
        seed=seed,
        web_origins=tuple(web_origin or ()),
        security=_security(tls_cert, tls_key, tls_client_ca, tokens),
        insecure_public=insecure_public,
    )
    loaded = load_bundles(bundles)
    serve_forever(loaded, options, lambda address, others: _announce(address, others, loaded))
    Console().print("Stopped.")


def _security(cert: Path | None, key: Path | None, client_ca: Path | None, tokens: Path | None) -> Security:
    from understudy.errors import ServingError
    from understudy.serving.security import Security, Tls, Tokens

    if (cert is None) != (key is None) or (client_ca is not None and cert is None):
        raise ServingError("TLS takes both --tls-cert and --tls-key; --tls-client-ca goes with them.")
    tls = Tls(cert, key, client_ca) if cert is not None and key is not None else None
    return Security(tls, Tokens.load(tokens) if tokens is not None else None)


def _announce(address: str, others: Mapping[str, str], bundles: Sequence[Bundle]) -> None:
    table = Table("bundle", "sensors", "actions", "decisions/s")
    for bundle in bundles:
        behavior = bundle.behavior
        sensors = (f"{each.name} {each.space.dtype}{list(each.space.shape)}" for each in behavior.sensors)
        actions = (f"{each.name} {each.space}" for each in behavior.actions)
        table.add_row(*map(escape, (bundle.name, "\n".join(sensors), "\n".join(actions), f"{behavior.decision_hz:g}")))
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"Understudy plays at {address}")
    for name, where in others.items():
        console.print(f"{name}: {where}")
    console.print(table)
    line = f'from understudy.serving.client import Client; stream = Client("{address}").play("{bundles[0].name}")'
    console.print("From Python:")
    console.print(f"  {line}", markup=False)
    console.print("Ctrl-C stops.")
