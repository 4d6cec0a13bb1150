"""One inference, from the request to the answer. We hold the memory of a sequence's bots, else the client does."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.agents.noise import uniform_noise
from understudy.errors import ObservationError, ServingError
from understudy.serving.deployment import Deployment
from understudy.serving.dialects.oip import oip_pb2 as pb
from understudy.serving.dialects.oip.models import Models
from understudy.serving.dialects.oip.options import OipOptions
from understudy.serving.dialects.oip.parameters import Parameters, SequenceId, read_parameters
from understudy.serving.dialects.oip.reading import Inputs, read_inputs, requested_outputs
from understudy.serving.dialects.oip.sequences import Caller, Key, LivingSequence, SequenceTable, not_running
from understudy.serving.dialects.oip.signature import Signature
from understudy.serving.dialects.oip.writing import Given, to_response
from understudy.serving.registry import Registry
from understudy.serving.session import Birth

DIALECT = "oip"


class Inference:
    """Answers `ModelInferRequest`s.

    Args:
        registry: Of the server.
        models: Its bundles, as this dialect shows them.
        options: For its clients.
    """

    def __init__(self, registry: Registry, models: Models, options: OipOptions) -> None:
        self._registry = registry
        self._models = models
        self._options = options
        self.sequences = SequenceTable(options)

    async def answer(self, request: pb.ModelInferRequest, caller: Caller) -> pb.ModelInferResponse:
        """Let the bots of a request decide once.

        Raises:
            UnknownModelError: If there is no such model or version.
            SequenceLimitError: If there would be too many sequences or bots.
            ObservationError: If a tensor is not as it should be.
            ServingError: If the request is wrong in another way.
        """
        deployment, signature = self._models.find(request.model_name, request.model_version)
        with self._models.counting(deployment.name) as count:
            parameters = read_parameters(request.parameters)
            wanted = requested_outputs(request, signature)
            inputs = read_inputs(request, signature, deployment.codec, self._options.max_rows)
            count.rows = inputs.rows
            if parameters.sequence is None:
                given = await self._alone(deployment, signature, inputs, parameters)
            else:
                given = await self._in_sequence(deployment, signature, inputs, parameters, caller)
        return to_response(request, signature, given, wanted, typed=inputs.typed)

    async def _alone(
        self, deployment: Deployment, signature: Signature, inputs: Inputs, parameters: Parameters
    ) -> Given:
        """Decide for bots whose memory the client keeps; a memory it does not give is that of a new bot."""
        if parameters.style or "style" in inputs.extras:
            raise ServingError("A style goes with the start of a sequence; this request has no sequence_id.")
        bundle, extras = signature.bundle, inputs.extras
        state, noise, seed = extras.get("state"), extras.get("noise"), None
        if state is None:
            state = np.zeros((inputs.rows, bundle.state_size), np.float32)
        if noise is None:
            seeds, seed = _seeds(inputs, parameters)
            noise = uniform_noise(np.array(seeds, np.uint64), np.zeros(inputs.rows, np.uint64), bundle.noise_size)
        actions, next_state = await deployment.step(inputs.sensors, state, noise)
        return Given(actions, next_state=next_state, seed=seed)

    async def _in_sequence(
        self,
        deployment: Deployment,
        signature: Signature,
        inputs: Inputs,
        parameters: Parameters,
        caller: Caller,
    ) -> Given:
        for name in ("state", "noise"):
            if name in inputs.extras:
                raise ServingError(
                    f"A sequence keeps its own memory; leave out the input '{name}', or the sequence_id."
                )
        key = Key(deployment.name, _named(parameters.sequence))
        async with self.sequences.turn(key, start=parameters.start) as sequence:
            seed = None
            if parameters.start:
                births, seed = _births(inputs, parameters, signature.bundle)
                session = self._registry.open(deployment.name, peer=caller.peer, dialect=DIALECT)
                self.sequences.begin(sequence, session, births, caller)
            try:
                return await self._decide(key, sequence, inputs, seed)
            finally:
                if parameters.end:
                    self.sequences.end(sequence)

    async def _decide(self, key: Key, sequence: LivingSequence, inputs: Inputs, seed: int | None) -> Given:
        if sequence.session is None:
            raise not_running(key, self._options.idle_s)
        if inputs.rows != len(sequence.bots):
            raise ObservationError(
                f"The sequence {key.sequence!r} of '{key.model}' has {len(sequence.bots)} bots, one a row, but the "
                f"request has {inputs.rows} rows."
            )
        decision = await sequence.session.decide(sequence.bots, inputs.sensors)
        return Given(decision.actions, late=decision.late, seed=seed)


def _named(sequence: SequenceId | None) -> SequenceId:
    assert sequence is not None
    return sequence


def _births(inputs: Inputs, parameters: Parameters, bundle: Bundle) -> tuple[list[Birth], int | None]:
    seeds, first = _seeds(inputs, parameters)
    if parameters.style and not bundle.style_size:
        raise ServingError(f"The model '{bundle.name}' takes no style.")
    styles: Sequence[np.ndarray | None] = inputs.extras.get("style")  # type: ignore[assignment]
    if styles is None:
        styles = [bundle.style(parameters.style) if parameters.style else None] * inputs.rows
    return [Birth(row, seed, style) for row, (seed, style) in enumerate(zip(seeds, styles, strict=True))], first


def _seeds(inputs: Inputs, parameters: Parameters) -> tuple[list[int], int | None]:
    """Return the seed of each row; and that of the first one, unless each row brought its own."""
    if "seed" in inputs.extras:
        return [int(each) % 2**64 for each in inputs.extras["seed"][:, 0]], None
    first = secrets.randbits(63) if parameters.seed is None else parameters.seed
    return [(first + row) % 2**64 for row in range(inputs.rows)], first
