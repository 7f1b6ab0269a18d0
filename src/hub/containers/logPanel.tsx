import type { TranslationBundle } from '@jupyterlab/translation';
import { memo } from 'react';

import { parseAnsi } from '../../ui/ansi';
import { Failure } from '../../ui/errorBox';
import type { ILogLine } from '../../api/models';
import { useFollow } from '../../ui/useFollow';
import { useSignal } from '../../ui/useSignal';
import type { LogsModel } from './logs';

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

/** A container's log as it grows; it follows the end until one scrolls back. */
export function LogPanel(props: {
  model: LogsModel;
  label: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, label, trans } = props;
  useSignal(model.changed);
  const newest = model.lines[model.lines.length - 1];
  const { scroller, follows, setFollows, onScroll } =
    useFollow<HTMLDivElement>(newest);
  return (
    <div className="jp-mlws-LogPanel">
      <div className="jp-mlws-LogPanel-head">
        <label>
          <input
            type="checkbox"
            checked={follows}
            onChange={event => setFollows(event.target.checked)}
          />
          {trans.__('Follow')}
        </label>
        {!model.connected && !model.loading && (
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
        {model.error && <Failure error={model.error} trans={trans} />}
        {model.lines.length === 0 && !model.error && (
          <p className="jp-mlws-Hint">
            {model.loading ? trans.__('Loading…') : trans.__('No output yet.')}
          </p>
        )}
        {model.lines.map(line => (
          <Line key={line.seq} line={line} />
        ))}
      </div>
    </div>
  );
}
