// What a .cu file sees when the host compiler reads it: CUDA's keywords and built-in variables, and
// the functions that the host halves of cuda/ptx and load.cuh call. The rest of this folder implements
// them. What the emulator proves and what it cannot: docs/emulator.md.
//
//   simt.h          this file
//   device.h        host side for tests: buffers, options, counters
//   launch.cpp      grid and blocks, from the first to the last
//   machine.*       warps and threads; which one runs next
//   clocks.*        what happens before what
//   barriers.cpp    barriers of a block
//   clusters.cpp    blocks that reach each other's shared memory
//   mbarriers.cpp   barriers in shared memory, and the bytes they wait for
//   bulk_copies.cpp, tensor_map.cpp   bulk copies: when they start, when they end
//   proxies.cpp     which generic accesses the asynchronous proxy knows of
//   *_memory.cpp    global and shared memory: bounds, alignment, initialisation, races
//   wgmma.cpp       products of warpgroups: operands, results, when they land
//   registers.cpp   registers that warpgroups hand to each other
//   instructions.*  what ldmatrix, mma and conversions do to registers
//   traffic.*       sectors, bank conflicts
//   fiber.*         one stack per CUDA thread
//   gpu.*           the GPU of cuda/device.h
//   taken_out.cpp   leaves one synchronisation out, to see which tests notice
//
// Nothing is mapped at the addresses of device pointers: only the functions of load.cuh and cuda/ptx
// reach what they name, and a plain dereference is reported like any other error.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace simt {

// Where in the source an access or instruction stands. Functions that touch memory or meet other
// threads take one as their last argument; its default is the line of the call.
struct Site {
  const char* file;
  int line;
};
constexpr Site here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return {file, line};
}

// Runs body once for every thread. Errors call the kernel `name`. A thread of an early kernel may touch
// nothing but inputs until it has called wait_for_earlier_kernels(), and at least one thread must call
// it. `cluster` blocks side by side make a cluster. The emulated GPU's compute capability (gpu.h) says
// what shared memory, early starts and clusters it has.
void launch(const char* name, dim3 grid, dim3 block, size_t shared_bytes, bool early,
            unsigned cluster, const std::function<void()>& body);
void wait_for_earlier_kernels(Site site);

// Where launches go instead of running while a step is recorded; null otherwise.
std::vector<std::function<void()>>*& recorder();

// Global memory. Sizes are 1, 2, 4, 8 or 16 bytes, aligned to themselves.
void global_load(void* to, const void* from, int bytes, Site site);
void global_load_constant(void* to, const void* from, int bytes, Site site);  // ld.global.nc
void global_store(void* to, const void* from, int bytes, Site site);

// Shared memory, by byte offset.
void shared_load(void* to, uint32_t from, int bytes, Site site);
void shared_store(uint32_t to, const void* from, int bytes, Site site);

// Read-modify-write of 4 bytes: old value through `old`, new value from `change`.
using Change = uint32_t (*)(uint32_t old, uint32_t operand, uint32_t expected);
uint32_t global_atomic(void* at, Change change, uint32_t operand, uint32_t expected,
                       bool acquire_release, Site site);
uint32_t shared_atomic(uint32_t at, Change change, uint32_t operand, uint32_t expected, Site site);
// A thread that does nothing but this waits until something in global memory has changed.
uint32_t load_acquire(const void* from, Site site);
void store_release(void* to, uint32_t value, Site site);

// cp.async: `bytes` are 4, 8 or 16, of which the first `source_bytes` come from memory and the rest
// are zero.
void copy_async(uint32_t to, const void* from, int bytes, int source_bytes, Site site);
void copy_async_commit(Site site);
void copy_async_wait(int groups_left, Site site);  // -1: all, committed or not

// Instructions of all 32 lanes of a warp together.
void sync_warp(Site site);
const uint32_t* exchange(const char* op, uint32_t value, Site site);  // the values of lanes 0 to 31
void load_matrix(uint32_t* registers, uint32_t row, int count, bool transposed, Site site);
enum class Mma { bf16, f16, s8 };
void mma_m16n8(Mma kind, void* d, const uint32_t* a, const uint32_t* b, Site site);
uint32_t lane();

// Barriers. `threads` < 0 stands for the whole block.
void barrier_sync(int id, int threads, Site site);
void barrier_arrive(int id, int threads, Site site);

