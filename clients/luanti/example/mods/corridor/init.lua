-- A corridor with two baffles along +x, and walkers in it that sense by Raycast and that a served bot plays.
--
-- Settings: corridor_walkers, how many see (2); corridor_blind, how many more are blinded (0); corridor_ticks, after how
-- many decisions of each to shut the server down (0: never). Each decision prints "tick bot x z heading late"; blinded
-- walkers have the higher numbers.

local LENGTH, HALF_WIDTH, HEIGHT = 24, 4, 3
local SPEED = 2.5 -- nodes a second for each step of pace
local EYES = 0.5

local function setting(name, default)
  return tonumber(minetest.settings:get("corridor_" .. name) or default)
end

local num_ticks = setting("ticks", 0)
local living = 0

minetest.register_node("corridor:wall", { description = "Wall", tiles = { "blank.png" }, groups = { cracky = 1 } })

minetest.register_entity("corridor:walker", understudy.entity({
  initial_properties = {
    physical = true,
    collide_with_objects = false,
    collisionbox = { -0.3, 0, -0.3, 0.3, 0.9, 0.3 },
    static_save = false,
  },

  on_activate = function(self, staticdata)
    self.blind = staticdata == "blind"
    self.heading, self.decisions = 0, 0
    living = living + 1
  end,

  see = function(self)
    local position = vector.add(self.object:get_pos(), vector.new(0, EYES, 0))
    local reading = understudy.cast_rays(self.rays, position, self.heading)
    for index = 1, self.blind and #reading or 0, 2 do
      reading[index], reading[index + 1] = self.rays.reach, 0
    end
    return { rays = reading }
  end,

  act = function(self, action, late)
    self.heading = self.heading - action.turn[1]
    local direction, speed = math.rad(self.heading), SPEED * action.pace[1]
    self.object:set_velocity(vector.new(speed * math.cos(direction), 0, speed * math.sin(direction)))
    self.object:set_yaw(direction - math.pi / 2)
    self:report(late)
  end,

  report = function(self, late)
    local position = self.object:get_pos()
    print(("%d %d %.4f %.4f %.3f %d"):format(
      self.decisions, self.bot, position.x, position.z, self.heading, late and 1 or 0))
    self.decisions = self.decisions + 1
    if self.decisions == num_ticks then
      living = living - 1
      if living == 0 then minetest.request_shutdown() end
    end
  end,
}))

local function build_corridor()
  for x = -1, LENGTH do
    for z = -HALF_WIDTH - 1, HALF_WIDTH do
      local baffle = (x == 8 and z < 1) or (x == 16 and z > -2)
      local edge = x == -1 or x == LENGTH or z == -HALF_WIDTH - 1 or z == HALF_WIDTH
      for y = -1, HEIGHT do
        if y < 0 or edge or baffle then minetest.set_node({ x = x, y = y, z = z }, { name = "corridor:wall" }) end
      end
    end
  end
end

-- Nobody needs to be near: forced blocks stay active.
local function begin()
  build_corridor()
  for x = 0, LENGTH, 16 do
    for z = -16, 0, 16 do minetest.forceload_block({ x = x, y = 0, z = z }, true) end
  end
  local walkers, blind = setting("walkers", 2), setting("blind", 0)
  for each = 0, walkers + blind - 1 do
    local z = -2.5 + 2 * (each % walkers) / walkers
    minetest.add_entity({ x = 1, y = -0.5, z = z }, "corridor:walker", each < walkers and "" or "blind")
  end
end

local corner, opposite = { x = -16, y = -16, z = -16 }, { x = LENGTH + 16, y = 16, z = 16 }
minetest.register_on_mods_loaded(function()
  minetest.after(0, function()
    minetest.emerge_area(corner, opposite, function(_, _, remaining)
      if remaining == 0 then begin() end
    end)
  end)
end)
