// Bulk copies and tensor maps. Kernels that are broken in one way each, what the emulator says of them,
// and their sound counterparts.
#include "simt_async.h"

using namespace bc;
using namespace bc::cuda;
using namespace bc::test;

namespace {

// --- A pipeline ----------------------------------------------------------------------------------

enum class Fault {
  none,
  late_expect,  // none either: bytes may arrive before they are announced
  too_few_bytes,
  too_many_bytes,
  one_of_two_copies,
  no_bytes,
  wrong_phase,
  wrong_barrier,
  no_full_wait,
  no_empty_wait,
  early_release,
  no_fence,
  no_barrier,
  no_last_copy,
  twice_the_barrier,
};

// Thread 0 brings tiles of 64 words into two slots, warps 1 and 2 read them.
template <Fault kFault>
__global__ void pipeline_kernel(uint32_t* out, const uint32_t* in, uint32_t tiles) {
  const Shared<uint64_t> full = shared_memory<uint64_t>();
  const Shared<uint64_t> empty = shared_memory<uint64_t>(16);
  const Shared<uint32_t> slots = shared_memory<uint32_t>(128);
  if (threadIdx.x == 0) {
    for (int s = 0; s < 2; ++s) {
      ptx::mbarrier_init(full + s, 1);
      ptx::mbarrier_init(empty + s, 64);
    }
    if (kFault == Fault::twice_the_barrier) ptx::mbarrier_init(full, 1);
    if (kFault != Fault::no_fence) ptx::fence_mbarrier_init();
  }
  if (kFault != Fault::no_barrier) __syncthreads();
  if (threadIdx.x >= 32) {
    const uint32_t i = threadIdx.x - 32;
    for (uint32_t tile = 0; tile < tiles; ++tile) {
      const uint32_t s = tile % 2;
      const uint32_t phase = tile / 2 + (kFault == Fault::wrong_phase ? 1 : 0);
      if (kFault != Fault::no_full_wait)
        wait_phase(full + (kFault == Fault::wrong_barrier ? 1 - s : s), phase % 2);
      if (kFault == Fault::early_release) ptx::mbarrier_arrive(empty + s);
      store(out + tile * 64 + i, static_cast<uint32_t>(slots[s * 64 + 63 - i]));
      if (kFault != Fault::early_release) ptx::mbarrier_arrive(empty + s);
    }
  } else if (threadIdx.x == 0) {
    for (uint32_t tile = 0; tile < tiles; ++tile) {
      const uint32_t s = tile % 2;
      if (tile >= 2 && kFault != Fault::no_empty_wait) wait_phase(empty + s, (tile / 2 - 1) % 2);
      const Shared<uint32_t> to = slots + s * 64;
      const uint32_t* from = in + tile * 64;
      if (kFault == Fault::late_expect) ptx::cp_async_bulk(to, from, 256, full + s);
      const bool half = kFault == Fault::too_few_bytes || kFault == Fault::one_of_two_copies;
      if (kFault == Fault::no_bytes) {
        ptx::mbarrier_arrive(full + s);
      } else {
        ptx::mbarrier_arrive_expect_tx(full + s, half                              ? 128
                                                 : kFault == Fault::too_many_bytes ? 512
                                                                                   : 256);
      }
      if (kFault == Fault::one_of_two_copies) {
        ptx::cp_async_bulk(to, from, 128, full + s);
        ptx::cp_async_bulk(to + 32, from + 32, 128, full + s);
      } else if (kFault != Fault::late_expect &&
                 (kFault != Fault::no_last_copy || tile + 1 != tiles)) {
        ptx::cp_async_bulk(to, from, 256, full + s);
      }
    }
  }
}

void pipelines(Check& check) {
  constexpr uint32_t kTiles = 7;
  const auto in = input("in", numbers(kTiles * 64));
  const auto out = output<uint32_t>("out", kTiles * 64);
  const Launch how{dim3(1), dim3(96), 640};
  const auto works = [&](const char* name, auto run) {
    sound(check, name, [&] {
      run();
      const std::vector<uint32_t> got = out.read();
      for (uint32_t i = 0; i < kTiles * 64; ++i) {
        if (got[i] != i / 64 * 64 + 63 - i % 64) return equal(check, "word", got[i], i);
      }
#ifndef BC_ON_GPU
      equal(check, "bulk copies", simt::counters().bulk_copies, kTiles);
      equal(check, "bulk bytes", simt::counters().bulk_bytes, kTiles * 256);
      equal(check, "sectors", simt::counters().load_sectors, kTiles * 8);
      equal(check, "unique sectors", simt::counters().unique_load_sectors, kTiles * 8);
      equal(check, "bank conflicts", simt::counters().bank_conflicts(), 0);
#endif
    });
  };
#define RUN(fault) \
  [&] { launch<pipeline_kernel<Fault::fault>>(how, out.data(), in.data(), kTiles); }
  works("pipeline of bulk copies", RUN(none));
  works("bytes before they are announced", RUN(late_expect));
  caught(check, "fewer bytes announced than come", {"128 bytes too many"},
         {"deadlock", "mbarrier at shared+", "announced at simt_copies_test.cpp:"},
         RUN(too_few_bytes));
  caught(check, "more bytes announced than come", {"lacks 256 bytes"},
         {"deadlock", "mbarrier at shared+", "announced at simt_copies_test.cpp:"},
         RUN(too_many_bytes));
  caught(check, "the bytes of one copy of two", {kLanding}, {"the bulk copy by block (0,0,0)"},
         RUN(one_of_two_copies));
  caught(check, "no bytes announced", {kLanding}, {"the bulk copy by block (0,0,0)"},
         RUN(no_bytes));
  caught(check, "wrong phase", {kLanding, kNothing, kRace}, {"load of shared+"}, RUN(wrong_phase));
  caught(check, "wrong barrier", {kLanding, kNothing, kRace}, {"load of shared+"},
         RUN(wrong_barrier));
  caught(check, "no wait for the bytes", {kLanding, kNothing, kRace}, {"load of shared+"},
         RUN(no_full_wait));
  caught(check, "no wait for the readers",
         {"race: bulk copy of shared+", "bulk copy of shared+", "more arrivals than its 1"},
         {"simt_copies_test.cpp:"}, RUN(no_empty_wait));
  caught(check, "a slot given back before it is read", {"race: bulk copy of shared+"},
         {"is concurrent with the load by block (0,0,0) thread ("}, RUN(early_release));
  caught(check, "no fence after mbarrier_init", {"mbarrier_init at simt_copies_test.cpp:"},
         {"has not been followed by fence_mbarrier_init", "mbarrier at shared+0"}, RUN(no_fence));
  caught(check, "no barrier after mbarrier_init",
         {"used before mbarrier_init", "used concurrently with mbarrier_init"},
         {"mbarrier at shared+"}, RUN(no_barrier));
  caught(check, "a copy missing", {"lacks 256 bytes"},
         {"deadlock", "mbarrier at shared+0 in phase 3 has 1 of its 1 arrivals"},
         RUN(no_last_copy));
  caught(check, "an mbarrier initialised twice", {"initialised a second time"},
         {"mbarrier at shared+0"}, RUN(twice_the_barrier));
#undef RUN
}

// --- Addresses -----------------------------------------------------------------------------------

// Thread 0 copies, all read a word.
__global__ void copy_kernel(uint32_t* out, const uint32_t* from, uint32_t to, uint32_t bytes,
                            bool early) {
  const Shared<uint64_t> barrier = one_barrier();
  if (!early) ptx::griddepcontrol_wait();
  if (threadIdx.x == 0) {
    ptx::mbarrier_arrive_expect_tx(barrier, bytes);
    ptx::cp_async_bulk(shared_memory<uint32_t>(to), from, bytes, barrier);
  }
  wait_phase(barrier, 0);
  store(out + threadIdx.x, static_cast<uint32_t>(shared_memory<uint32_t>(to)[threadIdx.x]));
}

__global__ void fresh_source_kernel(uint32_t* x) {
  const Shared<uint64_t> barrier = one_barrier();
  store(x + threadIdx.x, 1u);
  ptx::fence_proxy_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    ptx::mbarrier_arrive_expect_tx(barrier, 128);
    ptx::cp_async_bulk(shared_memory<uint32_t>(128), x, 128, barrier);
  }
  wait_phase(barrier, 0);
}

