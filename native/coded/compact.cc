#include "compact.h"

#include <algorithm>
#include <bit>

#include "compact_parts.h"
#include "positions.h"
#include "range_coder.h"
#include "shared_values.h"

namespace torch_prune::coded {

Models::Models()
    : tables(SharedTables()),
      live_row(2),
      live_column(8),
      places(MakePlacesMixer()),
      is_zero(2),
      sign(2),
      exponent(256),
      mantissa(8),
      byte(256 * 8) {
  const auto fill = [&](std::vector<Counter>& counters, int others, bool both) {
    for (int other = 0; other < others; ++other) {
      for (int level = 0; level < kLevels; ++level)
        counters.push_back(CounterOf(level, both ? other : level, tables));
    }
  };
  fill(by_lines, kLevels, true);
  fill(by_neighbors, kPatterns, false);
  fill(by_surround, kLevels, true);
}

namespace {

constexpr int kPriorBits = 8;
constexpr int kPeriodBits = 6;
constexpr int kZerosBits = 5;
// What a prior's bits stand for: the logarithm of odds.
constexpr int kPriorStep = 24;

template <typename Coder>
void CodeLines(Coder& coder, Models& models, const Matrix& shape, Head& head) {
  const Tables& tables = models.tables;
  head.live_rows.resize(shape.rows);
  int before = 1;
  for (auto& live : head.live_rows) {
    live = static_cast<std::uint8_t>(CodeBit(coder, models.live_row[before], live, tables, 255));
    before = live;
  }
  // Columns that read a neuron of the tensor before.
  const auto sources = static_cast<std::int64_t>(models.last_rows.size());
  const std::int64_t each = sources > 0 && shape.columns % sources == 0 ? shape.columns / sources : 0;
  std::vector<std::uint8_t> live(shape.columns);
  for (const auto column : head.live_columns) live[column] = 1;
  head.live_columns.clear();
  before = 1;
  for (std::int64_t column = 0; column < shape.columns; ++column) {
    const int source = each > 0 ? models.last_rows[column / each] : 1;
    const int above = head.period > 0 && column >= head.period ? live[column - head.period] : 1;
    auto& counter = models.live_column[before | above << 1 | source << 2];
    before = live[column] = static_cast<std::uint8_t>(CodeBit(coder, counter, live[column], tables, 255));
    if (before) head.live_columns.push_back(static_cast<std::int32_t>(column));
  }
  models.last_rows = head.live_rows;
}

}  // namespace

template <typename Coder>
void CodeHead(Coder& coder, Models& models, const Matrix& shape, Head& head) {
  head.sparse = CodeBits(coder, head.sparse, 1) != 0;
  if (head.sparse) {
    const int stretched = models.tables.stretch[head.prior];
    const auto prior =
        CodeBits(coder, static_cast<std::uint32_t>(stretched + kMostStretch) / kPriorStep, kPriorBits);
    head.prior = models.tables.Squash(static_cast<int>(prior) * kPriorStep - kMostStretch);
    head.period = static_cast<int>(CodeBits(coder, static_cast<std::uint32_t>(head.period), kPeriodBits));
    CodeLines(coder, models, shape, head);
  }
  head.is_shared = CodeBits(coder, head.is_shared, 1) != 0;
  head.zeros = static_cast<int>(CodeBits(coder, static_cast<std::uint32_t>(head.zeros), kZerosBits));
  if (head.zeros > 23) coder.Refuse("a float of fewer than no bits");
  if (!head.is_shared) return;
  const auto count = CodeBits(coder, static_cast<std::uint32_t>(head.shared.size() - 1), kSharedBits) + 1;
  head.shared.resize(count);
  std::uint32_t before = 0x80000000u;
  for (auto& value : head.shared) before = value = CodeFloat(coder, models, value, head.zeros, before);
}

template <typename Coder>
void CodeRows(Coder& coder, Models& models, const Head& head, const Matrix& rows, std::int64_t first) {
  Places places(models, head, rows.columns);
  SharedValues shared(models.tables, head, rows.columns);
  std::uint32_t before = 0;
  const auto code = [&](std::int64_t at, std::int64_t column) {
    const auto value = rows.values[at];
    before = head.is_shared ? shared.Code(coder, value, column)
                            : CodeFloat(coder, models, value, head.zeros, before);
    if (!Coder::kEncodes) rows.values[at] = before;
  };
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    const auto begin = row * rows.columns;
    shared.BeginRow();
    if (!head.sparse) {
      for (std::int64_t column = 0; column < rows.columns; ++column) code(begin + column, column);
      continue;
    }
    if (!head.live_rows[first + row]) continue;
    places.BeginRow();
    for (const auto column : head.live_columns) {
      const auto at = begin + column;
      const int stands = Coder::kEncodes ? rows.Stands(at) : 0;
      if (!places.Code(coder, column, stands)) continue;
      code(at, column);
      if (!Coder::kEncodes && rows.kept != nullptr) rows.kept[at] = 1;
    }
    places.EndRow();
  }
  if (!Coder::kEncodes && !head.sparse && rows.kept != nullptr) std::fill_n(rows.kept, rows.size(), 1);
}

template <typename Coder>
void CodeBytes(Coder& coder, Models& models, std::uint8_t* bytes, std::int64_t count, int each) {
  for (std::int64_t i = 0; i < count; ++i) {
    auto* tree = models.byte.data() + 256 * (i % each);
    const auto byte = CodeTree(coder, tree, 8, bytes[i], models.tables);
    if (!Coder::kEncodes) bytes[i] = static_cast<std::uint8_t>(byte);
  }
}

Head HeadOf(const Matrix& matrix, const Survey& survey) {
  Head head;
  head.sparse = survey.standing < matrix.size();
  head.is_shared = !survey.shared.empty();
  head.shared = survey.shared;
  head.zeros = survey.zeros;
  head.period = survey.period;
  if (!head.sparse) return head;
  head.live_rows.resize(matrix.rows);
  std::vector<std::uint8_t> columns(matrix.columns);
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    for (std::int64_t column = 0; column < matrix.columns; ++column) {
      if (!matrix.Stands(row * matrix.columns + column)) continue;
      head.live_rows[row] = 1;
      columns[column] = 1;
    }
  }
  for (std::int32_t column = 0; column < matrix.columns; ++column) {
    if (columns[column]) head.live_columns.push_back(column);
  }
  const auto rows = std::count(head.live_rows.begin(), head.live_rows.end(), 1);
  const double room = static_cast<double>(rows) * static_cast<double>(head.live_columns.size());
  const double density = room > 0 ? static_cast<double>(survey.standing) / room : 0;
  head.prior = static_cast<std::uint32_t>(std::clamp(density * 65536, 1.0, 65535.0));
  return head;
}

template void CodeHead(RangeEncoder&, Models&, const Matrix&, Head&);
template void CodeHead(RangeDecoder&, Models&, const Matrix&, Head&);
template void CodeRows(RangeEncoder&, Models&, const Head&, const Matrix&, std::int64_t);
template void CodeRows(RangeDecoder&, Models&, const Head&, const Matrix&, std::int64_t);
template void CodeBytes(RangeEncoder&, Models&, std::uint8_t*, std::int64_t, int);
template void CodeBytes(RangeDecoder&, Models&, std::uint8_t*, std::int64_t, int);

}  // namespace torch_prune::coded
