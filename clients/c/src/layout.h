// What a bundle's bots see and do, as bytes: read once from the spec's JSON when a stream opens.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "understudy.h"

namespace understudy {

// The fields of one row, packed in the spec's order, each aligned for its dtype and the row rounded up to 8 bytes.
class Row {
 public:
  const std::vector<us_field>& fields() const { return fields_; }
  uint32_t bytes() const { return bytes_; }

  // The field of that name. Throws `Mistake`, naming all there are.
  const us_field* find(const char* what, const std::string& name) const;

  void add(us_field field);

  // Round the row up; call it after the last field.
  void finish();

 private:
  std::vector<us_field> fields_;
  uint32_t bytes_ = 0;
};

// A BehaviorSpec. Owns every string and table that its fields point at.
class Layout {
 public:
  // Throws `Mistake` if the text is no spec that this version reads.
  explicit Layout(const std::string& spec_json);

  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

  const Row& observation() const { return observation_; }
  const Row& action() const { return action_; }
  double decision_hz() const { return decision_hz_; }

  // The rays of a sensor; null if it is no ray fan.
  const us_rays* rays(uint32_t sensor) const;

 private:
  class Reader;

  Row observation_;
  Row action_;
  double decision_hz_ = 0;
  std::vector<std::unique_ptr<us_rays>> rays_;
  std::deque<std::string> strings_;  // A deque never moves what it holds.
  std::deque<std::vector<const char*>> words_;
  std::deque<std::vector<double>> numbers_;
};

// Bytes of one number of `dtype`.
uint32_t size_of(us_dtype dtype);

}  // namespace understudy
