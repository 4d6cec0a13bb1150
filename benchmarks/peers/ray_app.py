"""The policy as a Ray Serve deployment behind its gRPC proxy: ray_app.py PORT, beside policy.py and policy.onnx."""

import sys
import time
from pathlib import Path

HERE = Path(__file__).parent

import numpy as np  # noqa: E402
import oip_pb2 as oip  # noqa: E402
import ray  # noqa: E402
from policy import Policy  # noqa: E402
from ray import serve  # noqa: E402
from ray.serve.config import gRPCOptions  # noqa: E402


@serve.deployment(num_replicas=1, max_ongoing_requests=16)
class Gru:
    """One replica."""

    def __init__(self) -> None:
        self.policy = Policy(str(HERE / "policy.onnx"))

    def ModelInfer(self, request):  # noqa: N802
        """Answer one tick."""
        rays = np.frombuffer(request.raw_input_contents[0], np.float32).reshape(tuple(request.inputs[0].shape))
        return oip.ModelInferResponse(raw_output_contents=[each.tobytes() for each in self.policy.step(rays)])


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20, log_to_driver=False)
    added = ["oip_pb2_grpc.add_GRPCInferenceServiceServicer_to_server"]
    serve.start(grpc_options=gRPCOptions(port=int(sys.argv[1]), grpc_servicer_functions=added))
    serve.run(Gru.bind())
    print("ready", flush=True)
    while True:
        time.sleep(60)
