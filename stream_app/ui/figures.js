// What the stream is (facts) and its figures, each with its interval and n.

import { byId, el, reconcile, setAttribute, setText } from "./dom.js";
import { count, duration, interval, rate } from "./format.js";
import { met } from "./verdict.js";

/** Shows the facts in the header and the strip of figures. */
export function showFigures(state) {
  setText(byId("stream-name"), state.stream.name);
  reconcile(byId("facts"), facts(state.stream), ([name]) => name, makeFact, updateFact);
  reconcile(byId("figures"), figures(state), (figure) => figure.name, makeFigure, updateFigure);
}

function facts(stream) {
  const artifact = stream.artifact ? String(stream.artifact) : null;
  return [
    ["topic", stream.topic],
    ["model", stream.model],
    ["trained on", `${count(stream.rows_trained)} rows`],
    ["shards", count(stream.shards)],
    ["artifact", artifact && artifact.length > 14 ? `${artifact.slice(0, 12)}…` : artifact, artifact],
    ["broker", stream.bootstrap],
    ["registry", stream.registry],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
}

function makeFact() {
  return el("div", {}, el("dt"), el("dd"));
}

function updateFact(node, [name, value, whole]) {
  const [term, definition] = node.children;
  setText(term, name);
  setText(definition, value);
  setAttribute(definition, "title", whole ?? null);
}

function figures(state) {
  const { totals } = state;
  const share = met(state);
  const delay = totals.publish_delay_s;
  const age = totals.record_age_s;
  return [
    { name: "published", value: count(totals.published), unit: "records" },
    { name: "measured", value: count(totals.monitored), unit: measured(totals) },
    { name: "rate", value: rate(totals.published_per_s), unit: share ? `records/s, ${share} of asked` : "records/s" },
    { name: "publish delay", value: duration(delay?.value), unit: support(delay) },
    { name: "record age", value: duration(age?.value), unit: support(age) },
    trouble(totals),
  ];
}

/** What was read: rows, and what a change stream has beside them. */
function measured({ deletes, tombstones }) {
  if (!deletes && !tombstones) return "records";
  return `records, ${count(deletes)} deletes · ${count(tombstones)} tombstones`;
}

/** What an estimate rests on: interval and n. */
function support(estimate) {
  const range = interval(estimate, duration);
  return range === "" ? "not known yet" : `${range}, n ${count(estimate.n)}`;
}

function trouble({ late, foreign, offset_resets: resets }) {
  const unit = `late ${count(late)} · foreign ${count(foreign)} · resets ${count(resets)}`;
  const all = late + foreign + resets;
  return { name: "left out", value: count(all), unit, bad: all > 0 };
}

function makeFigure() {
  return el("div", {}, el("dt"), el("dd", { class: "value" }), el("dd", { class: "unit" }));
}

function updateFigure(node, { name, value, unit, bad }) {
  const [term, number, under] = node.children;
  setText(term, name);
  setText(number, value);
  setText(under, unit);
  setAttribute(node, "data-bad", bad ? "true" : null);
}
