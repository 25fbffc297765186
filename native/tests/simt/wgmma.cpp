// Matrix products of a warpgroup: what they read, what they compute, and when the result lands.
//
// The 128 threads meet at each instruction. A product is computed when it is issued and kept apart:
// the registers of d hold a signalling NaN until wgmma_wait_group() hands the result back, so that
// who reads them early gets NaN and who writes them early is seen.
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

#include "machine.h"

namespace simt {
namespace {

constexpr int kRows = 64;
constexpr int kDepth = 16;
constexpr uint32_t kChunk = 16;  // bytes: 8 elements

// --- Operands ------------------------------------------------------------------------------------

float from_bits(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

// Without branches, so that eight go at once. As in instructions.cpp.
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

struct Layout {
  uint32_t start, leading, stride;
  uint32_t row;     // bytes
  uint32_t from_7;  // bits of an address, from bit 7 on, that the swizzle takes
  bool along_k;

  uint32_t swizzled(uint32_t address) const { return address ^ ((address >> 7 & from_7) << 4); }
  // Chunk c of row r; of the row of k when K does not run along the rows.
  uint32_t chunk(uint32_t r, uint32_t c) const {
    const uint32_t inside = r % 8 * row;
    if (row == kChunk) {
      const uint32_t along = along_k ? leading : stride;
      const uint32_t down = along_k ? stride : leading;
      return start + r / 8 * down + inside + c * along;
    }
    const uint32_t column = c * kChunk;
    return swizzled(start + r / 8 * stride + inside + column % row +
                    (along_k ? 0 : column / row * leading));
  }
};

// Of an operand of `rows` rows of 16 k, named in messages.
Layout layout_of(uint64_t descriptor, int major, int rows, const char* name, Site site) {
  Layout layout;
  layout.start = static_cast<uint32_t>(descriptor & 0x3fffu) << 4;
  layout.leading = static_cast<uint32_t>(descriptor >> 16 & 0x3fffu) << 4;
  layout.stride = static_cast<uint32_t>(descriptor >> 32 & 0x3fffu) << 4;
  const auto mode = static_cast<uint32_t>(descriptor >> 62);  // 1 is 128 bytes, 3 is 32
  layout.row = mode == 0 ? kChunk : 256u >> mode;
  layout.from_7 = layout.row / kChunk - 1;
  layout.along_k = major == 0;
  if ((descriptor >> 49 & 7u) != 0)
    error(site, "wgmma: %s has base offset %u, expected 0", name,
          static_cast<uint32_t>(descriptor >> 49 & 7u));
  if (mode == 0) return layout;
  const uint32_t atom = 8 * layout.row;
  const uint32_t columns = layout.along_k ? kDepth : static_cast<uint32_t>(rows);
  const uint32_t inside = layout.start % atom;
  if (inside >= layout.row || inside + std::min(2 * columns, layout.row) > layout.row)
    error(site,
          "wgmma: %s starts at shared+%u, expected a place in the first row of an atom of %u bytes",
          name, layout.start, atom);
  if ((!layout.along_k || rows > 8) && (layout.stride == 0 || layout.stride % atom != 0))
    error(site, "wgmma: %s has stride byte offset %u, expected a multiple of the atom's %u bytes",
          name, layout.stride, atom);
  if (!layout.along_k && inside + 2 * columns > layout.row &&
      (layout.leading == 0 || layout.leading % atom != 0))
    error(site, "wgmma: %s has leading byte offset %u, expected a multiple of the atom's %u bytes",
          name, layout.leading, atom);
  return layout;
}

// Converts an operand to m[16][rows], one row a k.
template <Mma kMma>
void read_operand(const Layout& layout, int rows, const char* name, float* m, Site site) {
  const Block& block = *machine.self->warp->block;
  const auto n = static_cast<uint32_t>(rows);
  const uint32_t lines = layout.along_k ? n : kDepth;
  const uint32_t chunks = layout.along_k ? 2 : n / 8;
  for (uint32_t r = 0; r < lines; ++r) {
    for (uint32_t c = 0; c < chunks; ++c) {
      const uint32_t at = layout.chunk(r, c);
      if (at + kChunk > machine.shared_bytes)
        error(site, "wgmma: %s reads shared+%u: out of bounds, the block has %zu bytes", name, at,
              machine.shared_bytes);
      uint16_t halves[8];
      float values[8];
      std::memcpy(halves, block.shared.data() + at, kChunk);
      for (int i = 0; i < 8; ++i) values[i] = value_of<kMma>(halves[i]);
      if (layout.along_k) {
        for (uint32_t i = 0; i < 8; ++i) m[(8 * c + i) * n + r] = values[i];
      } else {
        std::memcpy(m + r * n + 8 * c, values, sizeof values);
      }
    }
  }
}

// a[16][64] of the fragments.
template <Mma kMma>
void read_registers(const Thread* threads, float* a) {
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

// d[64,n] += a[64,16] b[16,n], with a[16][64] and b[16][n]
void multiply(float* d, const float* a, const float* b, int n) {
  constexpr int kAtOnce = 2;  // rows of d
  for (int m = 0; m < kRows; m += kAtOnce) {
    for (int j = 0; j < n; j += 8) {
      Row sum[kAtOnce] = {};
      for (int k = 0; k < kDepth; ++k) {
        const Row& row = *reinterpret_cast<const Row*>(b + k * n + j);
        for (int i = 0; i < kAtOnce; ++i) sum[i] += a[k * kRows + m + i] * row;
      }
      for (int i = 0; i < kAtOnce; ++i) *reinterpret_cast<Row*>(d + (m + i) * n + j) += sum[i];
    }
  }
}

// Calls f(register of thread i, element of d[64,n]) for all of d.
template <class F>
void for_each_register(const Accumulator& accumulator, F&& f) {
  const int n = accumulator.n;
  for (uint32_t i = 0; i < kWarpgroup; ++i) {
    const uint32_t row = 16 * (i / kLanes) + i % kLanes / 4;
    float* registers = accumulator.d[i];
    for (int r = 0; r < n / 2; ++r)
      f(registers[r], (static_cast<int>(row) + 8 * (r / 2 % 2)) * n + 8 * (r / 4) +
                          2 * static_cast<int>(i % 4) + r % 2);
  }
}

constexpr uint32_t kUnderWay = 0x7fa5a5a5u;  // signalling: arithmetic changes it

template <Mma kMma>
void issue(Warpgroup& group, const Wgmma& first, Site site) {
  alignas(64) static float a[kDepth * kRows];
  alignas(64) static float b[kDepth * 256];
  Thread* threads = group.threads;
  if (first.a_registers != nullptr) {
    read_registers<kMma>(threads, a);
  } else {
    read_operand<kMma>(layout_of(first.a, first.major_a, kRows, "a", site), kRows, "a", a, site);
  }
  read_operand<kMma>(layout_of(first.b, first.major_b, first.n, "b", site), first.n, "b", b, site);

  Accumulator* accumulator = nullptr;
  for (Accumulator& other : group.under_way) {
    if (other.d[0] == first.d) accumulator = &other;
  }
  if (accumulator == nullptr) {
    group.under_way.emplace_back();
    accumulator = &group.under_way.back();
    accumulator->n = first.n;
    for (uint32_t i = 0; i < kWarpgroup; ++i)
      accumulator->d[i] = static_cast<const Wgmma*>(operands_of(threads[i]))->d;
    accumulator->value.resize(static_cast<size_t>(kRows * first.n));
    if (first.add) {
      for_each_register(*accumulator,
                        [&](float& f, int at) { accumulator->value[static_cast<size_t>(at)] = f; });
    }
    for_each_register(*accumulator,
                      [](float& f, int) { std::memcpy(&f, &kUnderWay, sizeof kUnderWay); });
  } else if (accumulator->n != first.n) {
    error(site, "wgmma: d has n %d, but the product under way at %s has %d", first.n,
          name_of(accumulator->site).c_str(), accumulator->n);
  }
  accumulator->site = site;
  accumulator->group = group.next;
  if (!first.add) std::fill(accumulator->value.begin(), accumulator->value.end(), 0.0f);
  multiply(accumulator->value.data(), a, b, first.n);

  Counters& count = counters();
  ++count.wgmma;
  count.tensor_clocks += first.n / 2;
  count.operand_wavefronts += first.n / 4 + (first.a_registers == nullptr ? 16 : 0);
}

void run_wgmma(Warpgroup& group) {
  const Site site = group.site;
  const Wgmma& first = *static_cast<const Wgmma*>(operands_of(group.threads[0]));
  for (uint32_t i = 1; i < kWarpgroup; ++i) {
    const Wgmma& other = *static_cast<const Wgmma*>(operands_of(group.threads[i]));
    if (other.a != first.a || other.b != first.b)
      error(site, "wgmma: the descriptors of thread %u are not those of thread 0", i);
    if (other.add != first.add) error(site, "wgmma: add of thread %u is not that of thread 0", i);
  }
  if (first.n % 8 != 0 || first.n < 8 || first.n > 256)
    error(site, "wgmma: n has value %d, expected a multiple of 8 up to 256", first.n);
  first.kind == Mma::bf16 ? issue<Mma::bf16>(group, first, site)
                          : issue<Mma::f16>(group, first, site);
}

void wait_group(Warpgroup& group) {
  const int64_t left = group.detail;
  const auto landed = [&](Accumulator& accumulator) {
    if (accumulator.group >= group.next - left) return false;
    for_each_register(accumulator, [&](float& f, int at) {
      if (std::memcmp(&f, &kUnderWay, sizeof f) != 0)
        error(group.site, "wgmma.wait_group: d of the product at %s was written while under way",
              name_of(accumulator.site).c_str());
      f = accumulator.value[static_cast<size_t>(at)];
    });
    return true;
  };
  group.under_way.erase(std::remove_if(group.under_way.begin(), group.under_way.end(), landed),
                        group.under_way.end());
}

}  // namespace

void wgmma(const Wgmma& product, Site site) {
  const int64_t detail = product.n | (product.kind == Mma::bf16 ? 1 << 9 : 0) |
                         product.major_a << 10 | product.major_b << 11 |
                         (product.a_registers != nullptr ? 1 << 12 : 0);
  meet_warpgroup("wgmma", detail, &product, run_wgmma, site);
}

void wgmma_fence(Site site) {
  meet_warpgroup(
      "wgmma.fence", 0, nullptr, [](Warpgroup&) {}, site);
}

void wgmma_commit_group(Site site) {
  meet_warpgroup(
      "wgmma.commit_group", 0, nullptr, [](Warpgroup& group) { ++group.next; }, site);
}

void wgmma_wait_group(int groups_left, Site site) {
  if (groups_left < 0 || groups_left > 7)
    error(site, "wgmma.wait_group: has value %d, expected 0 to 7", groups_left);
  meet_warpgroup("wgmma.wait_group", groups_left, nullptr, wait_group, site);
}

}  // namespace simt
