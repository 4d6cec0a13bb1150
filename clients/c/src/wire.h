// Rows to messages and back, without a copy more than there must be and without allocating.
//
// A protobuf message may be written in pieces: the fields after one another. So a tick is the generated code's bytes
// for everything but the sensors, followed by the sensors' fields, gathered straight from the game's rows.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "layout.h"
#include "understudy.pb.h"

namespace understudy {

// Bytes that gRPC may still hold when the stream has moved on: freed when the last holder lets go.
class WireBuffer {
 public:
  explicit WireBuffer(size_t capacity) : bytes_(new Bytes(capacity)) {}
  ~WireBuffer() { release(bytes_); }
  WireBuffer(WireBuffer&& other) noexcept : bytes_(other.bytes_) { other.bytes_ = nullptr; }
  WireBuffer& operator=(WireBuffer&&) = delete;

  // Room for `size` bytes that nobody else reads. Allocates only if gRPC still holds the last ones, or they are too
  // few.
  uint8_t* room(size_t size);

  // The first `size` bytes as a message, without a copy.
  grpc::ByteBuffer message(size_t size);

 private:
  struct Bytes {
    explicit Bytes(size_t size) : data(size) {}
    std::vector<uint8_t> data;
    std::atomic<int> holders{1};
  };

  static void release(void* bytes);

  Bytes* bytes_;
};

// Throws `Mistake`, naming bot, sensor and index, unless every floating-point number is finite: the server would end
// the stream over a single one.
void require_finite(const Row& row, const uint32_t* bots, uint32_t count, const uint8_t* observations);

// Bytes that `count` bots' tick takes at most, without spawns, styles and saved states.
size_t usual_tick_bytes(const Row& row, uint32_t count);

// Write a PlayRequest with a tick: `head` (everything but the sensors) and the sensors of `count` rows.
grpc::ByteBuffer encode_tick(const v1::Tick& head, const Row& row, uint32_t count, const uint8_t* observations,
                             WireBuffer& buffer);

// Fill `played` with what persons did, one row per bot.
void encode_played(const Row& row, const std::vector<uint32_t>& bots, const uint8_t* actions, v1::Played& played);

// Read a PlayResponse with actions into `actions`, whose memory is used again. Throws `Gone` if it holds none.
void decode_actions(grpc::ByteBuffer& message, v1::Actions& actions);

// Scatter the parts into `count` rows. Throws `Gone` if a part is missing or has another size.
void to_rows(const v1::Actions& actions, const Row& row, uint32_t count, uint8_t* rows);

}  // namespace understudy
