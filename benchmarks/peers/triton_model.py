"""The policy as a model of Triton's Python backend: `model.py`, beside policy.py and policy.onnx."""

import sys
from pathlib import Path

import triton_python_backend_utils as triton

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from policy import Policy  # noqa: E402


class TritonPythonModel:
    """One instance."""

    def initialize(self, args):  # noqa: ARG002
        """Load the graph."""
        self.policy = Policy(str(HERE / "policy.onnx"))

    def execute(self, requests):
        """Answer requests one by one: each is a client's whole tick already."""
        return [self._answer(each) for each in requests]

    def _answer(self, request):
        actions = self.policy.step(triton.get_input_tensor_by_name(request, "rays").as_numpy())
        named = zip(self.policy.parts, actions, strict=True)
        return triton.InferenceResponse(
            output_tensors=[triton.Tensor(name, value.reshape(len(value), -1)) for name, value in named]
        )
