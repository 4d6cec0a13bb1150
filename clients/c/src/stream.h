// The bots of one bundle on one call: opens it, sends ticks, and answers each with decisions or fallbacks.
#pragma once

#include <memory>
#include <string>

#include "call.h"
#include "flights.h"
#include "layout.h"
#include "roster.h"
#include "understudy.h"
#include "understudy.pb.h"

namespace understudy {

class Stream {
 public:
  // Throws `Gone` if the server refuses or does not answer in time.
  Stream(std::shared_ptr<const Connection> connection, const std::string& bundle, const us_open_options& options);

  const Layout& layout() const { return *layout_; }
  const v1::Opened& opened() const { return opened_; }
  Roster& roster() { return *roster_; }

  // As us_submit, us_poll, us_wait and us_tick; mistakes are thrown.
  us_status submit(const uint32_t* bots, uint32_t count, const void* observations, uint64_t* tick);
  us_status poll(const us_answer** answer);
  us_status wait(const us_answer** answer);
  us_status tick(const uint32_t* bots, uint32_t count, const void* observations, const us_answer** answer);

 private:
  void open(uint32_t timeout_ms);
  bool pump(gpr_timespec deadline);
  bool pump_until(gpr_timespec deadline);
  void on_received();
  void on_over();
  void keep_saved(Flight& flight);
  void send_next();
  void check(const uint32_t* bots, uint32_t count, const void* observations);
  void fill(Flight& flight, const uint32_t* bots, uint32_t count);
  us_status answer_due(const us_answer** answer);
  us_status fall_back(Flight& flight, us_late late, const us_answer** answer);
  us_status show(const Flight& flight, const us_answer** answer);

  const us_open_options options_;
  Call call_;
  v1::Opened opened_;
  std::unique_ptr<Layout> layout_;
  std::unique_ptr<Roster> roster_;
  std::unique_ptr<Flights> flights_;
  std::unique_ptr<Flight> spare_;  // For a fallback when every slot is under way.
  v1::Actions actions_;
  us_answer answer_{};
  uint64_t ticks_ = 0;
  std::string failure_;  // Why the stream is over; empty while it is not.
};

}  // namespace understudy

struct us_stream {
  understudy::Stream stream;
};
