#include "wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>

#include <cstring>
#include <string>

#include "error.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The wire is little-endian, and rows are copied as they are: this library needs a little-endian machine."
#endif

namespace understudy {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr uint32_t kTickTag =
    WireFormatLite::MakeTag(v1::PlayRequest::kTickFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
constexpr uint32_t kSensorTag =
    WireFormatLite::MakeTag(v1::Tick::kSensorsFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
constexpr uint32_t kActionsTag =
    WireFormatLite::MakeTag(v1::PlayResponse::kActionsFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
constexpr size_t kTagAndSize = 1 + 10;

// All bits of the exponent are set in infinities and NaNs, and only there. Integers, so that the loop vectorises.
template <class Bits>
bool all_finite(const uint8_t* bytes, uint32_t count, Bits exponent) {
  bool found = false;
  for (uint32_t index = 0; index < count; ++index) {
    Bits bits;
    std::memcpy(&bits, bytes + index * sizeof bits, sizeof bits);
    found |= (bits & exponent) == exponent;
  }
  return !found;
}

bool is_finite(const us_field& field, const uint8_t* value, uint32_t count) {
  if (field.dtype == US_FLOAT32) return all_finite<uint32_t>(value, count, 0x7f800000u);
  if (field.dtype == US_FLOAT64) return all_finite<uint64_t>(value, count, 0x7ff0000000000000u);
  return true;
}

[[noreturn]] void throw_not_finite(const us_field& field, uint32_t bot, const uint8_t* value) {
  uint32_t index = 0;
  while (is_finite(field, value + index * size_of(field.dtype), 1)) ++index;
  throw Mistake("Sensor '" + std::string(field.name) + "' of bot " + std::to_string(bot) + " is not finite at index " +
                std::to_string(index) + "; every number must be.");
}

uint8_t* gather(const us_field& field, uint32_t row_bytes, uint32_t count, const uint8_t* rows, uint8_t* out) {
  if (field.bytes == row_bytes) {
    std::memcpy(out, rows, size_t{count} * row_bytes);
    return out + size_t{count} * row_bytes;
  }
  for (uint32_t index = 0; index < count; ++index, out += field.bytes)
    std::memcpy(out, rows + size_t{index} * row_bytes + field.offset, field.bytes);
  return out;
}

}  // namespace

uint8_t* WireBuffer::room(size_t size) {
  if (bytes_->holders.load(std::memory_order_acquire) != 1 || bytes_->data.size() < size) {
    Bytes* fresh = new Bytes(std::max(size, bytes_->data.size()));
    release(bytes_);
    bytes_ = fresh;
  }
  return bytes_->data.data();
}

grpc::ByteBuffer WireBuffer::message(size_t size) {
  bytes_->holders.fetch_add(1, std::memory_order_relaxed);
  const grpc::Slice slice(bytes_->data.data(), size, &WireBuffer::release, bytes_);
  return grpc::ByteBuffer(&slice, 1);
}

void WireBuffer::release(void* bytes) {
  auto* held = static_cast<Bytes*>(bytes);
  if (held != nullptr && held->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete held;
}

void require_finite(const Row& row, const uint32_t* bots, uint32_t count, const uint8_t* observations) {
  for (uint32_t index = 0; index < count; ++index)
    for (const us_field& field : row.fields()) {
      const uint8_t* value = observations + size_t{index} * row.bytes() + field.offset;
      if (!is_finite(field, value, field.count)) throw_not_finite(field, bots[index], value);
    }
}

size_t usual_tick_bytes(const Row& row, uint32_t count) {
  constexpr size_t kHead = 64;
  constexpr size_t kBot = 5 + 6;  // A varint among `bots`, and one among `despawn`.
  return kHead + row.fields().size() * kTagAndSize + size_t{count} * (row.bytes() + kBot);
}

grpc::ByteBuffer encode_tick(const v1::Tick& head, const Row& row, uint32_t count, const uint8_t* observations,
                             WireBuffer& buffer) {
  size_t tick_bytes = head.ByteSizeLong();
  for (const us_field& field : row.fields()) {
    const size_t bytes = size_t{field.bytes} * count;
    if (count > 0) tick_bytes += 1 + CodedOutputStream::VarintSize64(bytes) + bytes;
  }
  uint8_t* const start = buffer.room(tick_bytes + kTagAndSize);
  uint8_t* out = CodedOutputStream::WriteTagToArray(kTickTag, start);
  out = CodedOutputStream::WriteVarint64ToArray(tick_bytes, out);
  out = head.SerializeWithCachedSizesToArray(out);
  for (const us_field& field : row.fields()) {
    if (count == 0) break;
    out = CodedOutputStream::WriteTagToArray(kSensorTag, out);
    out = CodedOutputStream::WriteVarint64ToArray(size_t{field.bytes} * count, out);
    out = gather(field, row.bytes(), count, observations, out);
  }
  return buffer.message(static_cast<size_t>(out - start));
}

void encode_played(const Row& row, const std::vector<uint32_t>& bots, const uint8_t* actions, v1::Played& played) {
  const auto count = static_cast<uint32_t>(bots.size());
  played.mutable_bots()->Assign(bots.begin(), bots.end());
  for (const us_field& field : row.fields()) {
    std::string& part = *played.add_parts();
    part.resize(size_t{field.bytes} * count);
    gather(field, row.bytes(), count, actions, reinterpret_cast<uint8_t*>(&part[0]));
  }
}

void decode_actions(grpc::ByteBuffer& message, v1::Actions& actions) {
  grpc::ProtoBufferReader reader(&message);
  CodedInputStream in(&reader);
  uint32_t bytes = 0;
  actions.Clear();
  if (in.ReadTag() != kActionsTag || !in.ReadVarint32(&bytes))
    throw Gone("The server answered a tick with something else; update this library or the server.");
  in.PushLimit(static_cast<int>(bytes));
  if (!actions.MergeFromCodedStream(&in)) throw Gone("The server's answer cannot be read.");
}

void to_rows(const v1::Actions& actions, const Row& row, uint32_t count, uint8_t* rows) {
  const auto& fields = row.fields();
  if (static_cast<size_t>(actions.parts_size()) != fields.size())
    throw Gone("The server answered with " + std::to_string(actions.parts_size()) + " action parts, expected " +
               std::to_string(fields.size()) + ".");
  for (size_t index = 0; index < fields.size(); ++index) {
    const us_field& field = fields[index];
    const std::string& part = actions.parts(static_cast<int>(index));
    if (part.size() != size_t{field.bytes} * count)
      throw Gone("Action part '" + std::string(field.name) + "' has " + std::to_string(part.size()) +
                 " bytes, expected " + std::to_string(size_t{field.bytes} * count) + ".");
    for (uint32_t bot = 0; bot < count; ++bot)
      std::memcpy(rows + size_t{bot} * row.bytes() + field.offset, part.data() + size_t{bot} * field.bytes,
                  field.bytes);
  }
}

}  // namespace understudy
