import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { attempts, type FetchOptions, fetchLibtorch } from '../../lib/install/fetch.js'
import { Sandbox } from './sandbox.js'

// Makes a wheel with a RECORD as pip's wheels have one. Its arguments: path, prefix, JSON of name -> text.
const MAKE_WHEEL = `
import base64, hashlib, json, sys, zipfile
path, info, files = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
damaged = files.pop('damaged', None)
with zipfile.ZipFile(path, 'w') as wheel:
    record = ''
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()
        record += f'{name},sha256={digest},{len(text)}\\n'
        wheel.writestr(name, text + ('!' if name == damaged else ''))
    wheel.writestr(info + '/RECORD', record + info + '/RECORD,,\\n')
`

describe('fetchLibtorch', () => {
  let box: Sandbox
  let python: string
  const lines: string[] = []
  const fetch = (options: FetchOptions = {}) =>
    fetchLibtorch({ cuda: false, anyDigest: true, ...options, log: (line) => lines.push(line) })

  beforeEach(() => {
    python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
      encoding: 'utf8',
    }).stdout.trim()
    box = new Sandbox()
    lines.length = 0
  })
  afterEach(() => box.restore())

  const wheel = (name: string, info: string, files: Record<string, string>) => {
    box.write('index/.keep')
    const made = spawnSync(python, ['-c', MAKE_WHEEL, box.path('index', name), info, JSON.stringify(files)])
    expect(made.stderr.toString()).to.equal('')
  }

  const torchWheel = (version: string, files: Record<string, string> = {}) =>
    wheel(`torch-${version}-cp311-cp311-linux_x86_64.whl`, `torch-${version}.dist-info`, {
      'torch/version.py': `__version__ = '${version}'\n`,
      'torch/lib/libtorch_cpu.so': 'cpu',
      'torch/lib/libtorch_python.so': 'python',
      'torch/lib/libtorch_nvshmem.so': 'nvshmem',
      'torch/include/ATen/ATen.h': '',
      'torch/nn/modules/conv.py': '',
      [`torch-${version}.dist-info/METADATA`]: 'Name: torch\nRequires-Dist: filelock\n',
      ...files,
    })

  /** A pip that answers `torch…` and `nvidia…` from the index folder, notes its arguments, and can fail. */
  const pip = (fails = 'false') =>
    box.command(
      'python3',
      `PATH=/usr/bin:/bin
if [ "$1" = -c ]; then exec '${python}' "$@"; fi
if [ "$3" = --version ]; then exit 0; fi
echo "$@" >> '${box.path('asked')}'
if ${fails}; then echo "WARNING: slow" >&2; echo "ERROR: No matching distribution found" >&2; exit 1; fi
mkdir -p "$6"
case "$*" in
  *nvidia-*) cp '${box.path('index')}'/nvidia*.whl "$6" ;;
  *) cp '${box.path('index')}'/torch*.whl "$6" ;;
esac`,
    )
  const asked = () => readFileSync(box.path('asked'), 'utf8').trim().split('\n')

  it('unpacks what a C++ program needs, with the licence data, into the cache', async () => {
    torchWheel('2.13.0+cpu')
    pip()
    const dir = box.path('cache/libtorch-2.13.0+cpu/torch')
    expect(await fetch()).to.deep.equal({ dir, version: '2.13.0+cpu', source: 'cache', cuda: false })
    expect(readdirSync(`${dir}/lib`)).to.have.members(['libtorch_cpu.so', 'libtorch_nvshmem.so'])
    expect(existsSync(`${dir}/include/ATen/ATen.h`)).to.equal(true)
    expect(existsSync(`${dir}/nn`)).to.equal(false)
    expect(existsSync(`${dir}/../torch-2.13.0+cpu.dist-info/METADATA`)).to.equal(true)
    expect(readdirSync(box.path('cache'))).to.deep.equal(['libtorch-2.13.0+cpu'])
  })

  it('asks pip once, without dependencies, for binaries only', async () => {
    torchWheel('2.13.0+cpu')
    pip()
    await fetch()
    await fetch()
    expect(asked()).to.have.length(1)
    expect(asked()[0]).to.match(
      /^-m pip download --only-binary=:all: --dest .* --no-deps --python-version 3\.11 --platform manylinux_2_28_\w+ torch==2\.13\.0\+cpu$/,
    )
  })

  it('clears away what an earlier fetch left behind', async () => {
    torchWheel('2.13.0+cpu')
    pip()
    box.write('cache/.partial-1/torch/half.whl')
    box.write('cache/.lock', 'another-machine 1 x')
    spawnSync('/usr/bin/touch', ['-d', '1 hour ago', box.path('cache/.lock')])
    await fetch()
    expect(readdirSync(box.path('cache'))).to.deep.equal(['libtorch-2.13.0+cpu'])
  })

  it('fetches once when two ask at the same time', async () => {
    torchWheel('2.13.0+cpu')
    pip('sleep 0.3; false')
    const [first, second] = await Promise.all([fetch(), fetch()])
    expect(first).to.deep.equal(second)
    expect(asked()).to.have.length(1)
  })

  it('refuses a wheel whose files differ from its RECORD and keeps nothing of it', async () => {
    torchWheel('2.13.0+cpu', { damaged: 'torch/lib/libtorch_cpu.so' })
    pip()
    const error = await fetch().catch((reason) => reason)
    expect(error).to.include({ code: 'ERR_FILE' })
    expect(error.message).to.match(/^torch\/lib\/libtorch_cpu\.so differs from its wheel's RECORD/)
    expect(readdirSync(box.path('cache'))).to.deep.equal([])
  })

  it('refuses a wheel that it does not know the digest of, unless it is told to take it', async () => {
    torchWheel('2.13.0+cpu')
    pip()
    const unknown = await fetch({ anyDigest: false }).catch((reason) => reason)
    expect(unknown).to.include({ code: 'ERR_LIBTORCH' })
    expect(unknown.message).to.match(/^torch-2\.13\.0\+cpu-.*\.whl is not one of the wheels .*--any-digest/)
    expect(readdirSync(box.path('cache'))).to.deep.equal([])
    expect(await fetch()).to.include({ version: '2.13.0+cpu' })
  })

  it('refuses another file under the name of a wheel that it knows', async () => {
    wheel('torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl', 'torch-2.13.0+cpu.dist-info', {
      'torch/version.py': "__version__ = '2.13.0+cpu'\n",
    })
    pip()
    const other = await fetch({ anyDigest: false }).catch((reason) => reason)
    expect(other.message).to.match(
      /is not the file that this package was tested with \(SHA-256 [0-9a-f]{64}\)/,
    )
  })

  it('brings the NVIDIA libraries that a CUDA build names', async () => {
    torchWheel('2.14.1', {
      'torch/version.py': "__version__ = '2.14.1+cu130'\n",
      'torch/lib/libtorch_cuda.so': 'cuda',
      'torch-2.14.1.dist-info/METADATA':
        'Requires-Dist: filelock\nRequires-Dist: nvidia-nccl-cu13==2.30.7; platform_system == "Linux"\n',
    })
    wheel('nvidia_nccl_cu13-2.30.7-py3-none-any.whl', 'nvidia_nccl_cu13-2.30.7.dist-info', {
      'nvidia/nccl/lib/libnccl.so.2': 'nccl',
      'nvidia/nccl/include/nccl.h': '',
    })
    pip()
    const { dir } = await fetch({ cuda: true, version: '2.14.1' })
    expect(dir).to.equal(box.path('cache/libtorch-2.14.1+cu130/torch'))
    expect(existsSync(`${dir}/../nvidia/nccl/lib/libnccl.so.2`)).to.equal(true)
    expect(existsSync(`${dir}/../nvidia/nccl/include`)).to.equal(false)
    expect(asked()[1]).to.match(/nvidia-nccl-cu13==2\.30\.7; platform_system == "Linux"$/)
  })

  it('says that the other build came', async () => {
    torchWheel('2.13.0+cpu')
    pip()
    const error = await fetch({ cuda: true }).catch((reason) => reason)
    expect(error.message).to.match(
      /^libtorch 2\.13\.0 \(CUDA\) was requested but pip delivered 2\.13\.0\+cpu/,
    )
    expect(readdirSync(box.path('cache'))).to.deep.equal([])
  })

  it('says in one line what pip said and how to go on', async () => {
    pip('true')
    const error = await fetch().catch((reason) => reason)
    expect(error).to.include({ code: 'ERR_LIBTORCH' })
    expect(error.message).to.equal(
      'libtorch 2.13.0 cannot be fetched (No matching distribution found): ' +
        'set LIBTORCH to a libtorch folder, or configure pip (index-url, proxy) and try again',
    )
  })

  it('says that the cache cannot be written', async () => {
    pip()
    process.env.TORCH_PRUNE_CACHE = box.write('file')
    const error = await fetch().catch((reason) => reason)
    expect(error).to.include({ code: 'ERR_OUTPUT' })
    expect(error.message).to.match(/^nothing can be written to the cache \(.*\): set TORCH_PRUNE_CACHE/)
  })

  it('needs pip', async () => {
    box.command('python3', 'exit 1')
    const error = await fetch().catch((reason) => reason)
    expect(error.message).to.match(/^libtorch cannot be fetched without Python and pip: install python3-pip/)
  })

  it('takes the version from TORCH_PRUNE_LIBTORCH_VERSION', async () => {
    torchWheel('2.9.1+cpu')
    pip()
    process.env.TORCH_PRUNE_LIBTORCH_VERSION = '2.9.1'
    expect(await fetch()).to.include({ version: '2.9.1+cpu' })
  })
})

describe('attempts', () => {
  const requirements = (version: string, cuda?: boolean) =>
    attempts(version, cuda).map(({ requirement }) => requirement)

  it("asks for the CPU build from pip's own index first", () => {
    const [first, second] = attempts('2.13.0', false)
    expect(first).to.deep.equal({ requirement: 'torch==2.13.0+cpu', args: [] })
    expect(second?.args).to.include('https://download.pytorch.org/whl/cpu')
  })

  it('never takes the CPU build for CUDA', () => {
    expect(new Set(requirements('2.13.0', true))).to.deep.equal(new Set(['torch==2.13.0,!=2.13.0+cpu']))
  })

  it('keeps to a build that the version names', () => {
    expect(new Set(requirements('2.13.0+cpu', undefined))).to.deep.equal(new Set(['torch==2.13.0+cpu']))
    expect(requirements('2.14.1+cu130')[0]).to.equal('torch==2.14.1+cu130')
  })

  it('ends with any build when none is asked for', () => {
    expect(requirements('2.13.0').at(-1)).to.equal('torch==2.13.0')
  })
})
