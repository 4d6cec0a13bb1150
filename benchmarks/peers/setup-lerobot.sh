#!/bin/sh
# Makes .venv-lerobot: LeRobot with the torch it asks for, in a virtual environment of its own. About 9 GB, most of it
# CUDA's libraries, which the wheels of torch on PyPI need even where there is no GPU.
#   benchmarks/peers/setup-lerobot.sh [PYTHON]        # default: python3.11
set -eu
python=${1:-python3.11}
cd "$(dirname "$0")/../.."
[ -x .venv-lerobot/bin/python ] || "$python" -m venv .venv-lerobot
.venv-lerobot/bin/pip install --quiet --disable-pip-version-check --no-cache-dir lerobot==0.4.4
# LeRobot decodes with torchcodec, which needs FFmpeg's shared libraries. PyAV brings some, under names of its own;
# here they get the usual ones. Set LD_LIBRARY_PATH to this folder.
.venv-lerobot/bin/python - <<'PYTHON'
import re, sysconfig
from pathlib import Path

links = Path(".venv-lerobot/ffmpeg")
links.mkdir(exist_ok=True)
for library in Path(sysconfig.get_path("purelib"), "av.libs").iterdir():
    usual = re.sub(r"-[0-9a-f]{8}(\.so\.\d+).*", r"\1", library.name)
    for name in {library.name, usual}:
        (links / name).unlink(missing_ok=True)
        (links / name).symlink_to(library)
PYTHON
LD_LIBRARY_PATH=.venv-lerobot/ffmpeg .venv-lerobot/bin/python -c "import torchcodec, lerobot"
echo "Ready: LD_LIBRARY_PATH=.venv-lerobot/ffmpeg .venv-lerobot/bin/python"
