#!/bin/sh
# Makes .venv-bentoml: BentoML, in a virtual environment of its own. About 300 MB.
#   benchmarks/peers/setup-bentoml.sh [PYTHON]        # default: python3.11
set -eu
python=${1:-python3.11}
cd "$(dirname "$0")/../.."
[ -x .venv-bentoml/bin/python ] || "$python" -m venv .venv-bentoml
.venv-bentoml/bin/pip install --quiet --disable-pip-version-check bentoml==1.4.39 onnxruntime==1.31.1
echo "Ready: .venv-bentoml/bin/bentoml"
