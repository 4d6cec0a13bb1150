#include "roster.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "error.h"

namespace understudy {
namespace {

std::string bot_named(uint32_t bot) { return "Bot " + std::to_string(bot); }

// Remove what a repeated field of messages says about `bot`; the order of the others does not matter.
template <class Messages>
void remove_messages(Messages* messages, uint32_t bot) {
  for (int index = messages->size() - 1; index >= 0; --index) {
    if (messages->Get(index).bot() != bot) continue;
    messages->SwapElements(index, messages->size() - 1);
    messages->RemoveLast();
  }
}

void set_style(v1::Style* message, const us_style& style) {
  if (style.name != nullptr)
    message->set_name(style.name);
  else
    message->mutable_vector()->Assign(style.vector, style.vector + style.count);
}

}  // namespace

Roster::Roster(uint32_t max_bots, uint32_t action_bytes, us_fallback fallback, uint32_t style_size)
    : max_bots_(max_bots), action_bytes_(action_bytes), fallback_(fallback), style_size_(style_size) {
  bots_.reserve(max_bots);
  last_.resize(size_t{max_bots} * action_bytes);
  for (uint32_t row = max_bots; row > 0; --row) free_rows_.push_back(row - 1);
  changes_.mutable_bots()->Reserve(static_cast<int>(max_bots));
  played_bots_.reserve(max_bots);
  played_rows_.resize(last_.size());
}

void Roster::resume(const google::protobuf::RepeatedField<uint32_t>& bots) {
  for (uint32_t each : bots) add(each).served = true;
}

Roster::Bot& Roster::add(uint32_t bot) {
  auto found = bots_.find(bot);
  if (found == bots_.end()) {
    if (free_rows_.empty())
      throw Mistake(bot_named(bot) +
                    " is one too many: the stream was opened for max_bots = " + std::to_string(max_bots_) + ".");
    found = bots_.emplace(bot, Bot{free_rows_.back()}).first;
    free_rows_.pop_back();
  }
  std::memset(&last_[size_t{found->second.row} * action_bytes_], 0, action_bytes_);
  return found->second;
}

Roster::Bot& Roster::living(uint32_t bot) {
  const auto found = bots_.find(bot);
  if (found == bots_.end()) throw Mistake(bot_named(bot) + " does not live in this stream; spawn it first.");
  return found->second;
}

void Roster::forget_changes(uint32_t bot) {
  remove_messages(changes_.mutable_spawn(), bot);
  remove_messages(changes_.mutable_restyle(), bot);
  auto* saves = changes_.mutable_save();
  saves->erase(std::remove(saves->begin(), saves->end(), bot), saves->end());
}

void Roster::require_style(uint32_t bot, const us_style& style) const {
  if (style.name == nullptr && (style.vector == nullptr || style.count != style_size_))
    throw Mistake(bot_named(bot) + " got a style of " + std::to_string(style.count) + " numbers; the bundle takes " +
                  std::to_string(style_size_) + ".");
}

void Roster::spawn(uint32_t bot, uint64_t seed, const us_style* style) {
  if (style != nullptr) require_style(bot, *style);
  Bot& added = add(bot);
  if (added.changed) forget_changes(bot);
  added.changed = true;
  v1::Spawn* spawn = changes_.add_spawn();
  spawn->set_bot(bot);
  spawn->set_seed(seed);
  if (style != nullptr) set_style(spawn->mutable_style(), *style);
}

void Roster::spawn_saved(uint32_t bot, const void* state, size_t size) {
  if (state == nullptr || size == 0) throw Mistake(bot_named(bot) + " got no state; use us_spawn for a new bot.");
  spawn(bot, 0, nullptr);
  changes_.mutable_spawn(changes_.spawn_size() - 1)->set_state(state, size);
}

void Roster::despawn(uint32_t bot) {
  const Bot ended = living(bot);
  if (ended.changed) forget_changes(bot);
  if (ended.served) changes_.add_despawn(bot);
  played_bots_.erase(std::remove(played_bots_.begin(), played_bots_.end(), bot), played_bots_.end());
  free_rows_.push_back(ended.row);
  bots_.erase(bot);
}

void Roster::restyle(uint32_t bot, const us_style& style) {
  require_style(bot, style);
  Bot& found = living(bot);
  if (found.changed) remove_messages(changes_.mutable_restyle(), bot);
  found.changed = true;
  v1::Restyle* restyle = changes_.add_restyle();
  restyle->set_bot(bot);
  set_style(restyle->mutable_style(), style);
}

void Roster::save(uint32_t bot) {
  Bot& found = living(bot);
  const auto& saves = changes_.save();
  if (std::find(saves.begin(), saves.end(), bot) == saves.end()) changes_.add_save(bot);
  found.changed = true;
}

void Roster::record(uint32_t bot, const us_record_info& info) {
  living(bot);
  auto& spawns = *changes_.mutable_spawn();
  const auto found =
      std::find_if(spawns.begin(), spawns.end(), [&](const v1::Spawn& each) { return each.bot() == bot; });
  if (found == spawns.end())
    throw Mistake(bot_named(bot) + " is not about to start; ask for its recording between us_spawn and the tick.");
  v1::Record& record = *found->mutable_record();
  if (info.player != nullptr) record.set_player(info.player);
  if (info.game != nullptr) record.set_game(info.game);
  if (info.build != nullptr) record.set_build(info.build);
  if (info.map != nullptr) record.set_map(info.map);
}

void Roster::played(uint32_t bot, const void* action) {
  living(bot);
  if (action == nullptr) throw Mistake("What the person did with bot " + std::to_string(bot) + " is needed, not NULL.");
  const auto found = std::find(played_bots_.begin(), played_bots_.end(), bot);
  const size_t row = static_cast<size_t>(found - played_bots_.begin());
  if (found == played_bots_.end()) played_bots_.push_back(bot);
  std::memcpy(&played_rows_[row * action_bytes_], action, action_bytes_);
}

void Roster::require_distinct(const uint32_t* bots, uint32_t count) {
  ++checks_;
  for (uint32_t index = 0; index < count; ++index) {
    Bot& bot = living(bots[index]);
    if (bot.check == checks_) throw Mistake(bot_named(bots[index]) + " is named twice in one tick.");
    bot.check = checks_;
  }
  for (uint32_t each : played_bots_)
    if (living(each).check != checks_)
      throw Mistake("A person plays bot " + std::to_string(each) + ", which is not in this tick; send what it sees.");
}

void Roster::sent() {
  for (const v1::Spawn& each : changes_.spawn()) bots_.at(each.bot()).served = true;
  if (changes_.spawn_size() + changes_.restyle_size() + changes_.save_size() > 0)
    for (auto& [number, bot] : bots_) bot.changed = false;
  changes_.Clear();
  played_bots_.clear();
}

void Roster::remember(const uint32_t* bots, uint32_t count, const uint8_t* actions) {
  for (uint32_t index = 0; index < count; ++index) {
    const auto found = bots_.find(bots[index]);
    if (found != bots_.end())
      std::memcpy(&last_[size_t{found->second.row} * action_bytes_], actions + size_t{index} * action_bytes_,
                  action_bytes_);
  }
}

void Roster::fall_back(const uint32_t* bots, uint32_t count, uint8_t* actions) const {
  for (uint32_t index = 0; index < count; ++index) {
    uint8_t* row = actions + size_t{index} * action_bytes_;
    const auto found = fallback_ == US_FALLBACK_REPEAT ? bots_.find(bots[index]) : bots_.end();
    if (found == bots_.end())
      std::memset(row, 0, action_bytes_);
    else
      std::memcpy(row, &last_[size_t{found->second.row} * action_bytes_], action_bytes_);
  }
}

}  // namespace understudy
