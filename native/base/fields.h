#pragma once
#include <array>
#include <initializer_list>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "field_types.h"
#include "range.h"

// Option structs are read from JavaScript objects by a table of their fields, which stands beside the struct:
//
//   struct SgdOptions {
//     double momentum;
//     bool nesterov = false;
//   };
//   inline const auto kSgdFields = Fields<SgdOptions>(
//       "sgd", Field("momentum", &SgdOptions::momentum).Within(0, 1),
//       Field("nesterov", &SgdOptions::nesterov).Optional());
//
//   const SgdOptions options = kSgdFields.Read(info[0], "optimizer");
//
// A field that may be left out keeps what the struct initializes it with. Names that are not in the table are
// refused. fields() hands all tables to a test, which compares them with the TypeScript contract.
namespace torch_prune {

// An options object that is being read. Fields that say how to read the others, such as its kind, are taken
// one by one before a table reads the rest.
class Given {
 public:
  // `what` names the object in errors. Its fields are called by their names alone.
  Given(const Napi::Value& value, std::string what);
  // An object inside another one: its fields are called by their paths.
  static Given Inside(const Napi::Value& value, const std::string& path);

  template <typename T>
  T Take(const char* name) {
    taken_.push_back(name);
    return FieldType<T>::Read(Get(name), Path(name));
  }

  Napi::Value Get(const char* name) const { return object_.Get(name); }
  std::string Path(const char* name) const { return prefix_ + name; }
  // Throws ERR_ARGUMENT if the object has a field that is neither among these nor taken.
  void CheckNames(std::initializer_list<const char*> names) const;

 private:
  Napi::Object object_;
  std::string what_, prefix_;
  std::vector<const char*> taken_;
};

// What all tables have in common. A table is in the list of all by existing, as a static object.
class AnyFieldTable {
 public:
  AnyFieldTable(const AnyFieldTable&) = delete;
  AnyFieldTable& operator=(const AnyFieldTable&) = delete;

  const char* name() const { return name_; }

 protected:
  explicit AnyFieldTable(const char* name);
  ~AnyFieldTable() = default;  // trivial, as static objects need it
  virtual Napi::Array Describe(Napi::Env env) const = 0;

 private:
  friend void RegisterFields(Napi::Object exports);
  static Napi::Value DescribeAll(const Napi::CallbackInfo& info);

  const char* name_;
  const AnyFieldTable* next_;
};

template <typename Struct, typename... Each>
class FieldTable : public AnyFieldTable {
 public:
  using Type = Struct;
  explicit FieldTable(const char* name, Each... fields) : AnyFieldTable(name), fields_(fields...) {}

  Struct Read(const Napi::Value& value, const char* what) const { return Read(Given(value, what)); }

  Struct Read(const Given& given) const {
    return std::apply(
        [&given](const Each&... each) {
          given.CheckNames({each.name()...});
          // All getters run before the first value is looked at.
          [[maybe_unused]] const std::array<Napi::Value, sizeof...(Each)> values{given.Get(each.name())...};
          Struct options{};
          [[maybe_unused]] std::size_t i = 0;
          (each.Set(options, values[i++], given.Path(each.name())), ...);
          return options;
        },
        fields_);
  }

 private:
  Napi::Array Describe(Napi::Env env) const override {
    auto list = Napi::Array::New(env);
    std::apply(
        [&](const Each&... each) { (list.Set(list.Length(), each.template Describe<Struct>(env)), ...); },
        fields_);
    return list;
  }

  std::tuple<Each...> fields_;
};

// The reader of objects that a table describes.
template <typename Table>
struct Nested {
  using Type = typename Table::Type;
  const Table* table;
  std::string Kind() const { return table->name(); }
  Type Read(const Napi::Value& value, const std::string& what) const {
    return table->Read(Given::Inside(value, what));
  }
};

// A field of a struct: its name in JavaScript, the member that it sets, and what reads it. Fields that are
// handles are the last ones of a table: what runs while the others are read may dispose of them.
template <typename Owner, typename Member, typename Inner>
class Field {
 public:
  constexpr Field(const char* name, Member Owner::*member)
    requires std::is_empty_v<Inner>
  : Field(name, member, Inner{}) {}
  constexpr Field(const char* name, Member Owner::*member, Inner inner)
      : name_(name), member_(member), inner_(inner) {}
  template <typename Struct, typename... Each>
  constexpr Field(const char* name, Member Owner::*member, const FieldTable<Struct, Each...>& table)
      : Field(name, member, Inner{&table}) {}

  // It may be left out. Members of type std::optional always may.
  constexpr Field Optional() const {
    Field field = *this;
    field.optional_ = true;
    return field;
  }
  constexpr Field Within(double least, double most) const { return With({.least = least, .most = most}); }
  constexpr Field AtLeast(double least) const { return With({.least = least}); }
  constexpr Field Over(double over) const { return With({.over = over}); }
  constexpr Field With(const Range& range) const {
    static_assert(kIsNumeric<Member>, "only numbers have a range");
    Field field = *this;
    field.range_ = range;
    return field;
  }

  constexpr const char* name() const { return name_; }

  void Set(Owner& options, const Napi::Value& value, const std::string& what) const {
    if (optional_ && (value.IsUndefined() || value.IsNull())) return;
    options.*member_ = ReadAs<Member>(value, what, inner_);
    if constexpr (kIsNumeric<Member>) range_.Check(options.*member_, what);
  }

  // {name, kind, optional, default?, least?, most?, over?, under?}
  template <typename Struct>
  Napi::Object Describe(Napi::Env env) const {
    auto description = Napi::Object::New(env);
    description.Set("name", name_);
    description.Set("kind", KindAs<Member>(inner_));
    description.Set("optional", optional_);
    if constexpr (std::is_arithmetic_v<Member>) {
      if (optional_) description.Set("default", Struct{}.*member_);
    }
    range_.Describe(description);
    return description;
  }

 private:
  const char* name_;
  Member Owner::*member_;
  Inner inner_;
  bool optional_ = kIsOptional<Member>;
  Range range_;
};

template <typename Owner, typename Member>
Field(const char*, Member Owner::*) -> Field<Owner, Member, FieldType<typename Innermost<Member>::Type>>;
template <typename Owner, typename Member, typename Struct, typename... Each>
Field(const char*, Member Owner::*, const FieldTable<Struct, Each...>&)
    -> Field<Owner, Member, Nested<FieldTable<Struct, Each...>>>;

// Makes the table of a struct; its name is what the test calls it.
template <typename Struct, typename... Each>
FieldTable<Struct, Each...> Fields(const char* name, Each... fields) {
  return FieldTable<Struct, Each...>(name, fields...);
}

// Reads a list of objects by a table.
template <typename Struct, typename... Each>
std::vector<Struct> ReadList(const FieldTable<Struct, Each...>& table, const Napi::Value& value,
                             const char* what) {
  return ReadAs<std::vector<Struct>>(value, what, Nested<FieldTable<Struct, Each...>>{&table});
}

// fields(): the tables by name, for the test.
void RegisterFields(Napi::Object exports);

}  // namespace torch_prune
