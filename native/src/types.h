// Element types and their conversions. The functions are static, because a copy that all files share
// could be one that was compiled for an instruction set which the processor lacks.
#pragma once

#include <cstdint>
#include <cstring>

// Marks functions that kernels call as well.
#ifdef __CUDACC__
#define BC_BOTH __host__ __device__
#else
#define BC_BOTH
#endif

namespace bc {

// The values are those of baichuan.h. There are more: codes, see CodeFormat.
enum class Type : int32_t { f32 = 0, f16 = 1, bf16 = 2, i32 = 3, i8 = 4, q8 = 5, q4 = 6 };

// What a code q of a group with scale s stands for: s (q - 2^(bits-1)), s (q - z), s q + m, or
// s (q - z) with s and z in 16 bits together (quant.h).
enum class CodeForm : int32_t { symmetric = 0, zero = 1, min = 2, grid = 3 };

// A type of codes, the number BC_CODES(bits, log2_group, form) of baichuan.h.
struct CodeFormat {
  int32_t bits;
  int32_t log2_group;
  CodeForm form;
};

constexpr int32_t kCodes = 0x1000;

BC_BOTH constexpr bool is_codes(Type type) { return (static_cast<int32_t>(type) & kCodes) != 0; }
BC_BOTH constexpr CodeFormat format_of(Type codes) {
  const auto number = static_cast<int32_t>(codes);
  return {number & 15, number >> 4 & 15, static_cast<CodeForm>(number >> 8 & 15)};
}
constexpr Type type_of(CodeFormat format) {
  return static_cast<Type>(kCodes | static_cast<int32_t>(format.form) << 8 |
                           format.log2_group << 4 | format.bits);
}
// Whether a number of baichuan.h's is one of a type.
constexpr bool is_type(int32_t number) {
  if (number >= 0 && number <= static_cast<int32_t>(Type::q4)) return true;
  const CodeFormat f = format_of(static_cast<Type>(number));
  const bool grid = f.form == CodeForm::grid;
  return number >= 0 && number >> 12 == 1 && f.form <= CodeForm::grid && f.log2_group >= 5 &&
         f.log2_group <= 7 && f.bits >= 2 && f.bits <= (grid ? 4 : 8) && f.bits != 7;
}

struct f16 {
  uint16_t bits;
};
struct bf16 {
  uint16_t bits;
};

BC_BOTH static inline float float_from_bits(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

BC_BOTH static inline uint32_t bits_of(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  return bits;
}

BC_BOTH static inline float to_float(bf16 x) { return float_from_bits(uint32_t{x.bits} << 16); }

// Rounds to nearest even; a NaN stays a NaN.
BC_BOTH static inline bf16 to_bf16(float f) {
  uint32_t u = bits_of(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((u >> 16) | 0x40u)};
  u += 0x7fffu + ((u >> 16) & 1u);
  return {static_cast<uint16_t>(u >> 16)};
}

static inline float to_float(f16 x) {
  const uint32_t sign = uint32_t{x.bits & 0x8000u} << 16;
  const uint32_t rest = x.bits & 0x7fffu;
  if (rest >= 0x7c00u) return float_from_bits(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
  if (rest >= 0x0400u) return float_from_bits(sign | ((rest << 13) + (112u << 23)));
  // Subnormal: rest * 2^-24.
  const float magnitude = static_cast<float>(rest) * (1.0f / 16777216.0f);
  return float_from_bits(sign | bits_of(magnitude));
}

// Rounds to nearest even. Numbers that are too large become infinite; a NaN stays a NaN.
static inline f16 to_f16(float f) {
  const uint32_t u = bits_of(f);
  const uint16_t sign = static_cast<uint16_t>((u >> 16) & 0x8000u);
  const uint32_t rest = u & 0x7fffffffu;
  if (rest > 0x7f800000u) return {static_cast<uint16_t>(sign | 0x7e00u)};
  if (rest >= 0x477ff000u) return {static_cast<uint16_t>(sign | 0x7c00u)};
  if (rest < 0x38800000u) {
    // Adding 0.5 lets the float adder round to a multiple of 2^-24, the step of f16 subnormals.
    const float shifted = float_from_bits(rest) + 0.5f;
    return {static_cast<uint16_t>(sign | (bits_of(shifted) - bits_of(0.5f)))};
  }
  const uint32_t rounded = rest + 0xfffu + ((rest >> 13) & 1u);
  return {static_cast<uint16_t>(sign | ((rounded - (112u << 23)) >> 13))};
}

// Bytes of one element; 0 for the packed kinds, whose size depends on the shape (quant.h).
static inline int64_t element_bytes(Type type) {
  switch (type) {
    case Type::f32:
    case Type::i32:
      return 4;
    case Type::f16:
    case Type::bf16:
      return 2;
    case Type::i8:
      return 1;
    default:
      return 0;
  }
}

// Element `index` of f32, f16 or bf16 data.
static inline float float_at(const void* data, Type type, int64_t index) {
  switch (type) {
    case Type::f16:
      return to_float(static_cast<const f16*>(data)[index]);
    case Type::bf16:
      return to_float(static_cast<const bf16*>(data)[index]);
    default:
      return static_cast<const float*>(data)[index];
  }
}

// "f32"; of codes "3-bit grid/64". Static storage.
const char* name_of(Type type);

// What can hold weights that ops multiply, for messages.
#define BC_WEIGHT_TYPES "f32 (0), f16 (1), bf16 (2), q8 (5), q4 (6) or codes"

// Held in panels (quant.h), whose size depends on the shape.
static inline bool is_quantized(Type type) {
  return type == Type::q8 || type == Type::q4 || is_codes(type);
}

// For messages and for arithmetic in floating point; counts here are below 2^53.
static inline double number(int64_t n) { return static_cast<double>(n); }

}  // namespace bc
