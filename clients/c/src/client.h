// A connection: the channel of gRPC, and what each call on it carries.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "understudy.h"

namespace understudy {

struct Connection {
  std::string address;
  std::string authorization;  // The value of that metadata; empty for none.
  std::shared_ptr<grpc::Channel> channel;
};

// Throws `Mistake` if the address or the options are wrong. Does not wait for a server.
std::shared_ptr<const Connection> connect(const char* address, const us_connect_options* options);

}  // namespace understudy

struct us_client {
  std::shared_ptr<const understudy::Connection> connection;
};
