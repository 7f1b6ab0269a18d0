import type { ReactNode } from 'react';

import { parseAnsi } from './ansi';
import { Check, Hint } from './controls';
import { trans } from './locale';
import { useFollow } from './useFollow';

/** Text in the colors of its escape sequences. */
export function AnsiText(props: { text: string }): JSX.Element {
  return (
    <>
      {parseAnsi(props.text).map(({ text, styles }, index) => (
        <span
          key={index}
          className={styles.map(one => `jp-mlws-ansi-${one}`).join(' ')}
        >
          {text}
        </span>
      ))}
    </>
  );
}

/** Lines of a growing log; follows the end until the user scrolls back. */
export function LogPanel<L>(props: {
  label: string;
  lines: readonly L[];
  isLost: boolean;
  /** Controls on both sides of the check box “Follow”. */
  before?: ReactNode;
  after?: ReactNode;
  /** Replaces the lines if there are none; null for nothing. */
  empty: string | null;
  error?: ReactNode;
  line: (line: L) => ReactNode;
}): JSX.Element {
  const { lines, empty } = props;
  const { scroller, follows, setFollows, onScroll } =
    useFollow<HTMLDivElement>(lines);
  return (
    <div className="jp-mlws-LogPanel">
      <div className="jp-mlws-LogPanel-head">
        {props.before}
        <Check checked={follows} onChange={setFollows}>
          {trans.__('Follow')}
        </Check>
        {props.after}
        {props.isLost && (
          <span className="jp-mlws-Lost" role="status">
            {trans.__('Reconnecting…')}
          </span>
        )}
      </div>
      <div
        ref={scroller}
        className="jp-mlws-LogLines"
        role="log"
        aria-label={props.label}
        tabIndex={0}
        onScroll={onScroll}
      >
        {props.error}
        {lines.length === 0 && empty !== null && <Hint>{empty}</Hint>}
        {lines.map(props.line)}
      </div>
    </div>
  );
}