template <bool kOther>
__global__ void changing_source_kernel(uint32_t* x) {
  const Shared<uint64_t> barrier = one_barrier();
  if (threadIdx.x == 0) {
    ptx::mbarrier_arrive_expect_tx(barrier, 128);
    ptx::cp_async_bulk(shared_memory<uint32_t>(128), x, 128, barrier);
    if (!kOther) store(x + 3, 77u);
  }
  if (kOther && threadIdx.x == 32) store(x + 3, 77u);
  wait_phase(barrier, 0);
}

void addresses(Check& check) {
  const auto in = input("in", numbers(64));
  const auto half = in_out("half", numbers(64));
  const auto fresh = output<uint32_t>("fresh", 64);
  const auto out = output<uint32_t>("out", 64);
  const auto run = [&](const uint32_t* from, uint32_t to, uint32_t bytes) {
    launch<copy_kernel>({dim3(1), dim3(64), 512}, out.data(), from, to, bytes, false);
  };
  sound(check, "a bulk copy", [&] {
    run(in.data(), 16, 256);
    equal(check, "word", out.read()[50], 50);
  });
  caught(check, "bulk copy to a misaligned address", {"to shared+24: misaligned"}, {},
         [&] { run(in.data(), 24, 16); });
  caught(check, "bulk copy from a misaligned address", {"misaligned"}, {"bulk copy of 16 bytes"},
         [&] { run(in.data() + 2, 16, 16); });
  caught(check, "bulk copy of odd bytes", {"bytes have value 24, expected a multiple of 16"}, {},
         [&] { run(in.data(), 16, 24); });
  caught(check, "bulk copy of no bytes", {"bytes have value 0"}, {},
         [&] { run(in.data(), 16, 0); });
  caught(check, "bulk copy beyond the buffer", {"out of bounds, the buffer has 256 bytes"},
         {"bulk copy of 256 bytes at in+16"}, [&] { run(in.data() + 4, 16, 256); });
  caught(check, "bulk copy beyond shared memory", {"out of bounds, the block has 512 bytes"},
         {"bulk copy of 256 bytes at shared+272"}, [&] { run(in.data(), 272, 256); });
  caught(check, "bulk copy over its mbarrier", {"an mbarrier is there"}, {"bulk copy of shared+0"},
         [&] { run(in.data(), 0, 256); });
  caught(check, "bulk copy of nothing", {kNothing}, {"bulk copy from fresh+0"},
         [&] { run(fresh.data(), 16, 256); });
  caught(check, "bulk copy before griddepcontrol_wait", {"before griddepcontrol_wait"},
         {"bulk copy of half+"}, [&] {
           const auto x = in_out("half", numbers(64));
           Launch how{dim3(1), dim3(64), 512};
           launch<copy_kernel>(how, x.data(), in.data(), 16u, 256u, false);
           how.early = true;
           launch<copy_kernel>(how, out.data(), x.data(), 16u, 256u, true);
         });
  caught(check, "source changes under a bulk copy",
         {"the bulk copy's source was written to while it was under way"},
         {"thread (0,0,0) at simt_copies_test.cpp:"}, [&] {
           const auto x = in_out("x", numbers(64));
           launch<changing_source_kernel<false>>({dim3(1), dim3(64), 512}, x.data());
         });
  caught(check, "source that the kernel itself wrote", {"bulk copy from x+0"},
         {"the store by block (0,0,0) thread (", "without a fence that covers global memory"}, [&] {
           const auto x = in_out("x", numbers(64));
           launch<fresh_source_kernel>({dim3(1), dim3(64), 512}, x.data());
         });
  caught(check, "source changed by another warp", {"race: store of x+12", "race: load of x+12"},
         {"concurrent with the"}, [&] {
           const auto x = in_out("x", numbers(64));
           launch<changing_source_kernel<true>>({dim3(1), dim3(64), 512}, x.data());
         });
}

