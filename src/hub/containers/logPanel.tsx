import { memo } from 'react';

import type { MLWSClient } from '../../api/client';
import type { Data, ILogLine } from '../../api/models';
import { parseAnsi } from '../../ui/ansi';
import { Check } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { Failures, ServerView, useGet } from '../../ui/server';
import { useFollow } from '../../ui/useFollow';
import { useLog } from '../../ui/useLog';

/** Of a longer log the end is kept. */
const LONGEST = 2000;
const NOTHING: readonly ILogLine[] = [];

const Line = memo(({ line }: { line: ILogLine }) => (
  <div className="jp-mlws-LogLine" data-mlws-stream={line.stream}>
    {parseAnsi(line.text).map(({ text, styles }, index) => (
      <span
        key={index}
        className={styles.map(one => `jp-mlws-ansi-${one}`).join(' ')}
      >
        {text}
      </span>
    ))}
  </div>
));
Line.displayName = 'Line';

const follow = (
  lines: readonly ILogLine[],
  event: Data<'get', '/logs/{log}'>
) =>
  // "reset": the container was started anew, its lines are counted from the first again.
  event.type === 'reset'
    ? []
    : event.type === 'log'
      ? [...lines, event]
      : lines;

/** A container's log as it grows; it follows the end until one scrolls back. */
export function LogPanel(props: {
  client: MLWSClient;
  /** Of the container. */
  id: string;
  label: string;
}): JSX.Element {
  const { client, id, label } = props;
  const path = encodeURIComponent(id);
  // Its end, since the stream would begin a long log from its beginning.
  const end = useGet(
    client,
    `/containers/${path}/logs`,
    { tail: LONGEST },
    // What comes after it is the stream's.
    { staleTime: 'static', gcTime: 0 }
  );
  const { lines, connected } = useLog(
    client,
    end.data?.lines ?? (end.error ? NOTHING : undefined),
    `/logs/${path}`,
    { since: 0 },
    follow,
    LONGEST
  );
  const isLoading = end.data === undefined && !end.error;
  const { scroller, follows, setFollows, onScroll } =
    useFollow<HTMLDivElement>(lines);
  return (
    <div className="jp-mlws-LogPanel">
      <div className="jp-mlws-LogPanel-head">
        <Check checked={follows} onChange={setFollows}>
          {trans.__('Follow')}
        </Check>
        {!connected && !isLoading && (
          <span className="jp-mlws-Lost" role="status">
            {trans.__('Reconnecting…')}
          </span>
        )}
      </div>
      <div
        ref={scroller}
        className="jp-mlws-LogLines"
        role="log"
        aria-label={label}
        tabIndex={0}
        onScroll={onScroll}
      >
        <Failures of={[end]} />
        {lines.length === 0 && !end.error && (
          <p className="jp-mlws-Hint">
            {isLoading ? trans.__('Loading…') : trans.__('No output yet.')}
          </p>
        )}
        {lines.map(line => (
          <Line key={line.seq} line={line} />
        ))}
      </div>
    </div>
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
    () => <LogPanel client={client} id={id} label={label} />,
    { label, className: 'jp-mlws-LogsView', help: 'reference-logs' }
  );
}
