// Folds of a row into one value that run in vectors: several partial results side by side, joined at the end. The order
// of a sum differs from a plain loop's, as it does in any vectorised library.
#pragma once

#include <cstdint>
#include <limits>

namespace headrace {

struct SumOf {
  template <class T>
  static T Neutral() {
    return T(0);
  }
  template <class T>
  static T Fold(T a, T b) {
    return static_cast<T>(a + b);
  }
};
struct ProductOf {
  template <class T>
  static T Neutral() {
    return T(1);
  }
  template <class T>
  static T Fold(T a, T b) {
    return static_cast<T>(a * b);
  }
};
// A NaN stays.
struct MaxOf {
  template <class T>
  static T Neutral() {
    return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();
  }
  template <class T>
  static T Fold(T a, T b) {
    return a > b || a != a ? a : b;
  }
};
struct MinOf {
  template <class T>
  static T Neutral() {
    return std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
  }
  template <class T>
  static T Fold(T a, T b) {
    return a < b || a != a ? a : b;
  }
};
struct AnyOf {
  template <class T>
  static T Neutral() {
    return T(0);
  }
  template <class T>
  static T Fold(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct AllOf {
  template <class T>
  static T Neutral() {
    return T(1);
  }
  template <class T>
  static T Fold(T a, T b) {
    return static_cast<T>(a & b);
  }
};

// row[0] op row[1] op ...; neutral if n is 0.
template <class Op, class T>
[[gnu::always_inline]] inline T FoldRow(const T* row, int64_t n) {
  constexpr int kAccumulators = 64;
  T total = Op::template Neutral<T>();
  int64_t i = 0;
  if (n >= kAccumulators) {
    T lanes[kAccumulators];
    for (int j = 0; j < kAccumulators; ++j) lanes[j] = row[j];
    for (i = kAccumulators; i + kAccumulators <= n; i += kAccumulators) {
      for (int j = 0; j < kAccumulators; ++j) lanes[j] = Op::Fold(lanes[j], row[i + j]);
    }
    for (int width = kAccumulators / 2; width > 0; width /= 2) {
      for (int j = 0; j < width; ++j) lanes[j] = Op::Fold(lanes[j], lanes[j + width]);
    }
    total = lanes[0];
  }
  for (; i < n; ++i) total = Op::Fold(total, row[i]);
  return total;
}

// term(0) + ... + term(n - 1), which is computed in T.
template <class T, class Term>
[[gnu::always_inline]] inline T SumOver(int64_t n, const Term& term) {
  constexpr int kAccumulators = 32;
  T lanes[kAccumulators] = {};
  int64_t i = 0;
  for (; i + kAccumulators <= n; i += kAccumulators) {
    for (int j = 0; j < kAccumulators; ++j) lanes[j] += term(i + j);
  }
  T total = FoldRow<SumOf>(lanes, kAccumulators);
  for (; i < n; ++i) total += term(i);
  return total;
}

}  // namespace headrace
