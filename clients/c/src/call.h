// One Play call of gRPC, driven by whoever waits: its events are handled in the thread that calls `next`.
#pragma once

#include <grpc/support/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <string>

#include "client.h"

namespace understudy {

class Call {
 public:
  enum class Event { kNone, kProgress, kReceived, kOver };

  // Begin the call; `first` is sent as soon as it stands. Waits for a server that is not there yet.
  Call(std::shared_ptr<const Connection> connection, grpc::ByteBuffer first);

  // End it in order, or break it off if the server does not take note in time.
  ~Call();

  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Handle the next event, if one comes before `deadline`.
  Event next(gpr_timespec deadline);

  // Whether a message may be written now, and write one.
  bool writable() const { return started_ && !writing_ && !over_; }
  void write(const grpc::ByteBuffer& message);

  // What `kReceived` announced.
  grpc::ByteBuffer& received() { return received_; }
  // Ask for the next message, unless that is done already. gRPC then tells the server of the room for it, in a packet
  // of its own: so ask after writing, when the server computes, and not before the game has its answer.
  void receive();

  bool over() const { return over_; }

  // Why it is over, or why it never began: one sentence.
  std::string why() const;

 private:
  void begin();
  void half_close(gpr_timespec deadline);
  Event discard(gpr_timespec deadline);

  const std::shared_ptr<const Connection> connection_;
  grpc::ByteBuffer first_;
  grpc::ByteBuffer received_;
  grpc::Status status_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool started_ = false;
  bool writing_ = false;
  bool reading_ = false;
  bool over_ = false;
};

}  // namespace understudy
