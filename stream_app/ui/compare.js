// The page of `synthstream compare`: asks for the state once a second and shows bands, of now and over time.

import { byId, el, reconcile, setAttribute, setText, svg } from "./dom.js";
import { clock } from "./format.js";

const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const WORDS = { "-1": "unknown", 0: "represents", 1: "drifting", 2: "no longer represents" };
const LEVELS = { unknown: "wait", represents: "ok", drifting: "warn", "no longer represents": "alarm" };
const GLYPHS = { wait: "○", ok: "●", warn: "◆", alarm: "▲" };
const CHANGES = {
  distribution: "its values lie elsewhere",
  shares: "its values have other shares",
  nulls: "it is missing more or less often",
  unseen: "it has values that the generator can not draw",
  correlation: "it goes together with others in another way",
};

const ONLY_NULLS = "(compared only: whether it is missing)";

async function poll() {
  try {
    const answer = await fetch("api/state", { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" });
    if (!answer.ok) throw new Error(`error ${answer.status}`);
    show(await answer.json());
    setContact(true);
  } catch {
    setContact(false);
  }
  setTimeout(poll, EVERY_MS);
}

function setContact(there) {
  document.body.dataset.contact = there ? "yes" : "lost";
  byId("lost").hidden = there;
  setText(byId("lost"), there ? "" : "Lost contact with the service. Below is what was last known. Asking again every second.");
}

function show(state) {
  const level = LEVELS[state.band];
  const headline = `${state.synthetic.topic} ${HEADLINES[state.band]} ${state.real.topic}`;
  document.body.dataset.level = level;
  document.title = `${GLYPHS[level]} ${state.band} · ${state.stream}`;
  setText(byId("glyph"), GLYPHS[level]);
  setText(byId("headline"), headline);
  setText(byId("announce"), headline);
  setText(byId("stream-name"), state.stream);
  setText(byId("evidence"), evidence(state));
  byId("next").hidden = state.next === null;
  setText(byId("next").lastElementChild, state.next ?? "");
  showFacts(state);
  showRows(state);
  showEvents(state);
}

const HEADLINES = {
  unknown: "is not yet compared with",
  represents: "represents",
  drifting: "drifts away from",
  "no longer represents": "no longer represents",
};

function evidence(state) {
  const said = [];
  for (const side of [state.real, state.synthetic]) {
    if (side.silent) said.push(`No record comes on ${side.topic}.`);
    if (side.foreign) said.push(`Some records on ${side.topic} can not be read.`);
  }
  const last = state.at_ms.at(-1);
  const when = last === undefined ? "No two windows are complete yet." : `Compared last at ${clock(last, state.now_ms)}.`;
  return [when, ...said].join(" ");
}

function showFacts(state) {
  const facts = [
    ["real", state.real.topic],
    ["synthetic", state.synthetic.topic],
    ["drifting beyond", state.boundaries.drifting],
    ["lost beyond", state.boundaries.lost],
  ];
  const make = ([name]) => el("div", {}, el("dt", {}, name), el("dd", {}));
  reconcile(byId("facts"), facts, ([name]) => name, make, (node, [, value]) => setText(node.lastElementChild, value));
}

function showRows(state) {
  const table = { name: "the table", band: state.band, changes: [], compared: [], history: state.history };
  const rows = [{ key: "table", ...table }, ...state.columns.map((column) => ({ key: `column:${column.name}`, ...column }))];
  reconcile(byId("rows"), rows, (row) => row.key, makeRow, updateRow);
  const first = state.at_ms[0];
  setText(byId("since"), first === undefined ? "over time" : `since ${clock(first, state.now_ms)}`);
}

function makeRow(row) {
  const strip = svg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", role: "img" });
  const cells = [el("td", { class: "words" }), el("td", {}), el("td", { class: "past" }, strip)];
  return el("tr", {}, el("th", { scope: "row" }, row.name), ...cells);
}

function updateRow(node, row) {
  const [, band, changes, past] = node.children;
  setText(band, row.band);
  const words = row.changes.map((change) => CHANGES[change] ?? change).join(", ");
  setText(changes, words === "" && row.compared.join() === "nulls" ? ONLY_NULLS : words);
  const strip = past.firstElementChild;
  setAttribute(strip, "aria-label", `${row.name} ${row.band}, over time`);
  const long = Math.max(row.history.length, 1);
  const place = (rect, run) => {
    setAttribute(rect, "x", run.start / long);
    setAttribute(rect, "width", run.length / long);
    setAttribute(rect, "data-band", WORDS[run.band]);
  };
  reconcile(strip, runs(row.history), (run, index) => index, () => svg("rect", { y: 0, height: 1 }), place);
}

/** Stretches of one band: [{band, start, length}]. */
function runs(history) {
  const found = [];
  history.forEach((band, start) => {
    const last = found.at(-1);
    if (last?.band === band) last.length += 1;
    else found.push({ band, start, length: 1 });
  });
  return found;
}

function showEvents(state) {
  const newest = [...state.events].reverse();
  byId("no-events").hidden = newest.length > 0;
  const make = () => el("li", {}, el("time", {}), el("span", {}));
  reconcile(byId("events"), newest, (event) => `${event.at_ms}:${event.text}`, make, (node, event) => {
    setText(node.firstElementChild, clock(event.at_ms, state.now_ms));
    setText(node.lastElementChild, event.text);
  });
}

poll();
