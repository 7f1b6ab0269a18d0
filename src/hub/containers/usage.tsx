import { cores, memorySize } from '../../ui/format';
import type { IContainer } from '../../api/models';
import { trans } from '../../ui/locale';
import { Meter } from './meter';
import { limitsOf } from './order';

interface IProps {
  container: IContainer;
}

/** Processor now, against the limit. */
export function CpuMeter(props: IProps): JSX.Element {
  const { container } = props;
  const limit = limitsOf(container).cpu;
  const of = limit === null ? container.resources.cpu : cores(limit);
  const used = container.usage?.cpu ?? null;
  return (
    <Meter
      label={trans.__('CPU')}
      text={used === null ? of : trans.__('%1 of %2', cores(used), of)}
      used={used ?? 0}
      limit={limit}
    />
  );
}

/** Memory now, against the limit. */
export function MemoryMeter(props: IProps): JSX.Element {
  const { container } = props;
  const limit = limitsOf(container).memory;
  const of = limit === null ? container.resources.memory : memorySize(limit);
  const used = container.usage?.memory ?? null;
  return (
    <Meter
      label={trans.__('Memory')}
      text={used === null ? of : trans.__('%1 of %2', memorySize(used), of)}
      used={used ?? 0}
      limit={limit}
      warns={true}
    />
  );
}