// --- Tensors -------------------------------------------------------------------------------------

struct Box {
  int rank;
  int32_t at[3];
  uint32_t to, bytes;
};

__global__ void tensor_kernel(uint32_t* out, const __grid_constant__ TensorMap map, Box box) {
  const Shared<uint64_t> barrier = one_barrier();
  const Shared<uint32_t> to = shared_memory<uint32_t>(box.to);
  if (threadIdx.x == 0) {
    ptx::prefetch_tensormap(&map);
    ptx::mbarrier_arrive_expect_tx(barrier, box.bytes);
    if (box.rank == 2) {
      ptx::cp_async_bulk_tensor_2d(to, &map, box.at[0], box.at[1], barrier);
    } else {
      ptx::cp_async_bulk_tensor_3d(to, &map, box.at[0], box.at[1], box.at[2], barrier);
    }
  }
  wait_phase(barrier, 0);
  for (uint32_t i = threadIdx.x; i < box.bytes / 4; i += blockDim.x)
    store(out + i, static_cast<uint32_t>(to[i]));
}

// The tensor is part of a larger one: rows of 96 elements of which it has 77, planes of 11 rows of
// which it has 9, 5 planes.
constexpr uint64_t kRow = 96, kRows = 11, kPlanes = 5;

template <class T>
TensorBox box_of(const void* base, int rank, Swizzle swizzle) {
  const uint32_t span = swizzle == Swizzle::none ? 48 : 16u << static_cast<uint32_t>(swizzle);
  return {base,
          sizeof(T),
          rank,
          {77, rank == 2 ? 50u : 9u, 5},
          {kRow * sizeof(T), kRow * kRows * sizeof(T)},
          {span / static_cast<uint32_t>(sizeof(T)), 12, rank == 2 ? 1u : 3u},
          swizzle};
}

