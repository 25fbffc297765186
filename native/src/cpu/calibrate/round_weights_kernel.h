// round_weights: codes and grids of w [N,K] that change the products with the activations least, one source
// for every instruction set. docs/calibration.md derives what is done here.
//
// Method  For each row w, which is corrected first where cross moments are given (correct), with error
//         e = w - s (q - z) the loss is e H e^T, H the damped second moments.
//         1. Each group's scale and zero, weighted by H's diagonal (grid_search.h).
//         2. Codes from the place of the largest moment to that of the smallest. With u^T u = H in that
//            order the loss is the sum over places p of (u_pp e_p + c_p)^2, where c_p = sum over later places
//            i of u_pi e_i is known when p's code is chosen: the code nearest to w_p + c_p / u_pp.
//         3. Sweeps: group by group the scale and zero that are best for the codes, then each code that is
//            best for all others. None of these steps can raise the loss.
// Bound   Compute: N K^2 / 2 products for the codes, N K^2 for a sweep and 2 N K^2 for the correction.
// Source  GPTQ (Frantar et al. 2023, arXiv:2210.17323) and, for the form with u, QuIP (Chee et al. 2023,
//         arXiv:2307.13304); the correction as in GPTAQ (Li et al. 2025, arXiv:2504.02692); coordinate descent on the codes as in QuantEase (Behdin et al. 2023,
//         arXiv:2309.01885).
#pragma once

#include <algorithm>
#include <vector>

#include "cpu/calibrate/calibrate_kernels.h"
#include "cpu/calibrate/grid_search.h"

namespace bc::cpu {

// A unit is kTile rows, one in each lane of kTile / 16 vectors; every array below has kTile numbers a row.
template <class V>
struct RoundWeights {
  using F = typename V::F;
  static constexpr int kVectors = kTile / kPanel;

  const RoundWeightsParams& p;
  const int64_t begin, end;
  float* w;       // [K] weights, corrected where there are cross moments
  float* error;   // [K] w less what the codes stand for
  float* places;  // [K] the same in the order of the factor
  float* codes;   // [K]
  float* scale;   // [K / group]
  float* zero;    // [K / group]
  float* sums;    // [group or kTile]
  float* change;  // [group]
  F loss[kVectors];

  static void run(const RoundWeightsParams& p, int64_t begin, int64_t end, RoundingRoom& room,
                  double* error) {
    const int64_t rows = 4 * p.K + 2 * (p.K / p.group) + kTile + 3 * kMostColumns;
    room.numbers.resize(static_cast<size_t>(rows * kTile));
    RoundWeights unit(p, begin, end, room.numbers.data());
    unit.load();
    if (p.cross != nullptr) unit.correct();
    unit.find_grids();
    unit.choose_codes();
    for (int i = 0; i < p.sweeps; ++i) unit.sweep();
    unit.store(error);
  }

  RoundWeights(const RoundWeightsParams& params, int64_t b, int64_t e, float* room)
      : p(params), begin(b), end(e) {
    const auto take = [&room](int64_t rows) {
      float* const taken = room;
      room += rows * kTile;
      return taken;
    };
    w = take(p.K);
    error = take(p.K);
    places = take(p.K);
    codes = take(p.K);
    scale = take(p.K / p.group);
    zero = take(p.K / p.group);
    sums = take(std::max(kTile, kMostColumns));
    change = take(kMostColumns);
    for (F& of_vector : loss) of_vector = V::set(0.0f);
  }

  // Rows behind N are zeros.
  void load() {
    for (int64_t n = 0; n < kTile; ++n) {
      const bool inside = begin + n < end;
      const float factor = inside && p.row_scale != nullptr ? p.row_scale[begin + n] : 1.0f;
      for (int64_t k = 0; k < p.K; ++k) {
        w[k * kTile + n] =
            inside ? factor * float_at(p.w, p.w_type, (begin + n) * p.w_ld + k) : 0.0f;
      }
    }
  }

