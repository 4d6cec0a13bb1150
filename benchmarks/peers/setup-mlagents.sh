#!/bin/sh
# Makes .venv-mlagents: ML-Agents' own loader of demonstrations, for `make test-slow`. About 1 GB.
#   benchmarks/peers/setup-mlagents.sh [PYTHON]        # default: python3.11
# Its pins are old and exclude each other, hence the order and --no-deps.
set -eu
python=${1:-python3.11}
cd "$(dirname "$0")/../.."
[ -x .venv-mlagents/bin/python ] || "$python" -m venv .venv-mlagents
pip() { .venv-mlagents/bin/pip install --quiet --disable-pip-version-check "$@"; }
pip numpy==1.23.5 protobuf==3.20.3 pillow==13.0.0 h5py==3.11.0 cattrs==1.5.0 attrs==26.1.0 pyyaml==6.0.3 \
  cloudpickle==3.1.2 grpcio==1.85.1 "$(grep -E '^torch==' constraints.txt)"
pip --no-deps --ignore-requires-python mlagents==1.1.0 mlagents_envs==1.1.0
pip setuptools==69.5.1
echo "Ready: .venv-mlagents/bin/python"