template <class T>
void tensor_case(Check& check, int rank, Swizzle swizzle, Box box) {
  std::vector<T> values(kRow * kRows * kPlanes);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(i * 2654435761u >> 7 | 1u);
  const auto in = input("in", values);
  const TensorBox tensor = box_of<T>(in.data(), rank, swizzle);
  const uint32_t count = tensor.box[0] * tensor.box[1] * tensor.box[2];
  box.rank = rank;
  box.bytes = count * static_cast<uint32_t>(sizeof(T));
  const auto out = output<uint32_t>("out", box.bytes / 4);
  launch<tensor_kernel>({dim3(1), dim3(64), box.to + box.bytes}, out.data(),
                        make_tensor_map(tensor), box);
  const std::vector<uint32_t> got = out.read();
  const auto inside = [&](int d, int64_t i) {
    return i >= 0 && i < static_cast<int64_t>(tensor.sizes[d]);
  };
  for (uint32_t i = 0; i < count; ++i) {
    const int64_t x = box.at[0] + static_cast<int64_t>(i % tensor.box[0]);
    const int64_t y = box.at[1] + static_cast<int64_t>(i / tensor.box[0] % tensor.box[1]);
    const int64_t z = rank == 2 ? 0 : box.at[2] + static_cast<int64_t>(i / tensor.box[0] / 12);
    const bool in_tensor = inside(0, x) && inside(1, y) && (rank == 2 || inside(2, z));
    const T want = in_tensor ? values[static_cast<size_t>((z * 11 + y) * 96 + x)] : T{0};
    // Chunk c of a line of 128 bytes is chunk c ^ line % 8 with the widest swizzle; with the others
    // less of the number of the line counts.
    const uint32_t address = box.to + i * static_cast<uint32_t>(sizeof(T));
    const uint32_t line = address / 128;
    const uint32_t mask = swizzle == Swizzle::none       ? 0
                          : swizzle == Swizzle::bytes_32 ? 1
                          : swizzle == Swizzle::bytes_64 ? 3
                                                         : 7;
    const uint32_t chunk = address / 16 % 8 ^ (line & mask);
    const uint32_t at = line * 128 + chunk * 16 + address % 16 - box.to;
    T have;
    std::memcpy(&have, reinterpret_cast<const uint8_t*>(got.data()) + at, sizeof(T));
    if (have != want) return equal(check, "element", have, want);
  }
}

// Uses a copy of the map that stands 64 bytes further, where CUDA 12 would have taken it.
__global__ void misplaced_map_kernel(const __grid_constant__ TensorMap map) {
  const Shared<uint64_t> barrier = one_barrier();
  if (threadIdx.x != 0) return;
  struct alignas(128) Room {
    uint64_t words[24];
  } room;
  memcpy(room.words + 8, &map, sizeof map);
  ptx::mbarrier_arrive_expect_tx(barrier, 12 * 64 * 2);
  ptx::cp_async_bulk_tensor_2d(shared_memory<uint16_t>(1024),
                               reinterpret_cast<const TensorMap*>(room.words + 8), 0, 0, barrier);
}

