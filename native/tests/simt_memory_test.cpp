// Memory: asynchronous copies, bounds, alignment, initialisation. Kernels that are broken in one way
// each, what the emulator says of them, and their sound counterparts.
#include "simt_test.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

// --- Asynchronous copies -------------------------------------------------------------------------

// Three tiles of 64 words, one group each, two under way.
template <int kLeft, bool kBarrier>
__global__ void copies_kernel(uint32_t* out, const uint32_t* in) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  for (uint32_t tile = 0; tile < 2; ++tile) {
    ptx::cp_async<4>(s + tile * 64 + i, in + tile * 64 + i);
    ptx::cp_async_commit_group();
  }
  for (uint32_t tile = 0; tile < 3; ++tile) {
    ptx::cp_async_wait_group<kLeft>();
    if (kBarrier) __syncthreads();
    store(out + tile * 64 + i, static_cast<uint32_t>(s[tile % 2 * 64 + (63 - i)]));
    if (kBarrier) __syncthreads();
    if (tile == 0) ptx::cp_async<4>(s + i, in + 128 + i);
    ptx::cp_async_commit_group();  // empty after the first turn, and counted
  }
}

__global__ void zero_fill_kernel(uint32_t* out, const uint32_t* in) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  // Lane 31 has nothing to read: the source may lie outside.
  ptx::cp_async<16>(s + i * 4, in + i * 4, i == 31 ? 0 : i == 30 ? 4 : 16);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  for (uint32_t k = 0; k < 4; ++k) store(out + i * 4 + k, static_cast<uint32_t>(s[i * 4 + k]));
}

__global__ void overwrite_kernel(const uint32_t* in) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  ptx::cp_async<4>(s + thread_id(), in + thread_id());
  s[thread_id()] = 0;
}

// Loads and copies that tell the caches what to keep bring the same.
__global__ void hints_kernel(uint32_t* out, const uint32_t* in) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  const uint32_t i = thread_id();
  const uint64_t policy = ptx::createpolicy_evict_first();
  ptx::cp_async_16_hint(s + 4 * i, in + 4 * i, 16, policy);
  ptx::cp_async_commit_group();
  ptx::cp_async_wait_group<0>();
  const ptx::Words<16> x = ptx::ld_global_nc_hint(in + 4 * i, policy);
  const Vec<uint32_t, 4> y = load<4>(s + 4 * i);
  const Vec<uint32_t, 8> z = load_once<8>(in + 8 * (i / 2));
  store(out + i, x.w[1] + y[2] + z[3] + load_once<2>(in + 2)[1] + load_once<1>(in + 1)[0]);
}

__global__ void shared_atomics_kernel(uint32_t* out) {
  const Shared<uint32_t> s = shared_memory<uint32_t>();
  if (thread_id() < 2) s[thread_id()] = 0;
  __syncthreads();
  ptx::atom_shared_add(s, 2);
  ptx::atom_shared_max(s + 1, thread_id() ^ 5u);
  __syncthreads();
  store(out + thread_id(), s[0] * 1000 + s[1]);
}

