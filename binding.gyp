# node-gyp's build of the same sources as CMakeLists.txt: node dist/install/build.js --gyp
# By hand: TORCH_DIR=<libtorch folder> npx node-gyp rebuild
{
  'variables': {
    'torch_dir': '<!(node -p "process.env.TORCH_DIR || \'TORCH_DIR-is-not-set\'")',
    'torch_cuda': '<!(node -p "+require(\'fs\').existsSync((process.env.TORCH_DIR || \'\') + \'/lib/libtorch_cuda.so\')")',
    # What names the CUDA runtime itself is built where its headers are (CMakeLists.txt says why), NCCL by cmake alone.
    'cuda_include': '<!(node -p "const { existsSync: is, readdirSync: list } = require(\'fs\'); const dir = process.env.TORCH_DIR || \'\'; const wheels = dir + \'/../nvidia\'; is(dir + \'/lib/libtorch_cuda.so\') && [(process.env.CUDA_HOME || \'/usr/local/cuda\') + \'/include\', ...(is(wheels) ? list(wheels).map((name) => wheels + \'/\' + name + \'/include\') : [])].find((at) => is(at + \'/cuda_runtime_api.h\')) || \'\'")',
    # libtorch's own OpenMP library where it brings one: a second one would have a second set of threads.
    'openmp_library': '<!(node -p "require(\'fs\').readdirSync((process.env.TORCH_DIR || \'.\') + \'/lib\').filter((f) => /^libgomp.*\\.so/.test(f)).map((f) => \'-l:\' + f)[0] || \'-lgomp\'")',
    'napi_dir': '<!(node -p "require(\'path\').resolve(require(\'node-addon-api\').include_dir)")',
    'addon_defines': ['NAPI_VERSION=9', 'NAPI_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS', 'NDEBUG'],
    # What node-gyp itself defines: a precompiled header is only used where all of it is the same.
    'node_gyp_defines': [
      'BUILDING_NODE_EXTENSION', 'NODE_GYP_MODULE_NAME=torch_prune', 'USING_UV_SHARED=1', 'USING_V8_SHARED=1',
      'V8_DEPRECATION_WARNINGS=1', '_GLIBCXX_USE_CXX11_ABI=1', '_FILE_OFFSET_BITS=64', '_LARGEFILE_SOURCE',
      '__STDC_FORMAT_MACROS', 'OPENSSL_NO_PINSHARED', 'OPENSSL_THREADS',
    ],
    'node_include': '<!(node -p "require(\'fs\').existsSync(\'<(node_root_dir)/include/node\') ? \'<(node_root_dir)/include/node\' : \'<(node_root_dir)/src\'")',
    # -isystem keeps their warnings out; one word each, as GYP drops repeated ones.
    'system_includes': [
      '-isystem<(napi_dir)', '-isystem<(torch_dir)/include', '-isystem<(torch_dir)/include/torch/csrc/api/include',
    ],
    # libtorch's checks hold the path of the header they stand in, which is this machine's affair.
    'prefix_maps': ['-ffile-prefix-map=<(torch_dir)=libtorch', '-ffile-prefix-map=<(module_root_dir)=torch-prune'],
    'header': '<(module_root_dir)/build/precompiled/precompiled.h',
  },
  'targets': [
    {
      # GYP has no precompiled headers on Linux. Without one each file spends half a minute in libtorch's.
      'target_name': 'precompiled',
      'type': 'none',
      'hard_dependency': 1,
      'copies': [{'destination': '<(module_root_dir)/build/precompiled', 'files': ['native/precompiled.h']}],
      'actions': [
        {
          'action_name': 'precompile',
          'inputs': ['native/precompiled.h'],
          'outputs': ['<(header).gch'],
          'action': [
            '<!(node -p "process.env.CXX || \'g++\'")',
            '-std=c++20', '-fPIC', '-pthread', '-m64', '-O3', '-fno-omit-frame-pointer', '-fvisibility=hidden', '-fopenmp', '-w',
            '<!@(node -p "process.argv.slice(1).map((name) => \'-D\' + name).join(\' \')" <(addon_defines) <(node_gyp_defines))',
            '-I<(node_include)',
            '<@(prefix_maps)',
            '<@(system_includes)',
            '-x', 'c++-header', 'native/precompiled.h', '-o', '<(header).gch',
          ],
        },
      ],
    },
    {
      'target_name': 'torch_prune',
      'dependencies': ['precompiled'],
      'sources': ['<!@(node -p "require(\'fs\').readdirSync(\'native\', {recursive: true}).filter((f) => f.endsWith(\'.cc\') && f !== \'loader.cc\' && (process.argv[1] || !f.startsWith(\'device/cuda/\')) && !f.startsWith(\'device/cuda/nccl/\')).map((f) => \'native/\' + f).join(\' \')" <(cuda_include))'],
      'include_dirs': ['native'],
      'defines': ['<@(addon_defines)'],
      'cflags_cc!': ['-fno-rtti', '-fno-exceptions', '-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': [
        '-std=c++20', '-fvisibility=hidden', '-fopenmp', '-include', '<(header)',
        '<@(prefix_maps)',
        '<@(system_includes)',
      ],
      'cflags!': ['-Wno-unused-parameter'],
      'libraries': ['-L<(torch_dir)/lib', '-ltorch', '-ltorch_cpu', '-lc10', '<(openmp_library)', '-ldl'],
      # libtorch starts threads that outlive a worker: the addon must never be unmapped under them.
      'ldflags': ['-Wl,-z,nodelete'],
      'conditions': [
        # Nothing here names a CUDA symbol, so --as-needed would drop the library and CUDA with it, silently.
        ['cuda_include != ""', {'cflags_cc': ['-isystem<(cuda_include)']}],
        ['torch_cuda == 1', {'libraries': ['-Wl,--no-as-needed', '-ltorch_cuda', '-lc10_cuda', '-Wl,--as-needed']}],
      ],
    },
    {
      'target_name': 'loader',
      'sources': ['native/loader.cc'],
      'defines': ['NAPI_VERSION=9'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['-std=c++20', '-fvisibility=hidden'],
      'libraries': ['-ldl'],
    },
  ],
}
