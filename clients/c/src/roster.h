// The bots of one stream as the game knows them: who lives, what each did last, and what the next tick must tell the
// server about them.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "understudy.h"
#include "understudy.pb.h"

namespace understudy {

class Roster {
 public:
  Roster(uint32_t max_bots, uint32_t action_bytes, us_fallback fallback, uint32_t style_size);

  // Bots that the server had kept: they live there already.
  void resume(const google::protobuf::RepeatedField<uint32_t>& bots);

  // Each throws `Mistake` and changes nothing if it cannot be.
  void spawn(uint32_t bot, uint64_t seed, const us_style* style);
  void spawn_saved(uint32_t bot, const void* state, size_t size);
  void despawn(uint32_t bot);
  void restyle(uint32_t bot, const us_style& style);
  void save(uint32_t bot);
  void record(uint32_t bot, const us_record_info& info);
  void played(uint32_t bot, const void* action);

  // Throws `Mistake` unless each bot lives and is named once, and those that persons play are among them. Does not
  // allocate.
  void require_distinct(const uint32_t* bots, uint32_t count);

  // The tick in which a person played was not sent.
  void forget_played() { played_bots_.clear(); }

  // What the next tick tells the server; `sent` once it is on its way.
  v1::Tick& changes() { return changes_; }
  // Those that persons play in it, and what they do, one row per bot.
  const std::vector<uint32_t>& played_bots() const { return played_bots_; }
  const uint8_t* played_rows() const { return played_rows_.data(); }
  void sent();

  // Remember the actions that the game was given, one row per bot. A bot that no longer lives is skipped.
  void remember(const uint32_t* bots, uint32_t count, const uint8_t* actions);

  // Write what the bots do when no answer came, one row per bot.
  void fall_back(const uint32_t* bots, uint32_t count, uint8_t* actions) const;

 private:
  struct Bot {
    uint32_t row;          // In last_.
    bool served = false;   // Whether the server knows it.
    bool changed = false;  // Whether changes_ holds a spawn, a style or a save for it.
    uint64_t check = 0;    // The number of the last check that met it.
  };

  Bot& add(uint32_t bot);
  Bot& living(uint32_t bot);
  void forget_changes(uint32_t bot);
  void require_style(uint32_t bot, const us_style& style) const;

  const uint32_t max_bots_;
  const uint32_t action_bytes_;
  const us_fallback fallback_;
  const uint32_t style_size_;
  std::unordered_map<uint32_t, Bot> bots_;
  std::vector<uint32_t> free_rows_;
  std::vector<uint8_t> last_;  // The last action of each bot, one row each.
  v1::Tick changes_;
  std::vector<uint32_t> played_bots_;
  std::vector<uint8_t> played_rows_;
  uint64_t checks_ = 0;
};

}  // namespace understudy
