import { Meter } from '../containers/meter';
import { Hint } from '../../ui/controls';
import { cores, memorySize } from '../../ui/format';
import type { IAmount, IDisk, IMachine } from '../../api/models';
import { trans } from '../../ui/locale';

/** Used part of a disk; in red once less than the reserve is free. */
export function DiskMeter({ disk }: { disk: IDisk }): JSX.Element {
  const { total, free, reserve } = disk;
  return (
    <>
      <Meter
        label={trans.__('Disk')}
        text={trans.__(
          '%1 free of %2, %3 reserved',
          memorySize(free),
          memorySize(total),
          memorySize(reserve)
        )}
        used={total - free}
        limit={total}
        warns={true}
      />
      {disk.is_low && (
        <p className="jp-mlws-Note jp-mod-error" role="alert">
          {trans.__(
            'Less than the reserve is free. No container starts until space is freed.'
          )}
        </p>
      )}
    </>
  );
}

function Machine(props: { machine: IMachine }): JSX.Element {
  const { machine } = props;
  const { capacity, allocated, used } = machine;
  const writers: Record<keyof IAmount, (value: number) => string> = {
    cpu: value => cores(value),
    memory: value => memorySize(value),
    gpu: String
  };
  const meter = (kind: keyof IAmount, label: string) => (
    <Meter
      label={label}
      text={trans.__(
        '%1 used, %2 allocated, %3 total',
        ...[used, allocated, capacity].map(amount =>
          writers[kind](amount[kind])
        )
      )}
      used={used[kind]}
      promised={allocated[kind]}
      limit={capacity[kind]}
      warns={kind === 'memory'}
    />
  );
  return (
    <li className="jp-mlws-Node" data-mlws-node={machine.name}>
      <h3>
        {machine.name}
        <span className="jp-mlws-Hint">
          {trans._n('%1 container', '%1 containers', machine.containers)}
        </span>
      </h3>
      <p className="jp-mlws-Hint">
        {machine.load === null
          ? trans.__('%1 real cores', cores(machine.cores))
          : trans.__(
              '%1 real cores, load %2',
              cores(machine.cores),
              machine.load.toFixed(1)
            )}
      </p>
      {meter('cpu', trans.__('CPU'))}
      {meter('memory', trans.__('Memory'))}
      {capacity.gpu > 0 && meter('gpu', trans.__('GPU'))}
      {machine.disk && <DiskMeter disk={machine.disk} />}
    </li>
  );
}

/** Machines with their capacity, allocation and usage. */
export function Machines(props: {
  machines: readonly IMachine[];
}): JSX.Element {
  const { machines } = props;
  return (
    <section aria-labelledby="mlws-machines">
      <h2 id="mlws-machines">{trans.__('Machines')}</h2>
      {machines.length === 0 && <Hint>{trans.__('No machines yet.')}</Hint>}
      <ul className="jp-mlws-Nodes">
        {machines.map(machine => (
          <Machine key={machine.name} machine={machine} />
        ))}
      </ul>
    </section>
  );
}
