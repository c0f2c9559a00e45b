import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { criteriaLists, PRUNE_FOLDER } from '../../scripts/criteria.js'

describe('a score or a selection', () => {
  it('is in the lists that npm run criteria writes', () => {
    const words = (text: string) => text.match(/\w+/g)!.sort()
    for (const [file, wanted] of Object.entries(criteriaLists())) {
      expect(words(readFileSync(join(PRUNE_FOLDER, file), 'utf8')), file).to.deep.equal(words(wanted))
    }
  })
})
