import type { TranslationBundle } from '@jupyterlab/translation';

import { cores, memorySize } from '../../ui/format';
import type { IContainer } from '../../api/models';
import { Meter } from './meter';
import { limitsOf } from './order';

interface IProps {
  container: IContainer;
  language: string;
  trans: TranslationBundle;
}

/** Processor now, against the limit. */
export function CpuMeter(props: IProps): JSX.Element {
  const { container, language, trans } = props;
  const limit = limitsOf(container).cpu;
  const of = limit === null ? container.resources.cpu : cores(limit, language);
  const used = container.usage?.cpu ?? null;
  return (
    <Meter
      label={trans.__('CPU')}
      text={
        used === null ? of : trans.__('%1 of %2', cores(used, language), of)
      }
      used={used ?? 0}
      limit={limit}
    />
  );
}

/** Memory now, against the limit. */
export function MemoryMeter(props: IProps): JSX.Element {
  const { container, language, trans } = props;
  const limit = limitsOf(container).memory;
  const of =
    limit === null ? container.resources.memory : memorySize(limit, language);
  const used = container.usage?.memory ?? null;
  return (
    <Meter
      label={trans.__('Memory')}
      text={
        used === null
          ? of
          : trans.__('%1 of %2', memorySize(used, language), of)
      }
      used={used ?? 0}
      limit={limit}
      warns={true}
    />
  );
}
