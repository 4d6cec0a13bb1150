"""The server's bundles as this dialect shows them: metadata, configuration, statistics, index."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving.deployment import Deployment
from understudy.serving.dialects.oip import oip_pb2 as pb
from understudy.serving.dialects.oip.options import OipOptions, UnknownModelError
from understudy.serving.dialects.oip.signature import Signature, Tensor
from understudy.serving.registry import Registry

PLATFORM = "understudy_onnx"


@dataclass
class Count:
    """Of one request.

    Attributes:
        rows: How many bots it asks for.
    """

    rows: int = 0


class Models:
    """Finds a bundle by name and version, and describes it.

    Args:
        registry: Of the server.
        options: For its clients.
    """

    def __init__(self, registry: Registry, options: OipOptions) -> None:
        self._registry = registry
        self._options = options
        self._signatures: dict[str, Signature] = {}
        self._statistics: dict[str, pb.ModelStatistics] = {}

    @property
    def names(self) -> list[str]:
        """Of every bundle."""
        return self._registry.names

    def find(self, name: str, version: str = "") -> tuple[Deployment, Signature]:
        """Return the bundle called `name`.

        Args:
            name: Of the bundle; may be empty if there is just one.
            version: Its version; any if empty.

        Raises:
            UnknownModelError: If there is no such bundle or version.
        """
        try:
            deployment = self._registry.choose(name)
        except ServingError as error:
            raise UnknownModelError(str(error)) from error
        signature = self._signature(deployment)
        if version not in ("", signature.version):
            raise UnknownModelError(
                f"The model '{deployment.name}' plays version {signature.version}, not '{version[:80]}'; leave the "
                "version empty to follow the server's."
            )
        return deployment, signature

    def metadata(self, name: str, version: str) -> pb.ModelMetadataResponse:
        """Return names, types and shapes; -1 stands for the number of bots."""
        deployment, signature = self.find(name, version)
        return pb.ModelMetadataResponse(
            name=deployment.name,
            versions=[signature.version],
            platform=PLATFORM,
            inputs=[_metadata(each) for each in signature.inputs.values() if not each.optional],
            outputs=[_metadata(each) for each in signature.outputs.values() if not each.optional],
        )

    def config(self, name: str, version: str) -> pb.ModelConfig:
        """Return what Triton's own clients and load generators look up, with our spec and sizes as parameters."""
        deployment, signature = self.find(name, version)
        idle = pb.ModelSequenceBatching(max_sequence_idle_microseconds=int(self._options.idle_s * 1e6))
        return pb.ModelConfig(
            name=deployment.name,
            platform=PLATFORM,
            backend="understudy",
            max_batch_size=self._options.max_rows,
            input=[
                pb.ModelInput(name=each.name, data_type=_data_type(each), dims=each.shape)
                for each in signature.inputs.values()
                if not each.optional
            ],
            output=[
                pb.ModelOutput(name=each.name, data_type=_data_type(each), dims=each.shape)
                for each in signature.outputs.values()
                if not each.optional
            ],
            sequence_batching=idle,
            parameters={
                name: pb.ModelParameter(string_value=value) for name, value in _properties(signature.bundle).items()
            },
        )

    def statistics(self, name: str, version: str) -> list[pb.ModelStatistics]:
        """Return what this dialect answered so far, of one model, or of all if `name` is empty."""
        found = [self.find(each, version) for each in ([name] if name else self.names)]
        for deployment, signature in found:
            self._statistics_of(deployment.name).version = signature.version
        return [self._statistics_of(deployment.name) for deployment, _ in found]

    def index(self) -> list[pb.RepositoryIndexResponse.ModelIndex]:
        """Return every bundle with the version that plays."""
        found = [self.find(name) for name in self.names]
        return [
            pb.RepositoryIndexResponse.ModelIndex(name=deployment.name, version=signature.version, state="READY")
            for deployment, signature in found
        ]

    @contextmanager
    def counting(self, name: str) -> Iterator[Count]:
        """Count a request and its time; one that raises counts as failed."""
        statistics, count, began = self._statistics_of(name), Count(), time.perf_counter_ns()
        succeeded = False
        try:
            yield count
            succeeded = True
        finally:
            _count(statistics, count.rows, time.perf_counter_ns() - began, succeeded)

    def _signature(self, deployment: Deployment) -> Signature:
        """Return the signature of the version that plays now."""
        known = self._signatures.get(deployment.name)
        if known is None or known.bundle is not deployment.bundle:
            known = self._signatures[deployment.name] = Signature(deployment.bundle)
        return known

    def _statistics_of(self, name: str) -> pb.ModelStatistics:
        return self._statistics.setdefault(name, pb.ModelStatistics(name=name))


def _count(statistics: pb.ModelStatistics, rows: int, ns: int, succeeded: bool) -> None:
    """Add one request. Its time is not taken apart, but load generators look at the counts of its parts."""
    times = statistics.inference_stats
    if not succeeded:
        times.fail.count += 1
        times.fail.ns += ns
        return
    statistics.inference_count += rows
    statistics.execution_count += 1
    statistics.last_inference = time.time_ns() // 1_000_000
    for part in (times.success, times.compute_infer):
        part.count += 1
        part.ns += ns
    for part in (times.queue, times.compute_input, times.compute_output):
        part.count += 1


def _properties(bundle: Bundle) -> dict[str, str]:
    """Return what a client needs for the tensors that are not listed."""
    return {
        "digest": bundle.digest,
        "spec_json": bundle.behavior.to_json(),
        "state_size": str(bundle.state_size),
        "noise_size": str(bundle.noise_size),
        "style_size": str(bundle.style_size),
        "styles": ",".join(bundle.card.styles),
    }


def _metadata(tensor: Tensor) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(
        name=tensor.name, datatype=tensor.datatype, shape=[-1, *tensor.shape]
    )


def _data_type(tensor: Tensor) -> pb.DataType:
    return pb.DataType.Value(f"TYPE_{tensor.datatype}")  # type: ignore[return-value]
