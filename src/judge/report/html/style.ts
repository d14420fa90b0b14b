/** The page's style: system fonts, one accent, variables for light and dark that the drawings use too. */
const light = `
  --bg: #f4f5f7; --paper: #ffffff; --ink: #151a21; --muted: #586272; --line: #e3e7ec; --axis: #b4bcc8;
  --before: #98a2b3; --after: #0c8079; --accent: #0a6f69; --track: #e3e7ec;
  --good: #12734a; --good-bg: #e3f4ea; --warn: #845400; --warn-bg: #fdf1d8; --bad: #b3261e; --bad-bg: #fce8e6;
  --float: #667389; --int8: #0c7a74; --stored: #4c6fae; --rest: #6c7482; --on-tile: #ffffff;
  --marked: #b3261e; --on-marked: #ffffff;`;
const dark = `
  --bg: #0e1116; --paper: #171c23; --ink: #e9edf2; --muted: #9ca7b6; --line: #29303a; --axis: #4a5563;
  --before: #6b7789; --after: #2fb8aa; --accent: #4dd0c3; --track: #29303a;
  --good: #62d49c; --good-bg: #12301f; --warn: #f0c05e; --warn-bg: #33270d; --bad: #ff8f85; --bad-bg: #3a1815;
  --float: #566277; --int8: #0c756f; --stored: #44639b; --rest: #6a7280; --on-tile: #ffffff;
  --marked: #ff8f85; --on-marked: #1c0907;`;

