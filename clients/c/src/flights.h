// The ticks under way: a ring of slots, each with room for a whole tick, made once.
//
// Answers come in the order of the ticks. A tick that the game could not wait for is given up: the game has its
// fallback, and the slot waits on to take the answer that still comes. The given-up ticks are always the oldest.
#pragma once

#include <grpc/support/time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "understudy.h"
#include "understudy.pb.h"
#include "wire.h"

namespace understudy {

struct Flight {
  Flight(const Layout& layout, uint32_t max_bots);

  uint64_t tick = 0;
  uint32_t count = 0;
  us_late late = US_LATE_NO;
  gpr_timespec patience_end{};
  std::vector<uint32_t> bots;
  std::vector<uint8_t> actions;
  std::vector<std::string> states;  // What `saved` points at.
  std::vector<us_saved> saved;
  WireBuffer wire;
  grpc::ByteBuffer message;
};

class Flights {
 public:
  Flights(const Layout& layout, uint32_t max_bots, uint32_t max_in_flight);

  bool full() const { return size_ == ring_.size(); }

  // Ticks that the game still waits for.
  uint32_t num_due() const { return size_ - given_up_; }
  // Whether the answer to the oldest of them is here.
  bool answered() const { return num_answered_ > 0; }
  // Ticks that the server still owes an answer.
  uint32_t num_unanswered() const { return size_ - num_answered_; }
  bool unsent() const { return num_unsent_ > 0; }

  // The slot for the next tick; only if not `full`. It counts from `push` on.
  Flight& free_slot() { return at(size_); }
  void push() { ++size_, ++num_unsent_; }

  // The oldest tick that is not on its way; it is from now on.
  Flight& send() { return at(size_ - num_unsent_--); }

  // The oldest tick that has no answer yet, which the one that came is for; null if there is none.
  Flight* expecting();
  // It has come: a given-up tick is done with, the game can take another.
  void arrived();

  // The oldest tick that the game waits for.
  Flight& due() { return at(given_up_); }
  // The game has its answer, or its fallback.
  Flight& take();
  Flight& give_up();

  // Nothing will come any more.
  void forget_given_up();

 private:
  Flight& at(uint32_t index) { return ring_[(first_ + index) % ring_.size()]; }
  Flight& pop();

  std::vector<Flight> ring_;
  uint32_t first_ = 0;
  uint32_t size_ = 0;
  uint32_t given_up_ = 0;      // Leading ticks. While there are any, no tick is answered.
  uint32_t num_answered_ = 0;  // Leading ticks.
  uint32_t num_unsent_ = 0;    // Trailing ticks.
};

}  // namespace understudy
