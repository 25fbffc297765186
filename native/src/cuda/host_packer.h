// Codes that a GPU multiplies are searched, packed and drawn by the processor, in the CPU's order, and then
// copied to the GPU in its own. These ops run while a model is loaded: each matrix once, on all cores.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "cpu/kernels.h"
#include "cuda/device.h"
#include "cuda/quant_layout.h"
#include "system.h"
#include "thread_pool.h"

namespace bc::cuda {

class HostPacker {
 public:
  HostPacker(Device& device, bool hopper) : device_(device), hopper_(hopper) {}

  // Calls write(offset, data, bytes) with pieces of packed weights in the GPU's order, one after the other.
  // from: whole groups in the order of files.
  template <class Write>
  void reordered(Type type, const uint8_t* from, int64_t bytes, Write&& write) {
    const int64_t group = group_bytes(type);
    const int64_t most = kReordered / group * group;
    std::vector<uint8_t> ordered(static_cast<size_t>(std::min(most, bytes)));
    for (int64_t done = 0; done < bytes; done += most) {
      const int64_t part = std::min(most, bytes - done);
      pool().parallel_for(part / group, kGroupsOfTask, [&](int64_t begin, int64_t end, int) {
        for (int64_t at = begin * group; at < end * group; at += group)
          repack_group(type, hopper_, ordered.data() + at, from + done + at);
      });
      write(done, ordered.data(), part);
    }
  }

  // Rows of w in blocks, as bc_quantize does it on a CPU.
  void quantize(const QuantizeParams& p) {
    const int64_t row_bytes = p.w_ld * element_bytes(p.w_type);
    const int64_t most = std::max(kBlock / row_bytes / kPanel, int64_t{1}) * kPanel;
    p.error[0] = p.error[1] = 0.0;
    for (int64_t row = 0; row < p.N; row += most) {
      const int64_t rows = std::min(most, p.N - row);
      const auto w =
          download(static_cast<const uint8_t*>(p.w) + row * row_bytes, p.w_type, rows, p.K, p.w_ld);
      const auto factors = p.row_scale == nullptr
                               ? std::vector<uint8_t>{}
                               : download(p.row_scale + row, Type::f32, 1, rows, rows);
      std::vector<uint8_t> packed(static_cast<size_t>(packed_bytes(p.out_type, rows, p.K)));
      double error[2] = {};
      QuantizeParams here = p;
      here.out = packed.data();
      here.w = w.data();
      here.row_scale =
          p.row_scale == nullptr ? nullptr : reinterpret_cast<const float*>(factors.data());
      here.N = rows;
      here.error = error;
      cpu::quantize(here, pool());
      upload(p.out_type, static_cast<uint8_t*>(p.out) + packed_bytes(p.out_type, row, p.K), packed);
      p.error[0] += error[0];
      p.error[1] += error[1];
    }
  }

  void pack(const PackCodesParams& p) {
    const int64_t groups = p.K / group_columns(p.out_type);
    const auto codes = download(p.codes, Type::i8, p.N, p.K, p.codes_ld);
    const auto scales = download(p.scales, p.scales_type, p.N, groups, p.scales_ld);
    const auto zeros = p.zeros == nullptr
                           ? std::vector<uint8_t>{}
                           : download(p.zeros, p.zeros_type, p.N, groups, p.zeros_ld);
    std::vector<uint8_t> packed(static_cast<size_t>(packed_bytes(p.out_type, p.N, p.K)));
    PackCodesParams here = p;
    here.out = packed.data();
    here.codes = codes.data();
    here.scales = scales.data();
    here.zeros = p.zeros == nullptr ? nullptr : zeros.data();
    cpu::pack_codes(here, pool());
    upload(p.out_type, p.out, packed);
  }

  void fill(const FillRandomParams& p) {
    std::vector<uint8_t> packed(static_cast<size_t>(p.bytes));
    FillRandomParams here = p;
    here.out = packed.data();
    cpu::fill_random(here, pool());
    upload(p.type, static_cast<uint8_t*>(p.out), packed);
  }

 private:
  static constexpr int64_t kReordered = 4 << 20;  // bytes of packed weights at once
  static constexpr int64_t kBlock = 64 << 20;     // bytes of plain weights at once
  static constexpr int64_t kGroupsOfTask = 64;    // some 0.1 ms of a core

  // The processor's threads, once they are needed.
  ThreadPool& pool() {
    if (pool_ == nullptr) pool_ = std::make_unique<ThreadPool>(cpu_cores());
    return *pool_;
  }

  // Rows with all that lies between them.
  std::vector<uint8_t> download(const void* from, Type type, int64_t rows, int64_t columns,
                                int64_t ld) {
    std::vector<uint8_t> bytes(
        static_cast<size_t>(((rows - 1) * ld + columns) * element_bytes(type)));
    device_.download(bytes.data(), from, static_cast<int64_t>(bytes.size()));
    return bytes;
  }

  void upload(Type type, uint8_t* to, const std::vector<uint8_t>& packed) {
    reordered(type, packed.data(), static_cast<int64_t>(packed.size()),
              [&](int64_t at, const uint8_t* from, int64_t bytes) {
                device_.upload(to + at, from, bytes);
              });
  }

  Device& device_;
  const bool hopper_;
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace bc::cuda
