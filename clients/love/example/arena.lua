-- A corridor with two baffles in Box2D, and round bots in it that sense by world:rayCast. Lengths are metres.

local Arena = {}
Arena.__index = Arena

local WALLS = {
  { 0, -4, 24, -4 }, { 0, 4, 24, 4 }, { 0, -4, 0, 4 }, { 24, -4, 24, 4 }, { 8, -4, 8, 1 }, { 16, -1, 16, 4 },
}
local RADIUS = 0.3
local SPEED = 2.5 -- metres a second for each step of pace
local PHYSICS_HZ = 60

function Arena.new()
  love.physics.setMeter(1)
  local self = setmetatable({ world = love.physics.newWorld(0, 0), walls = WALLS, bots = {} }, Arena)
  local ground = love.physics.newBody(self.world, 0, 0, "static")
  for _, wall in ipairs(WALLS) do love.physics.newFixture(ground, love.physics.newEdgeShape(unpack(wall))) end
  return self
end

function Arena:add_bot(number, x, y)
  local body = love.physics.newBody(self.world, x, y, "dynamic")
  local fixture = love.physics.newFixture(body, love.physics.newCircleShape(RADIUS))
  fixture:setCategory(2)
  fixture:setMask(2) -- Bots pass each other.
  fixture:setFriction(0)
  body:setFixedRotation(true)
  local bot = { number = number, body = body, heading = 0, speed = 0 }
  table.insert(self.bots, bot)
  return bot
end

-- Write what a bot sees into `reading`: for each ray a distance, and 1 if it met a wall.
function Arena:sense(bot, rays, reading)
  local x, y = bot.body:getPosition()
  for index, angle in ipairs(rays.angles) do
    local direction, nearest = math.rad(bot.heading - angle), 1
    self.world:rayCast(x, y, x + rays.reach * math.cos(direction), y + rays.reach * math.sin(direction),
      function(fixture, _, _, _, _, fraction)
        if fixture:getCategory() ~= 1 then return -1 end -- another bot: look through it
        nearest = math.min(nearest, fraction)
        return fraction
      end)
    reading[2 * index - 2] = nearest * rays.reach
    reading[2 * index - 1] = nearest < 1 and 1 or 0
  end
end

-- Turn by degrees to the right, and walk on at `pace` (0, 1 or 2).
function Arena:act(bot, turn, pace)
  bot.heading = bot.heading - turn
  bot.speed = SPEED * pace
end

-- Let `seconds` pass in steps of the physics.
function Arena:pass(seconds)
  for _ = 1, math.floor(seconds * PHYSICS_HZ + 0.5) do
    for _, bot in ipairs(self.bots) do
      local direction = math.rad(bot.heading)
      bot.body:setLinearVelocity(bot.speed * math.cos(direction), bot.speed * math.sin(direction))
    end
    self.world:update(1 / PHYSICS_HZ)
  end
end

function Arena:draw()
  love.graphics.translate(20, 180)
  love.graphics.scale(38, -38)
  love.graphics.setLineWidth(0.05)
  for _, wall in ipairs(self.walls) do love.graphics.line(wall) end
  for _, bot in ipairs(self.bots) do
    local x, y = bot.body:getPosition()
    local direction = math.rad(bot.heading)
    love.graphics.circle("fill", x, y, RADIUS)
    love.graphics.line(x, y, x + math.cos(direction), y + math.sin(direction))
  end
end

return Arena
