#include "cpu/vector_kernels.h"
#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "paged.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

struct Case {
  std::vector<Sequence> sequences;
  Type type, pages_type;
  int64_t H, D;
  float size = 1.0f;
  bool odd = false;  // NaN and infinities among the numbers
  int64_t R = 1;     // query heads of a key-value head

  int64_t G() const { return H / R; }

  std::string name() const {
    return std::string(name_of(type)) + " in " + name_of(pages_type) + " H=" + std::to_string(H) +
           " D=" + std::to_string(D) + " B=" + std::to_string(sequences.size()) +
           " size=" + std::to_string(size) + (odd ? " odd" : "") +
           (R == 1 ? "" : " G=" + std::to_string(G()));
  }
};

// What lies at the slots of the batch, [T,2GD].
Matrix read_back(const Cache& cache, const Ragged& r) {
  const int64_t G = cache.G;
  Matrix got(r.T, 2 * G * cache.D);
  for (int64_t b = 0; b < r.B; ++b) {
    for (int64_t t = r.offsets[b]; t < r.offsets[b + 1]; ++t) {
      for (int64_t i = 0; i < 2 * G; ++i) {
        const int64_t row = cache.row(r, b, i / G, i % G, r.positions[t]);
        const double scale = cache.scales.empty()
                                 ? 1.0
                                 : static_cast<double>(cache.scales[static_cast<size_t>(row)]);
        for (int64_t d = 0; d < cache.D; ++d) {
          got.row(t)[i * cache.D + d] = static_cast<float>(
              scale * reference::element(cache.bytes.data(), cache.type, row * cache.D + d));
        }
      }
    }
  }
  return got;
}

void run_case(Check& check, ThreadPool& pool, const Case& c) {
  for_each_schedule(3, [&](uint64_t seed) {
    check.begin(c.name(), seed);
    Random random(static_cast<uint64_t>(c.H * 1009 + c.D));
    const Batch batch(c.sequences);
    const Ragged r = batch.ragged();
    Matrix qkv(r.T, (c.H + 2 * c.G()) * c.D, 16);
    qkv.fill([&] {
      const float x = c.size * random.outlier();
      if (!c.odd || random.below(40) != 0) return x;
      return random.below(2) == 0 ? std::numeric_limits<float>::quiet_NaN() : x * HUGE_VALF;
    });
    qkv = rounded(c.type, qkv);

    // Every slot starts as 0xff bytes on both sides; all slots are compared afterwards.
    Cache twin(c.pages_type, r.pages, c.G(), c.D);
    const KvAppendParams p{twin.bytes.data(),
                           c.pages_type,
                           twin.scale_data(),
                           qkv.row(0),
                           Type::f32,
                           qkv.ld,
                           r,
                           c.H,
                           c.G(),
                           c.D};
    cpu::kv_append(p, pool, cpu::vector_kernels(cpu::Isa::scalar));

    Cache cache(c.pages_type, r.pages, c.G(), c.D);
    std::vector<uint32_t> ff(cache.scales.size(), 0xffffffffu);
    const auto device_pages = in_out("pages", cache.bytes);
    const auto device_scales = in_out("scales", ff);
    const auto device_qkv = input("qkv", as_type(c.type, qkv.data));
    const auto positions = input("positions", batch.positions);
    const auto offsets = input("offsets", batch.offsets);
    const auto table = input("table", batch.table);
    const Ragged device_batch{positions.data(), offsets.data(), table.data(), r.T, r.B, r.P,
                              r.pages};
    float* scales = ff.empty() ? nullptr : reinterpret_cast<float*>(device_scales.data());
    cuda::kv_append({device_pages.data(), c.pages_type, scales, device_qkv.data(), c.type, qkv.ld,
                     device_batch, c.H, c.G(), c.D},
                    nullptr);
    finish();
    cache.bytes = device_pages.read();
    ff = device_scales.read();
    bool same_scales = true;
    for (size_t i = 0; i < ff.size(); ++i) {
      const bool untouched = ff[i] == 0xffffffffu && std::isnan(twin.scales[i]);
      same_scales &= untouched || ff[i] == bits_of(twin.scales[i]);
      cache.scales[i] = float_from_bits(ff[i]);
    }
    check.that(same_scales, "scales are not those of the CPU");
    if (!c.odd) {
      check.that(cache.bytes == twin.bytes, "pages are not those of the CPU");
      check.compare("pages", read_back(cache, r), reference::kv_append(p));
    } else if (c.pages_type == Type::i8) {
      check.that(cache.bytes == twin.bytes, "bytes of NaN and infinities are not those of the CPU");
    } else {
      // A NaN's bits may differ.
      const Matrix got = read_back(cache, r);
      const Matrix want = read_back(twin, r);
      bool same = true;
      for (size_t i = 0; i < got.data.size(); ++i) {
        const bool nan = std::isnan(want.data[i]);
        same &= nan ? std::isnan(got.data[i]) : bits_of(got.data[i]) == bits_of(want.data[i]);
      }
      check.that(same, "NaN and infinities are not those of the CPU");
    }

    if (c.D == 128 && c.G() >= 3) {
      const double numbers = static_cast<double>(2 * r.T * c.G() * c.D);
      const double moved = numbers * static_cast<double>(2 + element_bytes(c.pages_type));
      const double scale_sectors =
          c.pages_type == Type::i8 ? static_cast<double>(2 * r.T * c.G()) * 32.0 : 0.0;
      // A warp reads its position, its page and, for B sequences, log2 B offsets.
      const double warps = static_cast<double>(r.T * ((2 * c.G() * 16 + 255) / 256) * 8);
      const double search = std::ceil(std::log2(static_cast<double>(r.B)));
      const double unique = static_cast<double>(r.T * 4 + r.B * r.P * 4 + r.B * 4) + 96.0;
      check_bytes(check, moved + scale_sectors + unique,
                  moved + scale_sectors + warps * 32.0 * (2.0 + search));
    }
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_kv_append", [](Check& check) {
    ThreadPool pool(1);
    for (const Type type : {Type::bf16, Type::f16}) {
      for (const Type pages : {Type::bf16, Type::f16, Type::i8}) {
        run_case(check, pool, {{{0, 1}}, type, pages, 40, 128});
        run_case(check, pool, {{{0, 65}, {63, 1}, {64, 1}, {62, 3}, {1, 19}}, type, pages, 3, 128});
        run_case(check, pool, {{{5, 7}}, type, pages, 1, 8});
        run_case(check, pool, {{{5, 7}, {63, 2}}, type, pages, 14, 64, 1.0f, false, 7});
        run_case(check, pool, {{{5, 7}, {200, 1}}, type, pages, 2, 256});
        // Below the normal numbers of f16, all zeros, and large.
        for (const float size : {1e-6f, 0.0f, 1000.0f})
          run_case(check, pool, {{{60, 7}}, type, pages, 2, 48, size});
        run_case(check, pool, {{{60, 7}}, type, pages, 3, 128, 1.0f, true});
      }
    }
  });
}
