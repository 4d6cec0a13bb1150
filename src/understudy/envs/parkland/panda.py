"""Panda3D without a window: its software renderer, and arrays made into its geometry and textures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.meshes import Mesh
from understudy.errors import GameError, require

core: Any = require("panda3d.core", "parkland")
core.load_prc_file_data("", "audio-library-name null\nsync-video 0\nnotify-level error")

# Panda3D's own bin for opaque things sorts by addresses in memory: where two surfaces meet, the picture would hang on
# them. These draw in the order of the scene.
BACKGROUND, SOLID, CLEAR = "park-background", "park-solid", "park-clear"
for _order, _bin in enumerate((BACKGROUND, SOLID, CLEAR)):
    core.CullBinManager.get_global_ptr().add_bin(_bin, core.CullBinManager.BT_unsorted, 100 + _order)

NEAR, FAR = 0.1, 700.0
"""What the camera sees, metres."""
VERTICAL_FOV = 75.0
"""Degrees; pictures wider than high show more to the sides."""
_VERTEX = np.dtype([("point", "<f4", 3), ("colour", "u1", 4), ("uv", "<f4", 2)])
_UINT16 = 65536


class Screen:
    """An engine with one picture that is never shown: renders what a camera sees and reads it back.

    Each has a renderer of its own, so that several live in one process. The pixels depend on the scene alone.

    Args:
        height: Of the picture, pixels.
        width: The same.

    Attributes:
        camera: Its node; to be put into a scene.
        picture: The texture that holds the last picture.

    Raises:
        GameError: If the renderer does not start.
    """

    def __init__(self, height: int, width: int) -> None:
        self._shape = height, width, 3
        pipe = core.GraphicsPipeSelection.get_global_ptr().make_pipe("TinyOffscreenGraphicsPipe", "p3tinydisplay")
        self.engine = core.GraphicsEngine(pipe)
        wanted = core.FrameBufferProperties()
        wanted.set_rgba_bits(8, 8, 8, 0)
        wanted.set_depth_bits(16)
        size = core.WindowProperties.size(width, height)
        buffer = self.engine.make_output(pipe, "picture", 0, wanted, size, core.GraphicsPipe.BF_refuse_window)
        if buffer is None:
            raise GameError("Panda3D's software renderer did not start; install it again: pip install panda3d")
        self.picture = core.Texture()
        buffer.add_render_texture(self.picture, core.GraphicsOutput.RTM_copy_ram)
        self.camera = core.NodePath(core.Camera("eyes", _lens(height, width)))
        buffer.make_display_region().set_camera(self.camera)
        self._buffer = buffer

    @property
    def gsg(self) -> Any:
        """The renderer's state, for which scenes are prepared."""
        return self._buffer.get_gsg()

    def draw(self) -> NDArray[np.uint8]:
        """Render and return the picture, RGB uint8 (height, width, 3), the first row at the top."""
        self.engine.render_frame()
        rows = np.frombuffer(self.picture.get_ram_image_as("RGB"), np.uint8).reshape(self._shape)
        return rows[::-1].copy()

    def close(self) -> None:
        """Give everything back."""
        self.camera.remove_node()
        self.engine.remove_all_windows()


def texture(picture: NDArray[np.uint8], *, repeat: bool = True) -> Any:
    """Return a texture of an RGB picture (height, width, 3) whose first row is the top."""
    height, width = picture.shape[:2]
    made = core.Texture()
    made.setup_2d_texture(width, height, core.Texture.T_unsigned_byte, core.Texture.F_rgb)
    made.set_ram_image(np.ascontiguousarray(picture[::-1, :, ::-1]).tobytes())
    made.set_minfilter(core.SamplerState.FT_nearest_mipmap_nearest)
    made.set_magfilter(core.SamplerState.FT_linear)
    wrap = core.SamplerState.WM_repeat if repeat else core.SamplerState.WM_clamp
    made.set_wrap_u(wrap)
    made.set_wrap_v(wrap)
    return made


def geometry(mesh: Mesh) -> Any:
    """Return a mesh as Panda3D's `Geom`, with its colours at the vertices."""
    rows = np.zeros(len(mesh.points), _VERTEX)
    rows["point"], rows["uv"] = mesh.points, mesh.uvs
    # The vertices' colours are red, green, blue, alpha in memory.
    rows["colour"][:, :3], rows["colour"][:, 3] = np.clip(mesh.colours * 255 + 0.5, 0, 255), 255
    data = core.GeomVertexData("mesh", core.GeomVertexFormat.get_v3c4t2(), core.Geom.UH_static)
    data.unclean_set_num_rows(len(rows))
    data.modify_array_handle(0).copy_data_from(rows.tobytes())
    small = len(rows) < _UINT16
    triangles = core.GeomTriangles(core.Geom.UH_static)
    triangles.set_index_type(core.Geom.NT_uint16 if small else core.Geom.NT_uint32)
    indices = triangles.modify_vertices()
    indices.unclean_set_num_rows(mesh.triangles.size)
    indices.modify_handle().copy_data_from(mesh.triangles.astype("<u2" if small else "<u4").tobytes())
    geom = core.Geom(data)
    geom.add_primitive(triangles)
    return geom


def look(picture: Any = None, drawn: str = SOLID) -> Any:
    """Return the state of something with a texture, or with the colours of its vertices alone, and its bin."""
    state = core.RenderState.make(core.ColorAttrib.make_vertex(), core.CullBinAttrib.make(drawn, 0))
    return state.set_attrib(core.TextureAttrib.make(picture)) if picture else state


def node(name: str, parts: Iterable[tuple[Mesh | None, Any]]) -> Any:
    """Return a `GeomNode` of meshes with the state of each, leaving out those that are empty."""
    made = core.GeomNode(name)
    for mesh, state in parts:
        if mesh is not None and len(mesh.triangles):
            made.add_geom(geometry(mesh), state)
    return made


def _lens(height: int, width: int) -> Any:
    lens = core.PerspectiveLens()
    tangent = np.tan(np.radians(VERTICAL_FOV / 2)) * width / height
    lens.set_fov(float(np.degrees(2 * np.arctan(tangent))), VERTICAL_FOV)
    lens.set_near_far(NEAR, FAR)
    return lens
