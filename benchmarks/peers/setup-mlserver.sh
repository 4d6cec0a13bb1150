#!/bin/sh
# Makes .venv-mlserver: Seldon's MLServer, in a virtual environment of its own. About 300 MB.
#   benchmarks/peers/setup-mlserver.sh [PYTHON]        # default: python3.11
set -eu
python=${1:-python3.11}
cd "$(dirname "$0")/../.."
[ -x .venv-mlserver/bin/python ] || "$python" -m venv .venv-mlserver
.venv-mlserver/bin/pip install --quiet --disable-pip-version-check mlserver==1.7.1 onnxruntime==1.31.1
echo "Ready: .venv-mlserver/bin/mlserver"
