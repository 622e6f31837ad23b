// The time strip under the charts, and the list of events beside them.

import { byId, el, reconcile, setAttribute, setText } from "./dom.js";
import { clock } from "./format.js";
import { alarmSpans, commands, domain, incidents, inside } from "./spans.js";

const SHOWN = 200;
const GLYPHS = {
  started: "▸",
  incident_started: "◆",
  incident_ended: "◇",
  alarm_opened: "▲",
  alarm_raised: "▲",
  alarm_cleared: "△",
  response: "↳",
  command: "»",
  announced: "⇄",
  note: "·",
};

/** Brings the strip and the list up to date. */
export function showTimeline(state) {
  strip(state);
  const newest = state.timeline.slice(-SHOWN).reverse();
  byId("no-events").hidden = newest.length > 0;
  byId("events").hidden = newest.length === 0;
  const older = state.timeline.length - newest.length;
  // Keyed from the oldest on, so that a new event is one new node on top.
  const key = (_, index) => older + newest.length - index;
  reconcile(byId("events"), newest, key, makeEvent, (node, event) => updateEvent(node, event, state.now_ms));
}

function makeEvent() {
  return el("li", {}, el("span", { class: "event-glyph", "aria-hidden": "true" }), el("time"), el("span"));
}

function updateEvent(node, { at_ms, kind, text }, now_ms) {
  const [glyph, time, words] = node.children;
  setAttribute(node, "data-kind", kind);
  setText(glyph, GLYPHS[kind] ?? "·");
  setText(time, clock(at_ms, now_ms));
  setAttribute(time, "datetime", new Date(at_ms).toISOString());
  setText(words, text);
}

function strip(state) {
  const view = domain(state);
  const lanes = [lane("incident", incidents(state), view), lane("alarm", together(alarmSpans(state)), view)];
  const told = commands(state);
  if (told.length > 0) lanes.push(lane("told", told, view));
  byId("strip").replaceChildren(...lanes);
}

function lane(kind, spans, view) {
  const bars = spans.map((span) => bar(span, inside(span, view))).filter((node) => node !== null);
  return el("div", { class: `lane ${kind}` }, el("span", { class: "lane-name" }, kind), el("div", { class: "lane-bars" }, ...bars));
}

function bar(span, part) {
  if (part === null) return null;
  const node = el("span", { title: span.text, "data-open": span.to_s === null ? "true" : null }, span.text);
  node.style.left = `${100 * part[0]}%`;
  node.style.width = `${100 * (part[1] - part[0])}%`;
  return node;
}

/** Spans that overlap become one, with all their names: a lane has one row. */
function together(spans) {
  const merged = [];
  for (const span of [...spans].sort((a, b) => a.from_s - b.from_s)) {
    const last = merged.at(-1);
    if (last === undefined || (last.to_s !== null && last.to_s < span.from_s)) {
      merged.push({ ...span, names: [span.text] });
      continue;
    }
    if (!last.names.includes(span.text)) last.names.push(span.text);
    last.to_s = last.to_s === null || span.to_s === null ? null : Math.max(last.to_s, span.to_s);
  }
  return merged.map(({ names, ...span }) => ({ ...span, text: names.join(", ") }));
}
