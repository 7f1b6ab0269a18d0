import type { MLWSClient } from '../../api/client';
import type { IOutOfMemory, IOwnUsage } from '../../api/models';
import { cores, memorySize } from '../../ui/format';
import { ServerView, useGet } from '../../ui/server';
import { WARNING_SHARE } from './meter';
import { trans } from '../../ui/locale';

function Usage({ client }: { client: MLWSClient }): JSX.Element | null {
  const { data: usage } = useGet(client, '/usage');
  if (!usage) {
    return null;
  }
  const { cpu, cpu_limit, memory, memory_limit } = usage;
  if (memory === null || memory_limit === null) {
    return null;
  }
  const isFull = memory >= WARNING_SHARE * memory_limit;
  const used = memorySize(memory);
  const most = memorySize(memory_limit);
  const parts = [trans.__('Memory %1 of %2', used, most)];
  if (cpu !== null && cpu_limit !== null) {
    const [now, limit] = [cores(cpu), cores(cpu_limit)];
    parts.push(trans.__('CPU %1 of %2', now, limit));
  }
  return (
    <span
      className={`jp-StatusBar-TextItem jp-mlws-UsageStatus${isFull ? ' jp-mod-full' : ''}`}
      title={
        isFull
          ? trans.__(
              'Memory is almost full. Close notebooks or resize the container.'
            )
          : trans.__('Resource usage')
      }
    >
      {parts.join(' · ')}
    </span>
  );
}

/**
 * Memory and processor of this container against their limits, in the status bar.
 *
 * `onOutOfMemory`: a kernel was ended because the memory was used up. `onNotice`: the usage, which
 * may have another notice of the Hub than before.
 */
export function usageStatus(
  client: MLWSClient,
  onOutOfMemory: (event: IOutOfMemory) => void,
  onNotice: (usage: IOwnUsage) => void
): ServerView {
  client.stream('/usage/status').message.connect((_, event) => {
    if (event.type === 'usage') {
      client.queries.setQueryData(['/usage', {}], event);
      onNotice(event);
    } else if (event.type === 'out_of_memory') {
      onOutOfMemory(event);
    } else {
      void client.refresh('/usage');
    }
  });
  return new ServerView(client, () => <Usage client={client} />, {
    id: 'jp-mlws-usage',
    className: 'jp-StatusBar-GroupItem'
  });
}
