#include "client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "error.h"
#include "options.h"

namespace understudy {
namespace {

constexpr int kWindow = 4 << 20;

// A window as large as a tick and no pings that measure one, as in the Python client. Without retries: they would keep
// a copy of what was sent, and a tick that comes late is worth nothing.
grpc::ChannelArguments channel_arguments(const us_connect_options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kWindow);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetString(GRPC_ARG_OPTIMIZATION_TARGET, "latency");
  if (options.server_name != nullptr) arguments.SetSslTargetNameOverride(options.server_name);
  return arguments;
}

std::shared_ptr<grpc::ChannelCredentials> credentials(const us_connect_options& options) {
  if ((options.cert_pem == nullptr) != (options.key_pem == nullptr))
    throw Mistake("A client's certificate needs its key: set both cert_pem and key_pem, or neither.");
  if (options.root_pem == nullptr) {
    if (options.cert_pem != nullptr) throw Mistake("A client's certificate needs TLS: set root_pem too.");
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions tls;
  if (*options.root_pem != '\0') tls.pem_root_certs = options.root_pem;
  if (options.cert_pem != nullptr) tls.pem_cert_chain = options.cert_pem;
  if (options.key_pem != nullptr) tls.pem_private_key = options.key_pem;
  return grpc::SslCredentials(tls);
}

}  // namespace

std::shared_ptr<const Connection> connect(const char* address, const us_connect_options* options) {
  if (address == nullptr || *address == '\0') throw Mistake("A server's address is needed, such as 127.0.0.1:50051.");
  const us_connect_options read = read_options(options, "us_connect_options");
  auto connection = std::make_shared<Connection>();
  connection->address = address;
  if (read.token != nullptr) connection->authorization = "Bearer " + std::string(read.token);
  connection->channel = grpc::CreateCustomChannel(address, credentials(read), channel_arguments(read));
  return connection;
}

}  // namespace understudy
