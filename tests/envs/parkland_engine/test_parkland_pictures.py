from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("panda3d")

from parkland_engine_toys import LEVEL, SIDE, toy_layout

from understudy.envs.parkland import meshes, painting
from understudy.envs.parkland import scene as scenes
from understudy.envs.parkland.generator import generate
from understudy.envs.parkland.ground import coarsest_stride, ground_piece
from understudy.envs.parkland.layout import Layout, elevation
from understudy.envs.parkland.panda import Screen
from understudy.envs.parkland.scene import Scene
from understudy.envs.parkland.solids import TEXTURES

EYES = LEVEL + 1.65


class Viewer:
    """A scene and a screen to look at it."""

    def __init__(self, layout: Layout) -> None:
        self.scene, self.screen = Scene(layout), Screen(60, 80)
        self.screen.camera.reparent_to(self.scene.root)

    def look(self, x: float, y: float, heading: float, pitch: float = 0, z: float = EYES) -> np.ndarray:
        """Return the picture from there."""
        self.scene.look_from(x, y, z)
        self.screen.camera.set_pos_hpr(x, y, z, heading - 90, pitch, 0)
        return self.screen.draw().astype(int)

    def close(self) -> None:
        """Give everything back."""
        self.scene.close()
        self.screen.close()


@pytest.fixture(scope="module")
def viewer() -> Iterator[Viewer]:
    """One for all tests here."""
    made = Viewer(toy_layout())
    yield made
    made.close()


def test_the_sky_is_above_and_the_ground_below(viewer: Viewer) -> None:
    """From anywhere, upper rows are blue and bright, lower rows green or brown, with texture in both."""
    for x, y, heading in ((70, 20, 90), (20, 100, 0), (110, 60, 200)):
        picture = viewer.look(x, y, heading)
        top, bottom = picture[:12].mean((0, 1)), picture[-12:].mean((0, 1))
        assert top[2] > top[0]
        assert bottom[2] < min(bottom[0], bottom[1])
        assert picture[-12:].std() > 8


def test_the_picture_shows_where_one_looks(viewer: Viewer) -> None:
    """The house's red bricks are ahead in the north, and not behind."""

    def red(heading: float) -> float:
        picture = viewer.look(60, 45, heading)
        return float((picture[..., 0] > picture[..., 1] + 40).mean())

    assert red(90) > 0.1
    assert red(270) < 0.02


def test_a_door_that_opens_looks_open(viewer: Viewer) -> None:
    """The picture changes, and back again."""
    closed = viewer.look(60, 50, 90)
    viewer.scene.turn_door(0, is_open=True)
    opened = viewer.look(60, 50, 90)
    viewer.scene.turn_door(0, is_open=False)
    assert (closed != opened).any(axis=-1).sum() > 20
    assert np.array_equal(viewer.look(60, 50, 90), closed)


def test_the_pond_is_blue(viewer: Viewer) -> None:
    """Looking down into it, blue exceeds red; looking down at the meadow, it does not."""
    pond, grass = (viewer.look(x, 64, 180, -60).mean((0, 1)) for x in (27, 45))
    assert pond[2] > pond[0] + 15
    assert grass[2] < grass[0]


def test_a_picture_does_not_hang_on_where_one_has_been(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scene that makes tiles when they are needed, and forgets them, draws what one draws that made all at once."""
    layout = generate(4)
    whole = Viewer(layout)
    monkeypatch.setattr(scenes, "MOST_FINE", 100)
    frugal = Viewer(layout)
    places = [(60.0, 60.0), (80.0, 65.0), (430.0, 420.0), (250.0, 250.0), (60.0, 60.0)]
    for x, y in places:
        z = float(layout.ground(x, y)) + 1.65
        for heading in (10, 130, 250):
            assert np.array_equal(frugal.look(x, y, heading, z=z), whole.look(x, y, heading, z=z))
    assert len(frugal.scene._fine) <= 100
    for each in (frugal, whole):
        each.close()


def test_drawn_ground_is_the_layouts_ground() -> None:
    """With stride 1 its corners are the samples; a coarser piece stays within its tolerance."""
    layout = toy_layout()
    piece = ground_piece(layout, 40, 40, 16, 1)
    assert np.allclose(
        piece.points[: 17 * 17, 2], layout.ground(piece.points[: 17 * 17, 0], piece.points[: 17 * 17, 1])
    )
    stride = coarsest_stride(layout, 0, 0, 16, 0.05)
    steps = np.arange(17) / stride
    coarse = elevation(layout.heights[:17:stride, :17:stride], 1.0, *np.meshgrid(steps, steps))
    assert stride == 4
    assert np.abs(coarse - layout.heights[:17, :17]).max() <= 0.05
    assert coarsest_stride(layout, 40, 40, 16, 0.01) == 1


@pytest.mark.parametrize(
    "mesh",
    [
        meshes.box((0, 0, 0), (1, 2, 3), (1, 1, 1), 30),
        meshes.ball((1, 1, 1)),
        meshes.lathe([(1, 0), (0, 2)], 6, (1, 1, 1)),
    ],
)
def test_faces_look_outwards(mesh: meshes.Mesh) -> None:
    """Each triangle is counter-clockwise from outside a convex body around its middle."""
    corners = mesh.points[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middle = (mesh.points.max(0) + mesh.points.min(0)) / 2
    assert ((normals * (corners.mean(1) - middle)).sum(1) >= -1e-5).all()


def test_each_texture_has_a_picture_that_tells_it_apart() -> None:
    """Every name in `TEXTURES` is painted, all differ, and the missing one is loud."""
    pictures = [painting.material(name) for name in TEXTURES]
    assert len({each.tobytes() for each in pictures}) == len(TEXTURES)
    missing = pictures[0].reshape(-1, 3)
    assert {tuple(each) for each in missing.tolist()} == {(255, 0, 255), (0, 0, 0)}


def test_a_trail_is_painted_where_it_runs() -> None:
    """The ground's picture is browner on the trail than beside it, with the first row in the north."""
    layout = toy_layout()
    picture = painting.GroundPainter(layout).paint(16, 0, 32, 128).astype(int)
    scale = 128 / (SIDE / 2)
    column = int((60 - SIDE / 4) * scale)
    brown = picture[..., 0] - picture[..., 1]
    assert brown[-40, column - 1 : column + 2].mean() > brown[-40, 10:30].mean() + 20
