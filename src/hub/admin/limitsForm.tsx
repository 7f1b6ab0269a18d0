import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import type { IAccount, ILimits } from '../../api/models';
import { Check, Hint } from '../../ui/controls';
import { Form, TextField } from '../../ui/form';
import { trans } from '../../ui/locale';
import { METERS, meterLabel } from '../containers/budgets';

type LimitName = 'cpu' | 'memory' | 'gpu' | 'containers';
type MeterName = (typeof METERS)[number];

interface IValues {
  limits: Record<LimitName, string>;
  hours: Record<MeterName, string>;
  hard: Record<MeterName, boolean>;
}

const LIMITS: readonly LimitName[] = ['cpu', 'memory', 'gpu', 'containers'];
const FIELDS = [...LIMITS, ...METERS];

function valuesOf(limits: ILimits | null): IValues {
  const text = (value: string | number | null | undefined): string =>
    value === null || value === undefined ? '' : String(value);
  const byMeter = <T,>(
    read: (budget: ILimits[MeterName]) => T
  ): Record<MeterName, T> => ({
    core_hours: read(limits?.core_hours),
    memory_gib_hours: read(limits?.memory_gib_hours),
    gpu_hours: read(limits?.gpu_hours)
  });
  return {
    limits: {
      cpu: text(limits?.cpu),
      memory: text(limits?.memory),
      gpu: text(limits?.gpu),
      containers: text(limits?.containers)
    },
    hours: byMeter(budget => text(budget?.hours)),
    hard: byMeter(budget => budget?.hard ?? false)
  };
}

/** The limits for the API: empty fields set none; numbers are checked by the server. */
export function limitsOf(values: IValues): ILimits {
  const text = (value: string): string | null => value.trim() || null;
  // What is no number is refused by the server, which names the field.
  const number = (value: string): number | null =>
    value.trim() === '' ? null : (Number(value) as number);
  const budget = (meter: MeterName): ILimits[MeterName] => {
    const hours = number(values.hours[meter]);
    return hours === null ? null : { hours, hard: values.hard[meter] };
  };
  return {
    cpu: text(values.limits.cpu),
    memory: text(values.limits.memory),
    gpu: text(values.limits.gpu),
    containers: number(values.limits.containers),
    core_hours: budget('core_hours'),
    memory_gib_hours: budget('memory_gib_hours'),
    gpu_hours: budget('gpu_hours')
  };
}

/** The path of the limits of a user or a group. */
export const pathOf = (
  account: IAccount
): '/limits/users/{user}' | '/limits/groups/{group}' =>
  `/limits/${account.kind}s/${encodeURIComponent(account.name)}` as '/limits/users/{user}';

/** Form for the limits of a user or a group. */
export function LimitsForm(props: {
  account: IAccount;
  client: MLWSClient;
  onDone: () => void;
}): JSX.Element {
  const { account, client, onDone } = props;
  const [values, setValues] = useState(() => valuesOf(account.limits));
  const labels: Record<LimitName, [label: string, help: string]> = {
    cpu: [trans.__('CPU cores'), trans.__('Example: 2')],
    memory: [trans.__('Memory'), trans.__('Example: 4Gi')],
    gpu: [trans.__('GPUs'), trans.__('Example: 1')],
    containers: [trans.__('Containers'), trans.__('Example: 3')]
  };
  const send = async (): Promise<void> => {
    await client.put(pathOf(account), limitsOf(values));
    await client.refresh('/users', '/groups');
    onDone();
  };
  return (
    <Form
      className="jp-mlws-LimitsForm"
      label={trans.__('Limits of %1', account.name)}
      fields={FIELDS}
      ok={trans.__('Save')}
      send={send}
      onCancel={onDone}
    >
      {errors => (
        <>
          <Hint>
            {account.kind === 'group'
              ? trans.__(
                  'Limits are for each member; members share the monthly budgets. Empty fields set no limit.'
                )
              : trans.__(
                  'A user’s own limits take precedence over those of groups. Empty fields set no limit.'
                )}
          </Hint>
          <div className="jp-mlws-LimitsForm-fields">
            {LIMITS.map(name => (
              <TextField
                key={name}
                name={name}
                label={labels[name][0]}
                help={labels[name][1]}
                error={errors.get(name)}
                value={values.limits[name]}
                onChange={event =>
                  setValues({
                    ...values,
                    limits: { ...values.limits, [name]: event.target.value }
                  })
                }
              />
            ))}
            {METERS.map(meter => (
              <div key={meter}>
                <TextField
                  name={meter}
                  inputMode="decimal"
                  label={trans.__('%1 a month', meterLabel(meter))}
                  error={errors.get(meter)}
                  value={values.hours[meter]}
                  onChange={event =>
                    setValues({
                      ...values,
                      hours: { ...values.hours, [meter]: event.target.value }
                    })
                  }
                />
                <Check
                  checked={values.hard[meter]}
                  onChange={hard =>
                    setValues({
                      ...values,
                      hard: { ...values.hard, [meter]: hard }
                    })
                  }
                >
                  {trans.__('Stop containers when it is used up')}
                </Check>
              </div>
            ))}
          </div>
        </>
      )}
    </Form>
  );
}
