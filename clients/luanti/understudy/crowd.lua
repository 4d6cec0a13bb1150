-- The living bots of one bundle: sends their ticks at the bundle's rate, and hands the answers out.

local Crowd = {}
Crowd.__index = Crowd

function Crowd.new(stream)
  return setmetatable({
    stream = stream,
    rays = stream:rays("rays"),
    bots = {},     -- Living entities by number.
    rows = {},     -- The entities of the tick under way, in the order of its rows.
    next_bot = 1,
    waited = 0,
    in_flight = false,
  }, Crowd)
end

function Crowd:add(entity)
  local bot = self.next_bot
  local spawned, why = self.stream:spawn(bot, bot)
  if not spawned then
    minetest.log("warning", "[understudy] " .. why)
    return
  end
  self.next_bot = bot + 1
  self.bots[bot], entity.bot, entity.rays = entity, bot, self.rays
end

function Crowd:remove(entity)
  if not self.bots[entity.bot] then return end
  self.bots[entity.bot] = nil
  self.stream:despawn(entity.bot)
end

function Crowd:step(seconds)
  local period = 1 / self.stream.decision_hz
  self.waited = math.min(self.waited + seconds, 2 * period)
  if self.in_flight then self:take() end
  if not self.in_flight and self.waited >= period then
    self.waited = self.waited - period
    self:send()
  end
end

-- Entities get plain tables, never the binding's pointers: a mod that writes beyond a row would write anywhere.
local function write(stream, row, observation)
  for name, count in pairs(stream.sensor_counts) do
    local numbers, pointer = observation[name], stream:sensor(row, name)
    for index = 1, count do pointer[index - 1] = numbers[index] end
  end
end

local function read(stream, row)
  local action = {}
  for name, count in pairs(stream.part_counts) do
    local pointer, numbers = stream:action(row, name), {}
    for index = 1, count do numbers[index] = tonumber(pointer[index - 1]) end
    action[name] = numbers
  end
  return action
end

function Crowd:send()
  self.rows = {}
  for bot, entity in pairs(self.bots) do
    if entity.object:get_pos() then
      table.insert(self.rows, entity)
      self.stream:set(#self.rows, bot)
      write(self.stream, #self.rows, entity:see())
    end
  end
  local sent, why = self.stream:submit(#self.rows)
  if sent == nil then minetest.log("error", "[understudy] " .. why) end
  self.in_flight = sent == true
end

function Crowd:take()
  local late, why = self.stream:poll()
  if late == "waiting" then return end
  self.in_flight = false
  if why and why ~= self.told then minetest.log("error", "[understudy] " .. why) end
  self.told = why
  if late == nil then return end
  for row, entity in ipairs(self.rows) do
    if self.bots[entity.bot] then entity:act(read(self.stream, row), late) end
  end
end

return Crowd
