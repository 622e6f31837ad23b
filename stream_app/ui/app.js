// Asks for the state once a second and shows it; says so when nobody answers.

import { cellsPanel } from "./cells.js";
import { charts } from "./charts.js";
import { alarmsFirst, showColumns } from "./columns.js";
import { byId, setText } from "./dom.js";
import { showEvidence } from "./evidence.js";
import { showFigures } from "./figures.js";
import { clock } from "./format.js";
import { showLists } from "./lists.js";
import { prepareRecords, showRecords } from "./records.js";
import { showTimeline } from "./timeline.js";
import { judge, showVerdict, worstColumn } from "./verdict.js";

const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const NARROW = matchMedia("(max-width: 61.99rem)");

const view = { state: null, heard_ms: null, lost_ms: null, headline: null, cell: null, charts: charts() };

async function poll() {
  await ask();
  setTimeout(poll, EVERY_MS);
  if (view.lost_ms === null) show();
}

async function ask() {
  try {
    const answer = await fetch("api/state", { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" });
    if (!answer.ok) throw new Error(`it answers with error ${answer.status}`);
    view.state = await answer.json();
    found();
  } catch (error) {
    lost(error);
  }
}

function found() {
  view.heard_ms = Date.now();
  view.lost_ms = null;
  document.body.dataset.contact = "yes";
  byId("lost").hidden = true;
}

function lost(error) {
  view.lost_ms ??= view.heard_ms ?? Date.now();
  document.body.dataset.contact = "lost";
  const why = error.message.startsWith("it answers") ? ` (${error.message})` : "";
  const shown = view.state === null ? "" : " Below is what was last known.";
  setText(byId("lost"), `Lost contact with the service since ${clock(view.lost_ms)}${why}.${shown} Asking again every second.`);
  byId("lost").hidden = false;
  document.title = "✕ Lost contact · Synthstream";
}

function show() {
  const { state } = view;
  if (state.stream === undefined) return showMetricsOnly();
  const verdict = judge(state);
  showVerdict(verdict, state.stream.name);
  announce(verdict);
  showFigures(state);
  view.charts.show(state);
  showEvidence(state);
  showTimeline(state);
  showColumns(state, chosenColumn()?.name, choose);
  showDetail();
  showLists(state);
  showRecords(state);
  showIncident(state.incident);
  setText(byId("as-of"), `as of ${clock(state.now_ms)}`);
}

/** A process that publishes without watching has metrics and nothing else. */
function showMetricsOnly() {
  setText(byId("headline"), "Metrics only");
  setText(byId("evidence"), "This process watches no stream; its metrics are linked below.");
  setText(byId("stream-name"), "");
}

/** Tells a screen reader when the answer changes, and only then. */
function announce({ headline, evidence }) {
  if (view.headline !== null && view.headline !== headline) setText(byId("announce"), `${headline}. ${evidence}`);
  view.headline = headline;
}

/** The column named in the address, else the first in alarm, else the one that drifts most. */
function chosenColumn() {
  const { columns } = view.state;
  const asked = new URLSearchParams(location.hash.slice(1)).get("column");
  const named = columns.find((column) => column.name === asked);
  const first = alarmsFirst(columns)[0];
  const worst = worstColumn(columns)?.name;
  return named ?? (first?.alarm ? first : (columns.find((column) => column.name === worst) ?? first));
}

function choose(name) {
  view.cell = null;
  history.replaceState(null, "", `#column=${encodeURIComponent(name)}`);
  refresh();
}

function point(cell) {
  if (cell === view.cell) return;
  view.cell = cell;
  showDetail();
}

function refresh() {
  showColumns(view.state, chosenColumn()?.name, choose);
  showDetail();
}

/** Shows the chosen column's cells beside the table, or under its row where the window is narrow. */
function showDetail() {
  const column = chosenColumn();
  const old = byId("detail");
  const focused = old?.contains(document.activeElement) ?? false;
  old?.remove();
  if (column === undefined) return;
  const panel = cellsPanel(column, view.cell, point);
  const row = NARROW.matches ? document.querySelector(`tbody[data-key="${CSS.escape(`column:${column.name}`)}"]`) : null;
  if (row === null) byId("aside").append(panel);
  else detailCell(row).append(panel);
  document.querySelectorAll("tr.detail-row").forEach((tr) => tr.querySelector("#detail") ?? tr.remove());
  if (focused) panel.querySelector("[tabindex]")?.focus();
}

function detailCell(body) {
  const row = body.rows[1] ?? body.insertRow();
  row.className = "detail-row";
  const cell = row.cells[0] ?? row.insertCell();
  cell.colSpan = 5;
  return cell;
}

function showIncident(incident) {
  byId("incident").hidden = !incident?.available;
  if (byId("incident").hidden) return;
  byId("incident-start").disabled = incident.active;
  setText(byId("incident-start"), incident.active ? "Incident running" : "Start an incident");
  setText(byId("incident-text"), incident.text);
}

async function startIncident() {
  byId("incident-start").disabled = true;
  try {
    const answer = await fetch("api/incident", { method: "POST" });
    const { text } = await answer.json();
    setText(byId("incident-text"), text);
    setText(byId("announce"), text);
  } catch {
    setText(byId("announce"), "The incident could not be started: the service does not answer.");
  }
}

prepareRecords();
byId("incident-start").addEventListener("click", startIncident);
addEventListener("hashchange", () => view.state && refresh());
NARROW.addEventListener("change", () => view.state && refresh());
poll();
