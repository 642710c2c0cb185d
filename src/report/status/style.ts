import { Html } from '../html.ts'

/** Of the page that `status --html` writes. Each state has one colour, made for the ground that it stands on. */
export const style = new Html(`
:root { color-scheme: light dark; --ground: #f3f5f8; --card: #fff; --ink: #17212b; --soft: #566472; --line: #dde3ea;
  --ok: #12805c; --no-tunnel: #c22f48; --stale: #9a5b00; --device-sshd-down: #b8480b; --wrong-device: #8b2bb0;
  --unverified: #5d6975; }
@media (prefers-color-scheme: dark) { :root { --ground: #0e1318; --card: #161d25; --ink: #e7ecf1; --soft: #9aa8b6;
  --line: #2a3440; --ok: #3fcf8f; --no-tunnel: #ff7088; --stale: #f2b53c; --device-sshd-down: #ff9b57;
  --wrong-device: #d896ff; --unverified: #a3b0bd; } }
.ok { --state: var(--ok) } .no-tunnel { --state: var(--no-tunnel) } .stale { --state: var(--stale) }
.device-sshd-down { --state: var(--device-sshd-down) } .wrong-device { --state: var(--wrong-device) }
.unverified { --state: var(--unverified) }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 24px clamp(12px, 3vw, 40px) 48px; max-width: 1320px; background: var(--ground);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  -webkit-text-size-adjust: 100% }
h1 { margin: 0; font-size: clamp(22px, 3.4vw, 32px); line-height: 1.2; font-weight: 650; letter-spacing: -.01em;
  text-wrap: balance }
h2 { margin: 0 0 12px; font-size: 13px; font-weight: 600; color: var(--soft); letter-spacing: .02em }
code { font: 13px/1.4 ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere }
.meta { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 6px 0 16px; color: var(--soft); overflow-wrap: anywhere }
.bar { display: flex; gap: 3px; height: 10px }
.bar span { background: var(--state); min-width: 6px; flex-basis: 0; border-radius: 3px }
.bar span:first-child { border-radius: 6px 3px 3px 6px } .bar span:last-child { border-radius: 3px 6px 6px 3px }
.bar span:only-child { border-radius: 6px }
.counts { display: flex; flex-wrap: wrap; gap: 6px 22px; margin: 12px 0 0; padding: 0; list-style: none }
.counts li { display: flex; align-items: center; gap: 6px; white-space: nowrap } .counts span { color: var(--soft); white-space: normal }
.icon { width: 16px; height: 16px; flex: none }
main { margin-top: 22px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 18px }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 18px 20px }
.alert { background: var(--card); border: 1px solid var(--no-tunnel); border-left-width: 5px; border-radius: 10px;
  padding: 12px 16px; overflow-wrap: anywhere } .alert + .alert { margin-top: 10px } .alert p { margin: 2px 0 0 }
.map { display: block; width: 100%; height: auto } .narrow { display: none }
.map text { font: 500 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--ink) }
.map .state { font-size: 11.5px; font-weight: 400; fill: var(--soft) }
.device:not(.ok) .state { fill: var(--state); font-weight: 600 }
.wire { fill: none; stroke: var(--state); stroke-width: 1.8; opacity: .75 } .wire:not(.ok) { opacity: 1 }
.wire.no-tunnel { stroke-dasharray: 2 7 } .wire.stale { stroke-dasharray: 8 5 } .wire.unverified { stroke-dasharray: 1 4 }
.wire.device-sshd-down { stroke-dasharray: 14 4 2 4 } .wire.wrong-device { stroke-dasharray: 5 3 }
.trunk { fill: none; stroke: var(--soft); stroke-width: 1.5; opacity: .4 }
.gateway rect { fill: var(--ground); stroke: var(--soft); stroke-width: 1.4 } .gateway .name { font-weight: 650 }
.gateway.unreachable rect { stroke: var(--no-tunnel); stroke-dasharray: 5 4 }
.gateway.unreachable .state { fill: var(--no-tunnel); font-weight: 600 }
.mark circle, .mark rect, .mark .body { fill: var(--state); stroke: none }
.mark path { fill: none; stroke: var(--card); stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round }
.mark .hollow { fill: var(--card); stroke: var(--state); stroke-width: 1.6 } .mark .question { stroke: var(--state);
  stroke-width: 1.5 }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
thead th { color: var(--soft); font-size: 12.5px; font-weight: 500; white-space: nowrap }
th, td { padding: 8px 14px 8px 0; text-align: left; vertical-align: top } th:last-child, td:last-child { padding-right: 0 }
tbody { border-top: 1px solid var(--line) } tbody th { font-weight: 600; white-space: nowrap }
.scroll { overflow-x: auto } td.long span { white-space: nowrap }
td { white-space: nowrap } td.long { white-space: normal; min-width: 9em }
.pill { display: inline-flex; align-items: center; gap: 6px; color: var(--state); font-weight: 600 }
.more td { padding: 0 0 12px; white-space: normal; color: var(--soft); overflow-wrap: anywhere } .more p { margin: 0 }
.more p:first-child { color: var(--ink) } .more code { color: var(--ink) }
.none { color: var(--soft) } .note { margin: 12px 0 0; color: var(--soft); font-size: 13px; overflow-wrap: anywhere }
@media (max-width: 760px) {
  .wide { display: none } .narrow { display: block } .card { padding: 14px 14px 16px; border-radius: 12px }
  body { padding-top: 18px }
}
@media (max-width: 1080px) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  table, tbody, .more, .more td { display: block } tbody { padding: 10px 0 12px }
  tbody tr:first-child { display: flex; flex-wrap: wrap; gap: 2px 18px; align-items: baseline }
  tbody th, td, td.long span { padding: 0; white-space: normal; overflow-wrap: anywhere; min-width: 0 }
  tbody th { flex: 1 1 auto; max-width: 100%; font-size: 16px } td.is { flex: none }
  td.long { flex: 1 0 100%; min-width: 0 } td:has(> .none) { display: none }
  td:not(.is)[data-label]::before { content: attr(data-label) " "; color: var(--soft) } .more td { padding: 6px 0 0 }
}
@media print { body { background: none } .card { break-inside: avoid } }
`)
