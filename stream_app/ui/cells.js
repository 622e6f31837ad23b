// One column up close: how training's records fall into its cells, how the window's do, and every metric.

import { el, setText, svg } from "./dom.js";
import { count, interval, known, percent, ratio, spoken } from "./format.js";
import { metric } from "./metrics.js";

const LISTED = 24;
const HEIGHT = 100;

/** A panel for a column; at is the cell pointed at (or null), point(index) changes it. */
export function cellsPanel(column, at, point) {
  const bars = shares(column.cells);
  const drawn = bars.length <= LISTED ? listed(bars) : histogram(bars, at, point);
  return el("section", { id: "detail", class: "detail", "aria-labelledby": "detail-title", "data-alarm": column.alarm ? "true" : null },
    el("h3", { id: "detail-title" }, column.name, el("span", { class: "kind" }, column.alarm ? `${column.kind} · in alarm` : column.kind)),
    el("p", { class: "note key" },
      el("span", { class: "swatch expected" }), " training ", el("span", { class: "swatch observed" }), " this window"),
    bars.length === 0 ? el("p", { class: "empty" }, "Nothing counted yet.") : drawn,
    readings(column));
}

/** [{label, expected, observed}] as shares of all; observed is null until something was counted. */
function shares({ labels, expected, observed }) {
  const sum = (xs) => xs.reduce((a, b) => a + (b ?? 0), 0);
  const [most, seen] = [sum(expected), sum(observed)];
  return labels.map((label, i) => ({
    label: String(label),
    expected: most > 0 ? (expected[i] ?? 0) / most : 0,
    observed: seen > 0 ? (observed[i] ?? 0) / seen : null,
  }));
}

const largest = (bars) => Math.max(1e-9, ...bars.map((bar) => Math.max(bar.expected, bar.observed ?? 0)));
const words = ({ label, expected, observed }) => `${label}: ${percent(expected)} in training, ${percent(observed)} in this window`;

/** Few cells: one line each, named. */
function listed(bars) {
  const most = largest(bars);
  const line = (bar) => {
    const expected = el("i", { class: "expected" });
    const observed = el("i", { class: "observed" });
    expected.style.width = `${(100 * bar.expected) / most}%`;
    observed.style.width = `${(100 * (bar.observed ?? 0)) / most}%`;
    return el("li", { title: words(bar) },
      el("span", { class: "cell-label" }, bar.label),
      el("span", { class: "cell-bar", "aria-hidden": "true" }, expected, observed),
      el("span", { class: "cell-share" }, percent(bar.observed), el("small", {}, ` of ${percent(bar.expected)}`)));
  };
  return el("ol", { class: "cells" }, ...bars.map(line));
}

/** Many cells: a histogram that the pointer and the arrow keys read out. */
function histogram(bars, at, point) {
  const most = largest(bars);
  const y = (share) => HEIGHT - (HEIGHT * share) / most;
  const observed = bars.map((bar, i) =>
    svg("rect", { x: i + 0.08, width: 0.84, y: y(bar.observed ?? 0), height: HEIGHT - y(bar.observed ?? 0), "data-at": i === at ? "true" : null }));
  const chart = svg("svg", {
    class: "histogram", viewBox: `0 0 ${bars.length} ${HEIGHT}`, preserveAspectRatio: "none", tabindex: 0, role: "img",
    "aria-label": `${bars.length} cells, training against this window; arrow keys read them out`,
  }, svg("path", { class: "expected-area", d: `${steps(bars, y)}V${HEIGHT}H0Z` }), ...observed,
  svg("path", { class: "expected-line", d: steps(bars, y), "vector-effect": "non-scaling-stroke" }));
  chart.addEventListener("pointermove", (event) => point(cellUnder(event, bars.length)));
  chart.addEventListener("keydown", (event) => step(event, at, bars.length, point));
  const ends = el("p", { class: "ends" }, el("span", {}, bars[0].label), el("span", {}, bars.at(-1).label));
  const reading = el("p", { class: "readout", "aria-live": "polite" });
  const quiet = bars[0].observed === null;
  setText(reading, quiet ? "Nothing measured yet." : bars[at] ? words(bars[at]) : `Most above training: ${words(gainer(bars))}`);
  return el("div", { class: "histogram-frame" }, chart, ends, reading);
}

function steps(bars, y) {
  return bars.map((bar, i) => `${i === 0 ? "M" : "L"}${i} ${y(bar.expected).toFixed(2)}H${i + 1}`).join("");
}

const gainer = (bars) => bars.reduce((a, b) => ((b.observed ?? 0) - b.expected > (a.observed ?? 0) - a.expected ? b : a));

function cellUnder(event, cells) {
  const box = event.currentTarget.getBoundingClientRect();
  return Math.min(cells - 1, Math.max(0, Math.floor((cells * (event.clientX - box.left)) / box.width)));
}

function step(event, at, cells, point) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  point(at === null ? 0 : (at + by + cells) % cells);
}

/** Every metric of the column with interval and n. */
function readings({ metrics, primary, threshold }) {
  const rows = Object.entries(metrics).map(([name, estimate]) => {
    const { name: long, short, spell } = metric(name);
    const value = known(estimate?.value) ? spell(estimate.value) : "–";
    const limit = name === primary ? ` (pages above ${ratio(threshold)})` : "";
    return el("tr", { title: spoken(long, estimate, spell) },
      el("th", { scope: "row" }, short, el("small", {}, limit)),
      el("td", { class: "number" }, el("b", {}, value)),
      el("td", { class: "number interval" }, interval(estimate, spell)),
      el("td", { class: "number interval" }, `n ${count(estimate?.n)}`));
  });
  return el("table", { class: "readings" }, el("tbody", {}, ...rows));
}