  // Weights that give, with the activations that come through quantized matrices, what w gives with those that
  // do not: w + share w D H^-1, D the cross moments. With r = w D in the order of the factor, r H^-1 is x for
  // y u = r and x u^T = y.
  void correct() {
    float* const r = error;
    for (int64_t k0 = 0; k0 < p.K; k0 += kTile) {
      const int64_t n = std::min(kTile, p.K - k0);
      std::fill(sums, sums + kTile * kTile, 0.0f);
      for (int64_t i = 0; i < p.K; i += kTileDepth) {
        TileProducts<V>::add(sums, kTile, TileOperand{p.cross + i * p.cross_ld + k0, p.cross_ld, 1},
                             n, TileRows<float>{w + i * kTile}, std::min(kTileDepth, p.K - i),
                             1.0f);
      }
      std::copy(sums, sums + n * kTile, r + k0 * kTile);
    }
    for (int64_t place = 0; place < p.K; ++place) {
      const float* const from = r + p.order[place] * kTile;
      std::copy(from, from + kTile, places + place * kTile);
    }
    for (int64_t first = 0; first < p.K; first += kTile) {
      const int64_t n = std::min(kTile, p.K - first);
      std::fill(sums, sums + kTile * kTile, 0.0f);
      for (int64_t i = 0; i < first; i += kTileDepth) {
        TileProducts<V>::add(
            sums, kTile, TileOperand{p.factor + i * p.factor_ld + first, p.factor_ld, 1}, n,
            TileRows<float>{places + i * kTile}, std::min(kTileDepth, first - i), 1.0f);
      }
      for (int64_t t = 0; t < n; ++t) {
        const float* const column = p.factor + first * p.factor_ld + first + t;
        substitute(first, first + t, column, p.factor_ld, first, first + t);
      }
    }
    for (int64_t last = p.K; last > 0;) {
      const int64_t first = last - (last % kTile == 0 ? kTile : last % kTile);
      std::fill(sums, sums + kTile * kTile, 0.0f);
      add_products(p.factor + first * p.factor_ld, p.factor_ld, last - first, places, last, p.K);
      for (int64_t place = last - 1; place >= first; --place)
        substitute(first, place, p.factor + place * p.factor_ld + place + 1, 1, place + 1, last);
      last = first;
    }
    for (int64_t place = 0; place < p.K; ++place) {
      float* const to = w + p.order[place] * kTile;
      for (int64_t n = 0; n < kTile; ++n) to[n] += p.share * places[place * kTile + n];
    }
  }

  // The number at a place becomes that number, less its sum and less the products of the factor's numbers u, u
  // + step, ... with the places [from, to), over the pivot.
  void substitute(int64_t first, int64_t place, const float* u, int64_t step, int64_t from,
                  int64_t to) {
    const F pivot = V::set(p.factor[place * (p.factor_ld + 1)]);
    for (int v = 0; v < kVectors; ++v) {
      const int64_t lane = kPanel * v;
      float* const at = places + place * kTile + lane;
      F x = V::sub(V::load(at), V::load(sums + (place - first) * kTile + lane));
      for (int64_t i = from; i < to; ++i) {
        x = V::sub(x, V::mul(V::set(u[(i - from) * step]), V::load(places + i * kTile + lane)));
      }
      V::store(at, V::div(x, pivot));
    }
  }

  void find_grids() {
    float degrees[kMostColumns];
    F columns[kMostColumns];
    for (int64_t g = 0; g < p.K / p.group; ++g) {
      for (int64_t k = 0; k < p.group; ++k)
        degrees[k] = p.moments[(g * p.group + k) * (p.moments_ld + 1)];
      for (int v = 0; v < kVectors; ++v) {
        for (int64_t k = 0; k < p.group; ++k)
          columns[k] = V::load(w + (g * p.group + k) * kTile + kPanel * v);
        const GridSearch<V> search(columns, degrees, p.group, top());
        const auto grid = search.find();
        V::store(scale + g * kTile + kPanel * v, grid.scale);
        V::store(zero + g * kTile + kPanel * v, grid.zero);
      }
    }
  }

  float top() const { return static_cast<float>((1 << p.bits) - 1); }

  F code(F x, F s, F z) const {
    return V::round(V::max(V::min(V::add(V::div(x, s), z), V::set(top())), V::set(0.0f)));
  }

  // Places [p0, p0 + n) of sums: the products of rows p0 to p0 + n of a matrix with errors from..to.
  void add_products(const float* matrix, int64_t ld, int64_t n, const float* errors, int64_t from,
                    int64_t to) {
    for (int64_t i = from; i < to; i += kTileDepth) {
      TileProducts<V>::add(sums, kTile, TileOperand{matrix + i, 1, ld}, n,
                           TileRows<float>{errors + i * kTile}, std::min(kTileDepth, to - i), 1.0f);
    }
  }

  void choose_codes() {
    for (int64_t last = p.K; last > 0;) {
      const int64_t first = std::max(int64_t{0}, last - kTile);
      std::fill(sums, sums + kTile * kTile, 0.0f);
      add_products(p.factor + first * p.factor_ld, p.factor_ld, last - first, places, last, p.K);
      for (int64_t place = last - 1; place >= first; --place) choose_code(place, first);
      last = first;
    }
    for (int64_t place = 0; place < p.K; ++place) {
      std::copy(places + place * kTile, places + (place + 1) * kTile,
                error + p.order[place] * kTile);
    }
  }

