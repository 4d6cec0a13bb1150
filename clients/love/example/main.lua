-- Bots of a served bundle in a Box2D corridor.
--
--     UNDERSTUDY_LIBRARY=build/clients/c/libunderstudy.so love clients/love/example
--
-- UNDERSTUDY_ADDRESS is the server (127.0.0.1:50051); UNDERSTUDY_BOTS how many bots walk (3); UNDERSTUDY_BLIND=1 takes
-- their sight away. With UNDERSTUDY_TICKS=N nothing is drawn: the game runs N decisions as fast as it can, prints
-- "tick bot x y heading late" for each bot, and ends.

package.path = love.filesystem.getSource() .. "/../../lua/?.lua;" .. package.path

local Arena = require("arena")
local understudy = require("understudy")(require("ffi"), os.getenv("UNDERSTUDY_LIBRARY") or "libunderstudy.so")

local num_bots = tonumber(os.getenv("UNDERSTUDY_BOTS") or 3)
local num_ticks = tonumber(os.getenv("UNDERSTUDY_TICKS"))
local blind = os.getenv("UNDERSTUDY_BLIND") == "1"
local arena, stream, rays
local waited = 0

function love.load()
  local client = assert(understudy.connect(os.getenv("UNDERSTUDY_ADDRESS") or "127.0.0.1:50051"))
  stream = assert(client:open("", { max_bots = num_bots, patience_ms = num_ticks and 0 or 50 }))
  rays = assert(stream:rays("rays"))
  arena = Arena.new()
  for number = 1, num_bots do
    local bot = arena:add_bot(number, 1, -2.5 + 2 * (number - 1) / num_bots)
    stream:spawn(bot.number, bot.number)
    stream:set(number, bot.number)
  end
  if num_ticks then
    for tick = 0, num_ticks - 1 do
      local late = decide()
      arena:pass(1 / stream.decision_hz)
      for _, bot in ipairs(arena.bots) do
        local x, y = bot.body:getPosition()
        print(("%d %d %.4f %.4f %.3f %d"):format(tick, bot.number, x, y, bot.heading, late and 1 or 0))
      end
    end
    stream:close()
    love.event.quit(0)
  end
end

-- One decision of every bot. Returns whether it came late.
function decide()
  for row, bot in ipairs(arena.bots) do
    local reading = stream:sensor(row, "rays")
    arena:sense(bot, rays, reading)
    if blind then
      for index = 0, #rays.angles - 1 do
        reading[2 * index], reading[2 * index + 1] = rays.reach, 0
      end
    end
  end
  local late, why = stream:tick(#arena.bots)
  assert(late ~= nil, why)
  for row, bot in ipairs(arena.bots) do
    arena:act(bot, stream:action(row, "turn")[0], tonumber(stream:action(row, "pace")[0]))
  end
  return late
end

function love.update(seconds)
  waited = waited + seconds
  if waited > 1 / stream.decision_hz then
    waited = 0
    decide()
  end
  arena:pass(seconds)
end

function love.draw()
  arena:draw()
end
