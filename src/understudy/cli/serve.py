"""`understudy serve`: play bundles for games, over gRPC."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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


def _option(text: str, panel: str, *flags: str) -> Any:
    return typer.Option(*flags, help=text, rich_help_panel=panel)


Folders = Annotated[list[Path], typer.Argument(help="Bundle folders, as `understudy export` writes them.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")]
Threads = Annotated[int, typer.Option(help="Of ONNX Runtime; one is fastest for small recurrent policies.")]
Precision = Annotated[
    str, typer.Option(help="auto picks the fastest variant that agrees well enough; or fp32, int8, bf16.")
]
MinAgreement = Annotated[
    float, typer.Option(help="Share of decisions in which a variant must act as the original does.")
]
WebPortNumber = Annotated[int | None, _option("Connect and gRPC-Web over HTTP/1.1, for browsers.", _PORTS)]
WebOrigin = Annotated[list[str] | None, _option("A web page that may call, as https://HOST.", _PORTS)]
GodotPort = Annotated[int | None, _option("Godot RL Agents, usually 11008.", _PORTS)]
MetricsPortNumber = Annotated[int | None, _option("Prometheus.", _PORTS)]
Seed = Annotated[int, _option("Of bots whose games send none: ML-Agents, Godot RL.", _PORTS)]
MaxBots = Annotated[int, _option("Living bots one stream may have.", _LIMITS)]
MaxTicks = Annotated[float, _option("Ticks a second in one stream.", _LIMITS)]
MaxOpens = Annotated[float, _option("Streams a second by one host.", _LIMITS)]
Grace = Annotated[float, _option("Seconds that bots wait for a client that was cut off.", _LIMITS)]
TlsCert = Annotated[Path | None, _option("PEM: the server's certificate.", _SAFETY)]
TlsKey = Annotated[Path | None, _option("PEM: its private key.", _SAFETY)]
TlsClientCa = Annotated[Path | None, _option("PEM: only clients with a certificate from there.", _SAFETY)]
TokenFile = Annotated[Path | None, _option("File with a NAME TOKEN pair a line: only clients with one.", _SAFETY)]
InsecurePublic = Annotated[bool, _option("Let everyone play who can reach the host.", _SAFETY, "--insecure-public")]
Watch = Annotated[float, _option("Seconds between looks for new versions in the folders; 0: never.", _WORK)]
IsAdmin = Annotated[bool, _option("Answer `understudy bots` and version changes.", _WORK, "--admin")]
BundlesRoot = Annotated[Path | None, _option("Folder that --admin may load bundles from.", _WORK)]
RecordFolder = Annotated[Path | None, _option("Folder for recordings that clients ask for.", _WORK)]
Trace = Annotated[bool, _option("Send OpenTelemetry spans of every turn to where OTEL_… says.", _WORK, "--trace")]
LogFormat = Annotated[Literal["text", "json"], _option("text or json.", _WORK)]


def serve(
    bundles: Folders,
    host: Host = "127.0.0.1",
    port: Port = 50051,
    threads: Threads = 1,
    precision: Precision = "fp32",
    min_agreement: MinAgreement = 0.99,
    web_port: WebPortNumber = None,
    web_origin: WebOrigin = None,
    godot_port: GodotPort = None,
    metrics_port: MetricsPortNumber = None,
    seed: Seed = 0,
    max_bots: MaxBots = 4096,
    max_ticks: MaxTicks = math.inf,
    max_opens: MaxOpens = math.inf,
    grace: Grace = 5.0,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    tokens: TokenFile = None,
    insecure_public: InsecurePublic = False,
    watch: Watch = 0.0,
    admin: IsAdmin = False,
    bundles_root: BundlesRoot = None,
    record: RecordFolder = None,
    log_format: LogFormat = "text",
    trace: Trace = False,
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
    from understudy.serving.tracing import open_tracer
    from understudy.serving.versions import Loading

    configure_log(log_format)
    side_ports = {"web": web_port, "godot": godot_port, "metrics": metrics_port}
    options = ServerOptions(
        host=host,
        port=port,
        side_ports={name: number for name, number in side_ports.items() if number is not None},
        loading=Loading(threads, precision, min_agreement, open_tracer() if trace else None),
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
