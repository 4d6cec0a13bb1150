// The C ABI: each function finds the object behind its handle and turns exceptions into a status.
#include "client.h"
#include "error.h"
#include "options.h"
#include "stream.h"
#include "understudy.h"

using understudy::guarded;
using understudy::guarded_status;
using understudy::Mistake;

namespace {

understudy::Stream& of(us_stream* stream) {
  if (stream == nullptr) throw Mistake("The stream is NULL; open one with us_open.");
  return stream->stream;
}

const us_field* at(const understudy::Row& row, uint32_t index) {
  return index < row.fields().size() ? &row.fields()[index] : nullptr;
}

const us_field* find(const understudy::Row& row, const char* what, const char* name) {
  return guarded<const us_field*>(nullptr, [&] { return row.find(what, name == nullptr ? "" : name); });
}

}  // namespace

extern "C" {

int us_abi_version(void) { return US_ABI_VERSION; }

const char* us_last_error(void) { return understudy::last_error(); }

us_client* us_connect(const char* address, const us_connect_options* options) {
  return guarded<us_client*>(nullptr, [&] { return new us_client{understudy::connect(address, options)}; });
}

void us_disconnect(us_client* client) { delete client; }

us_stream* us_open(us_client* client, const char* bundle, const us_open_options* options) {
  return guarded<us_stream*>(nullptr, [&] {
    if (client == nullptr) throw Mistake("The client is NULL; make one with us_connect.");
    const us_open_options read = understudy::read_options(options, "us_open_options");
    return new us_stream{{client->connection, bundle == nullptr ? "" : bundle, read}};
  });
}

void us_close(us_stream* stream) { delete stream; }

const char* us_bundle(const us_stream* stream) { return stream->stream.opened().bundle().name().c_str(); }

const char* us_digest(const us_stream* stream) { return stream->stream.opened().bundle().digest().c_str(); }

const char* us_spec_json(const us_stream* stream) { return stream->stream.opened().bundle().spec_json().c_str(); }

double us_decision_hz(const us_stream* stream) { return stream->stream.layout().decision_hz(); }

uint32_t us_style_size(const us_stream* stream) { return stream->stream.opened().bundle().style_size(); }

const char* us_lease(const us_stream* stream) { return stream->stream.opened().lease().c_str(); }

float us_grace_s(const us_stream* stream) { return stream->stream.opened().grace_s(); }

uint32_t us_resumed(const us_stream* stream, const uint32_t** bots) {
  const auto& resumed = stream->stream.opened().bots();
  if (bots != nullptr) *bots = resumed.data();
  return static_cast<uint32_t>(resumed.size());
}

uint64_t us_resumed_ticks(const us_stream* stream) { return stream->stream.opened().ticks(); }

uint32_t us_num_sensors(const us_stream* stream) {
  return static_cast<uint32_t>(stream->stream.layout().observation().fields().size());
}

uint32_t us_num_actions(const us_stream* stream) {
  return static_cast<uint32_t>(stream->stream.layout().action().fields().size());
}

const us_field* us_sensor(const us_stream* stream, uint32_t index) {
  return at(stream->stream.layout().observation(), index);
}

const us_field* us_action(const us_stream* stream, uint32_t index) {
  return at(stream->stream.layout().action(), index);
}

const us_field* us_find_sensor(const us_stream* stream, const char* name) {
  return find(stream->stream.layout().observation(), "sensor", name);
}

const us_field* us_find_action(const us_stream* stream, const char* name) {
  return find(stream->stream.layout().action(), "action part", name);
}

const us_rays* us_sensor_rays(const us_stream* stream, uint32_t index) { return stream->stream.layout().rays(index); }

uint32_t us_observation_bytes(const us_stream* stream) { return stream->stream.layout().observation().bytes(); }

uint32_t us_action_bytes(const us_stream* stream) { return stream->stream.layout().action().bytes(); }

us_status us_spawn(us_stream* stream, uint32_t bot, uint64_t seed, const us_style* style) {
  return guarded_status([&] { return of(stream).roster().spawn(bot, seed, style), US_OK; });
}

us_status us_spawn_saved(us_stream* stream, uint32_t bot, const void* state, size_t size) {
  return guarded_status([&] { return of(stream).roster().spawn_saved(bot, state, size), US_OK; });
}

us_status us_despawn(us_stream* stream, uint32_t bot) {
  return guarded_status([&] { return of(stream).roster().despawn(bot), US_OK; });
}

us_status us_restyle(us_stream* stream, uint32_t bot, const us_style* style) {
  return guarded_status([&] {
    if (style == nullptr) throw Mistake("A style is needed, not NULL.");
    return of(stream).roster().restyle(bot, *style), US_OK;
  });
}

us_status us_save(us_stream* stream, uint32_t bot) {
  return guarded_status([&] { return of(stream).roster().save(bot), US_OK; });
}

us_status us_record(us_stream* stream, uint32_t bot, const us_record_info* info) {
  return guarded_status(
      [&] { return of(stream).roster().record(bot, info == nullptr ? us_record_info{} : *info), US_OK; });
}

us_status us_played(us_stream* stream, uint32_t bot, const void* action) {
  return guarded_status([&] { return of(stream).roster().played(bot, action), US_OK; });
}

us_status us_submit(us_stream* stream, const uint32_t* bots, uint32_t count, const void* observations, uint64_t* tick) {
  return guarded_status([&] { return of(stream).submit(bots, count, observations, tick); });
}

us_status us_poll(us_stream* stream, const us_answer** answer) {
  return guarded_status([&] { return of(stream).poll(answer); });
}

us_status us_wait(us_stream* stream, const us_answer** answer) {
  return guarded_status([&] { return of(stream).wait(answer); });
}

us_status us_tick(us_stream* stream, const uint32_t* bots, uint32_t count, const void* observations,
                  const us_answer** answer) {
  return guarded_status([&] { return of(stream).tick(bots, count, observations, answer); });
}

}  // extern "C"
