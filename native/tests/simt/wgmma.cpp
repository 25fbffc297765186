// Matrix products of a warpgroup: what they read, what they compute, and when the result lands.
//
// The 128 threads meet at each instruction. A product is computed when it is issued and kept apart: the
// registers of d hold a signalling NaN until wgmma_wait_group() hands the result back. A thread that
// reads them early gets NaN, and one that writes them early is noticed.
//
// An operand in shared memory is read in chunks of 8 elements, 16 bytes. Where they lie ("Strides",
// "Canonical layouts" of the PTX ISA), with w the bytes of a row, 16, 32, 64 or 128 by the swizzle:
//
//   K along the rows    row r, k / 8 = c: (r / 8) stride + (r % 8) w + 16 c
//                       without a swizzle: c leading instead of 16 c
//   the other one       chunk c of the row of k: (k / 8) stride + (k % 8) w + (16 c) % w
//                       + (16 c) / w leading; without a swizzle leading and stride trade places
//
// The swizzle then XORs bits 4 to 6 of the address with bits 7 to 9 (fewer for 64 and 32 bytes).
#include <algorithm>

#include "cpu/isa.h"
#include "memory.h"

namespace simt {
namespace {

constexpr int kRows = 64;
constexpr int kDepth = 16;
constexpr int kMaxN = 256;
constexpr uint32_t kChunk = 16;  // bytes: 8 elements

// --- Operands ------------------------------------------------------------------------------------

float from_bits(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

// As in instructions.cpp, but without branches, so that eight values are converted at once.
template <Mma kMma>
float value_of(uint16_t h) {
  if (kMma == Mma::bf16) return from_bits(uint32_t{h} << 16);
  const uint32_t bits = (h & 0x7fffu) << 13;
  float magnitude = from_bits(bits) * 0x1p112f;
  uint32_t finite;
  std::memcpy(&finite, &magnitude, sizeof finite);
  const uint32_t special = (h & 0x7c00u) == 0x7c00u ? bits | 0x7f800000u : finite;
  return from_bits(special | (h & 0x8000u) << 16);
}

// The address of chunk c of row r; of the row of k when K does not run along the rows.
uint32_t chunk_at(const Operand& x, uint32_t r, uint32_t c) {
  const uint32_t inside = r % 8 * x.row;
  if (x.row == kChunk)
    return x.start + inside +
           (x.along_k ? r / 8 * x.stride + c * x.leading : r / 8 * x.leading + c * x.stride);
  const uint32_t column = c * kChunk;
  const uint32_t address = x.start + r / 8 * x.stride + inside + column % x.row +
                           (x.along_k ? 0 : column / x.row * x.leading);
  return address ^ (address >> 7 & (x.row / kChunk - 1)) << 4;
}

// Calls f(r, c, address) for all of an operand.
template <class F>
void for_each_chunk(const Operand& x, F&& f) {
  const uint32_t rows = x.along_k ? x.rows : kDepth;
  const uint32_t chunks = (x.along_k ? kDepth : x.rows) / 8;
  for (uint32_t r = 0; r < rows; ++r) {
    for (uint32_t c = 0; c < chunks; ++c) f(r, c, chunk_at(x, r, c));
  }
}

// Decodes a descriptor, or fails: tiles begin at a multiple of the swizzle's atom of eight rows, and a
// step inside the first row stays in it.
Operand operand_of(uint64_t descriptor, int major, int rows, const char* name, Site site) {
  const auto bytes = [&](int bit) {
    return static_cast<uint32_t>(descriptor >> bit & 0x3fffu) << 4;
  };
  const auto mode = static_cast<uint32_t>(descriptor >> 62);
  Operand x;
  x.rows = static_cast<uint32_t>(rows);
  x.start = bytes(0);
  x.leading = bytes(16);
  x.stride = bytes(32);
  x.row = mode == 0 ? kChunk : 256u >> mode;
  x.along_k = major == 0;
  if ((descriptor >> 49 & 7u) != 0)
    error(site, "wgmma: %s has base offset %u, expected 0", name,
          static_cast<uint32_t>(descriptor >> 49 & 7u));
  if (mode == 0) return x;
  const uint32_t atom = 8 * x.row;
  const uint32_t inside = x.start % atom;
  const uint32_t width = 2 * (x.along_k ? kDepth : x.rows);
  if (inside >= x.row || inside + std::min(width, x.row) > x.row)
    error(
        site,
        "wgmma: %s starts at shared+%u, expected a place in the first row of an atom of %u bytes, "
        "with %u bytes after it",
        name, x.start, atom, std::min(width, x.row));
  const auto check = [&](const char* which, uint32_t offset) {
    if (offset == 0 || offset % atom != 0)
      error(site, "wgmma: %s has %s byte offset %u, expected a multiple of the atom's %u bytes",
            name, which, offset, atom);
  };
  if (!x.along_k || rows > 8) check("stride", x.stride);
  if (!x.along_k && inside + width > x.row) check("leading", x.leading);
  return x;
}

// A thread that is none of the warpgroup's, and knows what all of them know.
Thread& reader_of(const Warpgroup& group) {
  static Thread reader;
  reader.warp = group.threads->warp;
  reader.lane = 1u << 10;
  reader.own_known = *group.threads->known;
  reader.known = &reader.own_known;
  const Knowledge* last = group.threads->known;
  for (uint32_t i = 1; i < kWarpgroup; ++i) {
    const Knowledge* other = group.threads[i].known;
    if (other != last) reader.own_known.block.keep_common(other->block);
    last = other;
  }
  return reader;
}

// Checks an operand, which is being read from now on. Nothing promises which warp's share of the
// product reads which rows, so each may read all.
void start_reading(Thread& reader, const Operand& x, Site site) {
  for_each_chunk(
      x, [&](uint32_t, uint32_t, uint32_t at) { async_read_begin(reader, at, kChunk, site); });
}

// Converts an operand to m[16][rows], one row for each k.
template <Mma kMma>
void convert(const Operand& x, float* m) {
  const uint8_t* shared = machine.self->warp->block->shared.data();
  for_each_chunk(x, [&](uint32_t r, uint32_t c, uint32_t at) {
    uint16_t halves[8];
    float values[8];
    std::memcpy(halves, shared + at, kChunk);
    for (int i = 0; i < 8; ++i) values[i] = value_of<kMma>(halves[i]);
    if (x.along_k) {
      for (uint32_t i = 0; i < 8; ++i) m[(8 * c + i) * x.rows + r] = values[i];
    } else {
      std::memcpy(m + r * x.rows + 8 * c, values, sizeof values);
    }
  });
}

// Collects a[16][64] from the threads' fragments.
template <Mma kMma>
void convert_registers(const Thread* threads, float* a) {
  for (uint32_t i = 0; i < kWarpgroup; ++i) {
    const uint32_t* registers = static_cast<const Wgmma*>(operands_of(threads[i]))->a_registers;
    const uint32_t g = i % kLanes / 4;
    const uint32_t t = i % 4;
    for (uint32_t r = 0; r < 4; ++r) {
      const uint32_t row = 16 * (i / kLanes) + g + 8 * (r % 2);
      const uint32_t k = 2 * t + 8 * (r / 2);
      a[k * kRows + row] = value_of<kMma>(static_cast<uint16_t>(registers[r]));
      a[(k + 1) * kRows + row] = value_of<kMma>(static_cast<uint16_t>(registers[r] >> 16));
    }
  }
}

// --- Products ------------------------------------------------------------------------------------

// Eight columns of b or d, as in instructions.cpp, whose order of additions this keeps: a result
// does not depend on the instruction that computed it.
typedef float Row __attribute__((vector_size(32), aligned(4)));

// d[64,n] += a[64,16] b[16,n], with a[16][64] and b[16][n]; kAtOnce rows share what they read of b.
template <int kAtOnce>
inline __attribute__((always_inline)) void multiply_rows(float* d, const float* a, const float* b,
                                                         int n) {
  for (int j = 0; j < n; j += 8) {
    for (int m = 0; m < kRows; m += kAtOnce) {
      Row sum[kAtOnce] = {};
      for (int k = 0; k < kDepth; ++k) {
        const Row row = *reinterpret_cast<const Row*>(b + k * n + j);
#pragma GCC unroll 4
        for (int i = 0; i < kAtOnce; ++i) sum[i] += a[k * kRows + m + i] * row;
      }
#pragma GCC unroll 4
      for (int i = 0; i < kAtOnce; ++i) *reinterpret_cast<Row*>(d + (m + i) * n + j) += sum[i];
    }
  }
}

#ifdef __x86_64__
__attribute__((target("avx2"))) void multiply_avx2(float* d, const float* a, const float* b,
                                                   int n) {
  multiply_rows<4>(d, a, b, n);
}
#endif

void multiply(float* d, const float* a, const float* b, int n) {
#ifdef __x86_64__
  static const bool avx2 = bc::cpu::has(bc::cpu::Isa::avx2);
  if (avx2) return multiply_avx2(d, a, b, n);
#endif
  multiply_rows<1>(d, a, b, n);
}

// Calls f(register of thread i, element of d[64,n]) for all of d.
template <class F>
void for_each_register(const Accumulator& accumulator, F&& f) {
  const int n = accumulator.n;
  for (uint32_t i = 0; i < kWarpgroup; ++i) {
    const uint32_t row = 16 * (i / kLanes) + i % kLanes / 4;
    float* registers = accumulator.d[i];
    for (int r = 0; r < n / 2; ++r)
      f(registers[r], static_cast<size_t>((static_cast<int>(row) + 8 * (r / 2 % 2)) * n +
                                          8 * (r / 4) + 2 * static_cast<int>(i % 4) + r % 2));
  }
}

constexpr uint32_t kPoison = 0x7fa5a5a5u;  // signalling: arithmetic changes it

const Wgmma& operands(const Warpgroup& group, uint32_t thread) {
  return *static_cast<const Wgmma*>(operands_of(group.threads[thread]));
}

void check_operands(const Warpgroup& group, const Wgmma& first, Site site) {
  if (first.n % 8 != 0 || first.n < 8 || first.n > kMaxN)
    error(site, "wgmma: n has value %d, expected a multiple of 8 up to %d", first.n, kMaxN);
  for (uint32_t i = 1; i < kWarpgroup; ++i) {
    const Wgmma& other = operands(group, i);
    if (other.a != first.a || other.b != first.b || other.add != first.add)
      error(site, "wgmma: %s of %s is not that of %s",
            other.add != first.add ? "add" : "a descriptor", place_of(group.threads[i]).c_str(),
            place_of(group.threads[0]).c_str());
  }
}

// Products see registers that threads wrote only after wgmma_fence(). The emulator does not know when
// threads write registers. So it assumes that d may have been touched since it was handed back, and a
// since any d was; and an a that differs from what it was at the fence has been written since.
void check_fence(Warpgroup& group, const Wgmma& first, bool under_way, Site site) {
  const auto missing = [&](const char* which, const char* why) {
    error(site, "wgmma: %s %s without wgmma_fence", which, why);
  };
  if (!group.fenced) missing("the first product", "comes");
  const auto& back = group.handed_back;
  if (!under_way && std::find(back.begin(), back.end(), first.d) != back.end())
    missing("d", "is used again after wgmma_wait_group");
  if (first.a_registers == nullptr) return;
  if (!back.empty()) missing("a in registers", "is used after wgmma_wait_group");
  uint64_t sum = 0xcbf29ce484222325u;  // FNV-1a
  for (uint32_t i = 0; i < kWarpgroup; ++i) {
    for (int r = 0; r < 4; ++r) sum = (sum ^ operands(group, i).a_registers[r]) * 0x100000001b3u;
  }
  for (const auto& known : group.fragments) {
    if (known.first == first.a_registers && known.second != sum)
      missing("a in registers", "was written after another product read it,");
  }
  group.fragments.emplace_back(first.a_registers, sum);
}

// The accumulator under way whose registers d are, or null; a new one must fit beside those under way.
Accumulator* accumulator_of(Warpgroup& group, const Wgmma& first, Site site) {
  for (Accumulator& other : group.accumulators) {
    if (first.d + first.n / 2 <= other.d[0] || other.d[0] + other.n / 2 <= first.d) continue;
    if (other.d[0] != first.d || other.n != first.n)
      error(site, "wgmma: d of n %d overlaps that of n %d of the product at %s, which is under way",
            first.n, other.n, name_of(other.site).c_str());
    for (uint32_t i = 1; i < kWarpgroup; ++i) {
      if (operands(group, i).d != other.d[i])
        error(site, "wgmma: d of %s is not that of the product at %s, which is under way",
              place_of(group.threads[i]).c_str(), name_of(other.site).c_str());
    }
    return &other;
  }
  int registers = first.n / 2;
  for (const Accumulator& other : group.accumulators) registers += other.n / 2;
  if (registers >= group.registers)
    error(site, "wgmma: results under way take %d registers of a thread, which has %d", registers,
          group.registers);
  return nullptr;
}

// Takes d over from the threads.
Accumulator& take(Warpgroup& group, const Wgmma& first) {
  group.accumulators.emplace_back();
  Accumulator& accumulator = group.accumulators.back();
  accumulator.n = first.n;
  accumulator.values.resize(static_cast<size_t>(kRows * first.n));
  for (uint32_t i = 0; i < kWarpgroup; ++i) accumulator.d[i] = operands(group, i).d;
  if (first.add) {
    for_each_register(accumulator, [&](float& f, size_t at) { accumulator.values[at] = f; });
  }
  for_each_register(accumulator,
                    [](float& f, size_t) { std::memcpy(&f, &kPoison, sizeof kPoison); });
  return accumulator;
}

template <Mma kMma>
void issue(Warpgroup& group, const Wgmma& first, Site site) {
  alignas(64) static float a[kDepth * kRows];
  alignas(64) static float b[kDepth * kMaxN];
  check_operands(group, first, site);
  if (group.unit == 0)
    group.unit = new_units(*group.threads->warp->block, kWarpgroupWarps, "wgmma", site);
  Accumulator* accumulator = accumulator_of(group, first, site);
  check_fence(group, first, accumulator != nullptr, site);

  Reading reading;
  reading.group = group.next;
  reading.b = operand_of(first.b, first.major_b, first.n, "b", site);
  Thread& reader = reader_of(group);
  start_reading(reader, reading.b, site);
  convert<kMma>(reading.b, b);
  if (first.a_registers == nullptr) {
    reading.a = operand_of(first.a, first.major_a, kRows, "a", site);
    start_reading(reader, reading.a, site);
    convert<kMma>(reading.a, a);
  } else {
    convert_registers<kMma>(group.threads, a);
  }
  group.readings.push_back(reading);

  if (accumulator == nullptr) accumulator = &take(group, first);
  accumulator->group = group.next;
  accumulator->site = site;
  if (!first.add) std::fill(accumulator->values.begin(), accumulator->values.end(), 0.0f);
  multiply(accumulator->values.data(), a, b, first.n);

  Counters& count = counters();
  ++count.wgmma;
  count.tensor_clocks += first.n / 2;
  count.operand_wavefronts += (first.n + static_cast<int>(reading.a.rows)) / 4;
}

void issue(Warpgroup& group) {
  const Wgmma& first = operands(group, 0);
  first.kind == Mma::bf16 ? issue<Mma::bf16>(group, first, group.site)
                          : issue<Mma::f16>(group, first, group.site);
}

void hand_back(Warpgroup& group, Accumulator& accumulator) {
  for_each_register(accumulator, [&](float& f, size_t at) {
    if (std::memcmp(&f, &kPoison, sizeof f) != 0)
      error(group.site, "wgmma.wait_group: d of the product at %s was written while under way",
            name_of(accumulator.site).c_str());
    f = accumulator.values[at];
  });
  group.handed_back.push_back(accumulator.d[0]);
}

// The products of these groups have read their operands. Each warp learns by waiting of its own share
// alone: the PTX ISA says "wgmma-groups committed by the executing threads". A word keeps two of its
// four concurrent readers, and which two changes from chunk to chunk.
void end_reading(Warpgroup& group, int64_t first_left) {
  ++group.clock;
  Block& block = *group.threads->warp->block;
  const auto end = [&](const Reading& reading) {
    if (reading.group >= first_left) return false;
    for (const Operand* x : {&reading.a, &reading.b}) {
      if (x->rows == 0) continue;
      uint32_t share = 0;
      for_each_chunk(*x, [&](uint32_t, uint32_t, uint32_t at) {
        async_read_end(block, at, kChunk);
        for (const uint32_t w : {share % kWarpgroupWarps, (share + 1) % kWarpgroupWarps})
          async_read_by(group.threads[w * kLanes], at, kChunk,
                        stamp_of(group.clock, group.unit + w));
        ++share;
      });
    }
    return true;
  };
  auto& all = group.readings;
  all.erase(std::remove_if(all.begin(), all.end(), end), all.end());
  for (uint32_t w = 0; w < kWarpgroupWarps; ++w) {
    Warp& warp = *group.threads[w * kLanes].warp;
    warp.known.block.learn_unit(group.unit + w, group.clock);
    for (uint32_t lanes = warp.apart; lanes != 0; lanes &= lanes - 1)
      warp.threads[__builtin_ctz(lanes)].own_known.block.learn_unit(group.unit + w, group.clock);
  }
}

void wait_for_groups(Warpgroup& group) {
  const int64_t first_left = group.next - group.detail;
  if (group.readings.empty() || group.readings.front().group >= first_left) return;
  end_reading(group, first_left);
  auto& all = group.accumulators;
  const auto kept = std::stable_partition(
      all.begin(), all.end(), [&](const Accumulator& a) { return a.group >= first_left; });
  for (auto each = kept; each != all.end(); ++each) hand_back(group, *each);
  all.erase(kept, all.end());
}

}  // namespace

void wgmma(const Wgmma& product, Site site) {
  check_sm_90a("wgmma", site);
  const int64_t detail = product.n | (product.kind == Mma::bf16 ? 1 << 9 : 0) |
                         product.major_a << 10 | product.major_b << 11 |
                         (product.a_registers != nullptr ? 1 << 12 : 0);
  meet_warpgroup("wgmma", detail, &product, issue, site);
}

void wgmma_fence(Site site) {
  if (taken_out("wgmma.fence", site)) return;
  meet_warpgroup(
      "wgmma.fence", 0, nullptr,
      [](Warpgroup& group) {
        group.fenced = true;
        group.handed_back.clear();
        group.fragments.clear();
      },
      site);
}

void wgmma_commit_group(Site site) {
  if (taken_out("wgmma.commit_group", site)) return;
  meet_warpgroup(
      "wgmma.commit_group", 0, nullptr, [](Warpgroup& group) { ++group.next; }, site);
}

void wgmma_wait_group(int groups_left, Site site) {
  if (taken_out("wgmma.wait_group", site)) return;
  if (groups_left < 0 || groups_left > 7)
    error(site, "wgmma.wait_group: has value %d, expected 0 to 7", groups_left);
  meet_warpgroup("wgmma.wait_group", groups_left, nullptr, wait_for_groups, site);
}

void check_products_at_exit(const Thread& thread) {
  const Block& block = *thread.warp->block;
  const uint32_t index = thread.warp->index / kWarpgroupWarps;
  if (index >= block.warpgroups.size()) return;
  const Warpgroup& group = block.warpgroups[index];
  if (group.accumulators.empty()) return;
  const Accumulator& last = group.accumulators.back();
  error(last.site, "exits while this wgmma %s",
        last.group == group.next ? "has not been committed" : "has not been waited for");
}

}  // namespace simt
