-- LÖVE as a plain LuaJIT.
function love.conf(t)
  t.identity = "understudy-test"
  t.window = nil
  for name in pairs(t.modules) do t.modules[name] = name == "event" or name == "filesystem" end
end
