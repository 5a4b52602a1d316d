/**
 * Colours in pairs for light and dark (`light-dark()`), so that a theme is one `color-scheme`.
 * The senders' colours differ in lightness as well as in hue, for readers who see some hues alike, and each has a contrast of 4.5 : 1
 * with its panel, since labels use them too.
 */
export const COLOUR_STYLE = `:root { color-scheme: light dark;
  --page: light-dark(#f3f4f6, #101316); --panel: light-dark(#ffffff, #191d22); --ink: light-dark(#1b1f24, #e4e8ec);
  --soft: light-dark(#565e68, #a3adb8); --edge: light-dark(#d5d9de, #333a42); --grid: light-dark(#e6e8eb, #2a3037);
  --accent: light-dark(#0b57a4, #86bdf5); --warn-page: light-dark(#fff3d6, #3a2e10); --warn-edge: light-dark(#b97800, #d9a33a);
  --errqueue: light-dark(#0067a8, #62b4f0); --recvmmsg: light-dark(#a03a83, #e895cc); --inline: light-dark(#00735a, #35cfa0);
  --uring: light-dark(#b84a00, #ffa05c); --copy: light-dark(#5d5d5d, #b9bfc6); --peer: light-dark(#6f5a1e, #cdb46a);
  --auto: light-dark(#5b3fc4, #b3a2ff); }
`

/** The page's style sheet. */
export const PAGE_STYLE = `
${COLOUR_STYLE}:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
.wide { max-width: 72rem; margin: 0 auto; padding: 0 1rem; }
.skip { position: absolute; left: 1rem; top: -4rem; padding: .5rem 1rem; background: var(--panel); border: 2px solid var(--accent); z-index: 2; }
.skip:focus { top: 1rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
header.page { padding-block: 1.5rem .5rem; }
.bar { display: flex; flex-wrap: wrap; gap: 1rem; justify-content: space-between; align-items: start; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 3px solid var(--accent); overflow-wrap: anywhere; }
h3 { font-size: 1.15rem; margin: 1.75rem 0 .5rem; } h4 { font-size: 1.05rem; margin: 0 0 .4rem; }
p { margin: .5rem 0; max-width: 60rem; } a { color: var(--accent); } .soft, .reading, .remark, caption { color: var(--soft); }
button { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--edge); border-radius: .4rem; padding: .4rem .8rem; cursor: pointer; }
button:hover { border-color: var(--accent); }
nav ol { margin: .25rem 0; padding-left: 1.25rem; overflow-wrap: anywhere; } nav li { margin: .25rem 0; }
.banner { border: 1px solid var(--warn-edge); border-left-width: .4rem; background: var(--warn-page); border-radius: .4rem; padding: .6rem .9rem; margin: .75rem 0; max-width: none; }
.slice { font-weight: 600; margin-top: 1.25rem; }
.tabs > [role="tablist"] { display: flex; flex-wrap: wrap; gap: .5rem; margin: .75rem 0; }
[role="tab"][aria-selected="true"], #theme[aria-pressed="true"] { background: var(--accent); border-color: var(--accent); color: var(--page); font-weight: 600; }
[hidden] { display: none !important; }
.scripted .untabbed { display: none; }
.picture { background: var(--panel); border: 1px solid var(--edge); border-radius: .6rem; padding: 1rem; margin: 1rem 0; }
.says { margin: .25rem 0 .75rem; padding-left: 1.2rem; max-width: 66rem; }
.multiples { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 23rem), 1fr)); gap: 1rem 1.5rem; }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; } .remark { font-weight: 400; font-size: .875rem; margin-left: .5rem; }
svg.plot { display: block; width: 100%; max-width: 36rem; height: auto; color: var(--ink); font-family: inherit; overflow: visible; }
.reading { font-size: .875rem; margin: .75rem 0 .5rem; }
.legend { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: .25rem 1.5rem; margin: .75rem 0; font-size: .9rem; }
.legend div { display: flex; gap: .6rem; } .legend dt { font-weight: 600; white-space: nowrap; flex: 0 0 auto; } .legend dd { margin: 0; color: var(--soft); }
svg.sign { width: 34px; height: 14px; margin-right: .4rem; vertical-align: -.1em; }
details { margin: .5rem 0; } summary { cursor: pointer; padding: .3rem 0; color: var(--accent); }
.scroll { overflow-x: auto; max-width: 100%; max-height: 34rem; border: 1px solid var(--edge); border-radius: .4rem; background: var(--panel); }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; width: max-content; min-width: 100%; }
caption { text-align: left; padding: .5rem .75rem; position: sticky; left: 0; }
th, td { padding: .3rem .75rem; text-align: right; border-top: 1px solid var(--edge); white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--page); } tbody tr:hover { background: var(--page); }
th[scope="row"], th.text, td.text { text-align: left; } th[scope="row"] { font-weight: 600; } td.long { white-space: normal; min-width: 16rem; }
footer { margin: 3rem 0 2rem; color: var(--soft); font-size: .875rem; }
@media (max-width: 40rem) { h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; } .wide { padding: 0 .6rem; } .picture { padding: .7rem; margin: .75rem 0; }
  svg.plot { font-size: 15.5px; } .remark { display: block; margin: 0; } }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
@media print { .tabs > [role="tablist"], .skip, #theme { display: none; } [role="tabpanel"] { display: block !important; } .picture { break-inside: avoid; } }
`
