// What evidence rests on and what it must reach, in words; and the windows of every length.

import { byId, setText } from "./dom.js";
import { count, duration, known, list, power, ratio } from "./format.js";

/** Brings the words beside the charts up to date. */
export function showEvidence({ evidence, windows }) {
  setText(byId("effect-threshold"), `surely above ${ratio(evidence.min_effect)} a change pages, a smaller one only warns`);
  const calm = `${count(evidence.panes_per_false_alarm)} calm panes`;
  setText(byId("level-threshold"), `at ${power(evidence.threshold)} an alarm opens, in ${calm} once or less often`);
  const looks = `Evidence looks at the newest ${list(evidence.panes.map(count))} panes of ${plain(evidence.pane_s)} ` +
    `with ${count(evidence.min_records)} records or more; now ${known(evidence.level) ? power(evidence.level) : "none"}.`;
  setText(byId("looks"), [looks, ...together(evidence.dependence), ...windows.slice(1).map(longer)].join(" "));
}

/** What is said where records depend on each other. */
function together(dependence) {
  if (dependence === null) return [];
  const { column, factor } = dependence;
  const most = column === "" ? "" : `, by ${column}`;
  return [`Records depend on each other: ${Number(factor.toFixed(1))} count as one${most}.`];
}

function longer({ name, n, worst }) {
  const most = known(worst) ? `, the largest drift in it surely ${ratio(worst)}` : "";
  return `Window of ${plain(Number.parseFloat(name))}: ${count(n)} records${most}.`;
}

const plain = (s) => (s < 60 && s >= 1 ? `${Number(s.toFixed(1))} s` : duration(s));
