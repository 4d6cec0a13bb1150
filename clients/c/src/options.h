// Options as they come over the ABI: a program built against an older header knows fewer of them.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "error.h"

namespace understudy {

// A copy in which every option the caller does not know is zero, its default. Throws `Mistake` if `size` is not set.
template <class Options>
Options read_options(const Options* options, const char* name) {
  Options read{};
  if (options == nullptr) return read;
  if (options->size < sizeof(size_t))
    throw Mistake(std::string(name) + ".size is not set; set it to sizeof(" + name + ").");
  std::memcpy(&read, options, std::min(options->size, sizeof(Options)));
  return read;
}

}  // namespace understudy
