import { memo } from 'react';
import type { MLWSClient } from '../../api/client';
import type { Data, ILogLine } from '../../api/models';
import { trans } from '../../ui/locale';
import { Failures, ServerView, useGet } from '../../ui/server';
import { useLog } from '../../ui/useLog';
import { AnsiText, LogPanel } from '../../ui/logPanel';

/** Maximum number of lines; older lines are dropped. */
const MAX_LINES = 2000;
const NO_LINES: readonly ILogLine[] = [];

const Line = memo(({ line }: { line: ILogLine }) => (
  <div className="jp-mlws-LogLine" data-mlws-stream={line.stream}>
    <AnsiText text={line.text} />
  </div>
));
Line.displayName = 'Line';

const follow = (
  lines: readonly ILogLine[],
  event: Data<'get', '/logs/{log}'>
) =>
  // "reset": the container was restarted, and its lines count from the start.
  event.type === 'reset'
    ? []
    : event.type === 'log'
      ? [...lines, event]
      : lines;

/** Live log of a container; follows the end until the user scrolls back. */
export function ContainerLog(props: {
  client: MLWSClient;
  /** Of the container. */
  id: string;
  label: string;
}): JSX.Element {
  const { client, id, label } = props;
  const path = encodeURIComponent(id);
  // The stream would send a long log from its start.
  const end = useGet(
    client,
    `/containers/${path}/logs`,
    { tail: MAX_LINES },
    // The stream has the lines after it.
    { staleTime: 'static', gcTime: 0 }
  );
  const { lines, connected } = useLog(
    client,
    end.data?.lines ?? (end.error ? NO_LINES : undefined),
    `/logs/${path}`,
    { since: 0 },
    follow,
    MAX_LINES
  );
  const isLoading = end.data === undefined && !end.error;
  return (
    <LogPanel
      label={label}
      lines={lines}
      isLost={!connected && !isLoading}
      empty={
        end.error
          ? null
          : isLoading
            ? trans.__('Loading…')
            : trans.__('No output yet.')
      }
      error={<Failures of={[end]} />}
      line={line => <Line key={line.seq} line={line} />}
    />
  );
}

/** A container's log in the main area. */
export function logsView(
  client: MLWSClient,
  id: string,
  label: string
): ServerView {
  return new ServerView(
    client,
    () => <ContainerLog client={client} id={id} label={label} />,
    { label, className: 'jp-mlws-LogsView', help: 'reference-logs' }
  );
}
