import type { IMetricChange } from '../api/models';
import { language, trans } from '../ui/locale';

/** From this p-value on, chance alone could make the difference of two models. */
const SIGNIFICANCE = 0.05;
const FOLDS = 'cross_validation.';

/** "(0.77–0.86)"; empty if the limits are unknown. */
export function intervalText({
  low,
  high
}: {
  low?: number | null;
  high?: number | null;
}): string {
  if (
    low === null ||
    high === null ||
    low === undefined ||
    high === undefined
  ) {
    return '';
  }
  const size = Math.max(Math.abs(low), Math.abs(high));
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const [from, to] = [low, high].map(one =>
    one.toLocaleString(language, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits
    })
  );
  return `(${from}–${to})`;
}

/** A metric as it is shown: the mean of folds says so. */
export function metricLabel(metric: string): string {
  return metric.startsWith(FOLDS)
    ? trans.__('%1 (cross-validation)', metric.slice(FOLDS.length))
    : metric;
}

/** Returns sentences about the statistical certainty of a comparison's scores. */
export function certaintyTexts(certainty: {
  model: string;
  rows?: number | null;
  rivals?: readonly string[] | null;
  repeated?: number | null;
}): string[] {
  const { model, rows, rivals, repeated } = certainty;
  const texts: string[] = [];
  if (rows && rivals && rivals.length > 0) {
    texts.push(
      trans._n(
        '%2 does not differ significantly from %3 on %1 row.',
        '%2 does not differ significantly from %3 on %1 rows.',
        rows,
        model,
        rivals.join(', ')
      )
    );
  }
  if (rows && repeated) {
    texts.push(
      trans._n(
        '%1 of %2 test rows is also a training row: remove it before the split, unless it is a different case.',
        '%1 of %2 test rows are also training rows: remove them before the split, unless they are different cases.',
        repeated,
        rows
      )
    );
  }
  return texts;
}

/** Returns the models of a comparison that do not differ significantly from the best. */
export function rivalsOf(
  changes: readonly IMetricChange[],
  node: string,
  best: string
): string[] {
  return changes.flatMap(({ node: own, model, p_value: p }) =>
    own === node && model !== best && (p ?? 0) >= SIGNIFICANCE ? [model] : []
  );
}
