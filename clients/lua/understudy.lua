-- Bots that an Understudy server plays, for games on LuaJIT: LÖVE, Luanti and others.
--
--     local understudy = require("understudy")(require("ffi"), "libunderstudy.so")
--     local client = assert(understudy.connect("127.0.0.1:50051"))
--     local stream = assert(client:open("rusher", { max_bots = 8, patience_ms = 50 }))
--     stream:spawn(7, 1234)
--     stream:set(1, 7)                              -- row 1 is bot 7
--     stream:sensor(1, "rays")[0] = 3.5             -- what it sees: a pointer into the row, counted from 0
--     local late = stream:tick(1)                   -- one row decides
--     local turn = stream:action(1, "turn")[0]
--     stream:close()
--
-- Rows count from 1, as Lua does; what a pointer points at counts from 0, as C does. Functions that fail return nil and
-- one sentence. A stream belongs to one thread (understudy.h has the rules). A tick makes no garbage.

-- The declarations of clients/c/include/understudy.h, which a test compares with these.
local DECLARATIONS = [[
typedef struct us_client us_client;
typedef struct us_stream us_stream;
typedef enum us_status {
  US_OK = 0,
  US_WAIT = 1,
  US_MISTAKE = -1,
  US_GONE = -2
} us_status;
typedef enum us_fallback {
  US_FALLBACK_REPEAT = 0,
  US_FALLBACK_NOTHING = 1
} us_fallback;
typedef enum us_late {
  US_LATE_NO = 0,
  US_LATE_BUDGET = 1,
  US_LATE_OVERLOAD = 2,
  US_LATE_CLIENT = 3,
  US_LATE_GONE = 4
} us_late;
typedef enum us_dtype {
  US_FLOAT32 = 0,
  US_FLOAT64 = 1,
  US_INT8 = 2,
  US_UINT8 = 3,
  US_INT16 = 4,
  US_UINT16 = 5,
  US_INT32 = 6,
  US_UINT32 = 7,
  US_INT64 = 8,
  US_UINT64 = 9,
  US_BOOL = 10
} us_dtype;
typedef enum us_kind {
  US_BOX = 0,
  US_DISCRETE = 1,
  US_MULTI_BINARY = 2
} us_kind;
typedef struct us_field {
  const char* name;
  const char* units;
  us_kind kind;
  us_dtype dtype;
  uint32_t rank;
  uint32_t shape[8];
  uint32_t count;
  uint32_t bytes;
  uint32_t offset;
  uint32_t choices;
  const char* const* labels;
  const char* computed_json;
} us_field;
typedef struct us_rays {
  uint32_t count;
  uint32_t num_types;
  const double* angles;
  double reach;
  const char* const* types;
} us_rays;
typedef struct us_connect_options {
  size_t size;
  const char* token;
  const char* root_pem;
  const char* cert_pem;
  const char* key_pem;
  const char* server_name;
} us_connect_options;
typedef struct us_open_options {
  size_t size;
  const char* spec_json;
  const char* resume;
  us_fallback fallback;
  uint32_t budget_us;
  uint32_t patience_ms;
  uint32_t open_timeout_ms;
  uint32_t max_bots;
  uint32_t max_in_flight;
  uint32_t spin_us;
} us_open_options;
typedef struct us_style {
  const char* name;
  const float* vector;
  uint32_t count;
} us_style;
typedef struct us_record_info {
  const char* player;
  const char* game;
  const char* build;
  const char* map;
} us_record_info;
typedef struct us_saved {
  uint32_t bot;
  const void* state;
  size_t size;
} us_saved;
typedef struct us_answer {
  uint64_t tick;
  us_late late;
  uint32_t count;
  const uint32_t* bots;
  const uint8_t* actions;
  uint32_t num_saved;
  const us_saved* saved;
} us_answer;
int us_abi_version(void);
const char* us_last_error(void);
us_client* us_connect(const char* address, const us_connect_options* options);
void us_disconnect(us_client* client);
us_stream* us_open(us_client* client, const char* bundle, const us_open_options* options);
void us_close(us_stream* stream);
const char* us_bundle(const us_stream* stream);
const char* us_digest(const us_stream* stream);
const char* us_spec_json(const us_stream* stream);
double us_decision_hz(const us_stream* stream);
uint32_t us_style_size(const us_stream* stream);
const char* us_lease(const us_stream* stream);
float us_grace_s(const us_stream* stream);
uint32_t us_resumed(const us_stream* stream, const uint32_t** bots);
uint64_t us_resumed_ticks(const us_stream* stream);
uint32_t us_num_sensors(const us_stream* stream);
uint32_t us_num_actions(const us_stream* stream);
const us_field* us_sensor(const us_stream* stream, uint32_t index);
const us_field* us_action(const us_stream* stream, uint32_t index);
const us_field* us_find_sensor(const us_stream* stream, const char* name);
const us_field* us_find_action(const us_stream* stream, const char* name);
const us_rays* us_sensor_rays(const us_stream* stream, uint32_t index);
uint32_t us_observation_bytes(const us_stream* stream);
uint32_t us_action_bytes(const us_stream* stream);
us_status us_spawn(us_stream* stream, uint32_t bot, uint64_t seed, const us_style* style);
us_status us_spawn_saved(us_stream* stream, uint32_t bot, const void* state, size_t size);
us_status us_despawn(us_stream* stream, uint32_t bot);
us_status us_restyle(us_stream* stream, uint32_t bot, const us_style* style);
us_status us_save(us_stream* stream, uint32_t bot);
us_status us_record(us_stream* stream, uint32_t bot, const us_record_info* info);
us_status us_played(us_stream* stream, uint32_t bot, const void* action);
us_status us_submit(us_stream* stream, const uint32_t* bots, uint32_t count, const void* observations,
                           uint64_t* tick);
us_status us_poll(us_stream* stream, const us_answer** answer);
us_status us_wait(us_stream* stream, const us_answer** answer);
us_status us_tick(us_stream* stream, const uint32_t* bots, uint32_t count, const void* observations,
                         const us_answer** answer);
]]

