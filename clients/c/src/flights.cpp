#include "flights.h"

#include <algorithm>

namespace understudy {

Flight::Flight(const Layout& layout, uint32_t max_bots)
    : bots(max_bots),
      actions(size_t{max_bots} * layout.action().bytes()),
      wire(usual_tick_bytes(layout.observation(), max_bots)) {}

Flights::Flights(const Layout& layout, uint32_t max_bots, uint32_t max_in_flight) {
  ring_.reserve(max_in_flight);
  for (uint32_t index = 0; index < max_in_flight; ++index) ring_.emplace_back(layout, max_bots);
}

Flight* Flights::expecting() {
  const bool waiting = num_answered_ + num_unsent_ < size_;
  return waiting ? &at(num_answered_) : nullptr;
}

void Flights::arrived() {
  if (given_up_ > 0) {
    --given_up_;
    pop();
  } else {
    ++num_answered_;
  }
}

Flight& Flights::take() {
  if (num_answered_ > 0) --num_answered_;
  return pop();
}

Flight& Flights::give_up() { return at(given_up_++); }

void Flights::forget_given_up() {
  for (; given_up_ > 0; --given_up_) pop();
  num_unsent_ = 0;
}

Flight& Flights::pop() {
  Flight& oldest = at(0);
  first_ = static_cast<uint32_t>((first_ + 1) % ring_.size());
  --size_;
  num_unsent_ = std::min(num_unsent_, size_);
  return oldest;
}

}  // namespace understudy
