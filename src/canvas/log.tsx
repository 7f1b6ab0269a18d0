import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import { parseAnsi } from './ansi';
import { useCanvas } from './hooks';
import { FINAL } from './runs';
import { VariantChoice } from './variantChoice';

/** Between two looks at the log of a running node, in milliseconds. */
const PAUSE = 800;
/** Of a longer log the end is shown. */
const LONGEST = 500_000;

/** The output of a node in the newest run, followed to its end. */
export function LogView(props: { node: string }): JSX.Element {
  return (
    <VariantChoice node={props.node}>
      {(id, status) => <NodeLog node={id} status={status} />}
    </VariantChoice>
  );
}

function NodeLog(props: {
  node: string;
  status: string | undefined;
}): JSX.Element {
  const { model, trans } = useCanvas();
  const { node, status } = props;
  const run = model.runs.run?.id ?? null;
  const { text, error } = useLog(run, node, status);
  const spans = useMemo(() => parseAnsi(text), [text]);
  const scroller = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (scroller.current && isAtEnd.current) {
      scroller.current.scrollTop = scroller.current.scrollHeight;
    }
  }, [spans]);

  if (run === null) {
    return (
      <p className="jp-mlws-Empty">
        {trans.__('Run the workflow to see what this node prints.')}
      </p>
    );
  }
  return (
    <>
      {error && <p className="jp-mlws-Empty">{error}</p>}
      {!error && text === '' && (
        <p className="jp-mlws-Empty">
          {status === 'CACHED'
            ? trans.__('This node did not run: its results were there already.')
            : trans.__('Nothing was printed yet.')}
        </p>
      )}
      <pre
        className="jp-mlws-Log"
        ref={scroller}
        tabIndex={0}
        aria-label={trans.__('Log of %1', node)}
        onScroll={({ currentTarget: at }) => {
          isAtEnd.current =
            at.scrollHeight - at.scrollTop - at.clientHeight < 8;
        }}
      >
        {spans.map(({ text: part, styles }, index) => (
          <span
            key={index}
            className={styles.map(one => `jp-mlws-ansi-${one}`).join(' ')}
          >
            {part}
          </span>
        ))}
      </pre>
    </>
  );
}

function useLog(
  run: string | null,
  node: string,
  status: string | undefined
): { text: string; error: string | null } {
  const { model } = useCanvas();
  const [text, setText] = useState('');
  const [error, setError] = useState<string | null>(null);
  const offset = useRef(0);

  useEffect(() => {
    offset.current = 0;
    setText('');
    setError(null);
  }, [run, node]);

  useEffect(() => {
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isOver = status !== undefined && FINAL.has(status);
    const read = async (): Promise<void> => {
      if (run === null || !model.service || status === undefined) {
        return;
      }
      const log = await model.service.log(run, node, offset.current);
      if (isGone) {
        return;
      }
      offset.current = log.size;
      if (log.text !== '') {
        setText(before => (before + log.text).slice(-LONGEST));
      }
      if (log.text !== '' && !log.complete) {
        await read();
      } else if (!isOver) {
        timer = setTimeout(follow, PAUSE);
      }
    };
    const follow = (): void => {
      read().catch(
        reason => !isGone && setError(String(reason.message ?? reason))
      );
    };
    follow();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [model, run, node, status]);
  return { text, error };
}
