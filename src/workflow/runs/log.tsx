import { Clipboard } from '@jupyterlab/apputils';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import type { ILog } from '../../api/models';
import { useFollow } from '../../ui/useFollow';
import { AnsiLog, type IAnsiSpan } from '../../ui/ansi';
import { Button, Check, Empty, SearchField } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { useCanvas } from '../context';
import { usePreferences } from '../hooks';
import { findIn, markSpans, MAX_MATCHES } from './logSearch';

/** Output that arrives within this is drawn together, in milliseconds. */
const RENDER_DELAY = 50;

/** The output of a node in the shown run, followed to its end. */
export function LogView(props: {
  node: string;
  status: string | undefined;
}): JSX.Element {
  const { model } = useCanvas();
  const { node, status } = props;
  // A node that was added since is not in the run.
  const run =
    status === undefined ? null : (model.runs.current.run?.id ?? null);
  const { spans, error } = useLog(run, node, status);
  const plain = useMemo(() => spans.map(span => span.text).join(''), [spans]);
  const search = useSearch(plain);
  const { words, current } = search;
  const parts = useMemo(
    () => markSpans(spans, search.places, search.words.length),
    [spans, search.places, search.words]
  );
  const { scroller, follows, setFollows, onScroll } =
    useFollow<HTMLPreElement>(spans);
  useLayoutEffect(() => {
    if (words !== '' && current >= 0) {
      const mark = scroller.current?.querySelector('mark.jp-mod-current');
      mark?.scrollIntoView({ block: 'center' });
    }
  }, [current, words, scroller]);

  if (run === null) {
    return (
      <Empty>{trans.__("Run the workflow to see this node's log.")}</Empty>
    );
  }
  return (
    <>
      {error && <Empty>{error}</Empty>}
      {!error && plain === '' && (
        <Empty>
          {status === 'CACHED'
            ? trans.__('Not run: results were cached.')
            : trans.__('No output yet.')}
        </Empty>
      )}
      {plain !== '' && (
        <LogBar
          search={search}
          isFollowing={follows}
          onFollow={setFollows}
          text={plain}
        />
      )}
      <pre
        className="jp-mlws-Log"
        ref={scroller}
        tabIndex={0}
        aria-label={trans.__('Log of %1', node)}
        onScroll={onScroll}
      >
        {parts.map(({ text: part, styles, match }, index) => {
          const names = styles.map(one => `jp-mlws-ansi-${one}`).join(' ');
          return match === null ? (
            <span key={index} className={names}>
              {part}
            </span>
          ) : (
            <mark
              key={index}
              className={match === search.current ? 'jp-mod-current' : ''}
            >
              {part}
            </mark>
          );
        })}
      </pre>
    </>
  );
}

interface ISearch {
  words: string;
  places: number[];
  /** Index of the current match. */
  current: number;
  setWords: (words: string) => void;
  step: (by: number) => void;
}

function useSearch(text: string): ISearch {
  const [words, setWords] = useState('');
  const [index, setIndex] = useState(0);
  const places = useMemo(() => findIn(text, words), [text, words]);
  const count = places.length;
  const current = Math.min(index, Math.max(0, count - 1));
  return {
    words,
    places,
    current,
    setWords: next => {
      setWords(next);
      setIndex(0);
    },
    step: by => setIndex(count > 0 ? (current + by + count) % count : 0)
  };
}

/** Searches, follows and copies a log. */
function LogBar(props: {
  search: ISearch;
  isFollowing: boolean;
  onFollow: (isFollowing: boolean) => void;
  text: string;
}): JSX.Element {
  const { search, isFollowing, onFollow, text } = props;
  const { words, places, current } = search;
  const [isCopied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [text]);
  const count =
    places.length === MAX_MATCHES ? `${MAX_MATCHES}+` : String(places.length);
  return (
    <div className="jp-mlws-LogBar" role="search">
      <SearchField
        label={trans.__('Search log')}
        placeholder={trans.__('Search')}
        value={words}
        onChange={search.setWords}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            search.step(event.shiftKey ? -1 : 1);
          } else if (event.key === 'Escape') {
            search.setWords('');
          }
        }}
      />
      <span className="jp-mlws-LogBar-count" role="status">
        {words === ''
          ? ''
          : places.length === 0
            ? trans.__('No results')
            : trans.__('%1 of %2', current + 1, count)}
      </span>
      <Button
        aria-label={trans.__('Previous')}
        title={trans.__('Previous')}
        disabled={places.length === 0}
        onClick={() => search.step(-1)}
      >
        ↑
      </Button>
      <Button
        aria-label={trans.__('Next')}
        title={trans.__('Next')}
        disabled={places.length === 0}
        onClick={() => search.step(1)}
      >
        ↓
      </Button>
      <Check checked={isFollowing} onChange={onFollow}>
        {trans.__('Follow')}
      </Check>
      <Button
        onClick={() => {
          Clipboard.copyToSystem(text);
          setCopied(true);
        }}
      >
        {isCopied ? trans.__('Copied') : trans.__('Copy')}
      </Button>
    </div>
  );
}

/** The log of a node: read when its state changes, and followed while it runs. */
function useLog(
  run: string | null,
  node: string,
  status: string | undefined
): { spans: readonly IAnsiSpan[]; error: string | null } {
  const { model } = useCanvas();
  const [spans, setSpans] = useState<readonly IAnsiSpan[]>([]);
  const [error, setError] = useState<string | null>(null);
  const { maxLogLength } = usePreferences();
  const read = useRef({ log: new AnsiLog(maxLogLength), size: 0 });

  useEffect(() => {
    read.current = { log: new AnsiLog(maxLogLength), size: 0 };
    setSpans([]);
    setError(null);
  }, [run, node, maxLogLength]);

  useEffect(() => {
    const { service } = model.server;
    if (run === null || !service || status === undefined) {
      return;
    }
    const { current } = read;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const append = (text: string, size: number): void => {
      current.size = size;
      current.log.append(text);
      timer ??= setTimeout(() => {
        timer = undefined;
        setSpans(current.log.spans);
      }, RENDER_DELAY);
    };
    if (status === 'RUNNING') {
      const events = service.output(run, node, current.size);
      events.message.connect((_, event) => {
        if (event.type === 'output') {
          append(event.text, event.seq);
        } else if (event.type === 'reset') {
          // The log was truncated: the next lines belong to its end.
          current.log = new AnsiLog(maxLogLength);
          append('', event.seq);
        }
      });
      return () => {
        clearTimeout(timer);
        events.dispose();
      };
    }
    let isStale = false;
    const readAll = async (): Promise<void> => {
      let part: ILog;
      do {
        part = await service.log(run, node, current.size);
        if (isStale) {
          return;
        }
        append(part.text, part.size);
      } while (part.text !== '' && !part.complete);
    };
    readAll().catch(
      reason => !isStale && setError(String(reason.message ?? reason))
    );
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [model, run, node, status, maxLogLength]);
  return { spans, error };
}
