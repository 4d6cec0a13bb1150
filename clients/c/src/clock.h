// Moments of gRPC's monotonic clock.
#pragma once

#include <grpc/support/time.h>

#include <cstdint>

namespace understudy {

inline gpr_timespec now() { return gpr_now(GPR_CLOCK_MONOTONIC); }
inline gpr_timespec never() { return gpr_inf_future(GPR_CLOCK_MONOTONIC); }
inline gpr_timespec at_once() { return gpr_inf_past(GPR_CLOCK_MONOTONIC); }
inline gpr_timespec in_ms(int64_t ms) { return gpr_time_add(now(), gpr_time_from_millis(ms, GPR_TIMESPAN)); }
inline gpr_timespec in_us(int64_t us) { return gpr_time_add(now(), gpr_time_from_micros(us, GPR_TIMESPAN)); }
inline bool passed(gpr_timespec moment) { return gpr_time_cmp(now(), moment) >= 0; }

}  // namespace understudy