void mbarrier_init(uint32_t at, uint32_t count, Site site);
void mbarrier_arrive(uint32_t at, uint32_t expected_bytes, Site site);
void mbarrier_wait(uint32_t at, uint32_t parity, Site site);

// The asynchronous proxy of sm_90: bulk copies to shared memory, and products of a warpgroup that read
// it. What they are and when they land: cuda/ptx/sm90.cuh.
void fence_proxy_async(Site site);
void fence_mbarrier_init(Site site);
void copy_bulk(uint32_t to, const void* from, uint32_t bytes, uint32_t barrier, Site site);
void copy_bulk_tensor(uint32_t to, const void* map, const int32_t* at, int rank, uint32_t barrier,
                      Site site);
// Copies to the same place in those blocks of the cluster whose bits are set.
void copy_bulk_tensor_multicast(uint32_t to, const void* map, const int32_t* at, int rank,
                                uint32_t barrier, uint32_t ranks, Site site);

// Clusters.
uint32_t cluster_rank();
void cluster_barrier(Site site);
void mbarrier_arrive_at_rank(uint32_t at, uint32_t rank, Site site);
void set_max_registers(int count, bool more, Site site);

struct Wgmma {
  Mma kind;
  int n;
  int major_a, major_b;         // 0: K runs along the rows in memory
  float* d;                     // n / 2
  const uint32_t* a_registers;  // 4, or null and a is a descriptor
  uint64_t a, b;
  bool add;
};
void wgmma(const Wgmma& product, Site site);
void wgmma_fence(Site site);
void wgmma_commit_group(Site site);
void wgmma_wait_group(int groups_left, Site site);

// An instruction of one lane that touches registers alone. What plain C++ computes is not seen.
//   fma   multiply-adds, and all others at the full rate
//   alu   bits, bytes, conversions between floats: half the rate
//   mufu  exponentials, logarithms, reciprocals, floats to integers: an eighth
enum class Pipe { fma, alu, mufu };
void executed(Pipe pipe);

// A pointer into shared memory. Reading and writing elements goes through Element, so that each
// access is seen.
template <class T>
class Shared;

template <class T>
class Element {
 public:
  using Value = std::remove_const_t<T>;
  Element(uint32_t address, Site site) : address_(address), site_(site) {}
  Element(const Element&) = delete;
  operator Value() const {
    Value value;
    shared_load(&value, address_, sizeof(T), site_);
    return value;
  }
  Element& operator=(const Value& value) {
    static_assert(!std::is_const<T>::value, "the element is const");
    shared_store(address_, &value, sizeof(T), site_);
    return *this;
  }
  Element& operator=(const Element& other) { return *this = static_cast<Value>(other); }
  template <class U>
  Element& operator+=(const U& value) {
    return *this = static_cast<Value>(static_cast<Value>(*this) + value);
  }
  template <class U>
  Element& operator*=(const U& value) {
    return *this = static_cast<Value>(static_cast<Value>(*this) * value);
  }
  Shared<T> operator&() const { return Shared<T>(address_); }

 private:
  uint32_t address_;
  Site site_;
};

// An index that knows where it was written.
struct Index {
  template <class I, class = std::enable_if_t<std::is_integral<I>::value>>
  Index(I value_, Site site_ = here()) : value(static_cast<int64_t>(value_)), site(site_) {}
  int64_t value;
  Site site;
};

template <class T>
class Shared {
 public:
  Shared() = default;
  explicit Shared(uint32_t address) : address_(address) {}
  operator Shared<const T>() const { return Shared<const T>(address_); }
  Element<T> operator[](Index i) const { return Element<T>(at(i.value), i.site); }
  Shared operator+(int64_t i) const { return Shared(at(i)); }
  Shared operator-(int64_t i) const { return Shared(at(-i)); }
  Shared& operator+=(int64_t i) { return *this = *this + i; }
  uint32_t address() const { return address_; }

 private:
  uint32_t at(int64_t i) const {
    return static_cast<uint32_t>(address_ + i * static_cast<int64_t>(sizeof(T)));
  }
  uint32_t address_ = 0;
};

}  // namespace simt

inline void __syncthreads(simt::Site site = simt::here()) { simt::barrier_sync(0, -1, site); }
inline void __syncwarp(simt::Site site = simt::here()) { simt::sync_warp(site); }
