-- Entities that an Understudy server plays. Needs `secure.trusted_mods = understudy`, for LuaJIT's FFI, and beside this
-- file a copy of clients/lua/understudy.lua.
--
--     minetest.register_entity("mymod:guard", understudy.entity({
--       bundle = "rusher",                       -- "" if the server plays just one
--       initial_properties = { physical = true },
--       see = function(self) return { rays = { 3.5, 1, ... } } end,   -- every sensor's numbers, as flat lists
--       act = function(self, action, late) ... action.turn[1] ... end, -- every part's numbers
--     }))
--
-- A server step never waits: a tick is sent in one step and its answer is taken in a later one.

local path = minetest.get_modpath(minetest.get_current_modname())
local insecure = minetest.request_insecure_environment()
if not insecure then
  error("The mod understudy loads a C library: add it to secure.trusted_mods in minetest.conf.")
end

-- The binding stays in this file: other mods get entities, not the FFI.
local function setting(name, default)
  return minetest.settings:get("understudy_" .. name) or default
end

local binding = assert(insecure.loadfile(path .. "/understudy.lua"))()
local library = binding(insecure.require("ffi"), setting("library", "libunderstudy.so"))
local Crowd = dofile(path .. "/crowd.lua")
local crowds = {}
local client

local function crowd_of(bundle)
  if not crowds[bundle] then
    client = client or assert(library.connect(setting("address", "127.0.0.1:50051")))
    local patience = tonumber(setting("patience_ms", 200))
    crowds[bundle] = Crowd.new(assert(client:open(bundle, { max_bots = 256, patience_ms = patience })))
  end
  return crowds[bundle]
end

understudy = {}

-- Return an entity definition whose bots the bundle plays; `see` and `act` are called about decision_hz times a second.
function understudy.entity(definition)
  local bundle = definition.bundle or ""
  local on_activate, on_deactivate = definition.on_activate, definition.on_deactivate
  function definition.on_activate(self, ...)
    if on_activate then on_activate(self, ...) end
    crowd_of(bundle):add(self)
  end
  function definition.on_deactivate(self, ...)
    crowd_of(bundle):remove(self)
    if on_deactivate then on_deactivate(self, ...) end
  end
  return definition
end

-- Return the reading of a ray fan whose first type is a node: for each ray a distance, then 1 if it met one.
--   rays       the entity's self.rays: angles, reach and types as the bundle's spec has them
--   position   where the rays start
--   heading    degrees counter-clockwise from +x, seen from above
function understudy.cast_rays(rays, position, heading)
  local reading, width = {}, 1 + #rays.types
  for index, angle in ipairs(rays.angles) do
    local direction = math.rad(heading - angle)
    local far = vector.new(math.cos(direction), 0, math.sin(direction))
    local hit = Raycast(position, vector.add(position, vector.multiply(far, rays.reach)), false, false):next()
    local first = (index - 1) * width + 1
    reading[first] = hit and vector.distance(position, hit.intersection_point) or rays.reach
    for type = 1, #rays.types do reading[first + type] = (hit and type == 1) and 1 or 0 end
  end
  return reading
end

minetest.register_globalstep(function(seconds)
  for _, crowd in pairs(crowds) do crowd:step(seconds) end
end)

minetest.register_on_shutdown(function()
  for _, crowd in pairs(crowds) do crowd.stream:close() end
  if client then client:close() end
end)
