import { statSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { writeRunRecord } from '../../lib/runs/record.js'
import { infoOf, NETWORKS_FOLDER } from '../../scripts/networks.js'
import { writeTinyRun } from '../report/run_folder.js'
import { freshFolder } from '../support/folder.js'
import { laterRefusal } from '../support/refusal.js'

const NAME = 'lenet-300-100'
const FILE = join(NETWORKS_FOLDER, `${NAME}.tpz`)
const BYTES = statSync(FILE).size

describe('npm run networks', () => {
  const box = freshFolder()

  /** The folder of a run whose record says these figures of a coded network. */
  async function run(bytes: number): Promise<string> {
    const record = await writeTinyRun(box())
    const coded = { top1Error: 1.25, profile: 'compact', bytes, ratio: 99 } as const
    await writeRunRecord(box(), { ...record, coded })
    await copyFile(FILE, box('model.tpz'))
    return box()
  }

  it('takes its figures from the record of the run', async () => {
    const { recipe, seed, reference, pruned } = await writeTinyRun(box())
    expect(await infoOf(NAME, await run(BYTES))).to.deep.equal({
      ...{ recipe, seed, bytes: BYTES, ratio: 99, top1Error: 1.25 },
      ...{ parameters: reference.parameters, kept: pruned.parameters, compression: pruned.compression },
    })
  })

  it('refuses a file that the record does not speak of, and one of another model', async () => {
    const refusing = async (name: string, folder: string) => {
      const error = await infoOf(name, folder).then(
        () => expect.fail('it was taken'),
        (cause: Error) => cause,
      )
      return error.message
    }
    expect(await refusing(NAME, await run(BYTES - 1))).to.match(/has \d+ bytes, and run\.json says \d+/)
    expect((await laterRefusal(infoOf('lenet-5', await run(BYTES)))).message).to.match(/does not fit|missing/)
    await writeTinyRun(box())
    expect(await refusing(NAME, box())).to.match(/codes no network/)
  })
})
