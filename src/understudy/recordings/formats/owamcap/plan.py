"""How a desktop recording is imported: what it holds, what was asked for, and the behaviour that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from gymnasium import spaces
from pydantic import Field

from understudy.errors import RecordingError
from understudy.recordings.formats.owamcap.bins import Binner
from understudy.recordings.formats.owamcap.container import Container
from understudy.recordings.formats.owamcap.keyboard import KEYS, MOUSE_BUTTONS, chosen_keys
from understudy.recordings.formats.owamcap.messages import Events
from understudy.recordings.formats.owamcap.pictures import media_path
from understudy.recordings.formats.protocol import ImportOptions, Loss, Settings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec


class OwamcapSettings(Settings):
    """How events become decisions."""

    rate_hz: float = Field(20.0, gt=0, le=240, description="decisions a second")
    size: str = Field("128x72", pattern=r"^[1-9]\d{0,3}x[1-9]\d{0,3}$", description="of the pictures, WIDTHxHEIGHT")
    pictures: bool = Field(True, description="import the screen, where its video is beside the log")
    mouse: Literal["auto", "raw", "absolute"] = Field(
        "auto", description="movements of the device (raw) or of the cursor (absolute); auto takes raw if it is there"
    )
    keys: str = Field("", description="only these keys, such as w,a,s,d,space; empty for all")
    game: str = Field("desktop", description="what was played")
    max_gap_s: float = Field(5.0, gt=0, le=600, description="a longer time without any event ends the episode")


@dataclass
class Survey:
    """What a first reading finds.

    Attributes:
        kinds: Which kinds of events there are, and how many.
        uris: Where the pictures are.
        seconds: From the first event to the last.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    uris: dict[str, None] = field(default_factory=dict)
    seconds: float = 0.0
    library: str = ""
    problem: str = ""

    @property
    def has_raw(self) -> bool:
        """Whether movements of the device were logged."""
        return self.kinds.get("raw", 0) > 0

    @property
    def has_clicks(self) -> bool:
        """Whether clicks or the wheel were logged as the system's own events."""
        return bool({"button", "buttons", "wheel"} & self.kinds.keys())


@dataclass
class Plan:
    """How one log is imported."""

    path: Path
    settings: OwamcapSettings
    survey: Survey
    screen: bool
    options: ImportOptions

    @property
    def raw_mouse(self) -> bool:
        """Whether movements are those of the device."""
        return self.survey.has_raw if self.settings.mouse == "auto" else self.settings.mouse == "raw"

    @property
    def keys(self) -> tuple[int, ...]:
        """The codes of the keys that are kept."""
        return chosen_keys(self.settings.keys)

    @property
    def behavior(self) -> BehaviorSpec:
        """What is seen and done."""
        width, height = (int(each) for each in self.settings.size.split("x"))
        sensors = [SensorSpec("cursor", spaces.Box(-np.inf, np.inf, (2,), np.float32), "pixels of the screen")]
        if self.screen:
            sensors.append(SensorSpec("screen", spaces.Box(0, 255, (height, width, 3), np.uint8)))
        units = "counts per decision" if self.raw_mouse else "pixels of the screen per decision"
        actions = (
            ActionSpec("keys", spaces.MultiBinary(len(self.keys)), labels=tuple(KEYS[code] for code in self.keys)),
            ActionSpec("buttons", spaces.MultiBinary(len(MOUSE_BUTTONS)), labels=MOUSE_BUTTONS),
            ActionSpec("mouse", spaces.Box(-2000, 2000, (2,), np.float32), units, ("right", "down")),
            ActionSpec("wheel", spaces.Box(-20, 20, (2,), np.float32), "notches per decision", ("right", "up")),
        )
        return BehaviorSpec("desktop", tuple(sensors), actions, self.settings.rate_hz)

    def binner(self) -> Binner:
        """Return a new binner for a piece."""
        period = 1e9 / self.settings.rate_hz
        cursor = "cursor" in self.survey.kinds
        clicks = not self.survey.has_clicks
        return Binner(period, self.raw_mouse, clicks, self.screen, cursor, self.options.keep_text)


def survey_log(path: Path) -> Survey:
    """Read a log's events once, to know what there is; damage is in `problem`."""
    events = Events(Container(path))
    survey, first, last = Survey(), 0, 0
    for event in events:
        survey.kinds[event.kind] = survey.kinds.get(event.kind, 0) + 1
        if event.kind == "screen" and len(survey.uris) < 100:
            survey.uris[event.value[0] if not event.value[0].startswith("data:") else "data:"] = None
        first, last = first or event.time, event.time
    survey.seconds = (last - first) / 1e9
    survey.library, survey.problem = events.container.library, events.container.problem
    return survey


def embeds_pictures(survey: Survey, settings: OwamcapSettings) -> bool:
    """Whether pictures are in the log itself, and wanted."""
    return settings.pictures and "data:" in survey.uris


def find_videos(path: Path, survey: Survey, settings: OwamcapSettings) -> tuple[list[Path], list[Loss]]:
    """Find the files with the pictures; what is not there is a loss, and the rest comes in without."""
    found, losses = [], []
    for uri in survey.uris if settings.pictures else ():
        if uri == "data:":
            continue
        try:
            found.append(media_path(path.parent, uri))
        except RecordingError as error:
            losses.append(Loss(str(path), str(error).rstrip(".")))
    return ([], losses) if losses else (found, losses)
