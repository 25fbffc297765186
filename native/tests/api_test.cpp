// The boundary: handles, shapes, ids and lengths that are wrong are statuses with a message, never
// a crash.
#ifdef __linux__
#include <dirent.h>
#endif

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#include "api_checks.h"

using namespace bc::test;

namespace {

void handles() {
  bc_context* context = nullptr;
  is_ok("context_create", bc_context_create(BC_CPU, 0, 2, 1, &context) == BC_OK);
  refuses("no GPU", bc_context_create(BC_CUDA, 4096, 0, 0, &context), BC_DEVICE,
          "device cuda:4096 is not available");
  refuses("threads", bc_context_create(BC_CPU, 0, -1, 0, &context), BC_INVALID_ARGUMENT,
          "threads has value -1");
  refuses("null out", bc_context_create(BC_CPU, 0, 0, 0, nullptr), BC_INVALID_ARGUMENT,
          "out is null");
  bc_tensor* t = tensor(context, BC_F32, {2, 3});
  is_ok("tensor_free", bc_tensor_free(t) == BC_OK);
  refuses("freed twice", bc_tensor_free(t), BC_INVALID_ARGUMENT, "freed or foreign");
  refuses("null handle", bc_tensor_free(nullptr), BC_INVALID_ARGUMENT, "is null");
  int64_t bytes = 0;
  refuses("made up", bc_tensor_bytes(reinterpret_cast<bc_tensor*>(uintptr_t{0xdeadbeef}), &bytes),
          BC_INVALID_ARGUMENT, "freed or foreign");
  bc_tensor* q4 = tensor(context, BC_Q4, {16, 32});
  refuses("a deviation that q4 cannot hold", bc_tensor_random(q4, 100.0f, 1), BC_INVALID_ARGUMENT,
          "deviation has value 100, expected 0 to 71");
  is_ok("tensor_random", bc_tensor_random(q4, 1.0f, 1) == BC_OK);
  bc_tensor* left = tensor(context, BC_F32, {4});
  is_ok("context_free", bc_context_free(context) == BC_OK);
  refuses("tensor of a freed context", bc_tensor_bytes(left, &bytes), BC_INVALID_ARGUMENT,
          "freed or foreign");
  refuses("freed context", bc_synchronize(context), BC_INVALID_ARGUMENT, "freed or foreign");
}

void sizes(bc_context* context) {
  bc_tensor* out = nullptr;
  const int64_t zero[] = {0, 3};
  refuses("zero size", bc_tensor_create(context, BC_F32, zero, 2, &out), BC_INVALID_ARGUMENT,
          "[0, 3]");
  const int64_t overflow[] = {int64_t{1} << 40, int64_t{1} << 40};
  refuses("overflow", bc_tensor_create(context, BC_F32, overflow, 2, &out), BC_INVALID_ARGUMENT,
          "2^44");
  const int64_t huge[] = {int64_t{1} << 43};
  refuses("too large", bc_tensor_create(context, BC_F32, huge, 1, &out), BC_OUT_OF_MEMORY,
          "needs 35184372088832 bytes");
  is_ok("bytes that were needed", last_needed() == int64_t{1} << 45);
  int64_t available = 0;
  int64_t total = 0;
  is_ok("memory_info", bc_memory_info(context, &available, &total) == BC_OK);
  is_ok("bytes that were free", last_available() > 0 && last_available() <= total);
  const int64_t odd[] = {4, 33};
  refuses("odd group", bc_tensor_create(context, BC_Q4, odd, 2, &out), BC_INVALID_ARGUMENT,
          "multiple of 32");
  is_ok("another error has no bytes", last_needed() == -1 && last_available() == -1);
  refuses("rank", bc_tensor_create(context, BC_F32, odd, 6, &out), BC_INVALID_ARGUMENT,
          "rank has value 6");
  refuses("type", bc_tensor_create(context, 9, odd, 2, &out), BC_INVALID_ARGUMENT,
          "type has value 9");
  bc_tensor* t = tensor(context, BC_F32, {2, 3});
  float data[8] = {};
  refuses("past the end", bc_tensor_write(t, 4, data, 24), BC_INVALID_ARGUMENT, "inside 24 bytes");
  refuses("negative", bc_tensor_read(t, -1, data, 4), BC_INVALID_ARGUMENT, "offset -1");
  refuses("view", bc_tensor_view(t, 1, 2, 0, -1, &out), BC_INVALID_ARGUMENT, "rows have value 1+2");
  const int64_t five[] = {5};
  refuses("reshape", bc_tensor_reshape(t, five, 1, &out), BC_INVALID_ARGUMENT,
          "shape has value [5], expected the elements of f32 [2, 3]");
  refuses(
      "no file",
      [] {
        bc_file* f = nullptr;
        return bc_file_open("/nowhere/at/all", &f);
      }(),
      BC_IO, "cannot be opened");
}

void ops(bc_context* context) {
  bc_tensor* x = tensor(context, BC_F32, {2, 64});
  bc_tensor* out = tensor(context, BC_F32, {2, 8});
  bc_tensor* w = tensor(context, BC_BF16, {8, 63});
  refuses("matmul", bc_matmul(context, out, x, w, nullptr, nullptr), BC_INVALID_ARGUMENT,
          "matmul: x has shape [2, 64], expected [2, 63]");
  bc_context* other = nullptr;
  is_ok("context_create", bc_context_create(BC_CPU, 0, 1, 1, &other) == BC_OK);
  refuses("foreign tensor", bc_matmul(other, out, x, w, nullptr, nullptr), BC_INVALID_ARGUMENT,
          "another context");
  bc_context_free(other);
  bc_tensor* gain = tensor(context, BC_F32, {63});
  bc_tensor* same = tensor(context, BC_F32, {2, 64});
  refuses("rms_norm", bc_rms_norm(context, same, x, gain, 1e-6f), BC_INVALID_ARGUMENT,
          "rms_norm: weight has shape [63], expected [64]");
  refuses("null delta", bc_add_rms_norm(context, x, same, nullptr, gain, 1e-6f),
          BC_INVALID_ARGUMENT, "delta is null");
  bc_tensor* ids = tensor(context, BC_I32, {2});
  bc_tensor* table = tensor(context, BC_F16, {5, 64});
  write(ids, {4, 5});
  refuses("embed", bc_embed(context, x, ids, table), BC_INVALID_ARGUMENT,
          "embed: ids[1] has value 5, expected 0 to 4");
}

// What heads, frequencies, norms, a bias and a window may be.
void heads(bc_context* context) {
  bc_tensor* qkv = tensor(context, BC_F32, {2, 64});  // of 8: 4 + 2 * 2 heads, or 6 + 2 * 1
  bc_tensor* positions = tensor(context, BC_I32, {2});
  bc_tensor* norm = tensor(context, BC_F32, {8});
  bc_tensor* other = tensor(context, BC_BF16, {8});
  bc_tensor* longer = tensor(context, BC_F32, {16});
  std::vector<double> frequencies = {1.0, 0.1, 0.01, 0.001};
  struct Rope {
    int32_t heads = 4;
    int32_t size = 8;
    float scale = 1.0f;
    bc_tensor* q_norm = nullptr;
    bc_tensor* k_norm = nullptr;
    float eps = 1e-6f;
  };
  const double* given = frequencies.data();
  const auto rope = [&](const Rope& r) {
    return bc_rope(context, qkv, positions, r.heads, r.size, given, r.scale, r.q_norm, r.k_norm,
                   r.eps);
  };
  const auto refused = [&](const char* name, const Rope& r, const char* message) {
    refuses(name, rope(r), BC_INVALID_ARGUMENT, message);
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  is_ok("rope", rope({}) == BC_OK);
  is_ok("rope", rope({6, 8}) == BC_OK);
  is_ok("norms", rope({4, 8, 1.0f, norm, norm}) == BC_OK);
  refused("no group", {5, 8},
          "rope: width of qkv has value 64, expected that of the heads and an even");
  refused("H no multiple of G", {2, 8}, "rope: heads has value 2, expected 1 to 64 times as many");
  refused("all queries", {8, 8}, "rope: heads has value 8");
  refused("more than all", {10, 8}, "rope: heads has value 10");
  refused("a size that does not divide", {1, 24}, "width of qkv has value 64");
  refused("no heads", {0, 8}, "rope: heads has value 0, expected 1 or more");
  refused("negative", {-4, 8}, "rope: heads has value -4");
  refused("size", {4, 0}, "rope: head size has value 0");
  refused("negative size", {4, -8}, "rope: head size has value -8");
  refused("size", {1, 264}, "rope: head size has value 264");
  refused("odd size", {8, 4}, "rope: head size has value 4, expected a multiple of 8 up to 256");
  refused("scale", {4, 8, 0.0f}, "rope: scale has value 0, expected more than 0");
  refused("scale", {4, 8, nan}, "rope: scale has value nan");
  refused("one norm", {4, 8, 1.0f, norm}, "rope: norms has value 1, expected two or none");
  refused("one norm", {4, 8, 1.0f, nullptr, norm}, "expected two or none");
  refused("types", {4, 8, 1.0f, norm, other}, "rope: k_norm has type bf16, expected f32");
  refused("shape", {4, 8, 1.0f, norm, longer}, "rope: k_norm has shape [16], expected [8]");
  refused("eps", {4, 8, 1.0f, norm, norm, -1.0f}, "rope: eps has value -1");
  frequencies[3] = -1e-3;
  refused("frequency", {}, "rope: frequency has value -0.001, expected 0 to 1e6");
  frequencies[3] = static_cast<double>(nan);
  refused("frequency", {}, "rope: frequency has value nan");
  given = nullptr;
  refused("no frequencies", {}, "rope: frequencies is null, expected");

  bc_tensor* offsets = tensor(context, BC_I32, {2});
  bc_tensor* table = tensor(context, BC_I32, {1, 1});
  write(positions, {0, 1});
  write(offsets, {0, 2});
  bc_tensor* out = tensor(context, BC_F32, {2, 32});
  const auto attention = [&](const std::vector<int64_t>& pages, bc_tensor* slopes, int32_t window) {
    return bc_attention(context, out, qkv, tensor(context, BC_F32, pages), nullptr, positions,
                        offsets, table, slopes, window);
  };
  is_ok("attention", attention({1, 2, 2, 64, 8}, nullptr, 1) == BC_OK);
  refuses("window", attention({1, 2, 2, 64, 8}, nullptr, -1), BC_INVALID_ARGUMENT,
          "attention: window has value -1, expected 0 or more");
  refuses("slopes", attention({1, 2, 2, 64, 8}, norm, 0), BC_INVALID_ARGUMENT,
          "attention: slopes has shape [8], expected [4]");
  refuses("no H fits", attention({1, 2, 2, 64, 24}, nullptr, 0), BC_INVALID_ARGUMENT,
          "attention: heads has value -2");
  refuses("no H fits", attention({1, 2, 1, 64, 24}, nullptr, 0), BC_INVALID_ARGUMENT,
          "attention: heads has value 0");
  refuses("H no multiple of G", attention({1, 2, 3, 64, 8}, nullptr, 0), BC_INVALID_ARGUMENT,
          "attention: heads has value 2, expected 1 to 64 times");
  refuses("other out", attention({1, 2, 1, 64, 8}, nullptr, 0), BC_INVALID_ARGUMENT,
          "attention: out has shape [2, 32], expected [2, 48]");
  refuses("head size", attention({1, 2, 1, 64, 12}, nullptr, 0), BC_INVALID_ARGUMENT,
          "attention: head size has value 12, expected a multiple of 8 up to 256");
  refuses("kv_append",
          bc_kv_append(context, tensor(context, BC_F32, {1, 2, 1, 64, 40}), nullptr, qkv, positions,
                       offsets, table),
          BC_INVALID_ARGUMENT, "kv_append: heads has value -1");
  refuses("a width between heads",
          bc_kv_append(context, tensor(context, BC_F32, {1, 2, 1, 64, 16}), nullptr,
                       tensor(context, BC_F32, {2, 72}), positions, offsets, table),
          BC_INVALID_ARGUMENT, "kv_append: qkv has shape [2, 72], expected [2, 64]");

  bc_tensor* cache = tensor(context, BC_F32, {3, 2, 1, 64, 8});
  is_ok("kv_copy", bc_kv_copy(context, cache, nullptr, 0, 2) == BC_OK);
  refuses("from", bc_kv_copy(context, cache, nullptr, -1, 2), BC_INVALID_ARGUMENT,
          "kv_copy: from has value -1, expected a page of the cache");
  refuses("to", bc_kv_copy(context, cache, nullptr, 0, 3), BC_INVALID_ARGUMENT,
          "kv_copy: to has value 3, expected a page of the cache");
  refuses("pages", bc_kv_copy(context, qkv, nullptr, 0, 0), BC_INVALID_ARGUMENT, "kv_copy: pages");

  bc_tensor* x = tensor(context, BC_F32, {1, 2});
  bc_tensor* w = tensor(context, BC_F32, {3, 2});
  bc_tensor* sum = tensor(context, BC_F32, {1, 3});
  bc_tensor* bias = tensor(context, BC_F32, {3});
  write(x, std::vector<float>{2.0f, 3.0f});
  write(w, std::vector<float>{1.0f, 0.0f, 0.0f, 1.0f, 1.0f, 1.0f});
  write(bias, std::vector<float>{10.0f, 20.0f, 30.0f});
  is_ok("matmul", bc_matmul(context, sum, x, w, bias, bias) == BC_OK);
  is_ok("scaled, then with a bias",
        read<float>(sum, 3) == std::vector<float>{30.0f, 80.0f, 180.0f});
  refuses("bias", bc_matmul(context, sum, x, w, nullptr, norm), BC_INVALID_ARGUMENT,
          "matmul: bias has shape [8], expected [3]");
  refuses("bias", bc_matmul(context, sum, x, w, nullptr, other), BC_INVALID_ARGUMENT,
          "matmul: bias has type bf16, expected f32");
}

// The ragged batch is data: it is checked each time an op runs, in a replayed plan too.
void batches(bc_context* context) {
  bc_tensor* qkv = tensor(context, BC_F32, {2, 48});
  bc_tensor* pages = tensor(context, BC_F32, {3, 2, 1, BC_PAGE_SIZE, 16});
  bc_tensor* positions = tensor(context, BC_I32, {2});
  bc_tensor* offsets = tensor(context, BC_I32, {2});
  bc_tensor* table = tensor(context, BC_I32, {1, 2});
  write(positions, {0, 1});
  write(offsets, {0, 2});
  write(table, {2, 0});
  const auto append = [&] {
    return bc_kv_append(context, pages, nullptr, qkv, positions, offsets, table);
  };
  is_ok("append", append() == BC_OK);
  is_ok("plan_begin", bc_plan_begin(context) == BC_OK);
  is_ok("recorded", append() == BC_OK);
  bc_plan* plan = nullptr;
  is_ok("plan_end", bc_plan_end(context, &plan) == BC_OK);
  is_ok("plan_run", bc_plan_run(plan) == BC_OK);
  write(table, {3, 0});
  refuses("page", bc_plan_run(plan), BC_INVALID_ARGUMENT, "page 3, expected 0 to 2");
  write(table, {2, 0});
  write(positions, {127, 128});
  refuses("position", append(), BC_INVALID_ARGUMENT, "positions 127 to 128, expected 0 to 127");
  write(positions, {0, 2});
  refuses("gap", append(), BC_INVALID_ARGUMENT, "token 1 has position 2, expected 1");
  write(positions, {0, 1});
  write(offsets, {0, 1});
  refuses("offsets", append(), BC_INVALID_ARGUMENT, "offsets run from 0 to 1, expected 0 to 2");
  write(offsets, {0, 2});
  // The plan keeps what it needs.
  for (bc_tensor* t : {qkv, pages, positions, offsets, table})
    is_ok("free", bc_tensor_free(t) == BC_OK);
  is_ok("plan after free", bc_plan_run(plan) == BC_OK);
  is_ok("plan_free", bc_plan_free(plan) == BC_OK);
  refuses("freed plan", bc_plan_run(plan), BC_INVALID_ARGUMENT, "freed or foreign");
  is_ok("plan_begin", bc_plan_begin(context) == BC_OK);
  refuses("refused op", bc_embed(context, nullptr, nullptr, nullptr), BC_INVALID_ARGUMENT, "null");
  refuses("plan with a refused op", bc_plan_end(context, &plan), BC_INVALID_ARGUMENT,
          "refused while recording");
}

// Masks are data as well.
void masked_rows(bc_context* context) {
  bc_tensor* x = tensor(context, BC_F32, {2, 40});
  bc_tensor* values = tensor(context, BC_F32, {2, 3});
  bc_tensor* ids = tensor(context, BC_I32, {2, 3});
  bc_tensor* masks = tensor(context, BC_I32, {2, 2});
  bc_tensor* mask_of = tensor(context, BC_I32, {2});
  std::vector<float> numbers;
  for (int i = 0; i < 80; ++i) numbers.push_back(static_cast<float>(i % 40));
  write(x, numbers);
  write(masks, {0, 0, 1 << 7 | 1 << 3, 0});
  write(mask_of, {-1, 1});
  const auto search = [&](bc_tensor* m, bc_tensor* of) {
    return bc_top_k(context, values, ids, x, m, of);
  };
  is_ok("plan_begin", bc_plan_begin(context) == BC_OK);
  is_ok("recorded", search(masks, mask_of) == BC_OK);
  bc_plan* plan = nullptr;
  is_ok("plan_end", bc_plan_end(context, &plan) == BC_OK);
  is_ok("plan_run", bc_plan_run(plan) == BC_OK);
  is_ok("one row masked",
        read<int32_t>(ids, 6) == std::vector<int32_t>{39, 38, 37, 7, 3, -1} &&
            read<float>(values, 5) == std::vector<float>{39.0f, 38.0f, 37.0f, 7.0f, 3.0f});
  write(masks, {0, 1 << 5, 0, 0});
  write(mask_of, {0, -1});
  is_ok("plan_run", bc_plan_run(plan) == BC_OK);
  is_ok("the other row masked",
        read<int32_t>(ids, 6) == std::vector<int32_t>{37, -1, -1, 39, 38, 37});
  write(mask_of, {0, 2});
  refuses("no such mask", bc_plan_run(plan), BC_INVALID_ARGUMENT,
          "top_k: mask_of[1] has value 2, expected -1 to 1");
  write(mask_of, {-2, 0});
  refuses("no such mask", search(masks, mask_of), BC_INVALID_ARGUMENT,
          "top_k: mask_of[0] has value -2, expected -1 to 1");
  is_ok("plan_free", bc_plan_free(plan) == BC_OK);
  refuses("one of two", search(masks, nullptr), BC_INVALID_ARGUMENT,
          "top_k: masks and mask_of has value 1, expected two or none");
  refuses("one of two", search(nullptr, mask_of), BC_INVALID_ARGUMENT, "expected two or none");
  refuses("a mask of 32 for 40", search(tensor(context, BC_I32, {2, 1}), mask_of),
          BC_INVALID_ARGUMENT, "top_k: width of masks has value 1, expected");
  refuses("mask_of", search(masks, tensor(context, BC_I32, {3})), BC_INVALID_ARGUMENT,
          "top_k: mask_of has shape [3], expected [2]");
  refuses("masks", search(tensor(context, BC_F32, {2, 2}), mask_of), BC_INVALID_ARGUMENT,
          "top_k: masks has type f32, expected i32");
  refuses("masks of an op", search(ids, mask_of), BC_INVALID_ARGUMENT,
          "masks was written by an op");
}

// Packed weights come back from a file as they were read from a tensor.
void packed_files(bc_context* context) {
  const int64_t shape[] = {19, 64};
  for (const int32_t type : {BC_Q8, BC_Q4}) {
    bc_tensor* w = tensor(context, type, {19, 64});
    is_ok("tensor_random", bc_tensor_random(w, 0.02f, 7) == BC_OK);
    std::vector<uint8_t> bytes = behind_a_header(w);
    const auto size = static_cast<int64_t>(bytes.size()) - 64;
    const FileOf f("api_test.bin", bytes);
    bc_tensor* mapped = nullptr;
    is_ok("tensor_map", bc_tensor_map(context, f.file, 64, type, shape, 2, &mapped) == BC_OK);
    std::vector<float> numbers[2];
    for (bc_tensor* t : {w, mapped}) {
      bc_tensor* out = tensor(context, BC_F32, {19, 64});
      is_ok("dequantize", bc_dequantize(context, out, t) == BC_OK);
      numbers[t == mapped] = read<float>(out, 19 * 64);
      bc_tensor_free(out);
    }
    is_ok("the same numbers", numbers[0] == numbers[1]);
    refuses("written",
            bc_quantize(context, mapped, tensor(context, BC_F32, {19, 64}), nullptr, nullptr),
            BC_INVALID_ARGUMENT, "mapped from a file");
    refuses("unaligned", bc_tensor_map(context, f.file, 32, type, shape, 2, &mapped),
            BC_INVALID_ARGUMENT, "offset has value 32, expected a multiple of 64");
    refuses("past the end", bc_tensor_map(context, f.file, 128, type, shape, 2, &mapped),
            BC_INVALID_ARGUMENT, "inside the file of");
    refuses("a part of a group written", bc_tensor_write(w, 32, bytes.data(), size - 32),
            BC_INVALID_ARGUMENT, "expected groups of");
    refuses("a mapped tensor written", bc_tensor_write(mapped, 0, bytes.data(), size),
            BC_INVALID_ARGUMENT, "mapped from a file");
    {
      bc_tensor* written = tensor(context, type, {19, 64});
      is_ok("packed bytes written", bc_tensor_write(written, 0, bytes.data() + 64, size) == BC_OK);
      bc_tensor* out = tensor(context, BC_F32, {19, 64});
      is_ok("dequantize", bc_dequantize(context, out, written) == BC_OK);
      is_ok("the numbers written", read<float>(out, 19 * 64) == numbers[0]);
    }
    refuses("read too far", bc_tensor_read(w, 64, bytes.data(), size), BC_INVALID_ARGUMENT,
            "expected it inside");
    is_ok("read_ahead", bc_file_read_ahead(f.file, 64, size) == BC_OK);
    refuses("read_ahead past the end", bc_file_read_ahead(f.file, 65, size), BC_INVALID_ARGUMENT,
            "inside the file of");
  }
}

// Files name the layout by its version: what is packed otherwise than version 1 did needs another.
void the_layout_has_its_version(bc_context* context) {
  std::vector<float> numbers(19 * 64);
  for (size_t i = 0; i < numbers.size(); ++i) {  // both ends of 0..15 in every group
    const size_t q = i % 32 == 0 ? 0 : i % 32 == 1 ? 15 : (i * 7 + i / 64) % 16;
    numbers[i] = 0.5f * (static_cast<float>(q) - 5.0f);
  }
  bc_tensor* w = tensor(context, BC_F32, {19, 64});
  write(w, numbers);
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const int32_t type : {BC_Q8, BC_Q4}) {
    bc_tensor* out = tensor(context, type, {19, 64});
    is_ok("quantize", bc_quantize(context, out, w, nullptr, nullptr) == BC_OK);
    for (const uint8_t byte : read<uint8_t>(out, type == BC_Q8 ? 4 * 544 : 4 * 288))
      hash = (hash ^ byte) * 0x100000001b3u;
  }
  if (hash != 0x9f632b5f93c17a0du)
    std::printf("the layout's hash is 0x%llxu\n", static_cast<unsigned long long>(hash));
  is_ok("bc_packed_layout is that of the bytes",
        bc_packed_layout() == 1 && hash == 0x9f632b5f93c17a0du);
}

// Pages of files in this process; -1 where the system does not tell.
long resident_file_pages() {
  std::FILE* f = std::fopen("/proc/self/statm", "r");
  long size = 0;
  long resident = 0;
  long shared = -1;
  if (f != nullptr && std::fscanf(f, "%ld %ld %ld", &size, &resident, &shared) != 3) shared = -1;
  if (f != nullptr) std::fclose(f);
  return shared;
}

// A mapped matrix larger than a block gives the bits of one in memory, and leaves no pages behind.
void quantizes_from_a_file(bc_context* context) {
  constexpr int64_t N = 1040;
  constexpr int64_t K = 32768;
  constexpr int64_t size = N * K * 2;
  const int64_t shape[] = {N, K};
  bc_tensor* w = tensor(context, BC_BF16, {N, K});
  is_ok("tensor_random", bc_tensor_random(w, 0.02f, 3) == BC_OK);
  std::vector<uint8_t> bytes(size);
  is_ok("tensor_read", bc_tensor_read(w, 0, bytes.data(), size) == BC_OK);
  const FileOf f("api_test.bin", bytes);
  bc_tensor* mapped = nullptr;
  is_ok("tensor_map", bc_tensor_map(context, f.file, 0, BC_BF16, shape, 2, &mapped) == BC_OK);
  const long before = resident_file_pages();
  std::vector<uint8_t> packed[2];
  std::vector<float> norms[2];
  for (bc_tensor* t : {w, mapped}) {
    bc_tensor* scale = tensor(context, BC_F32, {N});
    is_ok("row_norms", bc_row_norms(context, scale, t) == BC_OK);
    norms[t == mapped] = read<float>(scale, N);
    bc_tensor* out = tensor(context, BC_Q8, {N, K});
    is_ok("quantize", bc_quantize(context, out, t, scale, nullptr) == BC_OK);
    packed[t == mapped] = read<uint8_t>(out, static_cast<size_t>(N * K / 32 * 34));
    bc_tensor_free(out);
    bc_tensor_free(scale);
  }
  is_ok("the same norms", norms[0] == norms[1]);
  is_ok("the same bits", packed[0] == packed[1]);
  is_ok("no pages of the file are left", resident_file_pages() - before < (8 << 20) / 4096);
  bc_tensor_free(mapped);
  bc_tensor_free(w);
}

#ifdef __linux__
// Of the threads of this process that may run on one processor only, which one.
std::vector<std::string> bound_to() {
  std::vector<std::string> processors;
  DIR* tasks = opendir("/proc/self/task");
  while (const dirent* task = readdir(tasks)) {
    std::ifstream status(std::string("/proc/self/task/") + task->d_name + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("Cpus_allowed_list:", 0) == 0 && line.find_first_of(",-") == std::string::npos)
        processors.push_back(line.substr(line.find_last_of(" \t") + 1));
    }
  }
  closedir(tasks);
  return processors;
}

