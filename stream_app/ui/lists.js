// Alarms and rules.

import { byId, el, reconcile, setAttribute, setText } from "./dom.js";
import { clock, count, duration, interval, known, percent } from "./format.js";
import { metric } from "./metrics.js";
import { isBroken } from "./verdict.js";

/** Brings both lists up to date; the newest alarm comes first. */
export function showLists(state) {
  const alarms = [...state.alarms].sort((a, b) => b.opened_ms - a.opened_ms);
  byId("no-alarms").hidden = alarms.length > 0;
  byId("no-rules").hidden = state.rules.length > 0;
  const key = (alarm) => `${alarm.column}|${alarm.metric}|${alarm.opened_ms}`;
  reconcile(byId("alarms"), alarms, key, makeAlarm, (node, alarm) => updateAlarm(node, alarm, state.now_ms));
  reconcile(byId("rules"), state.rules, (rule) => rule.name, makeRule, updateRule);
}

function makeAlarm() {
  return el("li", {},
    el("p", { class: "alarm-head" }, el("span", { class: "badge" }), el("b"), el("span", { class: "alarm-time" })),
    el("p", { class: "alarm-reading" }), el("p", { class: "note alarm-where" }));
}

function updateAlarm(node, alarm, now_ms) {
  const [head, reading, where] = node.children;
  const [badge, subject, time] = head.children;
  const open = alarm.cleared_ms === null;
  setAttribute(node, "data-open", String(open));
  setText(badge, !open ? "cleared" : alarm.severity === "page" ? "open" : "warning");
  setText(subject, alarm.column);
  setText(time, when(alarm, now_ms));
  const { name, spell } = metric(alarm.metric);
  const range = interval(alarm, spell);
  const value = known(alarm.value) ? spell(alarm.value) : "–";
  setText(reading, `${name} ${value}${range === "" ? "" : ` [${range}]`}, n ${count(alarm.n)}`);
  setText(where, alarm.reason ? `over: ${alarm.reason}` : places(alarm.partitions ?? {}));
}

function when({ opened_ms: opened, cleared_ms: cleared }, now_ms) {
  const lasted = duration(((cleared ?? now_ms) - opened) / 1000);
  return cleared === null ? `since ${clock(opened, now_ms)}, ${lasted}` : `${clock(opened, now_ms)} to ${clock(cleared, now_ms)}, ${lasted}`;
}

/** Where on the topic the window's records are: partition and offsets. */
function places(partitions) {
  const spans = Object.entries(partitions).map(([p, [first, last]]) => `p${p} ${count(first)}–${count(last)}`);
  return spans.length === 0 ? "" : `offsets: ${spans.join(" · ")}`;
}

function makeRule() {
  return el("li", {}, el("span", { class: "badge" }), el("div", {}, el("b"), el("p", { class: "note" })));
}

function updateRule(node, rule) {
  const [badge, words] = node.children;
  const answer = isBroken(rule) ? "broken" : rule.n > 0 ? "kept" : "waiting";
  setAttribute(node, "data-broken", answer);
  setText(badge, answer);
  setText(words.children[0], rule.text);
  const range = interval(rule.rate, percent);
  const share = range === "" ? "" : `: ${percent(rule.rate.value)} [${range}]`;
  const name = rule.name === rule.text ? "" : ` · ${rule.name}`;
  setText(words.children[1], `broken by ${count(rule.violations)} of ${count(rule.n)} records${share}${name}`);
}
