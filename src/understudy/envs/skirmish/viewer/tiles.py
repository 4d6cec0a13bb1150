"""The walls' and crates' surfaces, drawn with numbers: brightness and accent at each point, sharp and blurred.

One tile spans two metres along a wall and its whole height, so that it has a foot, a painted band and a coping.
"""

from __future__ import annotations

import numpy as np

from understudy.errors import require

BRICK, PANEL, CRATE = range(3)
HIGH, WIDE = 256, 128
NUM_BLURS = 5
WALL_METRES = 2.0
"""Along a wall, before a tile repeats. A crate's tile is one metre long, as its cell is."""
_BAND = slice(156, 170)


def wall_tiles(seed: int = 7) -> np.ndarray:
    """Return the tiles, uint8, shape (NUM_BLURS, 3 materials, HIGH, WIDE, 2): brightness, and share of accent colour.

    Row 0 is the foot of the wall. Each blur halves the detail, for walls that are twice as far.
    """
    rng = np.random.default_rng(seed)
    sharp = np.stack([_brick(rng), _panel(rng), _crate(rng)])
    return np.stack([np.stack([_blur(tile, level) for tile in sharp]) for level in range(NUM_BLURS)])


def grain(seed: int = 8) -> np.ndarray:
    """Return the floor's roughness, uint8, shape (NUM_BLURS, 128, 128), 128 being even; repeats."""
    rng = np.random.default_rng(seed)
    rough = 128 + 4 * cloud(rng, 128, 24) + 5 * cloud(rng, 128, 3) + 5 * rng.standard_normal((128, 128))
    return np.stack([_blur(_to_bytes(rough), level) for level in range(NUM_BLURS)])


def cloud(rng: np.random.Generator, size: int, blob: int) -> np.ndarray:
    """Return smooth noise that repeats: float64, shape (size, size), mean 0, standard deviation 1."""
    wave = np.fft.fftfreq(size)
    keep = np.exp(-((wave[:, None] ** 2 + wave[None] ** 2) * blob**2) * 2)
    smooth = np.fft.ifft2(np.fft.fft2(rng.standard_normal((size, size))) * keep).real
    return (smooth - smooth.mean()) / smooth.std()


def _brick(rng: np.random.Generator) -> np.ndarray:
    bright = 168 + 9 * _stains(rng) + 5 * rng.standard_normal((HIGH, WIDE))
    for course, row in enumerate(range(0, HIGH, 8)):
        for start in range(0, WIDE, 16):
            columns = (np.arange(start, start + 16) + 8 * (course % 2)) % WIDE
            bright[row : row + 8, columns] += rng.normal(0, 8)
            bright[row : row + 8, columns[:1]] -= 40
        bright[row : row + 1] -= 40
        bright[row + 7 : row + 8] += 10
    return _with_trim(bright)


def _panel(rng: np.random.Generator) -> np.ndarray:
    bright = 184 + 10 * _stains(rng) + 4 * rng.standard_normal((HIGH, WIDE))
    for column in range(0, WIDE, 64):
        bright[:, column : column + 2] -= 60
        bright[:, column + 2 : column + 4] += 14
    for row in range(0, HIGH, 64):
        bright[row : row + 2] -= 46
    for row in range(8, HIGH, 64):
        for column in (8, 56, 72, 120):
            bright[row : row + 4, column : column + 4] -= 45
    return _with_trim(bright)


def _crate(rng: np.random.Generator) -> np.ndarray:
    bright = 150 + 7 * rng.standard_normal((HIGH, WIDE)).cumsum(1).clip(-6, 6) / 2 + 6 * _stains(rng)
    bright[::32] -= 40
    bright[1::32] -= 40
    rows, columns = np.indices((HIGH, WIDE))
    slant = np.abs(rows / HIGH - columns / WIDE) < 0.09
    frame = (rows < 26) | (rows >= HIGH - 26) | (columns < 13) | (columns >= WIDE - 13)
    bright[slant | frame] += 34
    edge = (np.abs(np.abs(rows / HIGH - columns / WIDE) - 0.09) < 0.012) & ~frame
    inner = ((rows == 26) | (rows == HIGH - 27) | (columns == 13) | (columns == WIDE - 14)) & ~slant
    bright[edge | inner] -= 70
    bright[:3] -= 60
    return np.stack([_to_bytes(bright), np.zeros((HIGH, WIDE), np.uint8)], -1)


def _with_trim(bright: np.ndarray) -> np.ndarray:
    """A dark foot, a painted band that names the place, and a coping; darker towards the foot."""
    bright *= np.linspace(0.86, 1.06, HIGH)[:, None]
    bright[:14] *= 0.62
    bright[14:16] *= 1.2
    bright[-12:] *= 0.72
    accent = np.zeros((HIGH, WIDE), np.uint8)
    accent[_BAND] = 220
    accent[_BAND.start - 8 : _BAND.start - 5] = 150
    return np.stack([_to_bytes(bright), accent], -1)


def _stains(rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([cloud(rng, WIDE, 24), cloud(rng, WIDE, 24)])


def _blur(tile: np.ndarray, level: int) -> np.ndarray:
    if not level:
        return tile
    cv2 = require("cv2", "play")
    size = 2 ** (level + 1) + 1
    padded = np.concatenate([tile[:, -size:], tile, tile[:, :size]], 1)
    return cv2.blur(padded, (size, size), borderType=cv2.BORDER_REFLECT)[:, size:-size]


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)
