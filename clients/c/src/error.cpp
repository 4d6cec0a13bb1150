#include "error.h"

#include <cstdio>

namespace understudy {
namespace {

// A plain array: it can be filled when there is no memory left, and needs no destructor at the end of a thread.
thread_local char sentence_[2048] = "";

}  // namespace

const char* last_error() { return sentence_; }

void set_last_error(const char* sentence) noexcept { std::snprintf(sentence_, sizeof sentence_, "%s", sentence); }

}  // namespace understudy
