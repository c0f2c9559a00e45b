#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "compact.h"

// Where something stands, one place after the other. Each is predicted from how full its row and its column
// have been, and from its neighbors.
namespace torch_prune::coded {

inline constexpr int kLevels = 16;
// Of six neighbors, which ones stand, and how many of them.
inline constexpr int kPatterns = 64;
inline constexpr int kFew = 7;
inline constexpr int kPlaceInputs = 3;

inline Mixer MakePlacesMixer() {
  return {kPlaceInputs, kFew, 65536 / 3};
}

// A level of probability for contexts: from e^-8 to 1 in steps of e^0.5.
inline int LevelOf(int stretched) {
  const int level = (stretched + 2048) >> 7;
  return level < 0 ? 0 : level >= kLevels ? kLevels - 1 : level;
}

// Counters of contexts whose levels are those, before anything is known of them.
inline Counter CounterOf(int level, int other, const Tables& tables) {
  const int stretched = 64 * (level + other + 1) - 2048;
  return {static_cast<std::int32_t>(tables.Squash(stretched)) << 6, 2};
}

class Places {
 public:
  Places(Models& models, const Head& head, std::int64_t columns)
      : models_(models),
        tables_(models.tables),
        period_(head.period),
        prior_(static_cast<std::int32_t>(head.prior) << 6) {
    if (!head.sparse) return;
    columns_.assign(columns, {prior_, kColumnStart});
    stretched_.assign(columns + 2 * kMargin, tables_.stretch[head.prior]);
    now_.assign(columns + 2 * kMargin, 0);
    above_.assign(columns + 2 * kMargin, 0);
  }

  void BeginRow() { row_ = {prior_, kRowStart}; }
  void EndRow() {
    now_.swap(above_);
    std::fill(now_.begin(), now_.end(), 0);
  }

  template <typename Coder>
  int Code(Coder& coder, std::int64_t column, int stands) {
    const std::uint8_t* now = now_.data() + kMargin + column;
    const std::uint8_t* above = above_.data() + kMargin + column;
    std::int16_t* stretched = stretched_.data() + kMargin + column;
    const int by_column = stretched[0];
    const int by_row = tables_.stretch[row_.Probability()];
    const int column_level = LevelOf(by_column);
    const int row_level = LevelOf(by_row);
    int pattern = now[-1] | now[-2] << 1 | above[0] << 2;
    int few = now[-1] + now[-2] + above[0];
    int around = stretched[-1] + stretched[1];
    if (period_ > 0) {
      const std::uint8_t* before = now - period_;
      pattern |= before[0] << 3 | before[-1] << 4 | before[1] << 5;
      few += before[0] + before[-1] + before[1];
      around = (around + stretched[-period_] + stretched[period_]) >> 2;
    } else {
      around >>= 1;
    }
    Counter& lines = models_.by_lines[column_level * kLevels + row_level];
    Counter& neighbors = models_.by_neighbors[pattern * kLevels + column_level];
    Counter& surround = models_.by_surround[LevelOf(around) * kLevels + column_level];
    Mixer& mixer = models_.places;
    mixer.Add(tables_.stretch[lines.Probability()]);
    mixer.Add(tables_.stretch[neighbors.Probability()]);
    mixer.Add(tables_.stretch[surround.Probability()]);
    stands = coder.Bit(stands, mixer.Mix(few, tables_));
    mixer.Update(stands, kPlaceRate);
    lines.Update(stands, kMapLimit, tables_);
    neighbors.Update(stands, kMapLimit, tables_);
    surround.Update(stands, kMapLimit, tables_);
    row_.Update(stands, kRowLimit, tables_);
    Counter& own = columns_[column];
    own.Update(stands, kColumnLimit, tables_);
    stretched[0] = tables_.stretch[own.Probability()];
    now_[kMargin + column] = static_cast<std::uint8_t>(stands);
    return stands;
  }

 private:
  // Before the first column and after the last nothing stands.
  static constexpr int kMargin = kMostPeriod + 1;
  static constexpr int kPlaceRate = 14;
  static constexpr std::int32_t kMapLimit = 1023;
  static constexpr std::int32_t kColumnStart = 8, kColumnLimit = 255;
  static constexpr std::int32_t kRowStart = 12, kRowLimit = 60;

  Models& models_;
  const Tables& tables_;
  const int period_;
  const std::int32_t prior_;
  Counter row_;
  std::vector<Counter> columns_;
  std::vector<std::int16_t> stretched_;
  std::vector<std::uint8_t> now_, above_;
};

}  // namespace torch_prune::coded
