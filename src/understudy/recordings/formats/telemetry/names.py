"""What the names of columns tell: the words in them, and the units that go with the words."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

CLOCK = {"t", "time", "timestamp", "ts", "clock", "wallclock", "seconds", "elapsed", "datetime", "date", "utc", "epoch"}
CLOCK |= {"gametime", "ms", "millis", "milliseconds", "usec", "nanos", "created", "timems", "walltime", "servertime"}
TICK = {"tick", "frame", "framenumber", "step", "ticks", "frames", "framecount", "tickcount"}
EPISODE = {"match", "session", "episode", "round", "game", "run", "trial", "replay", "demo", "attempt", "matchid"}
EPISODE |= {"sessionid", "gameid", "roundid", "episodeid", "runid"}
PLAYER = {
    "player",
    "user",
    "account",
    "nick",
    "nickname",
    "username",
    "steamid",
    "playerid",
    "userid",
    "playername",
    "client",
}
PLAYER |= {"gamertag", "driver", "pilot", "participant", "subject", "character"}
MAP = {"map", "level", "stage", "arena", "scene", "track", "mapname", "levelname", "course"}
IDENTITY = {"id", "uuid", "guid", "name", "number", "num", "no", "idx", "index", "nr", "tag"}
REWARD = {"reward", "rew", "rewards"}
TERMINATED = {"done", "terminated", "terminal", "gameover", "finished"}
TRUNCATED = {"truncated", "timeout", "aborted"}
EVENT = {"event", "events", "eventname"}
TEXT = {"chat", "message", "msg", "text", "comment", "say", "note", "notes", "remark", "feedback"}
INPUT = {
    "key",
    "keys",
    "btn",
    "button",
    "press",
    "pressed",
    "input",
    "down",
    "held",
    "click",
    "lmb",
    "rmb",
    "mmb",
    "trigger",
}
INPUT |= {
    "fire",
    "firing",
    "shoot",
    "shooting",
    "attack",
    "attacking",
    "jump",
    "jumping",
    "crouch",
    "crouching",
    "sprint",
}
INPUT |= {"sprinting", "reload", "reloading", "aim", "aiming", "ads", "use", "using", "interact", "interacting", "dash"}
INPUT |= {
    "boost",
    "boosting",
    "handbrake",
    "block",
    "blocking",
    "dodge",
    "grenade",
    "melee",
    "walk",
    "run",
    "running",
    "drift",
}
INPUT |= {
    "forward",
    "backward",
    "back",
    "left",
    "right",
    "up",
    "strafe",
    "space",
    "shift",
    "ctrl",
    "alt",
    "enter",
    "esc",
}
STATE = {
    "alive",
    "dead",
    "ground",
    "grounded",
    "air",
    "airborne",
    "visible",
    "hit",
    "enabled",
    "active",
    "stunned",
    "onground",
}
STATE |= {"invulnerable", "burning", "carrying", "has", "can", "seen", "near", "swimming", "falling", "colliding"}
DELTA = {"dx", "dy", "dz", "delta", "dyaw", "dpitch", "deltax", "deltay", "dwheel"}
AXIS = {
    "axis",
    "stick",
    "thumb",
    "thumbstick",
    "throttle",
    "steer",
    "steering",
    "brake",
    "gas",
    "accelerator",
    "clutch",
}
AXIS |= {"horizontal", "vertical", "joystick", "wheel", "scroll", "lstick", "rstick"}
# Axes that rest in their middle.
BOTH_WAYS = {"horizontal", "vertical", "axis", "stick", "thumbstick", "joystick", "steer", "steering"}
MOUSE = {"mouse", "look", "cursor"}
CHOICE = {
    "action",
    "act",
    "command",
    "weapon",
    "stance",
    "gear",
    "item",
    "ability",
    "skill",
    "slot",
    "selected",
    "choice",
    "tool",
}
CHOICE |= {"direction", "dir", "move", "spell", "card"}
HIDDEN = {"enemy", "opponent", "target", "foe", "bot", "monster", "rival"}
# Of what a game measures: no player sets the temperature of a brake, or the speed of a wheel.
MEASURED = {"speed", "temp", "temperature", "pressure", "wear", "load", "force", "torque", "rpm", "slip", "time"}
MEASURED |= {
    "best",
    "rating",
    "points",
    "count",
    "total",
    "cooldown",
    "duration",
    "damage",
    "ammo",
    "cost",
    "price",
    "xp",
}
XYZ = {"x", "y", "z", "w"}
TURNS = {"yaw", "pitch", "roll", "heading"}

_GROUPS = {"pos": "position", "loc": "position", "location": "position", "vel": "velocity", "rot": "rotation"}
_GROUPS |= {"ang": "angles", "dir": "direction", "fwd": "forward", "acc": "acceleration"}


def words_of(name: str) -> tuple[str, ...]:
    """Split a name like `bIsFiring`, `mouse_dx` or `Player.PosX` into lower-case words."""
    words = [each.lower() for each in _WORD.findall(name)]
    # Unreal writes a b before the names of what is true or false.
    if len(words) > 1 and words[0] == "b" and name[1:2].isupper():
        words = words[1:]
    return tuple(words)


def identifier(name: str) -> str:
    """Make a name of letters, digits and underscores, as sensors and action parts need."""
    text = "_".join(words_of(name)) or "value"
    return text if text.isidentifier() else f"v_{text}"


def group_of(name: str) -> tuple[str, str]:
    """Return the group a column belongs to and its place there: `PosX` is ("position", "x"), `hp` is ("hp", "")."""
    words = list(words_of(name))
    glued = words and re.fullmatch(r"(pos|loc|vel|rot|ang|acc|dir|fwd)([xyz])", words[-1])
    if glued:
        words[-1:] = [glued[1], glued[2]]
    if words and words[-1] in TURNS:
        return "_".join([*words[:-1], "rotation"]), words[-1]
    if len(words) > 1 and (words[-1] in XYZ or words[-1].isdigit()):
        last, words = words[-1], words[:-1]
        words[-1] = _GROUPS.get(words[-1], words[-1])
        return "_".join(words), last
    if words and len(words) == 1 and words[0] in XYZ:
        return "position", words[0]
    return identifier(name), ""


def units_of(words: set[str], low: float, high: float) -> str:
    """Guess the units of numbers from the words of their name and their range."""
    if words & (TURNS | {"rotation", "rot", "angle", "angles", "fov"}):
        return "degrees" if max(abs(low), abs(high)) > 6.5 else "radians"
    if words & {"vel", "velocity", "speed"}:
        return "game units per second"
    if words & {
        "pos",
        "position",
        "loc",
        "location",
        "distance",
        "dist",
        "ray",
        "rays",
        "lidar",
        "height",
        "radius",
        "x",
        "y",
        "z",
    }:
        return "game units"
    if words & {"hp", "health", "armor", "armour", "shield", "mana", "stamina", "energy", "score", "points", "xp"}:
        return "percent" if low >= 0 and high == 100 else "points"
    if words & {"ammo", "bullets", "rounds", "clip"}:
        return "rounds"
    if words & {"ping", "latency", "rtt"}:
        return "ms"
    return "Hz" if words & {"fps"} else ""
