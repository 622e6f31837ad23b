// The charts over one time axis: rates, the largest drift, the evidence. uPlot draws; this says what.

import { byId, el } from "./dom.js";
import { clock, known, power, rate, ratio } from "./format.js";
import { domain, incidents, inside } from "./spans.js";

// The strip under the charts (style.css, .strip) keeps the same left and right margins.
const LEFT = 52;
const RIGHT = 30;
const HEIGHTS = { rates: 210, effect: 84, level: 96 };
// Evidence grows without end while an alarm is open: past so many thresholds it leaves the chart.
const MOST_THRESHOLDS = 3;
const LINES = [
  { key: "asked", label: "asked", color: "--asked", width: 2, dash: [6, 5] },
  { key: "published_per_s", label: "published", color: "--published", width: 2, fill: "--published-fill" },
  { key: "monitored_per_s", label: "measured", color: "--measured", width: 1.5, dash: [2, 3] },
];

const theme = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Draws the charts into the page; the result's show(state) brings them up to date. */
export function charts() {
  const view = { state: null, plots: null };
  const rebuild = () => {
    view.plots?.forEach((plot) => plot.destroy());
    view.plots = Object.keys(HEIGHTS).map((id) => build(view, id));
    view.plots.forEach((plot) => plot.setData(dataFor(plot.root.parentNode.id, view.state)));
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => view.state && rebuild());
  new ResizeObserver(() => view.plots?.forEach(fit)).observe(byId("rates"));
  return {
    show(state) {
      view.state = state;
      if (view.plots === null) rebuild();
      else view.plots.forEach((plot) => plot.setData(dataFor(plot.root.parentNode.id, state)));
      legend(state, view.plots[0].cursor.idx);
    },
  };
}

function dataFor(id, { series, totals, evidence }) {
  const constant = (value) => series.t_s.map(() => (known(value) ? value : null));
  if (id === "rates") return [series.t_s, constant(totals.asked_per_s), series.published_per_s, series.monitored_per_s];
  if (id === "level") return [series.t_s, series.evidence, constant(evidence.threshold)];
  return [series.t_s, series.worst_effect, constant(evidence.min_effect)];
}

function build(view, id) {
  const host = byId(id);
  const options = {
    width: host.clientWidth,
    height: HEIGHTS[id],
    padding: [8, RIGHT, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: "flow" }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: true, range: () => domain(view.state) }, y: { range: (_, min, max) => yRange(id, min, max, view.state) } },
    axes: axes(id),
    series: id === "rates" ? rateSeries() : lineAndThreshold(id),
    hooks: {
      drawClear: [(plot) => shade(plot, view.state)],
      setCursor: [(plot) => id === "rates" && view.plots !== null && legend(view.state, plot.cursor.idx)],
    },
  };
  return new window.uPlot(options, null, host);
}

function yRange(id, least_seen, most, { totals, evidence }) {
  if (id === "level") {
    const top = MOST_THRESHOLDS * evidence.threshold;
    return [Math.min(-1, Math.max(-evidence.threshold, least_seen ?? 0)), Math.min(top, Math.max(1.3 * evidence.threshold, 1.12 * (most ?? 0)))];
  }
  const least = id === "rates" ? Math.max(10, totals.asked_per_s ?? 0) : 0.15;
  return [0, 1.12 * Math.max(least, most ?? 0)];
}

function axes(id) {
  const plain = {
    stroke: theme("--muted"),
    grid: { stroke: theme("--line"), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif',
  };
  const time = id !== "level" ? { ...plain, size: 8, values: () => [], grid: { show: false } } : { ...plain, size: 26, space: 66, values: (_, at) => at.map((t) => clock(1000 * t)) };
  const spell = { rates: short, effect: (x) => x.toFixed(2), level: power }[id];
  return [time, { ...plain, size: LEFT, space: id === "rates" ? 40 : 30, values: (_, at) => at.map(spell) }];
}

const short = (x) => (x >= 10_000 ? `${x / 1000}k` : rate(x));

function rateSeries() {
  const line = ({ label, color, width, dash, fill }) => ({
    label, width, dash, stroke: theme(color), fill: fill && theme(fill), points: { show: false },
  });
  return [{}, ...LINES.map(line)];
}

function lineAndThreshold(id) {
  return [
    {},
    { label: id === "effect" ? "largest drift" : "evidence", width: 2, stroke: theme("--ink"), points: { show: false } },
    { label: "threshold", width: 1.5, dash: [6, 4], stroke: theme("--alarm"), points: { show: false } },
  ];
}

/** Shades the incidents behind the lines. */
function shade(plot, state) {
  const { left, top, width, height } = plot.bbox;
  plot.ctx.save();
  plot.ctx.fillStyle = theme("--incident-fill");
  for (const span of incidents(state)) {
    const part = inside(span, domain(state));
    if (part !== null) plot.ctx.fillRect(left + part[0] * width, top, (part[1] - part[0]) * width, height);
  }
  plot.ctx.restore();
}

function fit(plot) {
  const host = plot.root.parentNode;
  if (host.clientWidth > 0 && host.clientWidth !== plot.width) plot.setSize({ width: host.clientWidth, height: plot.height });
}

/** The names of the lines with their values at the cursor, or the newest. */
function legend({ series, totals }, index) {
  const at = index ?? series.t_s.length - 1;
  const value = { asked: totals.asked_per_s, published_per_s: series.published_per_s[at], monitored_per_s: series.monitored_per_s[at] };
  const lines = LINES.map(({ key, label }) =>
    el("span", {}, el("span", { class: `swatch ${label}` }), `${label} `, el("b", {}, rate(value[key]))),
  );
  const drift = el("span", {}, "drift ", el("b", {}, ratio(series.worst_effect[at])));
  byId("legend").replaceChildren(...lines, drift, el("span", {}, el("span", { class: "swatch incident" }), "incident"));
}