void pins_threads() {
  const int32_t cores = bc_cpu_cores();
  bc_context* context = nullptr;
  is_ok("context_create", bc_context_create(BC_CPU, 0, 1024, 0, &context) == BC_OK);
  refuses("more threads than cores", bc_context_pin(context), BC_INVALID_ARGUMENT,
          "context has 1024 threads, expected at most");
  bc_context_free(context);
  // In a thread of its own: it stays bound.
  std::thread([&] {
    is_ok("context_create", bc_context_create(BC_CPU, 0, cores, 0, &context) == BC_OK);
    is_ok("context_pin", bc_context_pin(context) == BC_OK);
    refuses("a second time", bc_context_pin(context), BC_INVALID_ARGUMENT, "pinned already");
    std::vector<std::string> processors = bound_to();
    std::sort(processors.begin(), processors.end());
    const bool apart = std::adjacent_find(processors.begin(), processors.end()) == processors.end();
    // On a machine of one processor every thread is bound to it.
    is_ok("a core each", std::thread::hardware_concurrency() == 1 ||
                             (apart && processors.size() == static_cast<size_t>(cores)));
    bc_tensor* t = tensor(context, BC_F32, {64, 64});
    is_ok("they work", bc_tensor_random(t, 1.0f, 1) == BC_OK);
    bc_context_free(context);
  }).join();
  refuses("freed context", bc_context_pin(context), BC_INVALID_ARGUMENT, "freed or foreign");
}
#else
void pins_threads() {
  bc_context* context = nullptr;
  is_ok("context_create", bc_context_create(BC_CPU, 0, 2, 0, &context) == BC_OK);
  refuses("no affinity here", bc_context_pin(context), BC_INVALID_ARGUMENT, "expected Linux");
  bc_context_free(context);
}
#endif

}  // namespace

int main() {
  handles();
  pins_threads();
  bc_context* context = nullptr;
  is_ok("context_create", bc_context_create(BC_CPU, 0, 2, 1, &context) == BC_OK);
  sizes(context);
  ops(context);
  heads(context);
  batches(context);
  masked_rows(context);
  packed_files(context);
  the_layout_has_its_version(context);
  quantizes_from_a_file(context);
  int64_t used = 0;
  is_ok("memory_used", bc_memory_used(context, &used) == BC_OK && used > 0);
  is_ok("context_free", bc_context_free(context) == BC_OK);
  return result("api");
}
