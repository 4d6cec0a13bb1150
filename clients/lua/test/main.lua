-- What clients/lua/understudy.lua promises, checked against a running server of the steering bundle.
--
--     UNDERSTUDY_LIBRARY=... UNDERSTUDY_ADDRESS=... love clients/lua/test

package.path = love.filesystem.getSource() .. "/../?.lua;" .. package.path

local understudy = require("understudy")(require("ffi"), os.getenv("UNDERSTUDY_LIBRARY"))

local function check_error(words, value, sentence)
  assert(value == nil, "should have failed with: " .. words)
  assert(sentence:find(words, 1, true), sentence)
end

-- What row 1 sees: everything far, but `left` metres to the left.
local function look(stream, left)
  local reading = stream:sensor(1, "rays")
  for ray = 0, 14 do reading[2 * ray], reading[2 * ray + 1] = ray < 7 and left or 10, 0 end
end

local function turn_after(stream, left)
  look(stream, left)
  assert(stream:tick(1) == false)
  return stream:action(1, "turn")[0]
end

local function about(value, expected)
  assert(math.abs(value - expected) < 0.01, value)
end

function love.load()
  local client = assert(understudy.connect(os.getenv("UNDERSTUDY_ADDRESS")))
  check_error("no bundle", client:open("runner"))
  check_error("address is needed", understudy.connect(""))

  local stream = assert(client:open("walker", { max_bots = 2, fallback = "nothing" }))
  local rays = stream:rays("rays")
  assert(#rays.angles == 15 and rays.angles[1] == -90 and rays.reach == 10 and rays.types[1] == "wall")
  assert(stream.bundle == "walker" and stream.decision_hz == 10 and #stream.lease > 0)
  check_error("no ray fan 'sonar'", stream:rays("sonar"))

  stream:set(1, 7)
  check_error("Bot 7 does not live", stream:tick(1))
  assert(stream:spawn(7, 1, "even"))
  check_error("takes 1", stream:spawn(8, 1, { 1, 2 }))
  about(turn_after(stream, 10), 0)
  assert(stream:restyle(7, { -1 }))
  about(turn_after(stream, 10), -15)
  assert(stream:restyle(7, "even") and stream:spawn(7, 1))

  local first = turn_after(stream, 2)
  assert(stream:save(7) and stream:tick(0) == false)
  local state = stream:saved()[7]
  local second = turn_after(stream, 2)
  assert(second > first and stream:despawn(7) and stream:spawn_saved(7, state))
  about(turn_after(stream, 2), second)

  assert(stream:played(7, { turn = { 3 }, pace = { 1 }, buttons = { 0, 1 } }))
  check_error("which is not in this tick", stream:tick(0))
  check_error("not about to start", stream:record(7, { player = "ann" }))
  assert(stream:submit(1))
  local late = stream:poll()
  while late == "waiting" do late = stream:poll() end
  assert(late == false)

  assert(stream:spawn(8, 1) and stream:record(8, { player = "ann" }))
  local gone, why = stream:tick(1)
  assert(gone == "gone" and why:find("records nothing", 1, true) and stream:action(1, "turn")[0] == 0)
  stream:close()
  stream:close()
  client:close()
  print("Every promise holds.")
  love.event.quit(0)
end

function love.errorhandler(message)
  print(message)
  return function() return 1 end
end
