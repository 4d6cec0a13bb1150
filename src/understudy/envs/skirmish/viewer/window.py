"""The window onto a match: its phases, screens and keys."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

from understudy.envs.display import MOVING_KEYS, GameWindow
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.viewer import ink, screens
from understudy.envs.skirmish.viewer.controls import Controls
from understudy.envs.skirmish.viewer.feed import Feed
from understudy.envs.skirmish.viewer.game import NOBODY, Game
from understudy.envs.skirmish.viewer.picture import SIZE, Picture
from understudy.envs.skirmish.viewer.speaker import Speaker
from understudy.errors import require
from understudy.spec import Action

pygame = require("pygame", "play")

_ROUND_END_S = 3.0
_WORDS = {
    **MOVING_KEYS, "left shift": "walk", "right shift": "walk", "e": "use", "q": "ability", "r": "reload",
}  # fmt: skip
_BUTTONS = {1: "fire", 3: "ability"}


class Phase(Enum):
    """What the window shows."""

    START = auto()
    PLAY = auto()
    PAUSE = auto()
    ROUND_END = auto()
    MATCH_END = auto()


_SCREENS = (Phase.START, Phase.PAUSE, Phase.MATCH_END)


class Window(GameWindow):
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
        super().__init__("skirmish", SIZE)
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

    def close(self) -> None:
        """Close the window and its sounds; see `GameWindow.close`."""
        super().close()
        self._speaker.close()

    def advance(self, passed_s: float) -> None:
        """Let so many seconds go by."""
        if self.phase is Phase.PLAY:
            self.clock += passed_s
            self._elapsed += passed_s
            while self._elapsed >= self._step_s and self.phase is Phase.PLAY and not self.closed:
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

    def _take_key(self, key: str, *, down: bool) -> None:
        if self.phase in _SCREENS:
            self._leave_screen(key, down=down)
        elif down and key == "escape":
            self._change(Phase.PAUSE)
        elif down and key == "tab":
            self._map = not self._map
        elif key in _WORDS:
            self.controls.take(_WORDS[key], down=down)

    def _take_button(self, button: int, *, down: bool) -> None:
        if self.phase in _SCREENS:
            self._leave_screen("", down=down)
        elif not self.game.person:
            self._follows = (self._follows + (down and {1: 1, 3: -1}.get(button, 0))) % NUM_AGENTS
        elif button in _BUTTONS:
            self.controls.take(_BUTTONS[button], down=down)

    def _take_motion(self, right: float, down: float) -> None:
        if self.phase not in _SCREENS:
            self.controls.move_mouse(right, down)

    def _lose_keyboard(self) -> None:
        if self.phase is Phase.PLAY and self.game.person:
            self._change(Phase.PAUSE)

    def _leave_screen(self, key: str, *, down: bool) -> None:
        leaves = self.phase is Phase.MATCH_END or key == ("q" if self.phase is Phase.PAUSE else "escape")
        if down and leaves:
            self.closed = True
        elif down:
            self._change(Phase.PLAY)

    def _change(self, phase: Phase) -> None:
        """Show another screen; the mouse is held while one plays, and free on every other screen."""
        if phase is Phase.PLAY and self._round_end_left > 0 and self.game.round_over:
            phase = Phase.ROUND_END
        self.phase = phase
        self.controls.release_all()
        self._hold_mouse(phase in (Phase.PLAY, Phase.ROUND_END) and self.game.person)

    def _show_words(self, text: str) -> None:
        self.surface.fill((16, 18, 24))
        middle = self.surface.get_rect().center
        ink.write(self.surface, text, middle, 30, ink.FAINT, "center")
        pygame.display.flip()
