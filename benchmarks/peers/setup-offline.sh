#!/bin/sh
# Makes .venv-offline: d3rlpy, imitation, and what Minari's collector needs, on top of .venv. About 750 MB.
#   benchmarks/peers/setup-offline.sh [PYTHON]        # default: python3.11
# Their pins exclude each other and .venv (gymnasium 1.0, 0.29), hence --no-deps; what the tests use of them works.
set -eu
python=${1:-python3.11}
cd "$(dirname "$0")/../.."
[ -x .venv-offline/bin/python ] || "$python" -m venv .venv-offline
ours=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
theirs=$(.venv-offline/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$ours" >"$theirs/understudy.pth"
pip() { .venv-offline/bin/pip install --quiet --disable-pip-version-check "$@"; }
pip --no-deps d3rlpy==2.8.1 gym==0.26.2 gym-notices==0.1.0 imitation==1.0.1 stable-baselines3==2.9.2 \
  jax==0.10.2 jaxlib==0.10.2
pip colorama==0.4.6 dataclasses-json==0.6.7 datasets==5.2.0 jsonpickle==4.1.4 opt_einsum==3.4.0 scikit-learn==1.9.1 \
  structlog==26.1.0 tqdm==4.70.1
echo "Ready: .venv-offline/bin/python"
