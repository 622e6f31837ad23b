// The newest records, as a consumer would decode them.

import { byId, el, reconcile, setAttribute, setText } from "./dom.js";
import { clock, count } from "./format.js";

let held = false;

/** Makes the button that holds the table still while somebody reads. */
export function prepareRecords() {
  byId("hold").addEventListener("click", (event) => {
    held = !held;
    setAttribute(event.currentTarget, "aria-pressed", String(held));
    setText(event.currentTarget, held ? "Let it run" : "Hold still");
  });
}

/** Brings the table up to date, unless it is held. */
export function showRecords({ records, now_ms: now }) {
  byId("no-records").hidden = records.length > 0;
  if (held && byId("records").tBodies[0].rows.length > 0) return;
  const names = [...new Set(records.flatMap((record) => Object.keys(record.value)))];
  const table = byId("records");
  const heads = records.length === 0 ? [] : ["where", "time", "key", ...names];
  reconcile(table.tHead.rows[0], heads, (name, i) => `${i}:${name}`, (name) => el("th", { scope: "col" }, name), () => {});
  const newest = [...records].sort((a, b) => b.timestamp_ms - a.timestamp_ms || b.offset - a.offset);
  const key = (record) => `${record.partition}:${record.offset}`;
  reconcile(table.tBodies[0], newest, key, (record) => makeRecord(record, names, now), () => {});
}

function makeRecord({ partition, offset, timestamp_ms: at, key, value }, names, now) {
  return el("tr", {},
    el("th", { scope: "row" }, `p${partition} @ ${count(offset)}`),
    el("td", {}, clock(at, now)),
    cell(key),
    ...names.map((name) => cell(value[name])));
}

function cell(value) {
  if (value === null || value === undefined) return el("td", { class: "null" }, "null");
  if (typeof value === "number") return el("td", { class: "number" }, String(value));
  return el("td", {}, typeof value === "object" ? JSON.stringify(value) : String(value));
}