void tensors(Check& check) {
  const Box boxes[] = {{0, {0, 0, 0}, 1024, 0},         {0, {5, 3, 1}, 1024, 0},
                       {0, {-3, -2, -1}, 1024, 0},      {0, {70, 4, 3}, 1024, 0},
                       {0, {13, 45, 4}, 1024, 0},       {0, {7, 1, 0}, 1024 + 384, 0},
                       {0, {90, 2, 1}, 1024, 0},        {0, {-200, 0, 0}, 1024, 0},
                       {0, {1, -50, 5}, 1024 + 128, 0}, {0, {0, 100, -9}, 1024, 0}};
  for (const Swizzle swizzle :
       {Swizzle::none, Swizzle::bytes_32, Swizzle::bytes_64, Swizzle::bytes_128}) {
    for (const int rank : {2, 3}) {
      const std::string name =
          std::to_string(rank) + "D, swizzle " + std::to_string(static_cast<int>(swizzle));
      sound(check, name.c_str(), [&] {
        for (const Box& box : boxes) {
          tensor_case<uint8_t>(check, rank, swizzle, box);
          tensor_case<uint16_t>(check, rank, swizzle, box);
          tensor_case<uint32_t>(check, rank, swizzle, box);
        }
      });
    }
  }
#ifndef BC_ON_GPU
  sound(check, "bytes of a tensor's box", [&] {
    simt::reset_counters();
    // 12 rows of 64 bytes, of which 6 lie in the tensor: two sectors each.
    tensor_case<uint16_t>(check, 2, Swizzle::bytes_64, {0, {16, 44, 0}, 1024, 0});
    equal(check, "sectors", simt::counters().load_sectors, 6 * 2);
    equal(check, "bytes", simt::counters().bulk_bytes, 12 * 64);
  });
#endif
  const auto in = input("in", std::vector<uint16_t>(96 * 55, 1));
  const auto out = output<uint32_t>("out", 4096);
  const auto good = [&] { return box_of<uint16_t>(in.data(), 2, Swizzle::bytes_128); };
  const auto run = [&](const TensorBox& tensor, const Box& box) {
    launch<tensor_kernel>({dim3(1), dim3(64), 8192}, out.data(), make_tensor_map(tensor), box);
  };
  caught(check, "an instruction of another rank", {"rank has value 2, expected the 3"}, {}, [&] {
    run(good(), {3, {0, 0, 0}, 1024, 1536});
  });
  caught(check, "a tensor to an address at no multiple of 128", {"shared+1088: misaligned"}, {},
         [&] {
           run(good(), {2, {0, 0, 0}, 1088, 1536});
         });
  caught(check, "a tensor larger than its buffer", {"out of bounds"}, {"bulk copy of"}, [&] {
    TensorBox tensor = good();
    tensor.sizes[1] = 60;
    run(tensor, {2, {0, 50, 0}, 1024, 1536});
  });
  static_assert(alignof(TensorMap) == 128 && sizeof(TensorMap) == 128, "CUtensorMap of CUDA 13");
  caught(check, "a tensor map at no multiple of 128", {"tensor map at "}, {"misaligned"}, [&] {
    launch<misplaced_map_kernel>({dim3(1), dim3(64), 8192}, make_tensor_map(good()));
  });
  const auto refuses = [&](const char* what, const char* message, auto change) {
    caught(check, what, {message}, {"tensor map: "}, [&] {
      TensorBox tensor = box_of<uint16_t>(in.data(), 3, Swizzle::bytes_64);
      change(tensor);
      make_tensor_map(tensor);
    });
  };
  refuses("a misaligned tensor", "base has value", [&](TensorBox& t) { t.base = in.data() + 4; });
  refuses("a stride of 184 bytes", "stride has value 184",
          [](TensorBox& t) { t.strides[0] = 184; });
  refuses("a stride of 2^40", "stride has value 1099511627776",
          [](TensorBox& t) { t.strides[1] = uint64_t{1} << 40; });
  refuses("an empty tensor", "size has value 0", [](TensorBox& t) { t.sizes[1] = 0; });
  refuses("a tensor of 2^32 + 1 rows", "size has value 4294967297",
          [](TensorBox& t) { t.sizes[2] = (uint64_t{1} << 32) + 1; });
  refuses("an empty box", "box has value 0", [](TensorBox& t) { t.box[2] = 0; });
  refuses("a box of 257", "box has value 257", [](TensorBox& t) { t.box[1] = 257; });
  refuses("rows of 24 bytes", "row of the box in bytes has value 24",
          [](TensorBox& t) { t.box[0] = 12; });
  refuses("rows wider than the swizzle", "row of the box in bytes has value 80",
          [](TensorBox& t) { t.box[0] = 40; });
  refuses("elements of 8 bytes", "element_bytes has value 8",
          [](TensorBox& t) { t.element_bytes = 8; });
  refuses("rank 1", "rank has value 1", [](TensorBox& t) { t.rank = 1; });
}

}  // namespace

int main() {
  return run_on_hopper("simt_copies", [](Check& check) {
    pipelines(check);
    addresses(check);
    tensors(check);
  });
}