  void choose_code(int64_t place, int64_t first) {
    const int64_t k = p.order[place];
    const int64_t g = k / p.group;
    const float* const column = p.factor + place;  // u_ip for the places i before
    const F pivot = V::set(column[place * p.factor_ld]);
    for (int v = 0; v < kVectors; ++v) {
      const int64_t lane = kPanel * v;
      const F carried = V::load(sums + (place - first) * kTile + lane);
      const F weight = V::load(w + k * kTile + lane);
      const F s = V::load(scale + g * kTile + lane);
      const F z = V::load(zero + g * kTile + lane);
      const F q = code(V::add(weight, V::div(carried, pivot)), s, z);
      const F e = V::sub(weight, V::mul(V::sub(q, z), s));
      V::store(codes + k * kTile + lane, q);
      V::store(places + place * kTile + lane, e);
      const F left = V::fma(pivot, e, carried);
      loss[v] = V::fma(left, left, loss[v]);
      for (int64_t i = first; i < place; ++i) {
        float* const to = sums + (i - first) * kTile + lane;
        V::store(to, V::fma(V::set(column[i * p.factor_ld]), e, V::load(to)));
      }
    }
  }

  // Adds by * sum over columns i of the group of H[t][i] x[i] to sums[t] for each column t.
  void add_in_group(int64_t k0, const float* x, float by) {
    for (int64_t t = 0; t < p.group; ++t) {
      const float* const row = p.moments + (k0 + t) * p.moments_ld + k0;
      F sum[kVectors];
      for (F& of_vector : sum) of_vector = V::set(0.0f);
      for (int64_t i = 0; i < p.group; ++i) {
        for (int v = 0; v < kVectors; ++v)
          sum[v] = V::fma(V::set(row[i]), V::load(x + i * kTile + kPanel * v), sum[v]);
      }
      for (int v = 0; v < kVectors; ++v) {
        float* const to = sums + t * kTile + kPanel * v;
        V::store(to, V::fma(V::set(by), sum[v], V::load(to)));
      }
    }
  }

  void sweep() {
    for (int64_t g = 0; g < p.K / p.group; ++g) {
      const int64_t k0 = g * p.group;
      // sums[t] = sum over all columns i of H[t][i] e[i]: minus half of the loss's slope.
      std::fill(sums, sums + p.group * kTile, 0.0f);
      add_products(p.moments + k0 * p.moments_ld, p.moments_ld, p.group, error, 0, p.K);
      fit_grid(g);
      for (int64_t t = 0; t < p.group; ++t) improve_code(g, t);
    }
  }

