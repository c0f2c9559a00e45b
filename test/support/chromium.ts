import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

const executable = [process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  existsSync,
)

/** Why tests in a browser cannot run here, for the name of their suite; empty where they can. */
export const noBrowser =
  executable === undefined
    ? ' (skipped: no Chromium: install Debian’s package chromium, or name one in CHROMIUM)'
    : ''

/** Starts Chromium without a window. The library gives each browser a fresh profile, and removes it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: executable!,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** What a script in the page says, as JSON has it. */
export async function ask<T>(page: Page, expression: string): Promise<T> {
  return JSON.parse(await page.evaluate<string>(`JSON.stringify(${expression})`)) as T
}
