#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
// GCC 12 warns of what that header leaves undefined on purpose, where it is used (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
