#include "jobs.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "../base/environment.h"
#include "../base/fields.h"
#include "../tensor/tensor.h"
#include "blocks.h"
#include "damage.h"
#include "survey.h"

// Coding of tensors as jobs, in slices of a block: a hundred million weights take some seconds.
namespace torch_prune {
namespace {

using coded::BlockPlan;
using Bytes = std::vector<std::uint8_t>;

coded::Profile ToProfile(const Napi::Value& value) {
  const auto name = ToString(value, "profile");
  if (name == "huffman") return coded::Profile::kHuffman;
  if (name == "compact") return coded::Profile::kCompact;
  throw Error("ERR_ARGUMENT", "profile must be 'huffman' or 'compact', got '" + name + "'");
}

// The tensors of a unit, and the coder that looks at their memory.
struct Unit {
  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;  // this and what follows: where the tensors are still to be made
    at::ScalarType dtype = at::kFloat;
    bool masked = false;
    at::Tensor values;
    at::Tensor keep;  // undefined without a mask
    double bits = 0;  // that it takes of the blocks, where it was decoded
  };

  coded::Profile profile;
  std::vector<Entry> entries;
  std::vector<Bytes> blocks;
  std::vector<std::int64_t> starts;  // where each block is in its file

  static coded::Tensor View(const Entry& entry) {
    const at::Tensor& values = entry.values;
    coded::Tensor tensor;
    tensor.elements = values.numel();
    tensor.width = static_cast<int>(values.element_size());
    // A decoder's tensors are its own, and an encoder only reads: it must not make copies of what is shared.
    auto* data = const_cast<void*>(values.const_data_ptr());
    if (values.scalar_type() != at::kFloat) {
      tensor.bytes = static_cast<std::uint8_t*>(data);
      return tensor;
    }
    auto& floats = tensor.floats;
    floats.rows = values.dim() > 1 ? values.size(0) : 1;
    floats.columns = floats.rows == 0 ? 0 : values.numel() / floats.rows;
    floats.values = static_cast<std::uint32_t*>(data);
    if (entry.keep.defined())
      floats.kept = static_cast<std::uint8_t*>(const_cast<void*>(entry.keep.const_data_ptr()));
    return tensor;
  }
  std::vector<coded::Tensor> Views() const {
    std::vector<coded::Tensor> views;
    for (const auto& entry : entries) views.push_back(View(entry));
    return views;
  }

  // Makes the tensors that are decoded: all zeros. It takes a while for large ones.
  void MakeTensors() {
    for (auto& entry : entries) {
      entry.values = at::zeros(entry.shape, at::TensorOptions().dtype(entry.dtype));
      if (entry.masked) entry.keep = at::zeros(entry.shape, at::TensorOptions().dtype(at::kBool));
    }
  }
  void RefuseFlaws() const;
  Slices Encode(Job& job);
  Slices Decode(Job& job);
};

void Unit::RefuseFlaws() const {
  for (const auto& entry : entries) {
    const auto view = View(entry);
    if (!view.IsFloat()) continue;
    std::int64_t at = 0;
    switch (FindFlaw(view.floats, at)) {
      case coded::Flaw::kNone:
        break;
      case coded::Flaw::kNaN:
        throw Error("ERR_ARGUMENT",
                    "'" + entry.name + "' is NaN at " + std::to_string(at) +
                        ", which a coded file does not hold: train it again from a checkpoint before");
      case coded::Flaw::kPrunedIsNotZero:
        throw Error("ERR_SEAL", "'" + entry.name + "' is not +0 at " + std::to_string(at) +
                                    ", which its mask prunes: set the mask again");
    }
  }
}

// How many blocks from this one on are coded at once: stripes of one tensor, by as many threads as the job
// has.
std::size_t Together(const std::vector<BlockPlan>& plan, std::size_t first) {
  const auto threads = static_cast<std::size_t>(at::get_num_threads());
  std::size_t count = 0;
  while (count < threads && first + count < plan.size() &&
         plan[first + count].kind == BlockPlan::Kind::kRows &&
         plan[first + count].tensor == plan[first].tensor)
    ++count;
  return std::max<std::size_t>(count, 1);
}

template <typename Each>
void ForEach(std::size_t first, std::size_t count, const Each& each) {
  at::parallel_for(static_cast<std::int64_t>(first), static_cast<std::int64_t>(first + count), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (auto i = begin; i < end; ++i) each(static_cast<std::size_t>(i));
                   });
}

Slices Unit::Encode(Job& job) {
  RefuseFlaws();
  const auto views = Views();
  const auto coder = coded::Blocks::Make(profile, views);
  const auto plan = coded::PlanOf(views);
  blocks.resize(plan.size());
  for (std::size_t i = 0; i < plan.size();) {
    if (job.Cancelled()) co_return;
    const auto count = Together(plan, i);
    ForEach(i, count, [&](std::size_t block) { blocks[block] = coder->Encode(plan[block]); });
    i += count;
    co_await kHandOver;
  }
}

Slices Unit::Decode(Job& job) {
  MakeTensors();
  const auto views = Views();
  const auto plan = coded::PlanOf(views);
  if (plan.size() != blocks.size())
    throw Error("ERR_ARGUMENT", "these tensors have " + std::to_string(plan.size()) + " blocks, not " +
                                    std::to_string(blocks.size()));
  const auto coder = coded::Blocks::Make(profile, views);
  for (std::size_t i = 0; i < plan.size();) {
    if (job.Cancelled()) co_return;
    const auto count = Together(plan, i);
    std::vector<std::vector<double>> bits(count);
    ForEach(i, count, [&](std::size_t block) {
      try {
        bits[block - i] = coder->Decode(plan[block], blocks[block]);
      } catch (const coded::Damage& damage) {
        const auto at = starts[block] + static_cast<std::int64_t>(damage.at);
        throw Error("ERR_FILE", std::string(damage.what()) + " at byte " + std::to_string(at));
      }
    });
    for (std::size_t j = 0; j < count; ++j)
      for (std::size_t k = 0; k < bits[j].size(); ++k) entries[plan[i + j].tensor + k].bits += bits[j][k];
    i += count;
    co_await kHandOver;
  }
}

