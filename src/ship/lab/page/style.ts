/** The lab page's style: for a phone held in one hand, light and dark. */
const light = `
  --bg: #f4f5f7; --paper: #ffffff; --ink: #151a21; --muted: #586272; --line: #e3e7ec; --track: #e3e7ec;
  --accent: #0a6f69; --bar: #0c8079; --good: #12734a; --good-bg: #e3f4ea; --warn: #845400; --warn-bg: #fdf1d8;
  --bad: #b3261e; --bad-bg: #fce8e6;`;
const dark = `
  --bg: #0e1116; --paper: #171c23; --ink: #e9edf2; --muted: #9ca7b6; --line: #29303a; --track: #29303a;
  --accent: #4dd0c3; --bar: #2fb8aa; --good: #62d49c; --good-bg: #12301f; --warn: #f0c05e; --warn-bg: #33270d;
  --bad: #ff8f85; --bad-bg: #3a1815;`;

export const style = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 640px; min-height: 100dvh; background: var(--bg); color: var(--ink);
  font: 1.125rem/1.45 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  padding: max(16px, env(safe-area-inset-top)) max(18px, env(safe-area-inset-right)) max(24px, env(safe-area-inset-bottom))
    max(18px, env(safe-area-inset-left)); display: flex; flex-direction: column; gap: 18px; }
header { position: sticky; top: 0; z-index: 1; background: var(--bg); padding: 8px 0 10px; }
.where { margin: 0 0 4px; color: var(--muted); font-size: .95rem; overflow-wrap: anywhere; }
.brand { color: var(--accent); font-weight: 700; margin-right: 6px; }
h1 { font-size: clamp(1.9rem, 8.6vw, 2.6rem); line-height: 1.12; letter-spacing: -0.02em; margin: 0; overflow-wrap: anywhere;
  text-wrap: balance; }
#detail { margin: 6px 0 0; color: var(--muted); min-height: 1.45em; overflow-wrap: anywhere; }
.good h1 { color: var(--good); } .bad h1 { color: var(--bad); }
main { display: flex; flex-direction: column; gap: 18px; }
ul, ol { list-style: none; margin: 0; padding: 0; }
#notes { display: grid; gap: 8px; }
#notes li { background: var(--warn-bg); color: var(--warn); border-radius: 12px; padding: 12px 16px; }
#runs { display: grid; gap: 10px; }
#runs li { background: var(--paper); border: 1px solid var(--line); border-radius: 14px; padding: 14px 16px; }
.line { display: flex; justify-content: space-between; align-items: baseline; gap: 12px; }
.name { font-weight: 650; overflow-wrap: anywhere; }
.how { display: block; color: var(--muted); font-size: .95rem; font-weight: 400; }
.figure { font-variant-numeric: tabular-nums; white-space: nowrap; color: var(--muted); }
.done .figure { color: var(--ink); font-weight: 700; font-size: 1.25rem; }
.track { height: 10px; border-radius: 5px; background: var(--track); margin-top: 10px; overflow: hidden; }
.track span { display: block; height: 100%; width: 100%; background: var(--bar); border-radius: 5px;
  transform: translateX(-100%); transition: transform .3s linear; }
.done .track { display: none; }
.failed { border-color: var(--bad) !important; }
.failed .track { display: none; } .failed .figure { color: var(--bad); font-weight: 700; }
.why { margin: 6px 0 0; color: var(--bad); font-size: 1rem; overflow-wrap: anywhere; }
#results { background: var(--paper); border: 1px solid var(--line); border-radius: 14px; overflow: hidden; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: 12px 8px; text-align: right; border-top: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 16px; white-space: normal; }
tr > :last-child { padding-right: 16px; }
thead th { border-top: 0; color: var(--muted); font-size: .95rem; font-weight: 600; padding-bottom: 6px; }
tbody td:nth-child(2) { font-weight: 700; font-size: 1.25rem; line-height: 1.3; }
tbody td:nth-child(3) { color: var(--muted); }
.fastest { background: var(--good-bg); } .fastest .name, .fastest td:nth-child(2) { color: var(--good); }
.mark { display: inline-block; font-size: .85rem; font-weight: 700; color: var(--good-bg); background: var(--good);
  border-radius: 999px; padding: 2px 10px; margin-top: 6px; }
summary { cursor: pointer; color: var(--accent); padding: 12px 0; min-height: 44px; }
details li { padding: 6px 0; color: var(--muted); overflow-wrap: anywhere; }
details b { color: var(--ink); font-weight: 650; }
footer { color: var(--muted); font-size: .95rem; margin-top: auto; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (prefers-reduced-motion: reduce) { .track span { transition: none; } }
`;
