"""How the report of a replay looks: dark or light as the reader has it, and narrow on a phone."""

STYLE = """
:root{color-scheme:light dark;--back:#fff;--text:#1c2330;--soft:#5d6778;--rule:#dde2ea;--card:#f5f7fa;
  --warn:#8a4b00;--warnback:#fff3dc;--bad:#b3261e;--good:#1b6e3c;--shade:#e9edf3;--l0:#1f5fbf;--l1:#c2571a;
  --l2:#2c8a57;--l3:#8a3fa8}
@media (prefers-color-scheme:dark){:root{--back:#12161d;--text:#e4e8ef;--soft:#98a3b5;--rule:#2b3340;
  --card:#1a202a;--warn:#ffcf7d;--warnback:#3a2a08;--bad:#ff8a80;--good:#7bd79b;--shade:#1d2430;--l0:#6ea8ff;
  --l1:#ff9d5c;--l2:#63cf94;--l3:#d08bec}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:1040px;margin:0 auto;padding:16px}
h1{font-size:1.5em;margin:.2em 0}
h2{font-size:1.15em;margin:1.8em 0 .5em}
.banner{background:var(--warnback);color:var(--warn);border:1px solid;border-radius:8px;padding:10px 14px;
  margin:12px 0}
.banner b{text-transform:uppercase;letter-spacing:.04em}
.soft,.note,small{color:var(--soft)}
.note{margin:.2em 0;font-size:.9em}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:10px;margin:14px 0}
.card{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 12px}
.card b{display:block;font-size:1.2em;font-variant-numeric:tabular-nums}
.card span{color:var(--soft);font-size:.88em}
.bad{color:var(--bad)}
.good{color:var(--good)}
ul{padding-left:1.2em;margin:.4em 0}
li{margin:.25em 0}
.scroll,.plot{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9em;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--rule);white-space:nowrap;
  vertical-align:top}
th{color:var(--soft);font-weight:500}
td.n,th.n{text-align:right}
td.wide{white-space:normal;min-width:16em}
tr.sum td{font-weight:600;border-top:2px solid var(--rule)}
summary{cursor:pointer;color:var(--soft);margin:.4em 0}
figure{margin:18px 0;padding:0}
figcaption{font-weight:600}
.legend{font-size:.86em;color:var(--soft)}
.key{margin-right:14px;white-space:nowrap}
.key i{display:inline-block;width:14px;height:3px;margin-right:5px;vertical-align:middle}
svg{display:block;width:100%;height:auto}
svg text.tick{font-size:12px;fill:var(--soft)}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .zero{stroke:var(--soft);stroke-width:1}
svg .shade{fill:var(--shade)}
svg .line{fill:none;stroke-width:1.6;stroke-linejoin:round}
svg .mark{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:4 3}
svg path.line0{stroke:var(--l0)}
svg path.line1{stroke:var(--l1)}
svg path.line2{stroke:var(--l2)}
svg path.line3{stroke:var(--l3)}
svg circle.line0{fill:var(--l0)}
svg circle.line1{fill:var(--l1)}
svg circle.line2{fill:var(--l2)}
svg circle.line3{fill:var(--l3)}
i.line0{background:var(--l0)}
i.line1{background:var(--l1)}
i.line2{background:var(--l2)}
i.line3{background:var(--l3)}
@media (max-width:640px){svg{min-width:600px}svg text.tick{font-size:17px}.cards{grid-template-columns:1fr 1fr}
  main{padding:12px}}
"""
