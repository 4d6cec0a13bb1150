"""The policy as a model of MLServer, in its own process, beside policy.py and policy.onnx."""

from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from policy import Policy


class Gru(MLModel):
    """One instance."""

    async def load(self) -> bool:
        """Load the graph."""
        self.policy = Policy(str(Path(__file__).with_name("policy.onnx")))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one tick."""
        rays = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32, copy=False)
        named = zip(self.policy.parts, self.policy.step(rays), strict=True)
        outputs = [NumpyCodec.encode_output(name, value) for name, value in named]
        return InferenceResponse(model_name=self.name, outputs=outputs)
