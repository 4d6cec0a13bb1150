// The fastest server there could be: answers every tick with zeros at once. What `latency` measures against it is what
// the client, gRPC and the machine cost; what it measures more against `understudy serve` is the server's own.
//
//     echo_server SPEC_JSON_FILE      prints its address, and serves until it is killed
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "understudy.grpc.pb.h"

namespace {

using namespace understudy::v1;
using Stream = grpc::ServerReaderWriter<PlayResponse, PlayRequest>;

// Bytes of one bot's value of each action part.
std::vector<size_t> part_bytes(const std::string& spec_json) {
  std::vector<size_t> bytes;
  const auto spec = nlohmann::json::parse(spec_json);
  for (const auto& each : spec.at("actions")) {
    const auto& space = each.at("space");
    const std::string type = space.at("type");
    size_t size = type == "discrete" ? 8 : type == "multi_binary" ? space.at("n").get<size_t>() : 4;
    if (type == "box")
      for (const size_t length : space.at("shape")) size *= length;
    bytes.push_back(size);
  }
  return bytes;
}

class Echo final : public Understudy::Service {
 public:
  explicit Echo(std::string spec_json) : spec_json_(std::move(spec_json)), parts_(part_bytes(spec_json_)) {}

  grpc::Status Play(grpc::ServerContext*, Stream* stream) override {
    PlayRequest request;
    PlayResponse response;
    stream->Read(&request);
    response.mutable_opened()->mutable_bundle()->set_name("echo");
    response.mutable_opened()->mutable_bundle()->set_spec_json(spec_json_);
    stream->Write(response);
    while (stream->Read(&request)) {
      Actions& actions = *response.mutable_actions();
      actions.Clear();
      actions.set_tick(request.tick().tick());
      for (const size_t bytes : parts_)
        actions.add_parts(std::string(bytes * static_cast<size_t>(request.tick().bots_size()), '\0'));
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

 private:
  const std::string spec_json_;
  const std::vector<size_t> parts_;
};

}  // namespace

int main(int argc, char** argv) {
  std::ifstream file(argc > 1 ? argv[1] : "");
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return std::cerr << "Name a file with a spec's JSON.\n", 1;
  Echo echo(text.str());
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&echo);
  const auto server = builder.BuildAndStart();
  std::cout << "127.0.0.1:" << port << std::endl;
  server->Wait();
}
