#include "kmeans.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace torch_prune {

SortedNumbers::SortedNumbers(const std::vector<float>& sorted) {
  if (!sorted.empty()) center_ = (static_cast<double>(sorted.front()) + sorted.back()) / 2;
  double count = 0, sum = 0, square = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    const float value = sorted[i];
    values_.push_back(value);
    counts_.push_back(count);
    sums_.push_back(sum);
    squares_.push_back(square);
    const double distance = value - center_;
    for (; i < sorted.size() && sorted[i] == value; ++i) {
      count += 1;
      sum += distance;
      square += distance * distance;
    }
  }
  counts_.push_back(count);
  sums_.push_back(sum);
  squares_.push_back(square);
}

double SortedNumbers::Mean(std::int64_t begin, std::int64_t end) const {
  return center_ + (sums_[end] - sums_[begin]) / Count(begin, end);
}

double SortedNumbers::Cost(std::int64_t begin, std::int64_t end) const {
  if (end - begin < 2) return 0;
  const double sum = sums_[end] - sums_[begin];
  return std::max(0.0, squares_[end] - squares_[begin] - sum * sum / Count(begin, end));
}

namespace {

// One more cluster: the best cost of each beginning of the numbers, and where its last cluster begins.
struct Layer {
  const SortedNumbers& numbers;
  const std::vector<double>& before;  // of one cluster less, by length
  std::vector<double>& cost;
  std::vector<std::int32_t>& last;

  // For lengths in low..high, whose last clusters begin in from..to.
  void Solve(std::int64_t low, std::int64_t high, std::int64_t from, std::int64_t to) const {
    if (low > high) return;
    const std::int64_t length = low + (high - low) / 2;
    double best = std::numeric_limits<double>::infinity();
    std::int64_t at = from;
    for (std::int64_t begin = from; begin <= std::min(to, length - 1); ++begin) {
      const double sum = before[begin] + numbers.Cost(begin, length);
      if (sum >= best) continue;
      best = sum;
      at = begin;
    }
    cost[length] = best;
    last[length] = static_cast<std::int32_t>(at);
    Solve(low, length - 1, from, at);
    Solve(length + 1, high, at, to);
  }
};

ClusterBegins EachAlone(std::int64_t count) {
  ClusterBegins begins(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) begins[i] = i;
  return begins;
}

}  // namespace

double BestClustersWork(std::int64_t numbers, std::int64_t clusters) {
  const auto n = static_cast<double>(numbers);
  return static_cast<double>(clusters) * n * std::max(1.0, std::log2(n));
}

ClusterBegins BestClusters(const SortedNumbers& numbers, std::int64_t clusters) {
  const std::int64_t n = numbers.size();
  if (n <= clusters) return EachAlone(n);
  std::vector<double> before(n + 1), cost(n + 1);
  for (std::int64_t length = 1; length <= n; ++length) before[length] = numbers.Cost(0, length);
  std::vector<std::vector<std::int32_t>> last(clusters, std::vector<std::int32_t>(n + 1, 0));
  for (std::int64_t c = 1; c < clusters; ++c) {
    Layer{numbers, before, cost, last[c]}.Solve(c + 1, n, c, n - 1);
    std::swap(before, cost);
  }
  ClusterBegins begins;
  for (std::int64_t c = clusters - 1, length = n; c >= 0; --c) {
    length = c == 0 ? 0 : last[c][length];
    begins.push_back(length);
  }
  std::reverse(begins.begin(), begins.end());
  return begins;
}

namespace {

// Halves the cluster with the most to gain, as far as its width and its count tell; false where each number
// is alone.
bool SplitWidest(const SortedNumbers& numbers, ClusterBegins& begins) {
  double most = 0;
  std::size_t widest = 0;
  const auto end_of = [&](std::size_t c) { return c + 1 < begins.size() ? begins[c + 1] : numbers.size(); };
  for (std::size_t c = 0; c < begins.size(); ++c) {
    const double width = static_cast<double>(numbers[end_of(c) - 1]) - numbers[begins[c]];
    const double gain = width * width * numbers.Count(begins[c], end_of(c));
    if (gain <= most) continue;
    most = gain;
    widest = c;
  }
  if (most == 0) return false;
  const std::int64_t begin = begins[widest], end = end_of(widest);
  const double middle = (static_cast<double>(numbers[begin]) + numbers[end - 1]) / 2;
  const auto& values = numbers.values();
  const auto at = std::upper_bound(values.begin() + begin, values.begin() + end, middle) - values.begin();
  begins.insert(begins.begin() + static_cast<std::ptrdiff_t>(widest) + 1,
                std::clamp<std::int64_t>(at, begin + 1, end - 1));
  return true;
}

// Gives each number to the nearest of the centers, which ascend; those that get none are left out.
ClusterBegins NearestTo(const std::vector<double>& centers, const SortedNumbers& numbers) {
  const auto& values = numbers.values();
  ClusterBegins begins{0};
  for (std::size_t c = 1; c < centers.size(); ++c) {
    const double middle = (centers[c - 1] + centers[c]) / 2;
    const auto at = std::lower_bound(values.begin() + begins.back(), values.end(), middle) - values.begin();
    if (at == numbers.size()) break;
    if (at > begins.back()) begins.push_back(at);
  }
  return begins;
}

}  // namespace

ClusterBegins LloydClusters(const SortedNumbers& numbers, std::int64_t clusters) {
  constexpr int kMostIterations = 500;
  const std::int64_t n = numbers.size();
  if (n <= clusters) return EachAlone(n);
  const double least = numbers[0], most = numbers[n - 1];
  std::vector<double> centers;
  for (std::int64_t c = 0; c < clusters; ++c) {
    const double share = clusters == 1 ? 0.5 : static_cast<double>(c) / static_cast<double>(clusters - 1);
    centers.push_back(least + (most - least) * share);
  }
  ClusterBegins begins;
  for (int i = 0; i < kMostIterations; ++i) {
    ClusterBegins next = NearestTo(centers, numbers);
    while (static_cast<std::int64_t>(next.size()) < clusters && SplitWidest(numbers, next)) {
    }
    if (next == begins) break;
    begins = std::move(next);
    centers.clear();
    for (std::size_t c = 0; c < begins.size(); ++c)
      centers.push_back(numbers.Mean(begins[c], c + 1 < begins.size() ? begins[c + 1] : n));
  }
  return begins;
}

}  // namespace torch_prune
