// Is the stream healthy? One level, one headline that changes only with the answer, one line of evidence.

import { byId, el, setText } from "./dom.js";
import { clock, count, interval, known, list, rate, ratio } from "./format.js";
import { metric } from "./metrics.js";

const SLOW = 0.9;
const BEHIND_S = 10;
const STALE_MS = 30_000;
const GLYPHS = { ok: "●", wait: "○", warn: "◆", alarm: "▲" };

/** {level: "ok"|"wait"|"warn"|"alarm", headline, evidence, column} for a state. */
export function judge(state) {
  const verdicts = [alarmed, waiting, stale, broken, slow, behind, underWay];
  for (const verdict of verdicts) {
    const found = verdict(state);
    if (found !== null) return found;
  }
  return healthy(state);
}

/** Puts the verdict at the top of the page and in the title of the tab. */
export function showVerdict(verdict, name) {
  document.body.dataset.level = verdict.level;
  setText(byId("glyph"), GLYPHS[verdict.level]);
  setText(byId("headline"), verdict.headline);
  const evidence = byId("evidence");
  const link = verdict.column ? `#column=${encodeURIComponent(verdict.column)}` : null;
  if (evidence.dataset.text !== verdict.evidence || evidence.dataset.link !== String(link)) {
    Object.assign(evidence.dataset, { text: verdict.evidence, link: String(link) });
    evidence.replaceChildren(verdict.evidence);
    if (link !== null) evidence.append(" ", el("a", { href: link }, `Look at ${verdict.column}`));
  }
  document.title = `${GLYPHS[verdict.level]} ${verdict.headline} · ${name}`;
}

const openAlarms = (state) => state.alarms.filter((alarm) => alarm.cleared_ms === null);

function alarmed(state) {
  const open = openAlarms(state);
  if (open.length === 0) return null;
  const pages = open.filter((alarm) => alarm.severity === "page");
  const subjects = [...new Set((pages.length > 0 ? pages : open).map((alarm) => alarm.column))];
  const worst = open.reduce((a, b) => ((b.value ?? 0) > (a.value ?? 0) ? b : a));
  const { name, spell } = metric(worst.metric);
  const column = state.columns.some((c) => c.name === worst.column) ? worst.column : null;
  const since = clock(Math.min(...open.map((alarm) => alarm.opened_ms)), state.now_ms);
  const reading = known(worst.value)
    ? `${worst.column}: ${name} ${spell(worst.value)} [${interval(worst, spell)}] ` +
      `on ${count(worst.n)} records.`
    : "";
  const running = state.incident?.active ? " A labelled incident is running." : "";
  const [level, word] = pages.length > 0 ? ["alarm", "Alarm"] : ["warn", "Small change"];
  return { level, headline: `${word}: ${list(subjects)}`, evidence: `Since ${since}. ${reading}${running}`, column };
}

function waiting({ totals, window }) {
  if (totals.published === 0) {
    return { level: "wait", headline: "Waiting for the first record", evidence: "Nothing has been published yet." };
  }
  if (totals.monitored === 0 || !window.n) {
    const evidence = `${count(totals.published)} records published; the first window has not closed yet.`;
    return { level: "wait", headline: "Waiting for the first measurement", evidence };
  }
  return null;
}

function stale({ now_ms, window }) {
  if (now_ms - window.end_ms <= STALE_MS) return null;
  const evidence = `The last window closed at ${clock(window.end_ms, now_ms)}; is anything still being published?`;
  return { level: "warn", headline: "Nothing measured lately", evidence };
}

function broken({ rules }) {
  const found = rules.filter(isBroken);
  if (found.length === 0) return null;
  const worst = found.reduce((a, b) => (b.violations > a.violations ? b : a));
  const evidence = `${worst.text}: broken by ${count(worst.violations)} of ${count(worst.n)} records.`;
  return { level: "warn", headline: found.length === 1 ? "A rule is broken" : `${found.length} rules are broken`, evidence };
}

function slow({ totals, series }) {
  const asked = totals.asked_per_s;
  const settled = series.t_s.length >= 5 && known(totals.published_per_s);
  if (!known(asked) || !settled || totals.published_per_s >= SLOW * asked) return null;
  const evidence = `${rate(totals.published_per_s)} of ${rate(asked)} records/s asked.`;
  return { level: "warn", headline: "Publishing slower than asked", evidence };
}

function behind({ totals }) {
  const waitingRecords = totals.published - totals.monitored;
  const allowed = BEHIND_S * Math.max(totals.published_per_s ?? 0, 1);
  if (waitingRecords <= allowed) return null;
  return { level: "warn", headline: "The monitor is behind", evidence: `${count(waitingRecords)} records are not measured yet.` };
}

function underWay(state) {
  if (!state.incident?.active) return null;
  return { level: "warn", headline: "Incident running, no alarm yet", evidence: state.incident.text };
}

function healthy({ totals, window, columns }) {
  const worst = worstColumn(columns);
  const pace = known(totals.asked_per_s)
    ? `${rate(totals.published_per_s)} of ${rate(totals.asked_per_s)} records/s asked`
    : `${rate(totals.published_per_s)} records/s, as fast as it goes`;
  const over = `no change shown in ${count(columns.length)} columns, ${count(window.n)} records in the window`;
  const most = worst ? `; most: ${worst.name} surely ${ratio(worst.value)}, pages above ${ratio(worst.threshold)}` : "";
  return { level: "ok", headline: "Healthy", evidence: `${pace}; ${over}${most}.`, column: null };
}

/** Whether a rule is broken more often than it may be, beyond chance. */
export const isBroken = ({ violations, rate, tolerated }) => violations > 0 && (tolerated === 0 || rate.low > tolerated);

/** {name, value, threshold} of the column surely nearest to (or furthest past) the size that pages; null while none is known. */
export function worstColumn(columns) {
  const measured = columns
    .map((c) => ({ name: c.name, value: c.metrics[c.primary]?.low, threshold: c.threshold }))
    .filter((c) => known(c.value) && c.threshold > 0);
  if (measured.length === 0) return null;
  return measured.reduce((a, b) => (b.value / b.threshold > a.value / a.threshold ? b : a));
}

/** How much of the asked rate is met, for the figure strip. */
export const met = ({ totals }) =>
  known(totals.published_per_s) && totals.asked_per_s > 0 ? `${Math.round((100 * totals.published_per_s) / totals.asked_per_s)} %` : null;
