// Buffers on the device in several copies: a kernel that takes one after the other finds its inputs
// out of L2, as the layers of a model do.
//
// Inputs repeat a pattern of rows. The number of its rows is a prime, while real shapes are multiples of
// 64, so that a row that is taken for another one has other numbers. The host keeps the pattern alone.
#pragma once

#include <algorithm>

#include "cuda_cases.h"
#include "cuda_device.h"

namespace bc::bench {

constexpr int64_t kPeriod = 61;  // rows of a pattern, unless a case says otherwise

class Copies {
 public:
  // Starts as NaN in every float type.
  Copies(const char* name, int count, int64_t bytes) : bytes_(bytes) {
    for (int i = 0; i < count; ++i) memory_.emplace_back(name, static_cast<size_t>(bytes));
  }

  void* at(int copy) const { return memory_[static_cast<size_t>(copy)].data(); }
  template <class T>
  T* as(int copy) const {
    return static_cast<T*>(at(copy));
  }
  int64_t bytes() const { return bytes_; }

  std::vector<uint8_t> read(int copy, int64_t offset, int64_t bytes) const {
    std::vector<uint8_t> out(static_cast<size_t>(bytes));
    const uint8_t* from = as<uint8_t>(copy) + offset;
#ifdef BC_ON_GPU
    test::require(cudaMemcpy(out.data(), from, out.size(), cudaMemcpyDeviceToHost), "download");
#else
    simt::copy_from_device(out.data(), from, out.size());
#endif
    return out;
  }

  // Writes the pattern over and over.
  void repeat(const std::vector<uint8_t>& pattern) {
    for (const test::DeviceMemory& memory : memory_) repeat(memory, pattern);
  }
  // On the emulator, a kernel's write is an error from now on.
  void protect() {
    for (test::DeviceMemory& memory : memory_) memory.protect();
  }

 private:
  static void repeat(const test::DeviceMemory& memory, const std::vector<uint8_t>& pattern) {
    size_t done = std::min(pattern.size(), memory.bytes());
    auto* to = static_cast<uint8_t*>(memory.data());
#ifdef BC_ON_GPU
    test::require(cudaMemcpy(to, pattern.data(), done, cudaMemcpyHostToDevice), "upload");
    while (done < memory.bytes()) {
      const size_t next = std::min(done, memory.bytes() - done);
      test::require(cudaMemcpy(to + done, to, next, cudaMemcpyDeviceToDevice), "copy");
      done += next;
    }
#else
    for (size_t at = 0; at < memory.bytes(); at += done)
      simt::copy_to_device(to + at, pattern.data(), std::min(done, memory.bytes() - at));
#endif
  }

  std::vector<test::DeviceMemory> memory_;
  int64_t bytes_;
};

inline Copies in_out(const char* name, int count, int64_t bytes,
                     const std::vector<uint8_t>& pattern) {
  Copies copies(name, count, bytes);
  copies.repeat(pattern);
  return copies;
}
inline Copies input(const char* name, int count, int64_t bytes,
                    const std::vector<uint8_t>& pattern) {
  Copies copies = in_out(name, count, bytes, pattern);
  copies.protect();
  return copies;
}
template <class T>
Copies input(const char* name, int count, const std::vector<T>& values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return input(name, count, static_cast<int64_t>(bytes.size()), bytes);
}
inline Copies output(const char* name, int count, int64_t bytes) { return {name, count, bytes}; }

// A pattern of rows: in f32, rounded as the type rounds them, and as the device gets them.
struct Pattern {
  template <class G>
  Pattern(Type type_, int64_t rows, int64_t cols, G&& next) : type(type_), numbers(rows, cols, 0) {
    numbers.fill(next);
    numbers = test::rounded(type, numbers);
    bytes = test::as_type(type, numbers.data);
  }
  const float* row(int64_t r) const { return numbers.row(r % numbers.rows); }

  Type type;
  test::Matrix numbers;
  std::vector<uint8_t> bytes;
};

// Rows of a pattern side by side.
inline test::Matrix gather(const Pattern& pattern, const std::vector<int64_t>& rows) {
  test::Matrix m(static_cast<int64_t>(rows.size()), pattern.numbers.cols, 0);
  for (size_t i = 0; i < rows.size(); ++i)
    std::copy_n(pattern.row(rows[i]), m.cols, m.row(static_cast<int64_t>(i)));
  return m;
}

// Rows of an output [.,cols] without gaps.
inline test::Matrix read_rows(const Copies& out, int copy, Type type, int64_t cols,
                              const std::vector<int64_t>& rows) {
  test::Matrix m(static_cast<int64_t>(rows.size()), cols, 0);
  const int64_t bytes = cols * element_bytes(type);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::vector<float> row = test::as_floats(type, out.read(copy, rows[i] * bytes, bytes));
    std::copy(row.begin(), row.end(), m.row(static_cast<int64_t>(i)));
  }
  return m;
}

// The first, the last and some between, without repetition.
inline std::vector<int64_t> sample(int64_t n, int64_t count, uint64_t seed) {
  std::vector<int64_t> chosen = {0, n - 1};
  test::Random random(seed);
  while (static_cast<int64_t>(chosen.size()) < count) chosen.push_back(random.below(n));
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

// Checks that every number of an output was written.
inline void check_written(test::Check& check, const Copies& out, int copy, Type type) {
  constexpr int64_t kPart = int64_t{32} << 20;
  bool written = true;
  for (int64_t at = 0; at < out.bytes(); at += kPart) {
    const std::vector<uint8_t> part = out.read(copy, at, std::min(kPart, out.bytes() - at));
    const auto n = static_cast<int64_t>(part.size()) / element_bytes(type);
    for (int64_t i = 0; i < n; ++i) written &= !std::isnan(float_at(part.data(), type, i));
  }
  check.that(written, "outputs are NaN or were not written");
}

}  // namespace bc::bench