export const style = `
:root { color-scheme: light dark; ${light} }
@media screen and (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--bg); color: var(--ink); line-height: 1.5;
  font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 24px 64px; }
h1 { font-size: clamp(1.55rem, 1.1rem + 2vw, 2.35rem); line-height: 1.2; letter-spacing: -0.02em; margin: 10px 0 18px;
  text-wrap: balance; max-width: 34ch; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; letter-spacing: -0.01em; margin: 0 0 14px; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: 0 0 12px; max-width: 75ch; }
a { color: var(--accent); }
.where { display: flex; flex-wrap: wrap; gap: 4px 10px; color: var(--muted); font-size: .92rem; margin-bottom: 26px; }
.where .brand { font-weight: 700; color: var(--accent); letter-spacing: .02em; margin-right: 6px; }
.name { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .88em; overflow-wrap: anywhere; }
.badge { display: inline-block; font-size: .82rem; font-weight: 700; padding: 3px 12px; border-radius: 999px; margin: 0; }
.badge.good { color: var(--good); background: var(--good-bg); }
.badge.warn { color: var(--warn); background: var(--warn-bg); }
.badge.bad { color: var(--bad); background: var(--bad-bg); }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.news { list-style: none; margin: 0 0 20px; padding: 0; display: grid; gap: 8px; }
.news li { padding: 9px 14px; border-radius: 8px; border-left: 4px solid; overflow-wrap: anywhere; }
.news li.bad { background: var(--bad-bg); border-color: var(--bad); }
.news li.warn { background: var(--warn-bg); border-color: var(--warn); }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 14px; padding: 24px 28px; margin-top: 20px; }
section:has(> .numbers) { background: none; border: 0; padding: 0; margin-top: 0; }
.numbers { display: grid; grid-template-columns: repeat(5, 1fr); gap: 12px; margin: 0; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 14px; padding: 16px 18px 14px;
  display: flex; flex-direction: column; min-width: 0; }
.card dt { font-size: .85rem; color: var(--muted); }
.card dd { margin: 0; }
.card .big { font-size: 1.75rem; font-weight: 700; letter-spacing: -0.02em; line-height: 1.3; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.card .big.none { font-size: 1.1rem; color: var(--muted); font-weight: 500; line-height: 2.07; }
.card .bar { height: 6px; border-radius: 3px; background: var(--before); margin: 6px 0 8px; overflow: hidden; opacity: 1; }
.card .bar span { display: block; height: 100%; background: var(--after); border-right: 2px solid var(--paper); }
/* Larger than before: the whole bar is after, and what it has grown by is red. */
.card .bar.over { background: var(--bad); }
.card .was { color: var(--muted); font-size: .88rem; font-variant-numeric: tabular-nums; }
.card .note, .card .was { font-size: .88rem; }
.nb { white-space: nowrap; }
.device-head { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; margin-bottom: 12px; }
.device-head h2 { margin: 0; overflow-wrap: anywhere; } .device-head .facts { color: var(--muted); font-size: .9rem; margin: 0; flex-basis: 100%; }
.speed { display: block; height: 6px; min-width: 2px; border-radius: 3px; background: var(--before); margin-top: 4px; }
.speed.fastest { background: var(--after); }
.missing { color: var(--muted); font-size: .92rem; margin: 12px 0 0; padding-left: 1.2em; }
figure { margin: 0; }
.figure-head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 6px 20px; margin-bottom: 10px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; list-style: none; margin: 0; padding: 0; font-size: .85rem;
  color: var(--muted); }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
.swatch.round { border-radius: 50%; }
.swatch.before { background: var(--before); } .swatch.after { background: var(--after); }
.swatch.float { background: var(--float); } .swatch.int8 { background: var(--int8); }
.swatch.stored { background: var(--stored); } .swatch.marked { background: var(--marked); }
.swatch.interval { width: 2px; border-radius: 0; margin: 0 11px 0 5px; background: var(--muted); }
.swatch.only-before { background: rgb(255 160 0); } .swatch.only-after { background: rgb(0 180 255); }
.swatch.other-class { background: rgb(255 0 170); }
.swatch.dot { width: 6px; height: 6px; border-radius: 50%; background: var(--ink); opacity: .5; vertical-align: 2px; }
.chart svg { display: block; width: 100%; height: auto; }
.chart.narrow { display: none; max-width: 480px; margin: 0 auto; }
figcaption { color: var(--muted); font-size: .9rem; margin-top: 10px; max-width: 90ch; overflow-wrap: anywhere; }
figure + h3 { margin-top: 22px; }
details { margin-top: 12px; }
summary { cursor: pointer; color: var(--accent); font-size: .92rem; padding: 4px 0; width: fit-content; }
.scroll { overflow-x: auto; max-height: 480px; overflow-y: auto; }
section > .scroll { max-height: none; }
section > .scroll caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); font-size: .85rem; padding-bottom: 6px; }
th, td { text-align: left; padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--muted); font-weight: 600; font-size: .82rem; white-space: nowrap; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 7em; }
th.num, td.num { text-align: right; white-space: nowrap; padding-right: 22px; }
tr > .num:last-child { padding-right: 0; }
td.text { min-width: 8em; }
tbody tr:last-child > * { border-bottom: 0; }
table.matrix { width: auto; font-size: .85rem; }
table.matrix :is(th, td) { padding: 3px 2px; border: 1px solid var(--line); vertical-align: middle; min-width: 0; }
table.matrix td { text-align: center; min-width: 1.8em; line-height: 1.15; }
table.matrix td.hit { background: color-mix(in srgb, var(--after) calc(var(--share) * .45%), var(--paper)); }
table.matrix td.miss { background: color-mix(in srgb, var(--marked) calc(8% + var(--share) * .4%), var(--paper)); }
table.matrix small { display: block; font-size: .78rem; }
table.matrix tbody th { position: sticky; left: 0; background: var(--paper); }
.short { display: block; max-width: 11em; padding: 0 4px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.upright { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 10em; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.scroll + .detail { margin-top: 10px; }
.worst { columns: 2; column-gap: 40px; margin: 10px 0 0; padding: 0 0 0 1.8em; font-size: .92rem; }
.worst li { break-inside: avoid; padding: 4px 0; overflow-wrap: anywhere; }
.worst li::marker { color: var(--marked); font-weight: 700; }
.worst strong { white-space: nowrap; font-variant-numeric: tabular-nums; }
.detail { color: var(--muted); }
.pictures { list-style: none; margin: 0; padding: 0; display: grid; gap: 16px;
  grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
.pictures img, .no-picture { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 8px; display: block;
  background: var(--track); }
.legend + .pictures { margin-top: 12px; }
.pictures.drawn { grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); }
.pictures.drawn img { aspect-ratio: auto; height: auto; }
.no-picture { display: grid; place-items: center; color: var(--muted); font-size: .85rem; }
.pictures dl { display: grid; grid-template-columns: auto 1fr; gap: 0 10px; margin: 8px 0 4px; font-size: .88rem; }
.pictures dt { color: var(--muted); } .pictures dd { margin: 0; overflow-wrap: anywhere; font-weight: 600; }
.pictures p { color: var(--muted); font-size: .78rem; margin: 0; }
.next { margin: 0; padding-left: 1.2em; } .next li { padding: 3px 0; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .88em; background: var(--bg);
  border-radius: 5px; padding: 2px 6px; overflow-wrap: anywhere; }
pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .84rem; line-height: 1.55;
  background: var(--bg); border-radius: 8px; padding: 12px 14px; margin: 8px 0 0; overflow: auto; max-height: 360px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.copyable + .copyable { margin-top: 20px; }
.copy-head { display: flex; justify-content: space-between; align-items: center; }
button { font: inherit; font-size: .9rem; color: var(--accent); background: none; border: 1px solid var(--axis);
  border-radius: 8px; padding: 7px 16px; min-height: 40px; cursor: pointer; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
footer { color: var(--muted); font-size: .85rem; margin-top: 24px; }
@media screen and (max-width: 900px) {
  .numbers { grid-template-columns: repeat(6, 1fr); }
  .card { grid-column: span 2; } .card:nth-child(n+4) { grid-column: span 3; }
}
@media screen and (max-width: 860px) { .chart.wide { display: none; } .chart.narrow { display: block; } }
@media screen and (max-width: 720px) {
  main { padding: 20px 14px 48px; }
  section { padding: 18px 16px; border-radius: 12px; }
  .numbers { gap: 10px; grid-template-columns: repeat(2, 1fr); }
  .card, .card:nth-child(n+4) { grid-column: auto; padding: 13px 14px; }
  .card:last-child { grid-column: 1 / -1; }
  .card .big { font-size: 1.5rem; }
  .worst { columns: 1; }
  .short { max-width: 6.5em; }
  table.note thead th:last-child { display: none; }
  table.note tr { display: grid; grid-template-columns: 1fr auto auto; border-bottom: 1px solid var(--line); }
  table.note :is(thead, tbody), table.fold tbody, table.note, table.fold { display: block; }
  table.note tr > * { border: 0; } table.note .num { min-width: 5.6em; padding: 7px 0 7px 10px; }
  table.note td:last-child { grid-column: 1 / -1; padding: 0 0 8px; color: var(--muted); }
  table.note td:last-child:not(:has(span:not(:empty))) { display: none; }
  table.fold thead { display: none; }
  table.fold tr { display: block; padding: 10px 0; border-bottom: 1px solid var(--line); }
  table.fold tr:last-child { border: 0; }
  table.fold tr > * { display: block; border: 0; padding: 1px 0; text-align: left; white-space: normal; }
  table.fold tbody th { font-weight: 600; }
  table.fold td:empty { display: none; }
  table.fold td::before { content: attr(data-title) " "; color: var(--muted); font-size: .85em; }
  .pictures { grid-template-columns: repeat(2, 1fr); } .pictures.drawn { grid-template-columns: 1fr; }
}
@media print {
  body { background: none; font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  section, .card, figure, .pictures li { break-inside: avoid; }
  section { border: 0; padding: 14px 0; margin: 0; border-top: 1px solid var(--line); border-radius: 0; }
  section:has(> .scroll), section:has(.copyable) { break-inside: auto; }
  button, details:not([open]) { display: none; }
  .scroll, pre { max-height: none; overflow: visible; }
  .numbers { grid-template-columns: repeat(5, 1fr); } .card, .card:nth-child(n+4) { grid-column: auto; padding: 8px; }
  .card .big { font-size: 1.2rem; }
  .chart.wide { display: block; } .chart.narrow { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