  // The grid that is best for the codes of a group. With v = s (q - z) now and v' = s' (q - z') then, the loss
  // changes by v' H v' - 2 v' t + ..., t = sums + H v, a quadratic form in s' and s' z'.
  void fit_grid(int64_t g) {
    const int64_t k0 = g * p.group;
    float whole = 0.0f;  // 1 H 1
    float of_column[kMostColumns];
    for (int64_t t = 0; t < p.group; ++t) {
      of_column[t] = 0.0f;
      for (int64_t i = 0; i < p.group; ++i)
        of_column[t] += p.moments[(k0 + t) * p.moments_ld + k0 + i];
      whole += of_column[t];
    }
    const F c = V::set(whole);
    for (int v = 0; v < kVectors; ++v) {
      const int64_t lane = kPanel * v;
      const F s = V::load(scale + g * kTile + lane);
      const F z = V::load(zero + g * kTile + lane);
      F a = V::set(0.0f);   // q H q
      F b = V::set(0.0f);   // 1 H q
      F yq = V::set(0.0f);  // q sums
      F y1 = V::set(0.0f);  // 1 sums
      for (int64_t t = 0; t < p.group; ++t) {
        const float* const row = p.moments + (k0 + t) * p.moments_ld + k0;
        F hq = V::set(0.0f);
        for (int64_t i = 0; i < p.group; ++i)
          hq = V::fma(V::set(row[i]), V::load(codes + (k0 + i) * kTile + lane), hq);
        const F q = V::load(codes + (k0 + t) * kTile + lane);
        const F sum = V::load(sums + t * kTile + lane);
        a = V::fma(q, hq, a);
        b = V::fma(V::set(of_column[t]), q, b);
        yq = V::fma(q, sum, yq);
        y1 = V::add(y1, sum);
      }
      // t q and t 1.
      yq = V::fma(s, V::sub(a, V::mul(z, b)), yq);
      y1 = V::fma(s, V::sub(b, V::mul(z, c)), y1);
      const auto loss_of = [&](F scale_, F zero_) {
        const F square = V::add(V::sub(a, V::mul(V::mul(V::set(2.0f), zero_), b)),
                                V::mul(V::mul(zero_, zero_), c));
        const F product = V::sub(yq, V::mul(zero_, y1));
        return V::mul(scale_, V::sub(V::mul(scale_, square), V::mul(V::set(2.0f), product)));
      };
      const F now = loss_of(s, z);
      F best = now;
      F best_scale = s;
      F best_zero = z;
      const F fitted =
          V::div(V::sub(V::mul(yq, c), V::mul(b, y1)), V::sub(V::mul(a, c), V::mul(b, b)));
      for (int up = 0; up < 2; ++up) {
        const F scale_ = GridSearch<V>::grid_scale_of(fitted, up != 0);
        const F zero_ =
            GridSearch<V>::grid_zero(V::div(V::sub(V::mul(scale_, b), y1), V::mul(scale_, c)));
        const F there = loss_of(scale_, zero_);
        best_scale = V::if_greater(best, there, scale_, best_scale);
        best_zero = V::if_greater(best, there, zero_, best_zero);
        best = V::if_greater(best, there, there, best);
      }
      loss[v] = V::add(loss[v], V::sub(best, now));
      V::store(scale + g * kTile + lane, best_scale);
      V::store(zero + g * kTile + lane, best_zero);
      for (int64_t t = 0; t < p.group; ++t) {
        const F q = V::load(codes + (k0 + t) * kTile + lane);
        const F by = V::sub(V::mul(V::sub(q, best_zero), best_scale), V::mul(V::sub(q, z), s));
        float* const e = error + (k0 + t) * kTile + lane;
        V::store(change + t * kTile + lane, by);
        V::store(e, V::sub(V::load(e), by));
      }
    }
    add_in_group(k0, change, -1.0f);
  }

  void improve_code(int64_t g, int64_t t) {
    const int64_t k0 = g * p.group;
    const float* const row = p.moments + (k0 + t) * p.moments_ld + k0;
    const F pivot = V::set(row[t]);
    for (int v = 0; v < kVectors; ++v) {
      const int64_t lane = kPanel * v;
      const F s = V::load(scale + g * kTile + lane);
      const F z = V::load(zero + g * kTile + lane);
      float* const at = codes + (k0 + t) * kTile + lane;
      const F q = V::load(at);
      const F slope = V::load(sums + t * kTile + lane);
      const F wanted = V::add(V::mul(V::sub(q, z), s), V::div(slope, pivot));
      const F better = code(wanted, s, z);
      const F by = V::mul(V::sub(better, q), s);
      V::store(at, better);
      float* const e = error + (k0 + t) * kTile + lane;
      V::store(e, V::sub(V::load(e), by));
      // The loss changes by by^2 pivot - 2 by slope.
      loss[v] = V::fma(by, V::sub(V::mul(by, pivot), V::mul(V::set(2.0f), slope)), loss[v]);
      for (int64_t i = 0; i < p.group; ++i) {
        float* const to = sums + i * kTile + lane;
        V::store(to, V::sub(V::load(to), V::mul(V::set(row[i]), by)));
      }
    }
  }

  void store(double* total) {
    const int64_t groups = p.K / p.group;
    for (int64_t n = 0; n < end - begin; ++n) {
      int8_t* const to = p.codes + (begin + n) * p.codes_ld;
      const float factor = p.row_scale == nullptr ? 1.0f : p.row_scale[begin + n];
      for (int64_t k = 0; k < p.K; ++k) {
        to[k] = static_cast<int8_t>(codes[k * kTile + n]);
        // Of the weight as it was given.
        const double weight =
            static_cast<double>(factor * float_at(p.w, p.w_type, (begin + n) * p.w_ld + k));
        const float stands_for = w[k * kTile + n] - error[k * kTile + n];
        const double e = weight - static_cast<double>(stands_for);
        total[0] += e * e;
        total[1] += weight * weight;
      }
      for (int64_t g = 0; g < groups; ++g) {
        p.scales[(begin + n) * groups + g] = scale[g * kTile + n];
        p.zeros[(begin + n) * groups + g] = zero[g * kTile + n];
      }
      float lanes[kPanel];
      V::store(lanes, loss[n / kPanel]);
      total[2] += static_cast<double>(lanes[n % kPanel]);
    }
  }
};

}  // namespace bc::cpu
