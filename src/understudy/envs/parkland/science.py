"""What this package uses of SciPy, or a word on how to install it."""

from __future__ import annotations

from understudy.errors import require

ndimage = require("scipy.ndimage", "parkland")
sparse = require("scipy.sparse", "parkland")
csgraph = require("scipy.sparse.csgraph", "parkland")
cKDTree = require("scipy.spatial", "parkland").cKDTree  # noqa: N816  # SciPy's own name
