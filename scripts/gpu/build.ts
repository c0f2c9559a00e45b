import { readFileSync } from 'node:fs'
import { lastLines, runChild } from './child.js'
import type { Part } from './part.js'

/** Builds the addon for the torch of Python, and has `torch-prune doctor` say what it found. */
export const buildPart: Part = async ({ seconds, log, say }) => {
  const built = await runChild(process.execPath, ['--import=tsx/esm', 'lib/install/build.ts'], {
    seconds,
    log,
  })
  const doctor = await runChild(process.execPath, ['dist/cli/main.js', 'doctor'], { seconds: 60, log })
  say(doctor.stdout.trimEnd())
  const failures: string[] = []
  if (built.failure) failures.push(`build: ${built.failure}\n${lastLines(errorsOf(log) || built.stderr, 12)}`)
  else if (doctor.failure) failures.push(`doctor: ${doctor.failure}\n${lastLines(doctor.stderr, 5)}`)
  return {
    failures,
    rows: [['build', built.failure ?? `${built.seconds.toFixed(1)} s`]],
    figures: { buildSeconds: built.seconds, doctor: doctor.stdout },
  }
}

/** The compiler's errors, which ninja prints among other things. */
function errorsOf(log: string): string {
  const lines = readFileSync(log, 'utf8').split('\n')
  return lines.filter((line) => /\berror\b/i.test(line)).join('\n')
}
