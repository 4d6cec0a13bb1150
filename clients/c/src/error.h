// Errors inside the library: exceptions that end at the C ABI, and the sentence that us_last_error returns.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include "understudy.h"

namespace understudy {

// The caller's mistake: nothing was changed.
class Mistake : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The server refused, ended or cannot be reached.
class Gone : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

const char* last_error();
void set_last_error(const char* sentence) noexcept;

// Calls `body`; an exception becomes the last error and `failed`. Nothing may throw into a C program.
template <class Result, class Body>
Result guarded(Result failed, Body&& body) noexcept {
  try {
    return std::forward<Body>(body)();
  } catch (const std::exception& error) {
    set_last_error(error.what());
  } catch (...) {
    set_last_error("An unknown error.");
  }
  return failed;
}

// The same for functions that return a status.
template <class Body>
us_status guarded_status(Body&& body) noexcept {
  try {
    return std::forward<Body>(body)();
  } catch (const Gone& error) {
    set_last_error(error.what());
    return US_GONE;
  } catch (const std::exception& error) {
    set_last_error(error.what());
  } catch (...) {
    set_last_error("An unknown error.");
  }
  return US_MISTAKE;
}

}  // namespace understudy
