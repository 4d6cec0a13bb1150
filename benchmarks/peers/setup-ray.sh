#!/bin/sh
# Makes .venv-ray: Ray Serve, in a virtual environment of its own. About 500 MB.
#   benchmarks/peers/setup-ray.sh [PYTHON]        # default: python3.11
set -eu
python=${1:-python3.11}
cd "$(dirname "$0")/../.."
[ -x .venv-ray/bin/python ] || "$python" -m venv .venv-ray
.venv-ray/bin/pip install --quiet --disable-pip-version-check 'ray[serve]==2.60.0' onnxruntime==1.31.1 grpcio-tools
echo "Ready: .venv-ray/bin/python"
