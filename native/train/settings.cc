#include "settings.h"

#include "../base/arguments.h"
#include "../network/autocast.h"

namespace torch_prune {

TrainerSettings TrainerSettings::Of(const Napi::CallbackInfo& info) {
  const Options options(info[3], "options");
  TrainerSettings settings;
  settings.network = UseNetwork(info[0]);
  settings.optimizer = OptimizerHandle::Get(info[1], "optimizer");
  settings.dataset = DatasetHandle::Get(info[2], "dataset");
  settings.loss = Loss::Of(options.Get("loss"), settings.network->device());
  settings.batch_size = options.Integer("batchSize");
  if (settings.batch_size < 1) throw Error("ERR_ARGUMENT", "batchSize must be 1 or more");
  settings.drop_last = options.Boolean("dropLast", false);
  settings.accumulate = options.Integer("accumulate", 1);
  if (settings.accumulate < 1) throw Error("ERR_ARGUMENT", "accumulate must be 1 or more");
  settings.clip = GradientClip::Of(options);
  settings.autocast = Autocast::Wanted(options);
  settings.augmentation = Augmentation::Of(options.Get("augment"));
  settings.dataset->CheckAugmentation(settings.augmentation);
  settings.after = static_cast<int>(options.Integer("after", -1));
  settings.distillation = Distillation::Of(options, *settings.dataset);
  settings.averages = Averages(options.Get("averages"), *settings.network);
  settings.keep_losses = options.Boolean("keepLosses", false);
  return settings;
}

}  // namespace torch_prune
