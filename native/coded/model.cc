#include "model.h"

#include <cmath>

namespace torch_prune::coded {

Tables::Tables() {
  for (int seen = 0; seen < kMostRate; ++seen) rate[seen] = (2 * 4096) / (2 * seen + 3);
  // e^(1/256). Powers are products, which every machine rounds in the same way.
  constexpr double kStep = 1.0039138893383475;
  double power = 1;
  for (int x = 0; x <= kMostStretch; ++x, power *= kStep) {
    const auto above = static_cast<int>(std::floor(65536 * power / (1 + power)));
    squash[kMostStretch + x] = static_cast<std::uint16_t>(above > 65535 ? 65535 : above);
    squash[kMostStretch - x] = static_cast<std::uint16_t>(above > 65535 ? 1 : 65536 - above);
  }
  int next = 0;
  for (int x = -kMostStretch; x <= kMostStretch; ++x) {
    for (const int probability = squash[x + kMostStretch]; next <= probability; ++next)
      stretch[next] = static_cast<std::int16_t>(x);
  }
  for (; next < 65536; ++next) stretch[next] = kMostStretch;
}

const Tables& SharedTables() {
  static const Tables tables;
  return tables;
}

}  // namespace torch_prune::coded