void copies(Check& check) {
  const auto in = input("in", numbers(192));
  const auto out = output<uint32_t>("out", 192);
  const auto end = input("end", numbers(121));
  const dim3 one(1), two_warps(64);
  sound(check, "cp.async groups", [&] {
    launch<copies_kernel<1, true>>({one, two_warps, 512}, out.data(), in.data());
    const std::vector<uint32_t> got = out.read();
    equal(check, "tile 0", got[1], 62);
    equal(check, "tile 1", got[64], 127);
    equal(check, "tile 2", got[128 + 63], 128);
  });
  caught(check, "cp.async without waiting", {"has not been waited for"},
         {"load of shared+", "the cp.async by block (0,0,0) thread ("}, [&] {
           launch<copies_kernel<2, true>>({one, two_warps, 512}, out.data(), in.data());
         });
  caught(check, "cp.async waited for, but no barrier",
         {"race: ", "has not been waited for", "nothing was written there"}, {}, [&] {
           launch<copies_kernel<1, false>>({one, two_warps, 512}, out.data(), in.data());
         });
  sound(check, "cp.async with zero fill", [&] {
    launch<zero_fill_kernel>({one, dim3(32), 512}, out.data(), end.data());
    const std::vector<uint32_t> got = out.read();
    equal(check, "full", got[119], 119);
    equal(check, "first of a part", got[120], 120);
    equal(check, "second of a part", got[121], 0);
    equal(check, "nothing", got[127], 0);
  });
  sound(check, "hints", [&] {
    launch<hints_kernel>({one, dim3(32), 512}, out.data(), in.data());
    equal(check, "sum", out.read()[3], 13 + 14 + 11 + 3 + 1);
  });
  sound(check, "atomics in shared memory", [&] {
    launch<shared_atomics_kernel>({one, two_warps, 8}, out.data());
    equal(check, "128 and 63", out.read()[9], 128063);
  });
  caught(check, "store under a cp.async", {"store of shared+"}, {"has not been waited for"}, [&] {
    launch<overwrite_kernel>({one, dim3(32), 128}, in.data());
  });
}

// --- Bounds --------------------------------------------------------------------------------------

template <int kExtra>
__global__ void tile_end_kernel(uint32_t* out, const uint32_t* in, uint32_t n) {
  for (uint32_t i = thread_id(); i < n + kExtra; i += blockDim.x) store(out + i, load(in + i));
}
__global__ void misaligned_kernel(uint32_t* out, const uint32_t* in) {
  store(out + 4 * thread_id(), load<4>(in + 4 * thread_id() + 2));
}
__global__ void to_input_kernel(uint32_t* in) { store(in + thread_id(), 1u); }
__global__ void plain_kernel(uint32_t* out) { out[thread_id()] = 1; }
__global__ void shared_end_kernel() { shared_memory<uint32_t>()[thread_id() + 1] = 1; }

void bounds(Check& check) {
  const auto in = input("in", numbers(100));
  const auto out = output<uint32_t>("out", 100);
  const auto other = output<uint32_t>("other", 200);
  const dim3 one(1), warp(32);
  sound(check, "tile of 100", [&] {
    launch<tile_end_kernel<0>>({one, dim3(64)}, out.data(), in.data(), 100u);
  });
  caught(check, "tile one too long", {"out of bounds, the buffer has 400 bytes"},
         {"tile_end_kernel<1>: block (0,0,0) thread (36,0,0) at simt_memory_test.cpp:",
          "load of 4 bytes at in+400"},
         [&] {
           launch<tile_end_kernel<1>>({one, dim3(64)}, out.data(), in.data(), 100u);
         });
  caught(check, "store past the end", {"store of 4 bytes at out+400: out of bounds"}, {}, [&] {
    const auto longer = input("longer", numbers(101));
    launch<tile_end_kernel<1>>({one, dim3(64)}, out.data(), longer.data(), 100u);
  });
  caught(check, "misaligned", {"load of 16 bytes at in+"}, {"misaligned"}, [&] {
    launch<misaligned_kernel>({one, dim3(32)}, other.data(), in.data());
  });
  caught(check, "store to an input", {"the buffer is an input"}, {"in+"}, [&] {
    launch<to_input_kernel>({one, warp}, in.data());
  });
  caught(check, "load of an output", {"nothing was written there"}, {"other+"}, [&] {
    launch<tile_end_kernel<0>>({one, warp}, out.data(), other.data(), 64u);
  });
  caught(check, "plain dereference", {"plain dereference of a device pointer (out)"}, {"thread ("},
         [&] {
           launch<plain_kernel>({one, warp}, out.data());
         });
  caught(check, "end of shared memory", {"out of bounds, the block has 128 bytes"}, {"shared+128"},
         [&] {
           launch<shared_end_kernel>({one, warp, 128});
         });
  caught(check, "odd block", {"block has 33 threads"}, {}, [&] {
    launch<to_input_kernel>({one, dim3(33)}, out.data());
  });
}

}  // namespace

int main() {
  return run_on_device("simt_memory", [](Check& check) {
    copies(check);
    bounds(check);
  });
}
