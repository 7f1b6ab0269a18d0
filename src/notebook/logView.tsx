import type { TranslationBundle } from '@jupyterlab/translation';

import { parseAnsi } from '../ui/ansi';
import { fullTime } from '../ui/format';
import { LiveView } from '../ui/liveView';
import { useFollow } from '../ui/useFollow';
import type { LogModel } from './log';

/** The server's log in the main area: filtered, followed, downloaded. */
export class LogView extends LiveView<LogModel> {
  constructor(
    model: LogModel,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.addClass('jp-mlws-ServerLog');
  }

  protected body(): JSX.Element {
    return (
      <Log model={this.model} language={this._language} trans={this.trans} />
    );
  }
}

function Log(props: {
  model: LogModel;
  language: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, language, trans } = props;
  const { filter, lines } = model;
  const { scroller, follows, setFollows, onScroll } =
    useFollow<HTMLDivElement>(lines);
  const sources: Record<string, string> = {
    '': trans.__('All sources'),
    server: trans.__('Server'),
    kernel: trans.__('Kernels'),
    execution: trans.__('Executions'),
    node: trans.__('Workflow nodes'),
    container: trans.__('Container')
  };
  const levels = {
    '': trans.__('All levels'),
    info: trans.__('Info and above'),
    warning: trans.__('Warnings and above'),
    error: trans.__('Errors only')
  };
  return (
    <div className="jp-mlws-LogPanel">
      <div className="jp-mlws-LogPanel-head">
        <select
          aria-label={trans.__('Source')}
          value={filter.source}
          onChange={event => {
            model.filter = { ...filter, source: event.target.value };
          }}
        >
          {Object.entries(sources).map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
        <select
          aria-label={trans.__('Level')}
          value={filter.level}
          onChange={event => {
            model.filter = { ...filter, level: event.target.value };
          }}
        >
          {Object.entries(levels).map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
        <form
          role="search"
          onSubmit={event => {
            event.preventDefault();
            const q = new FormData(event.currentTarget).get('q');
            model.filter = { ...filter, q: String(q ?? '').trim() };
          }}
        >
          <input
            type="search"
            name="q"
            className="jp-mlws-Search"
            defaultValue={filter.q}
            placeholder={trans.__('Search (press Enter)')}
            aria-label={trans.__('Search the log')}
          />
        </form>
        <label>
          <input
            type="checkbox"
            checked={follows}
            onChange={event => setFollows(event.target.checked)}
          />
          {trans.__('Follow')}
        </label>
        <a className="jp-mlws-Link" href={model.download} download="">
          {trans.__('Download')}
        </a>
        {!model.connected && (
          <span className="jp-mlws-Lost" role="status">
            {trans.__('Reconnecting…')}
          </span>
        )}
      </div>
      <div
        ref={scroller}
        className="jp-mlws-LogLines"
        role="log"
        aria-label={trans.__('Server log')}
        tabIndex={0}
        onScroll={onScroll}
      >
        {lines.length === 0 && (
          <p className="jp-mlws-Hint">{trans.__('No matching log entries.')}</p>
        )}
        {lines.map(line => (
          <div
            key={line.seq}
            className="jp-mlws-LogLine"
            data-mlws-level={line.level}
          >
            <time dateTime={line.time}>{fullTime(line.time, language)}</time>{' '}
            <span className="jp-mlws-LogLine-source">
              {sources[line.source]}
            </span>{' '}
            {parseAnsi(line.message).map(({ text, styles }, index) => (
              <span
                key={index}
                className={styles.map(one => `jp-mlws-ansi-${one}`).join(' ')}
              >
                {text}
              </span>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}
