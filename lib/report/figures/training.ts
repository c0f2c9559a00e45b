import * as Plot from '@observablehq/plot'
import { largest, smallest } from '../../base/lists.js'
import { EVENTS_FILE } from '../../runs/files.js'
import { type ChartOptions, drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatPercent, formatSeconds } from '../format.js'
import type { Stage } from '../log.js'
import { stateStyle } from '../palette.js'
import type { TableData } from '../tables.js'
import { errorAxis, percentTick } from './marks.js'

/** An epoch as it is drawn. */
interface Point {
  /** The number of the epoch, counted over the whole run. */
  readonly at: number
  readonly stage: string
  readonly value: number
}

type Axis = ReturnType<typeof errorAxis>

const HEIGHT = 276
/** The width that the share of kept weights needs above the line of a pruning. */
const LABEL = 42
/** The width of a drawing between its margins. */
const INNER = 408

/** The loss and the validation error in each epoch of a run, with its prunings marked. */
export function trainingFigures(stages: readonly Stage[]): Figure[] {
  return [errorFigure(stages), lossFigure(stages)].filter((figure) => figure !== undefined)
}

function lossFigure(stages: readonly Stage[]): Figure | undefined {
  const points = stages.flatMap(({ name, before, epochs }) =>
    epochs.flatMap(({ loss }, i): Point[] =>
      loss === null ? [] : [{ at: before + i + 1, stage: name, value: loss }],
    ),
  )
  if (points.length < 2) return undefined
  const title = 'Loss in training'
  const axis = lossAxis(points.map(({ value }) => value))
  return {
    id: 'training-loss',
    title,
    caption:
      'The mean loss of each epoch; retraining may minimize another loss than dense training. A vertical line is a ' +
      'pruning, with the share of weights that it kept. ' +
      `Each epoch is a line of ${EVENTS_FILE}.`,
    svg: drawTraining('training-loss', title, stages, points, axis, (value) => value.toPrecision(3)),
    table: {
      columns: ['', 'epochs', '│', 'first', 'last', '│', 'first', 'last'],
      groups: ['', 'learning rate', 'loss'],
      rows: stages.map(({ name, epochs }) => [
        name,
        String(epochs.length),
        '│',
        ...ends(epochs.map(({ learningRate }) => learningRate)),
        '│',
        ...ends(epochs.map(({ loss }) => loss)),
      ]),
    },
  }
}

/** An axis of losses; it is logarithmic if they differ too much to be readable otherwise. */
function lossAxis(losses: readonly number[]): Axis {
  const [least, most] = [smallest(losses), largest(losses)]
  const label = 'loss'
  if (least <= 0 || most <= 8 * least) return { scale: { label, grid: true, ticks: 4 }, marks: [] }
  const [first, last] = [Math.ceil(Math.log10(least)), Math.floor(Math.log10(most))]
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
  return {
    scale: { label, type: 'log', domain: [least * 0.9, most * 1.1] },
    marks: [
      Plot.gridY(ticks),
      Plot.axisY(ticks, { text: (tick: number) => String(Number(tick.toPrecision(1))) }),
    ],
  }
}

function errorFigure(stages: readonly Stage[]): Figure | undefined {
  const points = stages.flatMap((stage): Point[] => {
    const { name, before, epochs } = stage
    const measured = epochs.flatMap(({ validationError }, i) =>
      validationError === undefined ? [] : [{ at: before + i + 1, stage: name, value: validationError }],
    )
    const at = before + epochs.length
    if (stage.validationError === undefined || measured.at(-1)?.at === at) return measured
    return [...measured, { at, stage: name, value: stage.validationError }]
  })
  if (points.length < 2) return undefined
  const title = 'Validation error in training'
  const axis = errorAxis(
    points.map(({ value }) => value),
    'validation error',
    3,
  )
  return {
    id: 'training-error',
    title,
    caption:
      'The error on the validation part of the training set, wherever it was measured. A vertical line is a pruning, ' +
      'with the share of weights that it kept; retraining follows.',
    svg: drawTraining('training-error', title, stages, points, axis, formatPercent),
    table: errorTable(stages),
  }
}

