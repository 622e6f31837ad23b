// Drift of each column: a dot with its interval against the size at which a change pages, and how it went lately.

import { byId, el, reconcile, setAttribute, setText, svg } from "./dom.js";
import { count, interval, known, percent, ratio, spoken, duration, clock } from "./format.js";
import { metric } from "./metrics.js";

const TICKS = 4;
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5];

/** Brings the table up to date; chosen is the name of the column whose cells are shown, choose(name) changes it. */
export function showColumns(state, chosen, choose) {
  const table = byId("columns");
  const axis = axisFor(state.columns);
  showWindow(state.window, state.now_ms);
  showAxis(axis);
  const rows = alarmsFirst(state.columns);
  const update = (node, column) => updateColumn(node, column, axis, column.name === chosen);
  const head = table.tHead;
  head.dataset.key = "head";
  const items = [null, ...rows];
  const key = (item) => (item === null ? "head" : `column:${item.name}`);
  reconcile(table, items, key, (item) => makeColumn(item.name, choose), (node, item) => item !== null && update(node, item));
}

/** The columns with those in alarm on top, else in the order of the table. */
export function alarmsFirst(columns) {
  return [...columns].sort((a, b) => Number(b.alarm) - Number(a.alarm));
}

function showWindow(window, now_ms) {
  const span = (window.end_ms - window.start_ms) / 1000;
  const text = window.n ? `${count(window.n)} records in the ${duration(span)} up to ${clock(window.end_ms, now_ms)}` : "no window yet";
  setText(byId("window"), text);
}

/** {end, ticks}: one scale for all columns, so that rows can be compared. */
function axisFor(columns) {
  const reach = columns.map((c) => Math.max(2 * (c.threshold ?? 0), c.metrics[c.primary]?.high ?? 0));
  const most = Math.max(0.1, ...reach.filter(known));
  const step = STEPS.find((s) => s * TICKS >= most) ?? most / TICKS;
  const end = step * Math.ceil(most / step - 1e-9);
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
  return { end, ticks };
}

function showAxis({ end, ticks }) {
  const nodes = ticks.map((tick) => {
    const node = el("span", {}, Number(tick.toFixed(2)).toString());
    node.style.left = `${(100 * tick) / end}%`;
    return node;
  });
  byId("axis").replaceChildren(...nodes);
}

function makeColumn(name, choose) {
  const button = el("button", { type: "button", class: "column-name", "aria-controls": "detail" });
  button.addEventListener("click", () => choose(name));
  const cell = (kind, ...children) => el("td", { role: "cell", class: kind }, ...children);
  const track = el("div", { class: "track", role: "img" },
    el("i", { class: "threshold" }), el("i", { class: "whisker" }), el("i", { class: "point" }));
  const row = el("tr", { role: "row" },
    el("th", { role: "rowheader", scope: "row" }, button, el("span", { class: "kind" })),
    cell("axis-cell", track),
    cell("number reading", el("b"), el("span", { class: "interval" })),
    cell("number wide-only nulls"),
    cell("wide-only history", sparkline()));
  row.addEventListener("click", (event) => event.target.closest("button") ?? choose(name));
  return el("tbody", { role: "rowgroup" }, row);
}

function updateColumn(node, column, axis, chosen) {
  const row = node.firstElementChild;
  const [head, trackCell, reading, nulls, history] = row.children;
  const estimate = column.metrics[column.primary];
  setAttribute(node, "data-alarm", column.alarm ? "true" : null);
  setAttribute(node, "data-chosen", chosen ? "true" : null);
  setText(head.children[0], column.name);
  setAttribute(head.children[0], "aria-expanded", String(chosen));
  setText(head.children[1], column.alarm ? `${column.kind} · in alarm` : column.kind);
  updateTrack(trackCell.firstElementChild, column, estimate, axis.end);
  setText(reading.children[0], ratio(estimate?.value));
  setText(reading.children[1], interval(estimate));
  setText(nulls, percent(column.metrics.null_share?.value));
  setAttribute(nulls, "title", spoken("share of nulls", column.metrics.null_share, percent));
  updateSparkline(history.firstElementChild, column, axis.end);
}

function updateTrack(track, column, estimate, end) {
  const [threshold, whisker, point] = track.children;
  const at = (x) => `${(100 * Math.min(Math.max(x, 0), end)) / end}%`;
  const { name } = metric(column.primary);
  const label = `${spoken(name, estimate)}; pages when surely above ${ratio(column.threshold)}`;
  setAttribute(track, "aria-label", label);
  setAttribute(track, "title", label);
  threshold.style.left = at(column.threshold);
  const measured = known(estimate?.value);
  whisker.hidden = !measured || !known(estimate.low);
  point.hidden = !measured;
  if (!measured) return;
  point.style.left = at(estimate.value);
  if (whisker.hidden) return;
  whisker.style.left = at(estimate.low);
  whisker.style.width = `calc(${at(estimate.high)} - ${at(estimate.low)})`;
}

function sparkline() {
  const line = { "vector-effect": "non-scaling-stroke" };
  return svg("svg", { class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { ...line, class: "spark-threshold", x1: 0, x2: 100 }), svg("polyline", { ...line, class: "spark-line" }));
}

function updateSparkline(node, { history, threshold }, end) {
  const [bar, line] = node.children;
  const y = (x) => (23 - (22 * Math.min(x, end)) / end).toFixed(1);
  setAttribute(bar, "y1", y(threshold));
  setAttribute(bar, "y2", y(threshold));
  const step = 100 / Math.max(history.length - 1, 1);
  const points = history.map((x, i) => (known(x) ? `${(i * step).toFixed(1)},${y(x)}` : null));
  setAttribute(line, "points", points.filter((point) => point !== null).join(" "));
}
