// Opens shared libraries by path before the addon is required, so that the addon's dependencies resolve to
// the libtorch that lib/binding chose. The dynamic linker matches a needed library by its soname against
// those already open. RTLD_LOCAL: libtorch exports uv_* and protobuf symbols that must not reach Node.
#include <dlfcn.h>
#include <node_api.h>

#include <string>

namespace {

napi_value Open(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  size_t length = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count != 1 || napi_get_value_string_utf8(env, argument, nullptr, 0, &length) != napi_ok) {
    napi_throw_type_error(env, "ERR_ARGUMENT", "open(path) expects a string");
    return nullptr;
  }
  std::string path(length, '\0');
  napi_get_value_string_utf8(env, argument, path.data(), length + 1, &length);
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    napi_throw_error(env, "ERR_LIBTORCH", dlerror());
  }
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value open;
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, Open, nullptr, &open);
  napi_set_named_property(env, exports, "open", open);
  return exports;
}
