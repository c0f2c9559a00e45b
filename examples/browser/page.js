import { examples } from './examples.js'
import { loadNetwork } from './network.js'
import { createPad } from './pad.js'
import { see } from './see.js'

const element = (id) => document.getElementById(id)
const bytes = (count) => `${count.toLocaleString('en')} bytes`
const percent = (share) => `${(100 * share).toFixed(share > 0.9995 ? 0 : 1)}%`

const rows = Array.from({ length: 10 }, (_, digit) => {
  const row = document.createElement('li')
  row.innerHTML = `<b>${digit}</b><i class="track"><i class="bar"></i></i><span></span>`
  element('digits').append(row)
  return row
})

/** Shows the probabilities of the digits, or that there is nothing to recognize. */
function show(probabilities) {
  const best = probabilities?.indexOf(Math.max(...probabilities))
  element('answer').value = best ?? '?'
  element('sure').textContent =
    best === undefined ? 'nothing drawn yet' : `${percent(probabilities[best])} sure`
  for (const [digit, row] of rows.entries()) {
    const share = probabilities?.[digit] ?? 0
    row.querySelector('.bar').style.width = `${100 * share}%`
    row.querySelector('span').textContent = best === undefined ? '' : percent(share)
    row.ariaCurrent = String(digit === best)
  }
}

const network = await loadNetwork('../../networks/lenet-300-100.tpz').catch((error) => {
  element('status').textContent = error.message
  throw error
})
const seen = element('seen').getContext('2d', { willReadFrequently: true })

const pad = createPad(element('pad'), (strokes, isWhole) => {
  const pixels = see(strokes, seen)
  show(strokes.length > 0 ? network.recognize(pixels) : undefined)
  if (strokes.length > 0 && isWhole) element('facts').textContent = facts(network.secondsFor(pixels))
})

function facts(seconds) {
  const smaller = `${Math.round(network.denseBytes / network.fileBytes)} times smaller`
  return seconds === undefined
    ? smaller
    : `${smaller} · ${(1000 * seconds).toFixed(2)} ms to recognize a digit`
}

element('file').textContent = bytes(network.fileBytes)
element('file-bar').style.width = percent(network.fileBytes / network.denseBytes)
element('dense').textContent = bytes(network.denseBytes)
element('facts').textContent = facts()
element('status').textContent = 'A pruned network recognizes it right here, in plain JavaScript.'
element('clear').addEventListener('click', () => pad.replace([]))
let next = 3
element('example').addEventListener('click', () => pad.replace(examples[next++ % examples.length]))
pad.replace([])
