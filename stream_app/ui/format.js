// Numbers and times in words. An unknown number is a dash, never a zero.

export const UNKNOWN = "–";
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

const SUPERSCRIPTS = { "-": "⁻", ".": "·", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export const known = (x) => x !== null && x !== undefined && Number.isFinite(x);

/** A whole number: 1,234. */
export const count = (x) => (known(x) ? WHOLE.format(x) : UNKNOWN);

/** A rate a second. */
export const rate = (x) => (known(x) ? (x < 10 && x > 0 ? x.toFixed(1) : WHOLE.format(x)) : UNKNOWN);

/** A plain ratio, to three decimals. */
export function ratio(x) {
  if (!known(x)) return UNKNOWN;
  if (x !== 0 && Math.abs(x) < 0.0005) return "<0.001";
  return Math.abs(x) >= 100 ? WHOLE.format(x) : Math.abs(x) >= 10 ? x.toFixed(1) : x.toFixed(3);
}

/** A power of ten, as its exponent is given: 10⁴; past a hundred nobody counts. */
export function power(x) {
  if (!known(x)) return UNKNOWN;
  if (x > 100) return `more than ${power(100)}`;
  const digits = Number(x.toFixed(1)).toString();
  return `10${[...digits].map((digit) => SUPERSCRIPTS[digit]).join("")}`;
}

/** A share in percent. */
export function percent(x) {
  if (!known(x)) return UNKNOWN;
  const p = 100 * x;
  if (p === 0 || p === 100) return `${p} %`;
  if (p < 0.0001) return "<0.0001 %";
  if (p < 0.01) return `${p.toFixed(4)} %`;
  return `${p < 1 ? p.toFixed(2) : p < 99.95 ? p.toFixed(1) : p.toFixed(2)} %`;
}

/** A stretch of time given in seconds. */
export function duration(s) {
  if (!known(s)) return UNKNOWN;
  if (s < 0.001 && s > 0) return "<1 ms";
  if (s < 1) return `${Math.round(1000 * s)} ms`;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}

/** The time of day, with the day when it is not today's. */
export function clock(ms, now_ms = ms) {
  if (!known(ms)) return UNKNOWN;
  const time = CLOCK.format(ms);
  return DAY.format(ms) === DAY.format(now_ms) ? time : `${DAY.format(ms)} ${time}`;
}

/** An estimate's interval: low–high. */
export function interval(estimate, spell = ratio) {
  if (!estimate || !known(estimate.low) || !known(estimate.high)) return "";
  const [low, high] = [spell(estimate.low), spell(estimate.high)];
  for (const unit of [" %", " ms", " s"]) {
    if (low.endsWith(unit) && high.endsWith(unit)) return `${low.slice(0, -unit.length)}–${high}`;
  }
  return `${low}–${high}`;
}

/** One sentence for an estimate, for ears and tooltips. */
export function spoken(name, estimate, spell = ratio) {
  if (!estimate || !known(estimate.value)) return `${name}: not known yet`;
  const range = known(estimate.low) ? `, 95 % interval ${spell(estimate.low)} to ${spell(estimate.high)}` : "";
  return `${name} ${spell(estimate.value)}${range}, from ${count(estimate.n)} records`;
}

/** The names in a list, in words; past four the rest is counted. */
export function list(names) {
  if (names.length > 4) return `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
