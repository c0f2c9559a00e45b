import { FIGURES_FOLDER } from '../runs/files.js'
import type { Figure } from './figure.js'
import { FIGURE_FORMATS } from './figure_files.js'
import { html, htmlTable, Markup } from './html.js'
import { PAGE_STYLE } from './page_style.js'
import { paletteCss } from './palette.js'
import type { Provenance } from './provenance.js'
import type { TableData } from './tables.js'

/** A number that a page shows large, and what it is. */
export interface Highlight {
  readonly name: string
  readonly value: string
}

/** A table with the text around it. */
export interface CaptionedTable {
  readonly caption: string
  readonly table: TableData
  /** The number of rows at its end that are totals. */
  readonly totals: number
  readonly note?: string
}

/** What a report shows. */
export interface PageContent {
  readonly title: string
  readonly provenance: Provenance
  readonly highlights: readonly Highlight[]
  readonly tables: readonly CaptionedTable[]
  readonly figures: readonly Figure[]
  /** Files that are missing or damaged, which some figures would need. */
  readonly missing: readonly string[]
}

// Nothing outside the page may be loaded, whatever a name in a file contains.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/** Renders the report as one HTML file that needs no network and no scripts. */
export function renderPage({ title, provenance, highlights, tables, figures, missing }: PageContent): string {
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
${origin(provenance)}
${highlights.length > 0 && highlightList(highlights)}
</header>
<main>
${tables.length > 0 && html`<section class="tables" aria-label="Tables">${tables.map(tableMarkup)}</section>`}
${figures.length > 0 && charts(figures)}
${missing.length > 0 && html`<p class="note">Some charts need files that are missing or damaged: ${missing.join(', ')}.</p>`}
</main>
</body>
</html>
`.text
}

function origin({ facts, command, settings }: Provenance): Markup {
  return html`${facts.length > 0 && html`<p class="facts">${facts.map((fact) => html`<span>${fact}</span> `)}</p>`}
${command !== undefined && html`<p class="command"><span>To repeat it:</span> <code>${command}</code></p>`}
${settings && html`<details class="settings"><summary>All settings</summary>${htmlTable(settings, 'All settings')}</details>`}`
}

function highlightList(highlights: readonly Highlight[]): Markup {
  const one = ({ name, value }: Highlight) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`
  return html`<dl class="highlights">
${highlights.map(one)}</dl>`
}

function tableMarkup({ caption, table, totals, note }: CaptionedTable): Markup {
  return html`<div class="table">${htmlTable(table, caption, totals)}
${note !== undefined && html`<p class="note">${note}</p>`}</div>
`
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

function figureMarkup({ id, title, caption, svg, table, wide }: Figure): Markup {
  const links = FIGURE_FORMATS.map(
    (format) => html` <a href="${FIGURES_FOLDER}/${id}.${format}">${format.toUpperCase()}</a>`,
  )
  return html`<figure class="${wide ? 'wide' : ''}">
<h2>${title}</h2>
${new Markup(svg)}
<figcaption>${caption}</figcaption>
<p class="files">Files:${links}</p>
<details><summary>The numbers</summary>${htmlTable(table, title)}</details>
</figure>
`
}
