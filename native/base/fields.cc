#include "fields.h"

#include <algorithm>

namespace torch_prune {
namespace {

constinit const AnyFieldTable* first = nullptr;

}  // namespace

Given::Given(const Napi::Value& value, std::string what) : what_(std::move(what)) {
  // The names of a list's elements could be any number.
  if (value.IsArray() || value.IsTypedArray())
    throw Error("ERR_ARGUMENT",
                what_ + " must be an object, got " + (value.IsArray() ? "an array" : "a typed array"));
  object_ = ToObject(value, what_.c_str());
}

Given Given::Inside(const Napi::Value& value, const std::string& path) {
  Given given(value, path);
  given.prefix_ = path + ".";
  return given;
}

void Given::CheckNames(std::initializer_list<const char*> names) const {
  const auto there = object_.GetPropertyNames();
  const std::uint32_t count = there.Length();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string name = ToString(there.Get(i), what_.c_str());
    const auto is = [&name](const char* known) { return name == known; };
    if (std::ranges::any_of(names, is) || std::ranges::any_of(taken_, is)) continue;
    std::string known;
    for (const char* each : names) known += (known.empty() ? "" : ", ") + std::string(each);
    throw Error("ERR_ARGUMENT", what_ + ": unknown option '" + name.substr(0, 60) + "': it takes " +
                                    (known.empty() ? "none" : known));
  }
}

AnyFieldTable::AnyFieldTable(const char* name) : name_(name), next_(first) {
  first = this;
}

Napi::Value AnyFieldTable::DescribeAll(const Napi::CallbackInfo& info) {
  auto tables = Napi::Object::New(info.Env());
  for (const auto* table = first; table != nullptr; table = table->next_) {
    if (tables.HasOwnProperty(table->name_))
      throw Error("ERR_ARGUMENT", std::string("two tables of fields are called '") + table->name_ + "'");
    tables.Set(table->name_, table->Describe(info.Env()));
  }
  return tables;
}

void RegisterFields(Napi::Object exports) {
  Export<AnyFieldTable::DescribeAll>(exports, "fields");
}

}  // namespace torch_prune
