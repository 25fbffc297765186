// exp: e^x of sixteen lanes, the same for every kernel that needs it.
//
// Method  x = n ln 2 + r with |r| <= ln(2)/2; Taylor's series of e^r up to r^7, whose rest is below
//         2^-27 of e^r; times 2^n. ln 2 is taken in two parts of which the first times n is exact.
//         e^0 is exactly 1; a NaN stays a NaN.
// Bound   16 operations for 16 lanes.
#pragma once

namespace bc::cpu {

template <class V>
inline typename V::F exp(typename V::F x) {
  using F = typename V::F;
  // Below -104 the result rounds to 0, above 89 to infinity. The constant comes first: a NaN in x
  // passes through.
  x = V::max(V::set(-104.0f), V::min(V::set(89.0f), x));
  const F n = V::round(V::mul(x, V::set(1.44269504f)));
  F r = V::fma(n, V::set(-0.693359375f), x);
  r = V::fma(n, V::set(2.12194440e-4f), r);
  F p = V::set(1.0f / 5040.0f);
  p = V::fma(p, r, V::set(1.0f / 720.0f));
  p = V::fma(p, r, V::set(1.0f / 120.0f));
  p = V::fma(p, r, V::set(1.0f / 24.0f));
  p = V::fma(p, r, V::set(1.0f / 6.0f));
  p = V::fma(p, r, V::set(0.5f));
  p = V::fma(p, r, V::set(1.0f));
  p = V::fma(p, r, V::set(1.0f));
  return V::scale(p, n);
}

}  // namespace bc::cpu
