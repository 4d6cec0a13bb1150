# Bots of a served bundle in a corridor with two baffles.
#
#     UNDERSTUDY_URL=http://127.0.0.1:8080 godot3-server --path clients/godot --fixed-fps 60
#
# UNDERSTUDY_BOTS is how many walk (3), UNDERSTUDY_TICKS for how many decisions (100), UNDERSTUDY_PATIENCE_MS how long
# one may take (1000), UNDERSTUDY_BLIND=1 takes their sight away. Prints "reading ..." of the first bot's first look, then
# "tick bot x y heading late" for each.
extends Spatial

const Bots = preload("res://addons/understudy/bots.gd")
const Walker = preload("res://example/walker.gd")
# From x, y to x, y.
const WALLS = [
	[0, -4, 24, -4], [0, 4, 24, 4], [0, -4, 0, 4], [24, -4, 24, 4], [8, -4, 8, 1], [16, -1, 16, 4],
]
const THICKNESS = 0.05
const SETTLING_FRAMES = 3  # Before them the physics server does not know the walls.

var bots: Bots
var walkers := []
var num_ticks := int(setting("TICKS", "100"))
var blind := setting("BLIND", "0") == "1"
var frames := -SETTLING_FRAMES
var decisions := 0


static func setting(name: String, default: String) -> String:
	var value := OS.get_environment("UNDERSTUDY_" + name)
	return default if value == "" else value


func _ready() -> void:
	bots = Bots.new(setting("URL", "http://127.0.0.1:8080"))
	bots.patience_ms = int(setting("PATIENCE_MS", "1000"))
	if not bots.open():
		printerr(bots.error)
		get_tree().quit(1)
		set_physics_process(false)
		return
	for wall in WALLS:
		add_wall(wall)
	var num_bots := int(setting("BOTS", "3"))
	for number in num_bots:
		var walker := Walker.new(number, bots.rays("rays"))
		walker.translation = Vector3(1, 0, 2.5 - 2.0 * number / num_bots)
		add_child(walker)
		walkers.append(walker)
		bots.spawn(number, number)


func add_wall(wall: Array) -> void:
	var body := StaticBody.new()
	var shape := CollisionShape.new()
	shape.shape = BoxShape.new()
	shape.shape.extents = Vector3(abs(wall[2] - wall[0]) / 2.0 + THICKNESS, 2, abs(wall[3] - wall[1]) / 2.0 + THICKNESS)
	body.add_child(shape)
	body.translation = Vector3((wall[0] + wall[2]) / 2.0, 0, -(wall[1] + wall[3]) / 2.0)
	add_child(body)


func _physics_process(_delta: float) -> void:
	frames += 1
	var frames_per_decision := int(round(Engine.iterations_per_second / bots.spec.decision_hz))
	if frames >= 0 and frames % frames_per_decision == 0:
		decide()


func decide() -> void:
	var numbers := []
	var readings := []
	for walker in walkers:
		numbers.append(walker.bot)
		readings += walker.see_nothing() if blind else walker.see()
	if decisions == 0:
		print("reading ", readings.slice(0, readings.size() / walkers.size() - 1))
	var actions := bots.tick(numbers, {"rays": readings})
	if bots.late == "GONE":
		printerr(bots.error)
	for row in walkers.size():
		walkers[row].act(actions[row])
		report(walkers[row])
	decisions += 1
	if decisions == num_ticks:
		bots.close()
		get_tree().quit()


func report(walker: KinematicBody) -> void:
	var place := walker.global_transform.origin
	var late := 0 if bots.late == "" else 1
	print("%d %d %.4f %.4f %.3f %d" % [decisions, walker.bot, place.x, -place.z, walker.heading, late])
