#include "stream.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <utility>

#include "clock.h"
#include "error.h"

namespace understudy {
namespace {

constexpr uint32_t kOpenTimeoutMs = 10000;
constexpr uint32_t kMaxBots = 256;
constexpr uint32_t kMaxInFlight = 4;
// In one round gRPC may only read what has come, and announce it in the next.
constexpr int kPollRounds = 3;

us_open_options with_defaults(us_open_options options) {
  if (options.open_timeout_ms == 0) options.open_timeout_ms = kOpenTimeoutMs;
  if (options.max_bots == 0) options.max_bots = kMaxBots;
  if (options.max_in_flight == 0) options.max_in_flight = kMaxInFlight;
  return options;
}

grpc::ByteBuffer open_request(const std::string& bundle, const us_open_options& options) {
  v1::PlayRequest request;
  v1::Open& open = *request.mutable_open();
  open.set_bundle(bundle);
  if (options.spec_json != nullptr) open.set_spec_json(options.spec_json);
  if (options.resume != nullptr) open.set_resume(options.resume);
  open.set_budget_us(options.budget_us);
  open.set_fallback(static_cast<v1::Fallback>(options.fallback));
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

Stream::Stream(std::shared_ptr<const Connection> connection, const std::string& bundle, const us_open_options& options)
    : options_(with_defaults(options)), call_(std::move(connection), open_request(bundle, options_)) {
  open(options_.open_timeout_ms);
  layout_ = std::make_unique<Layout>(opened_.bundle().spec_json());
  const uint32_t max_bots = std::max<uint32_t>(options_.max_bots, static_cast<uint32_t>(opened_.bots_size()));
  roster_ =
      std::make_unique<Roster>(max_bots, layout_->action().bytes(), options_.fallback, opened_.bundle().style_size());
  roster_->resume(opened_.bots());
  flights_ = std::make_unique<Flights>(*layout_, max_bots, options_.max_in_flight);
  spare_ = std::make_unique<Flight>(*layout_, max_bots);
}

void Stream::open(uint32_t timeout_ms) {
  const gpr_timespec deadline = in_ms(timeout_ms);
  Call::Event event = Call::Event::kProgress;
  while (event == Call::Event::kProgress) event = call_.next(deadline);
  if (event != Call::Event::kReceived) throw Gone(call_.why());
  grpc::ProtoBufferReader reader(&call_.received());
  v1::PlayResponse response;
  if (!response.ParseFromZeroCopyStream(&reader) || !response.has_opened() || !response.opened().has_bundle())
    throw Gone("The server opened the stream with something else than a bundle; update this library or the server.");
  opened_ = std::move(*response.mutable_opened());
}

us_status Stream::submit(const uint32_t* bots, uint32_t count, const void* observations, uint64_t* tick) {
  check(bots, count, observations);
  while (flights_->full() && pump(at_once())) continue;
  if (flights_->full()) return US_WAIT;
  Flight& flight = flights_->free_slot();
  fill(flight, bots, count);
  v1::Tick& head = roster_->changes();
  head.set_tick(flight.tick = ticks_++);
  head.set_under_way(flights_->num_unanswered());
  head.mutable_bots()->Assign(bots, bots + count);
  if (!roster_->played_bots().empty())
    encode_played(layout_->action(), roster_->played_bots(), roster_->played_rows(), *head.mutable_played());
  flight.message =
      encode_tick(head, layout_->observation(), count, static_cast<const uint8_t*>(observations), flight.wire);
  roster_->sent();
  flights_->push();
  if (tick != nullptr) *tick = flight.tick;
  while (!call_.writable() && pump(at_once())) continue;
  send_next();
  return US_OK;
}

void Stream::check(const uint32_t* bots, uint32_t count, const void* observations) {
  if (count > 0 && (bots == nullptr || observations == nullptr))
    throw Mistake("A tick of " + std::to_string(count) + " bots needs their numbers and observations, not NULL.");
  roster_->require_distinct(bots, count);
  require_finite(layout_->observation(), bots, count, static_cast<const uint8_t*>(observations));
}

void Stream::fill(Flight& flight, const uint32_t* bots, uint32_t count) {
  std::copy(bots, bots + count, flight.bots.begin());
  flight.count = count;
  flight.saved.clear();
  flight.patience_end = options_.patience_ms > 0 ? in_ms(options_.patience_ms) : never();
}

us_status Stream::poll(const us_answer** answer) {
  if (flights_->num_due() == 0) throw Mistake("No tick is under way; submit one first.");
  for (int idle = 0; !flights_->answered() && failure_.empty() && idle < kPollRounds;)
    idle = pump(at_once()) ? 0 : idle + 1;
  if (!flights_->answered() && failure_.empty() && !passed(flights_->due().patience_end)) return US_WAIT;
  return answer_due(answer);
}

us_status Stream::wait(const us_answer** answer) {
  if (flights_->num_due() == 0) throw Mistake("No tick is under way; submit one first.");
  const gpr_timespec patience_end = flights_->due().patience_end;
  while (!flights_->answered() && pump_until(patience_end)) continue;
  return answer_due(answer);
}

us_status Stream::tick(const uint32_t* bots, uint32_t count, const void* observations, const us_answer** answer) {
  if (flights_->num_due() > 0) throw Mistake("A submitted tick is under way; take its answer with us_wait first.");
  if (submit(bots, count, observations, nullptr) == US_OK) return wait(answer);
  roster_->forget_played();
  fill(*spare_, bots, count);
  spare_->tick = ticks_;
  return fall_back(*spare_, US_LATE_CLIENT, answer);
}

us_status Stream::answer_due(const us_answer** answer) {
  if (flights_->answered()) {
    Flight& flight = flights_->take();
    roster_->remember(flight.bots.data(), flight.count, flight.actions.data());
    return show(flight, answer);
  }
  if (!failure_.empty()) return fall_back(flights_->take(), US_LATE_GONE, answer);
  return fall_back(flights_->give_up(), US_LATE_CLIENT, answer);
}

us_status Stream::fall_back(Flight& flight, us_late late, const us_answer** answer) {
  roster_->fall_back(flight.bots.data(), flight.count, flight.actions.data());
  flight.late = late;
  show(flight, answer);
  if (late != US_LATE_GONE) return US_OK;
  set_last_error(failure_.c_str());
  return US_GONE;
}

us_status Stream::show(const Flight& flight, const us_answer** answer) {
  answer_.tick = flight.tick;
  answer_.late = flight.late;
  answer_.count = flight.count;
  answer_.bots = flight.bots.data();
  answer_.actions = flight.actions.data();
  answer_.num_saved = static_cast<uint32_t>(flight.saved.size());
  answer_.saved = flight.saved.data();
  if (answer != nullptr) *answer = &answer_;
  return US_OK;
}

// Handle one event; false if none came before the deadline, or none can come any more.
bool Stream::pump(gpr_timespec deadline) {
  if (!failure_.empty()) return false;
  const Call::Event event = call_.next(deadline);
  if (event == Call::Event::kReceived) on_received();
  if (event == Call::Event::kOver) on_over();
  send_next();
  return event != Call::Event::kNone;
}

bool Stream::pump_until(gpr_timespec deadline) {
  if (options_.spin_us > 0) {
    const gpr_timespec end = gpr_time_min(in_us(options_.spin_us), deadline);
    do {
      if (pump(at_once())) return true;
    } while (failure_.empty() && !passed(end));
  }
  return pump(deadline);
}

void Stream::on_received() {
  try {
    decode_actions(call_.received(), actions_);
    Flight* flight = flights_->expecting();
    if (flight == nullptr || flight->tick != actions_.tick())
      throw Gone("The server answered tick " + std::to_string(actions_.tick()) + ", which was not asked.");
    to_rows(actions_, layout_->action(), flight->count, flight->actions.data());
    flight->late = static_cast<us_late>(actions_.late());
    keep_saved(*flight);
    flights_->arrived();
    if (flights_->expecting() != nullptr) call_.receive();
  } catch (const Gone& error) {
    failure_ = error.what();
    flights_->forget_given_up();
  }
}

void Stream::on_over() {
  failure_ = call_.why();
  flights_->forget_given_up();
}

void Stream::keep_saved(Flight& flight) {
  if (actions_.saved_size() == 0) return;
  flight.states.clear();
  for (auto& each : *actions_.mutable_saved()) flight.states.push_back(std::move(*each.mutable_state()));
  for (int index = 0; index < actions_.saved_size(); ++index) {
    const std::string& state = flight.states[static_cast<size_t>(index)];
    flight.saved.push_back({actions_.saved(index).bot(), state.data(), state.size()});
  }
}

void Stream::send_next() {
  if (!failure_.empty() || !flights_->unsent() || !call_.writable()) return;
  Flight& flight = flights_->send();
  call_.write(flight.message);
  call_.receive();
  flight.message.Clear();
}

}  // namespace understudy
