"""How the page looks: on a light and on a dark screen, and in black on white paper.

Owns the style sheet. Levels are told by a word beside their colour. Must not know reports.
"""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1e24; --soft: #5a6470; --rule: #d8dde3;
  --wash: #f4f6f8; --bar: #4577a8; --over: #b3261e; --good: #2c6e49; --warn: #8a5800;
  --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e4e8ec; --soft: #9aa5b1;
  --rule: #343b44; --wash: #1c2127; --bar: #6fa3d4; --over: #ff8a80; --good: #7cc79b;
  --warn: #e5b454; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 2rem 1.5rem 4rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: .95rem; margin: 1.2rem 0 .3rem; }
p { margin: .3rem 0 .8rem; } .sub, .note, figcaption { color: var(--soft); }
.note, figcaption { font-size: .85rem; }
.code { color: var(--soft); font-weight: 400; font-size: .85em; overflow-wrap: anywhere; }
ul.short { list-style: none; margin: 0; padding: 0; }
ul.short li { display: grid; grid-template-columns: 7.5rem 1fr; gap: .8rem; padding: .3rem 0;
  border-top: 1px solid var(--rule); }
ul.short li:last-child { border-bottom: 1px solid var(--rule); }
.level { font-weight: 600; white-space: nowrap; } .level.ok { color: var(--good); }
.level.warn { color: var(--warn); } .level.unknown { color: var(--soft); }
.level.critical, .level.overdraft, .level.exhausted { color: var(--bad); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .3rem .55rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
th { font-weight: 600; font-size: .8rem; color: var(--soft); vertical-align: bottom; }
th { overflow-wrap: normal; } th:first-child, td:first-child { padding-left: 0; min-width: 7rem; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; white-space: nowrap; overflow-wrap: normal; } .day { white-space: nowrap; }
th.n { white-space: normal; } .overview td:first-child { min-width: 14rem; }
.overview td:nth-child(9) { min-width: 9rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(12.5rem, 1fr)); margin: .6rem 0;
  gap: .2rem 1.4rem; }
dl div { border-top: 1px solid var(--rule); padding: .3rem 0; } dt { color: var(--soft);
  font-size: .8rem; } dd { margin: 0; font-weight: 600; } dd small { font-weight: 400; }
.charts { display: grid; grid-template-columns: 5fr 3fr; gap: 1.2rem; } figure { margin: .6rem 0; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 11px; fill: var(--soft); font-family: inherit; }
svg .bar { fill: var(--bar); } svg .over { fill: var(--over); } svg .now { fill: var(--ink); }
svg .rest { fill: var(--wash); stroke: var(--rule); }
svg .grid { stroke: var(--rule); } svg .weekend { fill: var(--wash); }
svg .cap { stroke: var(--ink); stroke-width: 1.5; fill: none; } svg .capname { fill: var(--ink); }
svg .limit { stroke: var(--warn); stroke-dasharray: 4 3; fill: none; }
svg .gap { fill: none; stroke: var(--rule); stroke-dasharray: 2 2; }
.meter svg { width: 5rem; }
@media (max-width: 44rem) { .charts { grid-template-columns: 1fr; }
  ul.short li { grid-template-columns: 1fr; gap: 0; } }
@page { size: A4; margin: 14mm 13mm; }
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #333; --rule: #bbb;
    --wash: #f1f1f1; --bar: #777; --over: #000; --good: #000; --warn: #000; --bad: #000; }
  body { font-size: 9.5pt; max-width: none; padding: 0; } h1 { font-size: 17pt; }
  h2 { font-size: 12.5pt; margin-top: 1.2rem; } .wide { overflow: visible; }
  h2, h3 { break-after: avoid; } figure, tr, li, dl, .keep { break-inside: avoid; }
  thead { display: table-header-group; } svg { print-color-adjust: exact; }
  table { font-size: 7.5pt; line-height: 1.35; } th { font-size: 7pt; }
  th, td { padding: .15rem .35rem; } p, .note { margin: .2rem 0 .5rem; }
  .overview td:first-child { min-width: 12rem; } .overview td:nth-child(9) { min-width: 9rem; }
  .meter svg { width: 3rem; } .overview .code { font-size: .9em; }
  .note, figcaption, dt { font-size: 7.5pt; } dl { grid-template-columns: repeat(4, 1fr);
    gap: .1rem 1rem; } dl div { padding: .15rem 0; } dd { font-size: 8.5pt; }
  ul.short { font-size: 8.5pt; line-height: 1.35; }
  ul.short li { padding: .12rem 0; grid-template-columns: 6rem 1fr; }
}
"""
