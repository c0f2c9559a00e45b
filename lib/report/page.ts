import type { PaperTable } from '../runs/paper.js'
import type { RunRecord } from '../runs/record.js'
import type { Figure } from './figure.js'
import { formatCount, formatPercent, formatRatio, formatSeconds } from './format.js'
import { html, htmlTable, Markup } from './html.js'
import { PAGE_STYLE } from './page_style.js'
import { paletteCss } from './palette.js'
import { layerTable, summaryTable } from './tables.js'

/** What a report shows. */
export interface PageContent {
  readonly title: string
  readonly record?: RunRecord | undefined
  readonly paper?: PaperTable | undefined
  readonly figures: readonly Figure[]
  /** Files that no longer exist, which some figures would need. */
  readonly missing: readonly string[]
}

// Nothing outside the page may be loaded, whatever a name in a file contains.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/** Renders the report as one HTML file that needs no network and no scripts. */
export function renderPage({ title, record, paper, figures, missing }: PageContent): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="torch-prune">
<title>${title} · torch-prune</title>
<style>${new Markup(paletteCss() + PAGE_STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${record && [facts(record), highlights(record)]}
</header>
<main>
${record && tables(record, paper)}
${figures.length > 0 && charts(figures)}
${missing.length > 0 && html`<p class="note">Some charts need files that no longer exist: ${missing.join(', ')}.</p>`}
</main>
</body>
</html>
`.text
}

function facts({ seed, device, threads, versions, seconds }: RunRecord): Markup {
  const computing = device === 'cpu' ? `${threads} CPU ${threads === 1 ? 'thread' : 'threads'}` : device
  return html`<p class="facts">seed ${seed} · ${computing} · ${formatSeconds(seconds)} · torch-prune ${versions.torchPrune} ·
libtorch ${versions.libtorch} · Node ${versions.node}</p>`
}

function highlights({ reference, pruned }: RunRecord): Markup {
  const one = (value: string, what: string) => html`<div><dt>${what}</dt><dd>${value}</dd></div>`
  return html`<dl class="highlights">
${one(formatRatio(pruned.compression), 'fewer parameters')}
${one(`${formatCount(reference.parameters)} → ${formatCount(pruned.parameters)}`, 'parameters')}
${one(`${formatPercent(reference.top1Error)} → ${formatPercent(pruned.top1Error)}`, 'top-1 error on the test set')}
</dl>`
}

function tables(record: RunRecord, paper: PaperTable | undefined): Markup {
  const beside = paper ? "The paper's results next to this run's" : 'Results'
  return html`<section class="tables" aria-label="Tables">
${htmlTable(summaryTable(record, paper), beside)}
${htmlTable(layerTable(record, paper), 'What remains of each layer')}
<p class="note">act%: non-zero outputs. kept%: weights kept. FLOP%: operations that remain if those with zero weights
and zero inputs are skipped; a multiply-add counts as 2.</p>
</section>`
}

/** The charts; those of a group are collapsed under its name. */
function charts(figures: readonly Figure[]): Markup {
  const section = (label: string, group: string | undefined) =>
    html`<section class="figures" aria-label="${label}">${figures
      .filter((figure) => figure.group === group)
      .toSorted((a, b) => Number(a.tall ?? false) - Number(b.tall ?? false))
      .map(figureMarkup)}</section>`
  const groups = new Set(figures.flatMap(({ group }) => group ?? []))
  const hidden = [...groups].map(
    (group) => html`<details class="group"><summary>${group}</summary>${section(group, group)}</details>`,
  )
  return html`${section('Charts', undefined)}${hidden}`
}

function figureMarkup({ title, caption, svg, table, wide }: Figure): Markup {
  return html`<figure class="${wide ? 'wide' : ''}">
<h2>${title}</h2>
${new Markup(svg)}
<figcaption>${caption}</figcaption>
<details><summary>The numbers</summary>${htmlTable(table, title)}</details>
</figure>
`
}
