// Reruns the tests that compare numbers as if on older processors: `npm run test:isa`, or `npm run test:isa -- sse4` or
// `-- avx2` for one instruction set. What passes with both the smallest and the largest instruction set does not depend
// on the processor.
import { spawnSync } from 'node:child_process'

/** The instructions that libtorch, oneDNN and MKL may use, by the variables that each reads. */
const SETS: Readonly<Record<string, NodeJS.ProcessEnv>> = {
  sse4: {
    ATEN_CPU_CAPABILITY: 'default',
    ONEDNN_MAX_CPU_ISA: 'SSE41',
    MKL_ENABLE_INSTRUCTIONS: 'SSE4_2',
  },
  avx2: { ATEN_CPU_CAPABILITY: 'avx2', ONEDNN_MAX_CPU_ISA: 'AVX2', MKL_ENABLE_INSTRUCTIONS: 'AVX2' },
}

const FILES = ['tensor', 'optim', 'nn', 'infer', 'train', 'prune', 'models'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)
const MOCHA = [
  '--no-config',
  '--import=tsx/esm',
  '--require=./test/support/awake.ts',
  '--timeout=120000',
  '--parallel',
  '--jobs=2',
  '--exit',
]

const asked = process.argv.slice(2)
const unknown = asked.find((name) => !Object.hasOwn(SETS, name))
if (unknown !== undefined) {
  console.error(
    `'${unknown}' is not an instruction set that this script knows: use ${Object.keys(SETS).join(', ')}`,
  )
  process.exit(2)
}
for (const name of asked.length > 0 ? asked : Object.keys(SETS)) {
  console.log(`With the instructions of ${name}:`)
  const env = { ...process.env, ...SETS[name] }
  const { status } = spawnSync('npx', ['mocha', ...MOCHA, ...FILES], { stdio: 'inherit', env })
  if (status !== 0) process.exitCode = 1
}
