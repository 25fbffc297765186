// Packed weights at the boundary on a GPU: from files of a CPU, and codes, which the processor chooses, packs
// and checks for it.
#include "api_checks.h"
#include "cuda_device.h"

using namespace bc;
using namespace bc::test;

namespace {

constexpr int32_t kInt3 = BC_CODES(3, 6, BC_FORM_GRID);

// Weights that a CPU has packed, mapped from a file and written: the numbers are those of the CPU.
void packed_by_a_cpu() {
  bc_context* cpu = context_on(BC_CPU);
  bc_context* gpu = context_on(BC_CUDA);
  constexpr int64_t kN = 19;
  constexpr int64_t kK = 64;
  const int64_t shape[] = {kN, kK};
  for (const int32_t type : {BC_Q8, BC_Q4, kInt3, BC_CODES(5, 5, BC_FORM_MIN)}) {
    bc_tensor* plain = tensor(cpu, BC_F32, {kN, kK});
    is_ok("tensor_random", bc_tensor_random(plain, 0.02f, 7) == BC_OK);
    bc_tensor* w = tensor(cpu, type, {kN, kK});
    is_ok("quantize", bc_quantize(cpu, w, plain, nullptr, nullptr) == BC_OK);
    bc_tensor* numbers = tensor(cpu, BC_F32, {kN, kK});
    is_ok("dequantize", bc_dequantize(cpu, numbers, w) == BC_OK);
    const std::vector<float> expected = read<float>(numbers, kN * kK);
    const std::vector<uint8_t> bytes = behind_a_header(w);
    const auto size = static_cast<int64_t>(bytes.size()) - 64;
    const FileOf f("cuda_api_test.bin", bytes);
    bc_tensor* mapped = nullptr;
    refuses("unaligned", bc_tensor_map(gpu, f.file, 32, type, shape, 2, &mapped),
            BC_INVALID_ARGUMENT, "expected a multiple of 64");
    is_ok("tensor_map", bc_tensor_map(gpu, f.file, 64, type, shape, 2, &mapped) == BC_OK);
    bc_tensor* written = tensor(gpu, type, {kN, kK});
    const int64_t half = size / 2;  // a whole panel
    is_ok("tensor_write", bc_tensor_write(written, half, bytes.data() + 64 + half, half) == BC_OK);
    is_ok("tensor_write", bc_tensor_write(written, 0, bytes.data() + 64, half) == BC_OK);
    refuses("a part of a group", bc_tensor_write(written, 0, bytes.data(), 100),
            BC_INVALID_ARGUMENT, "expected groups of");
    bc_tensor* there = tensor(gpu, BC_F32, {kN, kK});
    for (bc_tensor* t : {mapped, written}) {
      is_ok("dequantize", bc_dequantize(gpu, there, t) == BC_OK);
      is_ok("the CPU's numbers", read<float>(there, kN * kK) == expected);
    }
  }
  is_ok("context_free", bc_context_free(cpu) == BC_OK && bc_context_free(gpu) == BC_OK);
}

// Codes are searched, packed and drawn with the CPU's bits, the order apart, and refused with its words.
void codes_of_a_cpu() {
  bc_context* contexts[] = {context_on(BC_CPU), context_on(BC_CUDA)};
  constexpr int64_t kN = 35;
  constexpr int64_t kK = 128;
  for (const int32_t type : {kInt3, BC_CODES(2, 5, BC_FORM_GRID), BC_CODES(4, 7, BC_FORM_ZERO),
                             BC_CODES(8, 6, BC_FORM_SYMMETRIC)}) {
    const int form = type >> 8 & 15;
    const int64_t groups = kK >> (type >> 4 & 15);
    std::vector<std::vector<float>> results[2];
    std::vector<double> errors[2];
    for (int i = 0; i < 2; ++i) {
      bc_context* c = contexts[i];
      bc_tensor* w = tensor(c, type, {kN, kK});
      bc_tensor* numbers = tensor(c, BC_F32, {kN, kK});
      const auto keep = [&] {
        is_ok("dequantize", bc_dequantize(c, numbers, w) == BC_OK);
        results[i].push_back(read<float>(numbers, kN * kK));
      };
      is_ok("tensor_random", bc_tensor_random(w, 0.02f, 11) == BC_OK);
      keep();
      bc_tensor* wide = tensor(c, BC_BF16, {kN, kK + 8});
      bc_tensor* plain = nullptr;
      is_ok("tensor_random", bc_tensor_random(wide, 0.02f, 7) == BC_OK);
      is_ok("tensor_view", bc_tensor_view(wide, 0, kN, 8, kK, &plain) == BC_OK);
      bc_tensor* factors = tensor(c, BC_F32, {kN});
      std::vector<float> factor(kN, 0.75f);
      factor[kN - 1] = 2.0f;
      write(factors, factor);
      errors[i].resize(2);
      is_ok("quantize", bc_quantize(c, w, plain, factors, errors[i].data()) == BC_OK);
      keep();
      std::vector<uint8_t> codes(static_cast<size_t>(kN * kK));
      for (size_t at = 0; at < codes.size(); ++at) {
        codes[at] = static_cast<uint8_t>(at * 2654435761u >> 16 & ((1u << (type & 15)) - 1u));
      }
      bc_tensor* q = tensor(c, BC_I8, {kN, kK});
      bc_tensor* s = tensor(c, BC_F32, {kN, groups});
      bc_tensor* z = form == BC_FORM_SYMMETRIC ? nullptr : tensor(c, BC_F32, {kN, groups});
      write(s, std::vector<float>(static_cast<size_t>(kN * groups), 0.375f));
      if (z != nullptr) write(z, std::vector<float>(static_cast<size_t>(kN * groups), 1.5f));
      write(q, codes);
      is_ok("pack_codes", bc_pack_codes(c, w, 0, q, s, z) == BC_OK);
      keep();
      std::vector<float> scales(static_cast<size_t>(kN * groups), 0.375f);
      scales[static_cast<size_t>(17 * groups)] = 0.3f;
      write(s, scales);
      refuses("a scale that is not held", bc_pack_codes(c, w, 0, q, s, z), BC_INVALID_ARGUMENT,
              "scales[17][0] has value 0.3");
    }
    is_ok("the CPU's numbers", results[0] == results[1]);
    is_ok("the CPU's error", errors[0] == errors[1]);
  }
  for (bc_context* c : contexts) is_ok("context_free", bc_context_free(c) == BC_OK);
}

}  // namespace

int main() {
  if (bc_cuda_devices() == 0) {
    std::printf("cuda_packed: skipped, %s\n", bc_cuda_reason());
    return 77;
  }
  packed_by_a_cpu();
  codes_of_a_cpu();
  return result("cuda_packed");
}
