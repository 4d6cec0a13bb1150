# A body with one RayCast node for each ray of the bundle's table. Forward is +x, left is -z; lengths are metres.
extends KinematicBody

const SPEED = 2.5  # Metres a second for each step of pace.
const RADIUS = 0.3
const WALLS = 1
const WALKERS = 2

var bot := 0
var speed := 0.0
var heading := 0.0  # Degrees, counter-clockwise from +x seen from above.

var _rays := []
var _reach := 0.0


func _init(number: int, fan: Dictionary) -> void:
	bot = number
	_reach = fan.reach
	collision_layer = WALKERS
	collision_mask = WALLS
	var body := CollisionShape.new()
	body.shape = SphereShape.new()
	body.shape.radius = RADIUS
	add_child(body)
	for angle in fan.angles:
		_add_ray(deg2rad(angle))


func _add_ray(angle: float) -> void:
	var ray := RayCast.new()
	ray.cast_to = _reach * Vector3(cos(angle), 0, sin(angle))
	ray.collision_mask = WALLS
	ray.enabled = true
	add_child(ray)
	_rays.append(ray)


# For each ray a distance, and 1 if it met a wall.
func see() -> Array:
	var reading := []
	for ray in _rays:
		ray.force_raycast_update()
		if ray.is_colliding():
			reading.append(global_transform.origin.distance_to(ray.get_collision_point()))
			reading.append(1)
		else:
			reading.append(_reach)
			reading.append(0)
	return reading


# The same for a bot whose sight is taken away: everything is far.
func see_nothing() -> Array:
	var reading := []
	for _ray in _rays:
		reading.append(_reach)
		reading.append(0)
	return reading


func act(action: Dictionary) -> void:
	heading -= action.turn[0]
	speed = SPEED * action.pace[0]
	rotation.y = deg2rad(heading)


func _physics_process(_delta: float) -> void:
	var _velocity := move_and_slide(speed * Vector3(cos(rotation.y), 0, -sin(rotation.y)))
