# The bots of one bundle, played by an Understudy server over its web port. No C library, nothing to compile.
#
#     var bots = preload("res://addons/understudy/bots.gd").new("http://127.0.0.1:8080")
#     if not bots.open("rusher"):
#         push_error(bots.error)
#     bots.spawn(7, 1234)
#     var actions = bots.tick([7], {"rays": readings})  # actions[0].turn[0]
#
# tick waits for the answer. In a game, call begin_tick in one frame and poll in the next ones.
extends Reference

const Transport = preload("res://addons/understudy/transport.gd")

var error := ""         # Why the last call failed; one sentence.
var spec := {}          # The bundle's BehaviorSpec.
var late := ""          # Of the last actions: "" for decisions; "BUDGET", "OVERLOAD" or "GONE" for fallbacks.
var open_timeout_ms := 10000
var patience_ms := 1000 # After which tick and poll answer by themselves: each bot repeats its last action.

var _transport: Transport
var _session := ""
var _ticks := 0
var _spawns := {}       # For the next tick: bot to its form.
var _despawns := []
var _living := {}       # Bots that the server knows.
var _deciding := []     # The bots of the tick under way, in the order of its rows.
var _last := {}         # Each bot's last action.


# url: such as "http://127.0.0.1:8080". token: for a server that asks for one.
func _init(url: String, token := "") -> void:
	_transport = Transport.new(url, token)


# Begin a session; bundle may be "" if the server plays just one. Waits. False if it failed.
func open(bundle := "") -> bool:
	_transport.begin("Open", {"bundle": bundle}, open_timeout_ms)
	var opened = _transport.wait()
	if not opened is Dictionary:
		error = _transport.error
		return false
	_session = opened.session
	spec = JSON.parse(opened.bundle.specJson).result
	return true


# The ray fan of a sensor: angles (degrees from the heading, positive to the right), reach and types. {} if it is none.
func rays(sensor: String) -> Dictionary:
	for each in spec.sensors:
		if each.name == sensor and each.computed.get("kind") == "rays":
			return each.computed
	return {}


# Start a bot (your own number for it) afresh with the next tick. style: "", a name, or an Array of numbers.
func spawn(bot: int, noise_seed: int, style = "") -> void:
	var form := {"bot": bot, "seed": noise_seed}
	if style is Array:
		form.style = {"vector": style}
	elif style != "":
		form.style = {"name": style}
	_spawns[bot] = form
	var _known := _last.erase(bot)


# End a bot with the next tick.
func despawn(bot: int) -> void:
	var _pending := _spawns.erase(bot)
	if _living.erase(bot):
		_despawns.append(bot)


# Let bots decide once. sensors: for each name a flat Array of numbers, the rows of the bots after one another.
# Returns one Dictionary a bot: each part's numbers by its name.
func tick(bots: Array, sensors: Dictionary) -> Array:
	begin_tick(bots, sensors)
	return _take(_transport.wait())


# Send a tick without waiting. The one before must have been answered.
func begin_tick(bots: Array, sensors: Dictionary) -> void:
	var arrays := {}
	for name in sensors:
		arrays[name] = {"numbers": sensors[name]}
	var form := {"session": _session, "tick": _ticks, "bots": bots, "sensors": arrays}
	form.spawn = _spawns.values()
	form.despawn = _despawns
	_ticks += 1
	_deciding = bots
	_transport.begin("Tick", form, patience_ms)


# The actions, as tick returns them, once they are there; null before.
func poll():
	var answer = _transport.poll()
	return null if answer == null else _take(answer)


# End the session and its bots.
func close() -> void:
	_transport.begin("Close", {"session": _session}, patience_ms)
	var _closed = _transport.wait()
	_transport.close()


func _take(answer) -> Array:
	if not answer is Dictionary:
		late = "GONE"
		error = _transport.error
		# The server may have done them: naming a bot again that ended would be a mistake, spawning one again is none.
		_despawns = []
		return _last_actions()
	late = answer.get("late", "WEB_LATE_NO").trim_prefix("WEB_LATE_").replace("NO", "")
	for bot in _spawns:
		_living[bot] = true
	_spawns = {}
	_despawns = []
	for row in _deciding.size():
		_last[_deciding[row]] = _action(answer, row)
	return _last_actions()


func _action(answer: Dictionary, row: int) -> Dictionary:
	var action := {}
	for part in spec.actions:
		var numbers: Array = answer.actions[part.name].numbers
		var count := numbers.size() / _deciding.size()
		action[part.name] = numbers.slice(row * count, (row + 1) * count - 1)
	return action


func _last_actions() -> Array:
	var actions := []
	for bot in _deciding:
		actions.append(_last[bot] if _last.has(bot) else _nothing())
	return actions


func _nothing() -> Dictionary:
	var action := {}
	for part in spec.actions:
		action[part.name] = []
		for _number in _size(part.space):
			action[part.name].append(0)
	return action


func _size(space: Dictionary) -> int:
	if space.type != "box":
		return int(space.n) if space.type == "multi_binary" else 1
	var size := 1
	for length in space.shape:
		size *= int(length)
	return size
