#include "layout.h"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "error.h"

namespace understudy {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
constexpr uint32_t kRowAlignment = 8;
constexpr uint64_t kMaxBytes = 1u << 28;  // Of one field: no game's sensor, and no overflow below.

struct DtypeName {
  const char* name;
  us_dtype dtype;
  uint32_t bytes;
};

constexpr std::array<DtypeName, 11> kDtypes = {{
    {"float32", US_FLOAT32, 4},
    {"float64", US_FLOAT64, 8},
    {"int8", US_INT8, 1},
    {"uint8", US_UINT8, 1},
    {"int16", US_INT16, 2},
    {"uint16", US_UINT16, 2},
    {"int32", US_INT32, 4},
    {"uint32", US_UINT32, 4},
    {"int64", US_INT64, 8},
    {"uint64", US_UINT64, 8},
    {"bool", US_BOOL, 1},
}};

us_dtype dtype_named(const std::string& name) {
  for (const DtypeName& each : kDtypes)
    if (name == each.name) return each.dtype;
  throw Mistake("The bundle's spec has the dtype '" + name + "', which this library does not know; update it.");
}

uint32_t round_up(uint32_t value, uint32_t multiple) { return (value + multiple - 1) / multiple * multiple; }

void set_shape(us_field& field, const std::vector<uint32_t>& shape) {
  if (shape.size() > US_MAX_RANK)
    throw Mistake("'" + std::string(field.name) + "' has " + std::to_string(shape.size()) +
                  " dimensions; this library reads " + std::to_string(US_MAX_RANK) + ".");
  uint64_t bytes = size_of(field.dtype);
  field.rank = static_cast<uint32_t>(shape.size());
  for (uint32_t axis = 0; axis < field.rank; ++axis) {
    field.shape[axis] = shape[axis];
    bytes *= shape[axis];
    if (bytes > kMaxBytes) throw Mistake("'" + std::string(field.name) + "' is larger than this library reads.");
  }
  field.bytes = static_cast<uint32_t>(bytes);
  field.count = field.bytes / size_of(field.dtype);
}

}  // namespace

uint32_t size_of(us_dtype dtype) { return kDtypes[dtype].bytes; }

void Row::add(us_field field) {
  field.offset = round_up(bytes_, size_of(field.dtype));
  bytes_ = field.offset + field.bytes;
  fields_.push_back(field);
}

void Row::finish() { bytes_ = round_up(bytes_, kRowAlignment); }

const us_field* Row::find(const char* what, const std::string& name) const {
  std::string names;
  for (const us_field& each : fields_) {
    if (name == each.name) return &each;
    names += (names.empty() ? "" : ", ") + std::string(each.name);
  }
  throw Mistake("The bundle has no " + std::string(what) + " '" + name + "'; it has " + names + ".");
}

// Turns the JSON form into fields whose strings the layout owns.
class Layout::Reader {
 public:
  explicit Reader(Layout& layout) : layout_(layout) {}

  us_field sensor(const json& form) {
    us_field field = named(form);
    box(field, form.at("space"));
    field.computed_json = keep(form.value("computed", json::object()).dump());
    return field;
  }

  us_field action(const json& form) {
    us_field field = named(form);
    const json& space = form.at("space");
    const std::string type = space.at("type");
    if (type == "discrete") {
      choices(field, US_DISCRETE, US_INT64, space, {});
    } else if (type == "multi_binary") {
      choices(field, US_MULTI_BINARY, US_INT8, space, {space.at("n").get<uint32_t>()});
    } else {
      box(field, space);
    }
    if (form.contains("labels") && !form.at("labels").empty()) field.labels = keep_words(form.at("labels"));
    return field;
  }

  std::unique_ptr<us_rays> rays(const json& form) {
    const json computed = form.value("computed", json::object());
    if (computed.value("kind", "") != "rays") return nullptr;
    auto& angles = layout_.numbers_.emplace_back(computed.at("angles").get<std::vector<double>>());
    auto rays = std::make_unique<us_rays>();
    rays->count = static_cast<uint32_t>(angles.size());
    rays->num_types = static_cast<uint32_t>(computed.at("types").size());
    rays->angles = angles.data();
    rays->reach = computed.at("reach");
    rays->types = keep_words(computed.at("types"));
    return rays;
  }

 private:
  us_field named(const json& form) {
    us_field field{};
    field.name = keep(form.at("name"));
    field.units = keep(form.value("units", ""));
    field.computed_json = "{}";
    return field;
  }

  void box(us_field& field, const json& space) {
    field.kind = US_BOX;
    field.dtype = dtype_named(space.at("dtype"));
    set_shape(field, space.at("shape").get<std::vector<uint32_t>>());
  }

  void choices(us_field& field, us_kind kind, us_dtype dtype, const json& space, const std::vector<uint32_t>& shape) {
    field.kind = kind;
    field.dtype = dtype;
    field.choices = space.at("n");
    set_shape(field, shape);
  }

  const char* keep(std::string text) { return layout_.strings_.emplace_back(std::move(text)).c_str(); }

  const char* const* keep_words(const json& list) {
    auto& words = layout_.words_.emplace_back();
    for (const json& each : list) words.push_back(keep(each));
    return words.data();
  }

  Layout& layout_;
};

Layout::Layout(const std::string& spec_json) {
  try {
    const json form = json::parse(spec_json);
    if (form.at("format") != kFormat)
      throw Mistake("The bundle's spec has format " + form.at("format").dump() + "; this library reads format 1.");
    Reader reader(*this);
    for (const json& each : form.at("sensors")) {
      observation_.add(reader.sensor(each));
      rays_.push_back(reader.rays(each));
    }
    for (const json& each : form.at("actions")) action_.add(reader.action(each));
    decision_hz_ = form.at("decision_hz");
  } catch (const json::exception& error) {
    throw Mistake("The server sent a spec that is none: " + std::string(error.what()) + ".");
  }
  observation_.finish();
  action_.finish();
}

const us_rays* Layout::rays(uint32_t sensor) const { return sensor < rays_.size() ? rays_[sensor].get() : nullptr; }

}  // namespace understudy
