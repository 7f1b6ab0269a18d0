import { Notification } from '@jupyterlab/apputils';

import { listText, memorySize } from '../../ui/format';
import type { IContainer, IOutOfMemory } from '../../api/models';
import { notifyOnError } from '../../lab/notify';
import { trans } from '../../ui/locale';
import { writeMemory } from './quantities';

/** Part of the containers model that the notice needs. */
interface IResizable {
  /** Maximum memory of a container, in bytes; null if unknown. */
  limit(): Promise<number | null>;
  resize(memory: string): Promise<IContainer>;
}

/** Next larger memory size after `now`; null at the limit. */
function largerMemory(now: number, limit: number | null): number | null {
  const twice = limit === null ? 2 * now : Math.min(2 * now, limit);
  return twice > now ? twice : null;
}

/** Reports a kernel that was killed for lack of memory, with a button for more memory. */
export async function notifyOutOfMemory(
  what: IOutOfMemory,
  container: IResizable
): Promise<void> {
  const limit = memorySize(what.memory_limit);
  const text =
    what.paths.length > 0
      ? trans.__(
          'Out of memory: the kernel of %1 was killed (limit %2). Its variables are ' +
            'lost; other notebooks keep running.',
          listText(what.paths),
          limit
        )
      : trans.__(
          'Out of memory: a process was killed (limit %1). Notebooks keep running.',
          limit
        );
  const more = largerMemory(what.memory_limit, await container.limit());
  const actions: Notification.IAction[] = [];
  if (more !== null) {
    actions.push({
      label: trans.__('Resize to %1', memorySize(more)),
      displayType: 'accent',
      callback: () => void resize(container, more)
    });
  }
  Notification.error(text, { autoClose: false, actions });
}

async function resize(container: IResizable, memory: number): Promise<void> {
  await notifyOnError(async () => {
    await container.resize(writeMemory(memory));
    Notification.success(
      trans.__(
        'The memory limit is now %1. Run the notebook again.',
        memorySize(memory)
      ),
      { autoClose: 10_000 }
    );
  });
}
