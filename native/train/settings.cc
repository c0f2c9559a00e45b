#include "settings.h"

#include <map>
#include <string>

#include "../tensor/tensor.h"
#include "gloo_group.h"

namespace torch_prune {
namespace {

struct TrainerOptions {
  std::int64_t batch_size;
  bool drop_last = false, sync_norms = false;
  std::shared_ptr<Loss> loss;
  std::int64_t accumulate = 1;
  double clip_norm = 0, clip_value = 0;
  AutocastTo autocast = AutocastTo::kNone;
  Augmentation augment;
  int after = -1;
  double teacher_weight = 0, temperature = 1;
  bool keep_losses = false, capture = true;
  Sparse sparse = Sparse::kOff;
  std::optional<std::vector<std::string>> sparse_layers;
  std::shared_ptr<GlooGroup> group;
  at::Tensor teacher;
  std::map<std::string, at::Tensor> averages;  // by parameter's name
};
const auto kTrainerFields = Fields<TrainerOptions>(
    "trainer", Field("batchSize", &TrainerOptions::batch_size).AtLeast(1),
    Field("dropLast", &TrainerOptions::drop_last).Optional(),
    Field("syncBatchNorm", &TrainerOptions::sync_norms).Optional(),
    Field("loss", &TrainerOptions::loss).Optional(),
    Field("accumulate", &TrainerOptions::accumulate).Optional().AtLeast(1),
    Field("clipNorm", &TrainerOptions::clip_norm).Optional().AtLeast(0),
    Field("clipValue", &TrainerOptions::clip_value).Optional().AtLeast(0),
    Field("autocast", &TrainerOptions::autocast).Optional(),
    Field("augment", &TrainerOptions::augment).Optional(), Field("after", &TrainerOptions::after).Optional(),
    Field("teacherWeight", &TrainerOptions::teacher_weight).Optional(),
    Field("temperature", &TrainerOptions::temperature).Optional(),
    Field("keepLosses", &TrainerOptions::keep_losses).Optional(),
    Field("capture", &TrainerOptions::capture).Optional(), Field("group", &TrainerOptions::group).Optional(),
    Field("sparse", &TrainerOptions::sparse).Optional(),
    Field("sparseLayers", &TrainerOptions::sparse_layers).Optional(),
    Field("teacher", &TrainerOptions::teacher).Optional(),
    Field("averages", &TrainerOptions::averages).Optional());

}  // namespace

TrainerSettings TrainerSettings::Of(const Napi::CallbackInfo& info) {
  auto options = kTrainerFields.Read(info[3], "options");
  TrainerSettings settings;
  settings.network = UseNetwork(info[0]);
  settings.optimizer = OptimizerHandle::Get(info[1], "optimizer");
  settings.dataset = DatasetHandle::Get(info[2], "dataset");
  settings.loss = Loss::On(std::move(options.loss), settings.network->device());
  settings.batch_size = options.batch_size;
  settings.drop_last = options.drop_last;
  settings.sync_norms = options.sync_norms;
  settings.accumulate = options.accumulate;
  settings.clip = {options.clip_norm, options.clip_value};
  settings.autocast = options.autocast;
  settings.augmentation = options.augment;
  settings.dataset->CheckAugmentation(settings.augmentation);
  settings.after = options.after;
  settings.keep_losses = options.keep_losses;
  settings.capture = options.capture;
  settings.sparse = options.sparse;
  settings.sparse_layers = std::move(options.sparse_layers);
  if (options.teacher.defined())
    settings.distillation = {options.teacher.detach(), options.teacher_weight, options.temperature};
  settings.distillation.Check(*settings.dataset);
  settings.distillation.MoveTo(settings.network->device());
  settings.averages = Averages(options.averages, *settings.network);
  if (options.group) settings.group = std::move(options.group);
  settings.CheckGroup();
  return settings;
}

// What each process gets of a batch follows from the order of all samples.
void TrainerSettings::CheckGroup() const {
  if (group->size() == 1) return;
  dataset->NeedIndex("training in several processes");
  if (batch_size < group->size()) {
    throw Error("ERR_ARGUMENT", "batchSize is that of all " + std::to_string(group->size()) +
                                    " processes together: it must be " + std::to_string(group->size()) +
                                    " or more, got " + std::to_string(batch_size));
  }
  // Each process exchanges what its batch normalizations see.
  const auto rest = dataset->size() % batch_size;
  if (sync_norms && !drop_last && rest > 0 && rest < group->size()) {
    throw Error("ERR_ARGUMENT", "syncBatchNorm needs a sample of each batch in each of the " +
                                    std::to_string(group->size()) + " processes, and the last batch has " +
                                    std::to_string(rest) + ": give dropLast, or another batchSize");
  }
}

}  // namespace torch_prune
