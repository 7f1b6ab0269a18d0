import type { IBudgetUse } from '../../api/models';
import { numberText } from '../../ui/format';
import { trans } from '../../ui/locale';
import { Meter } from './meter';

type BudgetMeter = IBudgetUse['meter'];

export const METERS: readonly BudgetMeter[] = [
  'core_hours',
  'memory_gib_hours',
  'gpu_hours'
];

/** What a budget counts, in words. */
export function meterLabel(meter: BudgetMeter): string {
  const labels: Record<BudgetMeter, () => string> = {
    core_hours: () => trans.__('Core-hours'),
    memory_gib_hours: () => trans.__('Memory GiB-hours'),
    gpu_hours: () => trans.__('GPU-hours')
  };
  return labels[meter]();
}

/** A number of hours with two decimals at most. */
export const hoursText = (hours: number): string =>
  numberText(Math.round(hours * 100) / 100);

/** What is used of a budget in this month; `owner`: the user whose view it is in. */
export function BudgetMeterRow(props: {
  budget: IBudgetUse;
  owner: string;
}): JSX.Element {
  const { budget, owner } = props;
  const label = meterLabel(budget.meter);
  const [used, most] = [hoursText(budget.used), hoursText(budget.hours)];
  return (
    <Meter
      label={
        budget.kind === 'group' && budget.name !== owner
          ? `${label} (${budget.name})`
          : label
      }
      text={
        budget.hard
          ? trans.__('%1 of %2 (hard)', used, most)
          : trans.__('%1 of %2 (soft)', used, most)
      }
      used={budget.used}
      limit={budget.hours}
      warns={true}
    />
  );
}