function errorTable(stages: readonly Stage[]): TableData {
  return {
    columns: ['', 'kept', 'epochs', 'validation error', 'time'],
    rows: stages.map(({ name, density, epochs, validationError }) => [
      name,
      formatPercent(100 * density, 1),
      String(epochs.length),
      validationError === undefined ? '–' : formatPercent(validationError),
      formatSeconds(epochs.reduce((sum, { seconds }) => sum + seconds, 0)),
    ]),
  }
}

function drawTraining(
  id: string,
  title: string,
  stages: readonly Stage[],
  points: readonly Point[],
  y: Axis,
  format: (value: number) => string,
): string {
  const pruned = stateStyle('pruned')
  const styles = {
    dense: stateStyle('dense'),
    round: stateStyle('retrained'),
    shared: stateStyle('quantized'),
  }
  const kinds = new Map(stages.map(({ name, kind }) => [name, kind]))
  const stroke = ({ stage }: Point) => styles[kinds.get(stage)!].color
  const all = stages.reduce((sum, { epochs }) => sum + epochs.length, 0)
  const last = points.at(-1)!
  // The value at the end of each training is what counts, and a training may have no other.
  const lasts = points.filter(({ stage }, i) => points[i + 1]?.stage !== stage)
  const options: ChartOptions = {
    id,
    title,
    description: `Over ${all} epochs and ${prunings(stages).length} prunings; ${format(last.value)} in the end.`,
    legend: [
      { name: 'dense training', style: styles.dense, shape: 'line' },
      { name: 'pruning', style: { ...pruned, dash: '3 2' }, shape: 'line' },
      { name: 'retraining', style: styles.round, shape: 'line' },
      ...(stages.some(({ kind }) => kind === 'shared')
        ? [{ name: 'sharing values', style: styles.shared, shape: 'line' } as const]
        : []),
    ],
    height: HEIGHT,
    // Above the labels of prunings is that of the axis.
    marginTop: 44,
    x: { label: 'epoch', domain: [0, all], ticks: 6, tickFormat: 'd' },
    y: y.scale,
    marks: [
      ...y.marks,
      ...pruningMarks(stages, all),
      Plot.line(points, { x: 'at', y: 'value', z: 'stage', stroke, strokeWidth: 1.75 }),
      Plot.dot(lasts, {
        x: 'at',
        y: 'value',
        fill: stroke,
        r: 3,
        title: ({ stage, at, value }: Point) => `${stage}: ${format(value)} after epoch ${at}`,
      }),
    ],
  }
  return drawChart(options)
}

function prunings(stages: readonly Stage[]): Stage[] {
  return stages.filter(({ kind }) => kind === 'round')
}

/** A vertical line for each pruning; some of them, as many as fit, say above it what share of the weights was kept. */
function pruningMarks(stages: readonly Stage[], epochs: number): Plot.Markish[] {
  const lines = prunings(stages)
  let end = Number.NEGATIVE_INFINITY
  const labeled = lines.toReversed().filter(({ before }) => {
    const at = (before / epochs) * INNER
    if (Math.abs(end - at) < LABEL) return false
    end = at
    return true
  })
  const said = ({ name, density }: Stage) => `${name}: pruned to ${percentTick(density)}`
  const { color } = stateStyle('pruned')
  return [
    Plot.ruleX(lines, { x: 'before', stroke: color, strokeDasharray: '3 2', title: said }),
    Plot.text(labeled, {
      x: 'before',
      text: ({ density }: Stage) => `${Number((100 * density).toPrecision(2))}%`,
      frameAnchor: 'top',
      dy: -14,
      fill: color,
    }),
  ]
}

function ends(values: readonly (number | null)[]): [string, string] {
  const text = (value: number | null | undefined) =>
    value === null || value === undefined ? '–' : String(Number(value.toPrecision(3)))
  return [text(values[0]), text(values.at(-1))]
}
