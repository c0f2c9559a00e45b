#pragma once
#include <cstdint>
#include <vector>

namespace torch_prune {

// Sorted numbers, equal ones merged, with what is before each of them, so that the sums of any range cost
// nothing.
class SortedNumbers {
 public:
  explicit SortedNumbers(const std::vector<float>& sorted);

  std::int64_t size() const { return static_cast<std::int64_t>(values_.size()); }
  float operator[](std::int64_t i) const { return values_[i]; }
  const std::vector<float>& values() const { return values_; }
  double Mean(std::int64_t begin, std::int64_t end) const;
  double Count(std::int64_t begin, std::int64_t end) const { return counts_[end] - counts_[begin]; }
  // The sum of squared distances from the mean.
  double Cost(std::int64_t begin, std::int64_t end) const;

 private:
  std::vector<float> values_;
  double center_ = 0;                            // sums are of distances from here, which keeps them small
  std::vector<double> counts_, sums_, squares_;  // of what is before each value
};

// Where clusters begin, the first at 0: at most `clusters` of them, none empty.
using ClusterBegins = std::vector<std::int64_t>;

// The clusters with the smallest sum of squared distances from their means: exactly, in
// O(clusters · n · log n) by dynamic programming, where the best last cluster moves on with the numbers.
ClusterBegins BestClusters(const SortedNumbers& numbers, std::int64_t clusters);
// How many steps that takes, and how many numbers it remembers.
double BestClustersWork(std::int64_t numbers, std::int64_t clusters);

// Clusters by Lloyd's algorithm from starts that lie evenly between the smallest number and the largest, in
// O(clusters · log n) an iteration. One that runs empty takes half of the widest with many numbers.
ClusterBegins LloydClusters(const SortedNumbers& numbers, std::int64_t clusters);

}  // namespace torch_prune
