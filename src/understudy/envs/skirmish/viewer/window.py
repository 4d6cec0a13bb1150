"""The window: the loop that turns seconds and keys into decisions, and shows sixty pictures a second."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any

from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.viewer import ink, screens
from understudy.envs.skirmish.viewer.controls import Controls
from understudy.envs.skirmish.viewer.feed import Feed
from understudy.envs.skirmish.viewer.game import NOBODY, Game
from understudy.envs.skirmish.viewer.picture import SIZE, Picture
from understudy.envs.skirmish.viewer.speaker import Speaker
from understudy.errors import GameError, require
from understudy.spec import Action

pygame = require("pygame", "play")

FRAMES_A_SECOND = 60
_ROUND_END_S = 3.0
_UNSEEN = ("dummy", "offscreen")
_LONGEST_FRAME_S = 0.2
"""A game that was held up for longer goes on where it was."""
_KEYS = {
    "w": "forward", "s": "back", "a": "left", "d": "right", "up": "forward", "down": "back", "left shift": "walk",
    "right shift": "walk", "left ctrl": "crouch", "c": "crouch", "e": "use", "q": "ability", "r": "reload",
}  # fmt: skip
_BUTTONS = {1: "fire", 3: "ability"}


class Phase(Enum):
    """What the window shows."""

    START = auto()
    PLAY = auto()
    PAUSE = auto()
    ROUND_END = auto()
    MATCH_END = auto()
    CLOSED = auto()


def open_display(size: tuple[int, int] = SIZE) -> Any:
    """Open the window and return its surface.

    Raises:
        GameError: If there is no display.
    """
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        # Without a display SDL draws where nobody looks; only who asks for that gets it.
        if driver in _UNSEEN and os.environ.get("SDL_VIDEODRIVER") != driver:
            pygame.display.quit()
            raise pygame.error("none is there")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of machines that scale without a graphics card
            surface = pygame.display.set_mode(size, pygame.SCALED | pygame.RESIZABLE)
    except pygame.error as error:
        raise GameError(
            f"The game found no display to open its window on ({error}). Start it on a desktop, or under a virtual "
            "display: xvfb-run -a understudy play skirmish"
        ) from None
    pygame.display.set_caption("Understudy: skirmish")
    return surface


class Window:
    """Shows a game and takes a person's hands; begins its first round.

    Args:
        game: To play, whose first round has not begun.
        about: Lines for the first screen.
        map_first: Whether to begin with the view from above.
        sensitivity: Of the mouse.
        volume: 0 to 1.

    Attributes:
        phase: What is shown now.
        clock: Seconds that were played or shown.
        rounds_played: Whole rounds.
    """

    def __init__(
        self,
        game: Game,
        about: Sequence[str] = (),
        *,
        map_first: bool = False,
        sensitivity: float = 1.0,
        volume: float = 0.6,
    ) -> None:
        self.surface = open_display()
        self.game, self._about = game, tuple(about)
        self._show_words("Preparing the level (half a minute, the first time)")
        game.rehearse()
        self.picture, self.controls, self.feed = Picture(game), Controls(sensitivity), Feed()
        self._speaker = Speaker(volume)
        self.phase, self.clock, self.rounds_played = Phase.START, 0.0, 0
        self._map, self._follows = map_first, 0
        self._elapsed = self._round_end_left = 0.0
        self._step_s = 1 / game.behavior.decision_hz
        self._keys = screens.KEYS if game.person else screens.WATCH_KEYS
        game.begin_round()
        self._begin_decision()

    def run(self, most_frames: int | None = None) -> None:
        """Play until the match is over or the window is closed; `most_frames` ends it earlier, for tests.

        Raises:
            UnderstudyError: If a bot fails, or the game cannot be recorded.
        """
        ticking, shown = pygame.time.Clock(), 0
        try:
            signal.signal(signal.SIGINT, self._stop)
            signal.signal(signal.SIGTERM, self._stop)
            while self.phase is not Phase.CLOSED and shown != most_frames:
                passed = min(ticking.tick(FRAMES_A_SECOND) / 1000, _LONGEST_FRAME_S)
                for event in pygame.event.get():
                    self.take(event)
                self.advance(passed)
                self.draw()
                pygame.display.flip()
                shown += 1
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self.close()

    def close(self) -> None:
        """Close the window and let go of the mouse; the game stays as it is. Calling it twice does no harm."""
        self._hold_mouse(False)
        self._speaker.close()
        pygame.display.quit()

    def take(self, event: Any) -> None:
        """Take in an event of pygame's."""
        if event.type == pygame.QUIT:
            self.phase = Phase.CLOSED
        elif event.type == pygame.WINDOWFOCUSLOST and self.phase is Phase.PLAY and self.game.person:
            self._change(Phase.PAUSE)
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_F12:
            pygame.image.save(self.surface, f"skirmish-{datetime.now():%Y%m%d-%H%M%S-%f}.png")
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_F11:
            pygame.display.toggle_fullscreen()
        elif self.phase in (Phase.START, Phase.PAUSE, Phase.MATCH_END):
            self._take_on_screen(event)
        else:
            self._take_in_play(event)

    def advance(self, passed_s: float) -> None:
        """Let so many seconds go by."""
        if self.phase is Phase.PLAY:
            self.clock += passed_s
            self._elapsed += passed_s
            while self._elapsed >= self._step_s and self.phase is Phase.PLAY:
                self._elapsed -= self._step_s
                self._decide()
        elif self.phase is Phase.ROUND_END:
            self.clock += passed_s
            self._round_end_left -= passed_s
            if self._round_end_left <= 0:
                self._next_round()

    def draw(self) -> None:
        """Draw what is to be seen now; the caller shows it."""
        game = self.game
        state = game.preview(min(self._elapsed, self._step_s), self._action())
        agent = self._eyes(state)
        if self._map or agent == NOBODY:
            self.picture.draw_map(self.surface, state, self.feed, self.clock, all_seen=not game.person)
        else:
            self.picture.draw_view(self.surface, state, agent, self.feed, self.clock)
        if self.phase is Phase.START:
            screens.draw_start(self.surface, self._about, self._keys)
        elif self.phase is Phase.PAUSE:
            screens.draw_pause(self.surface, self._keys)
        elif self.phase is Phase.ROUND_END:
            screens.draw_round_end(self.surface, state, game.side, person=game.person)
        elif self.phase is Phase.MATCH_END:
            won = None if game.match.winner is None else game.match.winner == game.team
            screens.draw_match_end(self.surface, game.standing(), won, person=game.person)

    def _decide(self) -> None:
        self.game.end_decision(self._action())
        state = self.game.state
        self.feed.note(state, self.clock)
        self._speaker.play(state, self.game.level.heights, self._eyes(state))
        if self.game.round_over:
            self.rounds_played += 1
            self._round_end_left = _ROUND_END_S
            self.phase = Phase.ROUND_END
            # The score counts the round from now on; who won it stays to be seen in the world.
            self.game.finish_round()
        self._begin_decision()

    def _next_round(self) -> None:
        if self.game.match.over:
            self._change(Phase.MATCH_END)
            return
        self.game.begin_round()
        self._elapsed = 0.0
        self.feed = Feed()
        self.phase = Phase.PLAY
        self._begin_decision()

    def _begin_decision(self) -> None:
        pitch = float(self.game.state["pitch"][self.game.me]) if self.game.me != NOBODY else 0.0
        self.controls.begin(pitch, self.game.rules.pitch_most)

    def _action(self) -> Action | None:
        return self.controls.action() if self.game.is_alive else None

    def _eyes(self, state: Any) -> int:
        """Through whose eyes one looks: one's own, then a team mate's; in turn where only bots play."""
        game = self.game
        turns = [(self._follows + turn) % NUM_AGENTS for turn in range(NUM_AGENTS)]
        own = turns if game.me == NOBODY else [game.me, game.me ^ 1]
        living = [agent for agent in own if state["alive"][agent]]
        return living[0] if living else NOBODY

    def _take_on_screen(self, event: Any) -> None:
        if event.type not in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN):
            return
        key = pygame.key.name(event.key) if event.type == pygame.KEYDOWN else ""
        leaves = key == "q" if self.phase is Phase.PAUSE else key == "escape"
        if self.phase is Phase.MATCH_END or leaves:
            self.phase = Phase.CLOSED
        else:
            self._change(Phase.PLAY)

    def _take_in_play(self, event: Any) -> None:
        if event.type == pygame.MOUSEMOTION:
            self.controls.move_mouse(*event.rel)
        elif event.type in (pygame.KEYDOWN, pygame.KEYUP):
            self._take_key(pygame.key.name(event.key), down=event.type == pygame.KEYDOWN)
        elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
            self._take_button(event.button, down=event.type == pygame.MOUSEBUTTONDOWN)

    def _take_key(self, key: str, *, down: bool) -> None:
        if down and key == "escape":
            self._change(Phase.PAUSE)
        elif down and key == "tab":
            self._map = not self._map
        elif key in _KEYS:
            self._take_word(_KEYS[key], down=down)

    def _take_button(self, button: int, *, down: bool) -> None:
        if not self.game.person:
            self._follows = (self._follows + (down and {1: 1, 3: -1}.get(button, 0))) % NUM_AGENTS
        elif button in _BUTTONS:
            self._take_word(_BUTTONS[button], down=down)

    def _take_word(self, word: str, *, down: bool) -> None:
        if down:
            self.controls.press(word)
        else:
            self.controls.release(word)

    def _change(self, phase: Phase) -> None:
        """Show another screen; the mouse is held while one plays, and free on every other screen."""
        if phase is Phase.PLAY and self._round_end_left > 0 and self.game.round_over:
            phase = Phase.ROUND_END
        self.phase = phase
        self.controls.release_all()
        self._hold_mouse(phase in (Phase.PLAY, Phase.ROUND_END) and self.game.person)

    def _hold_mouse(self, hold: bool) -> None:
        if pygame.display.get_init():
            pygame.mouse.set_visible(not hold)
            pygame.event.set_grab(hold)
            pygame.mouse.get_rel()

    def _stop(self, *_: object) -> None:
        """A signal ends the game after a whole decision, as the window's own button does."""
        self.phase = Phase.CLOSED

    def _show_words(self, text: str) -> None:
        self.surface.fill((16, 18, 24))
        middle = self.surface.get_rect().center
        ink.write(self.surface, text, middle, 30, ink.FAINT, "center")
        pygame.display.flip()
