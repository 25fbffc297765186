// What each unit of an H100 does in a clock, and for how many clocks counted instructions keep it busy.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "simt/device.h"

namespace bc::bench {

// An H100 SXM5. Rates are for one SM and clock unless they say otherwise.
struct Rates {
  double sms = 132;
  // Boost clock. The card lowers it when tensor cores would take it past 700 W: a product of 8192
  // cubed was measured at 798 TFLOP/s, 84 % of what this clock makes possible.
  double hertz = 1.755e9;
  // Products of 16-bit types by mma.sync: two thirds of wgmma's 2048, which alone keeps the tensor
  // cores of sm_90 fed. (2048 of 132 SMs at 1.83 GHz are the data sheet's 989 TFLOP/s; what products
  // of warpgroups take is counted in clocks already.)
  double mma_products = 2048.0 * 2 / 3;
  // 32 banks of 4 bytes.
  double shared_wavefronts = 1;
  // Lanes of instructions, by the CUDA C++ programming guide's table of throughput for 9.0: 16 of
  // ex2, lg2, rcp and rsqrt, 64 of bits, bytes, minima and conversions between floats.
  double mufu_lanes = 16;
  double alu_lanes = 64;
  // Warp instructions: one from each of four schedulers.
  double issued = 4;
  // Bytes a second of the whole GPU. L2 as microbenchmarks of reads by all SMs find it; the least sure
  // of these rates: published kernels with 128 x 256 tiles need 7e12. The copy of a large buffer
  // (read and written bytes together), measured; the data sheet says 3.35e12: a stream that is only
  // read can pass the copy by up to 12 %.
  double l2_bytes = 5.5e12;
  double copy_bytes = 3.0e12;
};

enum class Unit { tensor, shared, mufu, alu, issue, l2, hbm };
constexpr size_t kUnits = 7;
constexpr std::array<const char*, kUnits> kUnitNames = {"tensor", "shared", "mufu", "alu",
                                                        "issue",  "L2",     "HBM"};

// The clocks that one SM would take for all of the work; for L2 and HBM, at a 132nd of their rates.
struct Clocks {
  std::array<double, kUnits> of{};
  double& operator[](Unit unit) { return of[static_cast<size_t>(unit)]; }
  double operator[](Unit unit) const { return of[static_cast<size_t>(unit)]; }
  // The unit that is busy longest.
  Unit limit() const {
    return static_cast<Unit>(std::max_element(of.begin(), of.end()) - of.begin());
  }
  // The time of the whole GPU if the work is spread evenly and all units work at once.
  double seconds(const Rates& rates) const { return (*this)[limit()] / rates.sms / rates.hertz; }
};

// `hbm_bytes` comes from elsewhere: what must move once does not grow with the count of a piece.
inline Clocks clocks_of(const simt::Counters& counted, double hbm_bytes, const Rates& rates) {
  constexpr double kProducts = 16 * 8 * 16;  // in an m16n8k16; m16n8k32 of bytes takes as long
  const double bytes_in_a_clock = rates.sms * rates.hertz;
  Clocks clocks;
  clocks[Unit::tensor] =
      number(counted.tensor_clocks) +
      kProducts / rates.mma_products * number(counted.mma_bf16 + counted.mma_f16 + counted.mma_s8);
  clocks[Unit::shared] =
      number(counted.shared_wavefronts + counted.operand_wavefronts) / rates.shared_wavefronts;
  clocks[Unit::mufu] = 32 / rates.mufu_lanes * number(counted.mufu);
  clocks[Unit::alu] = 32 / rates.alu_lanes * number(counted.alu);
  clocks[Unit::issue] = number(counted.issued) / rates.issued;
  clocks[Unit::l2] = 32 * number(counted.block_load_sectors + counted.store_sectors) *
                     bytes_in_a_clock / rates.l2_bytes;
  clocks[Unit::hbm] = hbm_bytes * bytes_in_a_clock / rates.copy_bytes;
  return clocks;
}

}  // namespace bc::bench
