/** The style of the page: one column on a phone, two side by side if there is room, and plain on paper. */
export const PAGE_STYLE = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:72rem;background:var(--background);color:var(--ink);
  font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
a{color:var(--series-1)}
h1{margin:0;font-size:1.75rem;line-height:1.2;overflow-wrap:anywhere}
h2{margin:0 0 .5rem;font-size:1.05rem;line-height:1.3;overflow-wrap:anywhere}
.facts,.command,.note,.files,figcaption{color:var(--muted);font-size:.875rem}
.facts,.command{margin:.25rem 0}
.facts span:not(:last-child)::after{content:"·";margin:0 .15em 0 .4em}
code{padding:.1rem .35rem;border-radius:.25rem;background:var(--raised);color:var(--ink);font-size:.8125rem;overflow-wrap:anywhere}
.settings{margin:.25rem 0}
.settings .scroll{max-height:24rem}
.settings td{text-align:left;white-space:normal;overflow-wrap:anywhere}
.note{margin:.5rem 0 0;max-width:60rem}
.highlights{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0 1.5rem}
.highlights div{flex:1 1 15rem;padding:.75rem 1rem;border-radius:.5rem;background:var(--raised)}
dt{color:var(--muted);font-size:.875rem}
dd{margin:0;font-size:1.35rem;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums}
.tables{display:flex;flex-wrap:wrap;gap:0 3rem;margin-bottom:1.5rem}
.table{max-width:100%;min-width:0}
.table .note{max-width:34rem}
/* A shadow at either edge, where there is more of a table; at its ends, the background that scrolls along hides it. */
.scroll{overflow:auto;margin:.75rem 0;background:
  linear-gradient(90deg,var(--background) 50%,transparent) 0 0/2.5rem 100% no-repeat local,
  linear-gradient(270deg,var(--background) 50%,transparent) 100% 0/2.5rem 100% no-repeat local,
  linear-gradient(90deg,var(--shade),transparent) 0 50%/.9rem calc(100% - 4px) no-repeat scroll,
  linear-gradient(270deg,var(--shade),transparent) 100% 50%/.9rem calc(100% - 4px) no-repeat scroll}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--series-1);outline-offset:2px}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{padding:0 0 .35rem;text-align:left;font-weight:600}
/* It stays where it can be read while its table scrolls. */
caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 2rem)}
th,td{padding:.3rem .7rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th:first-child{text-align:left}
thead th{color:var(--muted);font-weight:600}
tbody th{font-weight:500}
.long :is(th,td){padding-block:.08rem}
.parted{border-left:1px solid var(--line)}
.total>*{font-weight:600}
.groups>*{border-bottom:0;padding-bottom:0;text-align:left}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,27rem),1fr));gap:1.25rem;grid-auto-flow:dense}
figure{margin:0;padding:1rem;min-width:0;border:1px solid var(--line);border-radius:.5rem}
figure.wide{grid-column:1/-1}
figure svg{display:block;width:100%;max-width:36rem;height:auto;margin:0 auto;overflow:visible;
  font-family:inherit;font-variant-numeric:tabular-nums}
/* A wide drawing is enlarged, and its text must not be. */
figure.wide svg{max-width:54rem;font-size:11px}
figcaption{margin:.5rem 0 0}
.files{margin:.25rem 0 0}
details{margin-top:.5rem;font-size:.875rem}
summary{width:max-content;cursor:pointer;color:var(--series-1)}
details caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.group{margin-top:1.25rem}
.group>summary{font-size:1.05rem;font-weight:600}
.group>.figures{margin-top:1rem}
@media (max-width:40rem){
  body{padding:1rem .75rem 2rem}
  th,td{padding:.3rem .45rem}
  dd{font-size:1.15rem}
  figure{padding:.75rem .5rem}
  figure svg{font-size:15px}
  figure.wide svg{font-size:20px}
}
@media print{
  body{max-width:none;padding:0;font-size:10pt}
  figure,.scroll,.highlights div{break-inside:avoid}
  .highlights div{padding:0}
  /* Any line of charts may be the first or last one of a page. */
  .figures{display:block;orphans:1;widows:1}
  figure{display:inline-block;width:49%;margin:0 .4% .5rem 0;padding:.5rem;vertical-align:top}
  figure.wide{width:99%}
  h2{font-size:10pt}
  table{font-size:8pt}
  th,td{padding:.2rem .4rem}
  figcaption,.facts,.command,.note{font-size:8pt}
  details,.files{display:none}
  .scroll{overflow:visible;background:none}
  @page{margin:14mm}
}
`