void CheckPlain(const at::Tensor& tensor, const std::string& name) {
  if (tensor.is_cpu() && tensor.is_contiguous()) return;
  throw Error("ERR_DEVICE", "'" + name + "' must be contiguous and on the CPU to be coded");
}

struct EncodedOptions {
  std::string name;
  at::Tensor values, keep;
};
const auto kEncodedFields = Fields<EncodedOptions>("encoded", Field("name", &EncodedOptions::name),
                                                   Field("values", &EncodedOptions::values),
                                                   Field("keep", &EncodedOptions::keep).Optional());

struct DecodedOptions {
  std::vector<std::int64_t> shape;
  at::ScalarType dtype;
  bool masked;
};
const auto kDecodedFields =
    Fields<DecodedOptions>("decoded", Field("shape", &DecodedOptions::shape, kShape),
                           Field("dtype", &DecodedOptions::dtype), Field("masked", &DecodedOptions::masked));

Bytes ToBytes(const Napi::Value& value, const char* what) {
  const auto bytes = BytesOf(value, what);
  return {bytes.begin(), bytes.end()};
}
struct BlockOptions {
  Bytes bytes;
  std::int64_t start;
};
const auto kBlockFields =
    Fields<BlockOptions>("block", Field("bytes", &BlockOptions::bytes, Reader<Bytes>{"bytes", ToBytes}),
                         Field("start", &BlockOptions::start));

// codedEncodeStart(profile, tensors): the blocks of these tensors.
Napi::Value EncodeStart(const Napi::CallbackInfo& info) {
  const auto unit = std::make_shared<Unit>();
  unit->profile = ToProfile(info[0]);
  Use use{"coding", {}, {}};
  for (auto& given : ReadList(kEncodedFields, info[1], "tensors")) {
    Unit::Entry made;
    made.name = std::move(given.name);
    made.values = given.values.detach();
    CheckPlain(made.values, made.name);
    if (given.keep.defined()) {
      made.keep = given.keep.detach();
      CheckPlain(made.keep, made.name);
      if (made.keep.scalar_type() != at::kBool || made.keep.sizes() != made.values.sizes())
        throw Error("ERR_SHAPE", "the mask of '" + made.name + "' must be bool and of its shape");
      use.reads.push_back(made.keep);
    }
    use.reads.push_back(made.values);
    unit->entries.push_back(std::move(made));
  }
  auto& environment = Environment::Of(info.Env());
  const auto job = environment.compute.NewJob(info.Env());
  job->claim = environment.ownership.Take(use);
  job->slices = [unit](Job& running) { return unit->Encode(running); };
  job->finish = [unit](Napi::Env env) {
    auto blocks = Napi::Array::New(env, unit->blocks.size());
    for (std::size_t i = 0; i < unit->blocks.size(); ++i) {
      const auto& bytes = unit->blocks[i];
      auto block = Napi::Uint8Array::New(env, bytes.size());
      std::copy(bytes.begin(), bytes.end(), block.Data());
      blocks.Set(static_cast<std::uint32_t>(i), block);
    }
    return Napi::Value(blocks);
  };
  return environment.compute.Start(info.Env(), job);
}

// codedDecodeStart(profile, tensors, blocks): [{values, keep, bits}]. The caller has checked that so many
// elements may be made.
Napi::Value DecodeStart(const Napi::CallbackInfo& info) {
  const auto unit = std::make_shared<Unit>();
  unit->profile = ToProfile(info[0]);
  for (auto& given : ReadList(kDecodedFields, info[1], "tensors")) {
    if (at::isFloatingType(given.dtype) && given.dtype != at::kFloat)
      throw Error("ERR_DTYPE", std::string("a coded file holds no ") + DTypeName(given.dtype));
    Unit::Entry made;
    made.shape = std::move(given.shape);
    made.dtype = given.dtype;
    made.masked = given.masked;
    unit->entries.push_back(std::move(made));
  }
  for (auto& given : ReadList(kBlockFields, info[2], "blocks")) {
    unit->starts.push_back(given.start);
    unit->blocks.push_back(std::move(given.bytes));
  }
  auto& environment = Environment::Of(info.Env());
  const auto job = environment.compute.NewJob(info.Env());
  job->slices = [unit](Job& running) { return unit->Decode(running); };
  job->finish = [unit](Napi::Env env) {
    auto made = Napi::Array::New(env, unit->entries.size());
    for (std::size_t i = 0; i < unit->entries.size(); ++i) {
      auto entry = Napi::Object::New(env);
      entry.Set("values", Wrap(env, unit->entries[i].values));
      if (unit->entries[i].keep.defined()) entry.Set("keep", Wrap(env, unit->entries[i].keep));
      entry.Set("bits", unit->entries[i].bits);
      made.Set(static_cast<std::uint32_t>(i), entry);
    }
    return Napi::Value(made);
  };
  return environment.compute.Start(info.Env(), job);
}

}  // namespace

void RegisterCoded(Napi::Object exports) {
  Export<EncodeStart>(exports, "codedEncodeStart");
  Export<DecodeStart>(exports, "codedDecodeStart");
}

}  // namespace torch_prune