local ABI_VERSION = 1
local DTYPES = {
  [0] = "float", "double", "int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t", "int64_t", "uint64_t",
  "uint8_t",
}
local FALLBACKS = { ["repeat"] = 0, nothing = 1 }
local LATE = { [0] = false, "budget", "overload", "client", "gone" }

local function load_library(ffi, path)
  ffi.cdef(DECLARATIONS)
  local C = ffi.load(path)
  if C.us_abi_version() ~= ABI_VERSION then
    error(("%s has ABI version %d, this binding needs %d"):format(path, C.us_abi_version(), ABI_VERSION))
  end

  local function failure()
    return nil, ffi.string(C.us_last_error())
  end

  local function succeeded(status)
    if status == C.US_OK then return true end
    return failure()
  end

  -- A pointer to each field of each row, made once, so that reading and writing them makes no garbage.
  local function field_pointers(fields, num_fields, rows, row_bytes, max_rows)
    local pointers, counts = {}, {}
    for index = 0, num_fields - 1 do
      local field, views = fields(index), {}
      for row = 1, max_rows do
        views[row] = ffi.cast(DTYPES[tonumber(field.dtype)] .. "*", rows + (row - 1) * row_bytes + field.offset)
      end
      pointers[ffi.string(field.name)], counts[ffi.string(field.name)] = views, field.count
    end
    return pointers, counts
  end

  local Stream = {}
  Stream.__index = Stream

  local function new_stream(handle, max_bots)
    local observation_bytes, action_bytes = C.us_observation_bytes(handle), C.us_action_bytes(handle)
    local self = setmetatable({
      handle = ffi.gc(handle, C.us_close),
      max_bots = max_bots,
      bundle = ffi.string(C.us_bundle(handle)),
      decision_hz = C.us_decision_hz(handle),
      lease = ffi.string(C.us_lease(handle)),
      bots = ffi.new("uint32_t[?]", max_bots),
      observations = ffi.new("uint8_t[?]", max_bots * observation_bytes),
      actions = ffi.new("uint64_t[?]", max_bots * action_bytes / 8), -- uint64_t, to be aligned for every part
      action_bytes = action_bytes,
      answer = ffi.new("const us_answer *[1]"),
    }, Stream)
    local action_rows = ffi.cast("uint8_t*", self.actions)
    local function sensor(index) return C.us_sensor(handle, index) end
    local function action(index) return C.us_action(handle, index) end
    self.sensors, self.sensor_counts =
      field_pointers(sensor, C.us_num_sensors(handle), self.observations, observation_bytes, max_bots)
    self.parts, self.part_counts =
      field_pointers(action, C.us_num_actions(handle), action_rows, action_bytes, max_bots)
    self.person_row = ffi.new("uint64_t[?]", action_bytes / 8)
    local person_row = ffi.cast("uint8_t*", self.person_row)
    self.person = field_pointers(action, C.us_num_actions(handle), person_row, action_bytes, 1)
    return self
  end

  -- The angles (degrees, positive to the right), reach and types of a sensor that is a ray fan; nil if it is none.
  function Stream:rays(name)
    for index = 0, C.us_num_sensors(self.handle) - 1 do
      local rays = C.us_sensor_rays(self.handle, index)
      if rays ~= nil and ffi.string(C.us_sensor(self.handle, index).name) == name then
        local table_of = { reach = rays.reach, angles = {}, types = {} }
        for each = 0, rays.count - 1 do table_of.angles[each + 1] = rays.angles[each] end
        for each = 0, rays.num_types - 1 do table_of.types[each + 1] = ffi.string(rays.types[each]) end
        return table_of
      end
    end
    return nil, ("The bundle has no ray fan '%s'."):format(name)
  end

  -- The C form of a style, and what its pointers need to live.
  local function to_style(style)
    if style == nil then return nil end
    if type(style) == "string" then return ffi.new("us_style", { name = style }), style end
    local vector = ffi.new("float[?]", #style, style)
    return ffi.new("us_style", { vector = vector, count = #style }), vector
  end

  -- Start `bot` afresh with the next tick. `style` is nil, a name, or a list of numbers.
  function Stream:spawn(bot, seed, style)
    local form, kept = to_style(style)
    local status = C.us_spawn(self.handle, bot, seed, form)
    self.kept = kept -- used here, so that it is not collected before
    return succeeded(status)
  end

  -- Start `bot` with the next tick where a saved one stopped; `state` is a string from `saved`.
  function Stream:spawn_saved(bot, state)
    return succeeded(C.us_spawn_saved(self.handle, bot, state, #state))
  end

  function Stream:despawn(bot)
    return succeeded(C.us_despawn(self.handle, bot))
  end

  function Stream:restyle(bot, style)
    local form, kept = to_style(style)
    local status = C.us_restyle(self.handle, bot, form)
    self.kept = kept
    return succeeded(status)
  end

  -- Have the answer to the next tick hold the state of `bot`.
  function Stream:save(bot)
    return succeeded(C.us_save(self.handle, bot))
  end

  -- Have the server record `bot` from its spawn on; `info` may name player, game, build and map. Before the next tick.
  function Stream:record(bot, info)
    return succeeded(C.us_record(self.handle, bot, ffi.new("us_record_info", info or {})))
  end

  -- Say what a person, who has the controls of `bot`, does in the next tick: for each part a list of its numbers.
  function Stream:played(bot, action)
    for name, views in pairs(self.person) do
      for index = 1, self.part_counts[name] do views[1][index - 1] = action[name][index] end
    end
    return succeeded(C.us_played(self.handle, bot, self.person_row))
  end

  -- Say that row `row` is of `bot`.
  function Stream:set(row, bot)
    self.bots[row - 1] = bot
  end

  -- A pointer to a sensor's numbers in a row, to be written before a tick.
  function Stream:sensor(row, name)
    return self.sensors[name][row]
  end

  -- A pointer to an action part's numbers in a row, to be read after a tick.
  function Stream:action(row, name)
    return self.parts[name][row]
  end

  -- Take over what the answer holds. Returns whether it is late: false, "budget", "overload", "client" or "gone"; with
  -- "gone" the second value says why.
  function Stream:taken(status)
    if status == C.US_WAIT then return "waiting" end
    if status == C.US_MISTAKE then return failure() end
    local answer = self.answer[0]
    ffi.copy(self.actions, answer.actions, answer.count * self.action_bytes)
    if status == C.US_GONE then return "gone", ffi.string(C.us_last_error()) end
    return LATE[tonumber(answer.late)]
  end

  -- Let the first `count` rows decide once, and wait for it. Returns as `taken`; nil and a sentence for a mistake.
  function Stream:tick(count)
    return self:taken(C.us_tick(self.handle, self.bots, count, self.observations, self.answer))
  end

  -- Send a tick of the first `count` rows without waiting; false if too many are under way.
  function Stream:submit(count)
    local status = C.us_submit(self.handle, self.bots, count, self.observations, nil)
    if status == C.US_MISTAKE then return failure() end
    return status == C.US_OK
  end

  -- The answer to the oldest submitted tick, as `taken`; "waiting" if it is not there yet.
  function Stream:poll()
    return self:taken(C.us_poll(self.handle, self.answer))
  end

  -- The states that the last answer held, strings by bot.
  function Stream:saved()
    local answer, states = self.answer[0], {}
    for index = 0, answer.num_saved - 1 do
      local each = answer.saved[index]
      states[each.bot] = ffi.string(each.state, each.size)
    end
    return states
  end

  -- End the stream and its bots. Calling it twice does no harm.
  function Stream:close()
    if self.handle ~= nil then C.us_close(ffi.gc(self.handle, nil)) end
    self.handle = nil
  end

  local Client = {}
  Client.__index = Client

  -- Open a bundle. Options: max_bots, patience_ms, budget_us, fallback ("repeat" or "nothing"), resume, spec_json,
  -- open_timeout_ms, max_in_flight, spin_us; understudy.h describes each.
  function Client:open(bundle, options)
    local form = ffi.new("us_open_options")
    for name, value in pairs(options or {}) do form[name] = name == "fallback" and FALLBACKS[value] or value end
    form.size = ffi.sizeof(form)
    form.max_bots = form.max_bots > 0 and form.max_bots or 256
    local handle = C.us_open(self.handle, bundle, form)
    if handle == nil then return failure() end
    return new_stream(handle, form.max_bots)
  end

  function Client:close()
    if self.handle ~= nil then C.us_disconnect(ffi.gc(self.handle, nil)) end
    self.handle = nil
  end

  -- Name a server, "host:port". Options: token, root_pem, cert_pem, key_pem, server_name.
  local function connect(address, options)
    local form = ffi.new("us_connect_options")
    for name, value in pairs(options or {}) do form[name] = value end
    form.size = ffi.sizeof(form)
    local handle = C.us_connect(address, form)
    if handle == nil then return failure() end
    return setmetatable({ handle = ffi.gc(handle, C.us_disconnect) }, Client)
  end

  return { connect = connect }
end

return load_library
