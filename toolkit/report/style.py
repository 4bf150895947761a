"""The style sheet of report.html: light and dark, wide and narrow."""

from __future__ import annotations

# A line of the latency plot, and the shade up to its p99, which shows while it is pointed at.
_SPREADS = "\n".join(
    f'svg:has([id$="-line-{k}"]:hover) [id$="-spread-{k}"] {{ opacity: 1; }}' for k in range(24)
)

CSS = """
:root {
  color-scheme: light dark;
  --ink: #1c2430; --soft: #5a6675; --line: #dfe4ea; --paper: #ffffff; --ground: #f4f6f8;
  --good: #17693c; --good-bg: #dcf3e4; --bad: #a3181f; --bad-bg: #fde4e4;
  --note: #7a4f00; --note-bg: #fdf0d2;
  --s0: #6b7683; --s1: #1f6fd0; --s2: #c2410c; --s3: #0f8a5f; --s4: #8b3fc4;
  --s5: #b8860b; --s6: #c2257a; --s7: #0b8ca0; --s8: #5c6b1e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6eaf0; --soft: #9aa6b5; --line: #303a47; --paper: #1a212b; --ground: #11161d;
    --good: #7fdca3; --good-bg: #143a25; --bad: #ff9a9a; --bad-bg: #4a1a1d;
    --note: #f2c879; --note-bg: #43330f;
    --s0: #98a3b1; --s1: #6aa9f5; --s2: #ff8f5a; --s3: #4fd0a0; --s4: #c493f2;
    --s5: #e5bd4f; --s6: #f58bbd; --s7: #58cfe0; --s8: #b9cc6a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
main { max-width: 1320px; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
header { margin: .5rem 0 1.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 0 0 .8rem; }
h3 { font-size: 1rem; margin: 0 0 .4rem; }
p { margin: 0; color: var(--soft); }
section {
  background: var(--paper); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.1rem 1.2rem; margin-bottom: 1.1rem;
}
.alarm {
  border: 2px solid var(--bad); background: var(--bad-bg); border-radius: 12px;
  padding: .9rem 1.1rem; margin: .9rem 0;
}
.alarm p { color: var(--bad); margin-bottom: .4rem; }
.alarm table { width: auto; }
.alarm th, .alarm td { color: var(--ink); border-color: var(--bad); }
.alarm td:first-child:not(.n), .alarm th:first-child:not(.n) { background: none; position: static; }
.badge {
  display: inline-block; padding: .05rem .55rem; border-radius: 99px;
  font-size: .8rem; font-weight: 600; white-space: nowrap;
}
.badge.ok { color: var(--good); background: var(--good-bg); }
.badge.failed { color: var(--bad); background: var(--bad-bg); }
.badge.not-applicable { color: var(--note); background: var(--note-bg); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .86rem; }
th, td { padding: .38rem .42rem; text-align: left; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); }
td { border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
td:first-child { font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
td.n:first-child { font-weight: 400; }
th:first-child:not(.n), td:first-child:not(.n) {
  position: sticky; left: 0; background: var(--paper);
}
.remarks { list-style: none; margin: 1rem 0 0; padding: 0; font-size: .92rem; }
.remarks li { padding: .2rem 0; }
details { margin-top: .8rem; font-size: .9rem; }
summary { cursor: pointer; color: var(--soft); }
.plots, .cards, .pairs { display: grid; gap: 1.2rem; }
.plots { grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); }
.cards { grid-template-columns: repeat(auto-fit, minmax(min(100%, 370px), 1fr)); }
figure { margin: 0; min-width: 0; max-width: 40rem; }
figcaption { font-size: .9rem; color: var(--soft); margin-bottom: .3rem; }
figcaption strong { color: var(--ink); }
svg { width: 100%; height: auto; display: block; }
svg text { font-family: inherit !important; }
.keys {
  list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem;
  margin: 0 0 1rem; padding: 0; font-size: .9rem;
}
.swatch {
  display: inline-block; width: .8em; height: .8em; border-radius: 3px; margin-right: .4em;
}
svg [id*="-spread-"] { opacity: 0; }
svg [id*="-line-"], svg [id*="-point-"] { cursor: help; }
SPREADS
.pairs {
  margin: 0; gap: .2rem 1.5rem; font-size: .9rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr));
}
.answer { margin: .6rem 0; border-left: 4px solid var(--ok, #2a7); padding: .2rem .9rem; }
.answer div { display: flex; gap: .6rem; }
.answer dt { color: var(--soft); flex: 0 0 6.5rem; }
.answer dd { margin: 0; overflow-wrap: anywhere; }
.answer div:first-child dd { font-weight: 600; }
.pairs div { display: flex; gap: .5rem; flex-wrap: wrap; }
.pairs dt { color: var(--soft); }
.pairs dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 600px) {
  main { padding: .8rem .6rem 2rem; }
  section { padding: .9rem .8rem; border-radius: 10px; }
  h1 { font-size: 1.5rem; }
  th, td { padding: .35rem; }
  .answer div { flex-direction: column; gap: 0; }
  .answer dt { flex: none; }
}
@media print {
  body { background: none; font-size: 10pt; }
  main { max-width: none; padding: 0; }
  section { border: 0; padding: 0; break-inside: avoid-page; }
  .scroll { overflow: visible; }
  table { font-size: 7pt; }
  th, td { padding: .15rem .2rem; }
  details::details-content { content-visibility: visible; }
}
""".replace("SPREADS", _SPREADS)
