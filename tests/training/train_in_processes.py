"""What `torchrun` starts in tests: RECIPE LOGS OUT."""

from __future__ import annotations

import sys
from pathlib import Path

from understudy.recordings import open_recordings
from understudy.training.loop import train
from understudy.training.recipe import load_recipe

if __name__ == "__main__":
    recipe, logs, out = (Path(each) for each in sys.argv[1:])
    metrics = train(load_recipe(recipe), open_recordings(logs), out)
    print("measured", len(metrics.get("heads", ())), flush=True)
