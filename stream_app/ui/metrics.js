// What the metrics are called on the page and how their values are spelled.

import { percent, ratio } from "./format.js";

const METRICS = {
  ks: { name: "KS distance", short: "KS", spell: ratio },
  total_variation: { name: "total variation", short: "TV", spell: ratio },
  chi_square: { name: "chi-square", short: "χ²", spell: ratio },
  psi: { name: "population stability index", short: "PSI", spell: ratio },
  null_share: { name: "share of nulls", short: "nulls", spell: percent },
  unseen_share: { name: "share of values never seen in training", short: "unseen", spell: percent },
  drift_correlation: { name: "change of a rank correlation", short: "corr.", spell: ratio },
  drift_classifier: { name: "pairs that a classifier tells apart", short: "told", spell: percent },
  quality_violation: { name: "share of records that break the rule", short: "violations", spell: percent },
};

/** {name, short, spell} of a metric; one the page does not know goes by its own name. */
export const metric = (name) => METRICS[name] ?? { name: name.replaceAll("_", " "), short: name, spell: ratio };
