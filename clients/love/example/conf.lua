-- Without a display (UNDERSTUDY_TICKS is set) the game is its rules alone: no window, no sound.
function love.conf(t)
  t.identity = "understudy-example"
  if not os.getenv("UNDERSTUDY_TICKS") then
    t.window.title, t.window.width, t.window.height = "Understudy: bots in a corridor", 960, 360
    return
  end
  t.window = nil
  for _, name in ipairs({ "audio", "graphics", "joystick", "mouse", "sound", "touch", "video", "window" }) do
    t.modules[name] = false
  end
end
