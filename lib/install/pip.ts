import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The downloaded wheels as paths, or why pip failed and whether that was because it could not reach its index. */
export type Download =
  | { readonly wheels: readonly string[] }
  | { readonly reason: string; readonly offline: boolean }

/**
 * Downloads wheels into `folder` with pip, using the user's own pip configuration. pip checks them against the index's
 * hashes; it installs and runs nothing. Its progress goes to standard error.
 */
export async function pipDownload(
  python: string,
  folder: string,
  args: readonly string[],
): Promise<Download> {
  const pip = ['-m', 'pip', 'download', '--only-binary=:all:', '--dest', folder]
  // pip's standard output is for people, so it goes to standard error; that keeps our standard output clean for
  // programs.
  const child = spawn(python, [...pip, ...args], { stdio: ['ignore', process.stderr.fd, 'pipe'] })
  let stderr = ''
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code === 0) {
    const names = readdirSync(folder).filter((name) => name.endsWith('.whl'))
    return { wheels: names.map((name) => join(folder, name)) }
  }
  const lines = stderr.trim().split('\n')
  const reason = lines.find((line) => line.startsWith('ERROR: '))?.slice('ERROR: '.length) ?? lines.at(-1)
  const offline =
    /connection broken|Failed to establish|Max retries/i.test(stderr) && /versions: none/.test(stderr)
  return { reason: offline ? 'pip cannot reach its index' : reason || `pip exited with ${code}`, offline }
}
