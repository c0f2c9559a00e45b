#pragma once
// The headers that nearly every file includes, compiled once. Whatever stands here costs each file some of
// the compiler's time again, since it instantiates the templates of a precompiled header anew.
#include <ATen/ATen.h>
#include <napi.h>
