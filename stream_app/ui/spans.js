// The stretch of time in view, and what was going on in it.

const LEAST_S = 60;

/** The [first, last] second of the charts: what the series hold, and never less than a minute. */
export function domain({ series, now_ms }) {
  const last = series.t_s.at(-1) ?? now_ms / 1000;
  const first = series.t_s[0] ?? last;
  return [Math.min(first, last - LEAST_S), last];
}

/** Incidents as {from_s, to_s, text}; one that runs still has to_s null. */
export function incidents({ timeline }) {
  const spans = [];
  for (const { at_ms, kind, text } of timeline) {
    if (kind === "incident_started") spans.push({ from_s: at_ms / 1000, to_s: null, text });
    const open = spans.at(-1);
    if (kind === "incident_ended" && open && open.to_s === null) open.to_s = at_ms / 1000;
  }
  return spans;
}

/** Alarms as {from_s, to_s, text}; one that is open has to_s null. */
export function alarmSpans({ alarms }) {
  return alarms.map((alarm) => ({
    from_s: alarm.opened_ms / 1000,
    to_s: alarm.cleared_ms === null ? null : alarm.cleared_ms / 1000,
    text: alarm.column,
  }));
}

/** Commands and what they changed, as {from_s, to_s, text}; each is a moment. */
export function commands({ timeline }) {
  const told = timeline.filter(({ kind }) => kind === "command" || kind === "announced");
  return told.map(({ at_ms, text }) => ({ from_s: at_ms / 1000, to_s: at_ms / 1000, text }));
}

/** The part of a span inside the domain as [from, to] fractions; null when none is. */
export function inside({ from_s, to_s }, [first, last]) {
  const fraction = (t) => (t - first) / (last - first);
  const from = Math.max(0, fraction(from_s));
  const to = Math.min(1, to_s === null ? 1 : fraction(to_s));
  return to < 0 || from > 1 ? null : [from, to];
}
