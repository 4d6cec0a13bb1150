#include "call.h"

#include <cstdint>
#include <utility>

#include "clock.h"

namespace understudy {
namespace {

constexpr char kMethod[] = "/understudy.v1.Understudy/Play";
constexpr char kKindKey[] = "understudy-error";
constexpr int64_t kCloseMs = 200;

enum Tag : intptr_t { kBegan = 1, kWrote, kRead, kHalfClosed, kFinished };

void* to_tag(Tag tag) { return reinterpret_cast<void*>(tag); }

}  // namespace

Call::Call(std::shared_ptr<const Connection> connection, grpc::ByteBuffer first)
    : connection_(std::move(connection)), first_(std::move(first)) {
  context_.set_wait_for_ready(true);
  if (!connection_->authorization.empty()) context_.AddMetadata("authorization", connection_->authorization);
  call_ = grpc::GenericStub(connection_->channel).PrepareCall(&context_, kMethod, &queue_);
  call_->StartCall(to_tag(kBegan));
}

Call::~Call() {
  if (started_) {
    receive();
    half_close(in_ms(kCloseMs));
  }
  if (!over_) context_.TryCancel();
  while (!over_) discard(never());
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) continue;
}

// The server takes an end of requests as a farewell; a cancelled call it takes as a cut, and keeps the bots for a
// while.
void Call::half_close(gpr_timespec deadline) {
  while (writing_ && !over_)
    if (discard(deadline) == Event::kNone) return;
  if (over_) return;
  call_->WritesDone(to_tag(kHalfClosed));
  while (!over_)
    if (discard(deadline) == Event::kNone) return;
}

Call::Event Call::discard(gpr_timespec deadline) {
  const Event event = next(deadline);
  if (event == Event::kReceived) receive();
  return event;
}

Call::Event Call::next(gpr_timespec deadline) {
  void* tag = nullptr;
  bool ok = false;
  if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return Event::kNone;
  switch (static_cast<Tag>(reinterpret_cast<intptr_t>(tag))) {
    case kBegan:
      begin();
      return Event::kProgress;
    case kWrote:
      writing_ = false;
      return Event::kProgress;
    case kRead:
      reading_ = !ok;  // One that failed is the last.
      if (ok) return Event::kReceived;
      call_->Finish(&status_, to_tag(kFinished));
      return Event::kProgress;
    case kFinished:
      over_ = true;
      return Event::kOver;
    case kHalfClosed:
      return Event::kProgress;
  }
  return Event::kProgress;
}

// Also where the call failed before it began: the read then fails at once and the status says why.
void Call::begin() {
  started_ = true;
  write(first_);
  first_.Clear();
  receive();
}

void Call::write(const grpc::ByteBuffer& message) {
  writing_ = true;
  call_->Write(message, to_tag(kWrote));
}

void Call::receive() {
  if (reading_ || over_) return;
  reading_ = true;
  call_->Read(&received_, to_tag(kRead));
}

std::string Call::why() const {
  const std::string& address = connection_->address;
  if (!over_)
    return "There is no server at " + address + " that answers this client; start one with: understudy serve BUNDLE " +
           "(with TLS on both sides, or on neither).";
  if (status_.ok()) return "The server at " + address + " ended the stream.";
  if (context_.GetServerTrailingMetadata().count(kKindKey) != 0) return status_.error_message();
  if (status_.error_code() == grpc::StatusCode::UNAVAILABLE)
    return "The server at " + address + " is gone: " + status_.error_message();
  return "The server at " + address + " answered with status " + std::to_string(status_.error_code()) + ": " +
         status_.error_message();
}

}  // namespace understudy
