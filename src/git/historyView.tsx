import {
  Button,
  caretDownIcon,
  caretRightIcon,
  copyIcon,
  ellipsesIcon,
  filterIcon,
  InputGroup,
  undoIcon
} from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useState, type CSSProperties, type MouseEvent } from 'react';

import { APIError } from '../api/client';
import { GraphCell, graphWidth } from './commitGraph';
import type { IGraphRow } from './lanes';
import { Failure } from '../ui/errorBox';
import { fileSize, fullTime, relativeTime } from '../ui/format';
import { LiveView } from '../ui/liveView';
import { LongList } from '../ui/virtualList';
import type {
  ISnapshot,
  ISnapshotChange,
  ISnapshotDetail
} from '../api/models';
import type { HistoryModel } from './history';
import { compareIcon, dataIcon, kindIcons } from '../ui/fileIcons';
import { ProofBadges } from './snapshotParts';
import { told } from '../lab/notify';
import { stateLetters, stateWord } from './labels';

/** What the person can do with a snapshot. */
export interface ISnapshotActions {
  restore(snapshot: ISnapshot): void;
  compare(snapshot: ISnapshot): void;
  copyId(snapshot: ISnapshot): void;
  /** Looks at every object of it. */
  verify(snapshot: ISnapshot): void;
  openChange(snapshot: ISnapshot, change: ISnapshotChange): void;
}

interface ISnapshotProps {
  snapshot: ISnapshot;
  row: IGraphRow | null;
  detail: ISnapshotDetail | APIError | null | undefined;
  actions: ISnapshotActions;
  language: string;
  trans: TranslationBundle;
  onToggle: (id: string) => void;
}

function Counts(props: {
  snapshot: ISnapshot;
  trans: TranslationBundle;
}): JSX.Element {
  const { trans } = props;
  const { stats, runs } = props.snapshot;
  const counts = [
    stats.code > 0 && trans._n('%1 code file', '%1 code files', stats.code),
    stats.notebook > 0 &&
      trans._n('%1 notebook', '%1 notebooks', stats.notebook),
    stats.data > 0 && trans._n('%1 data file', '%1 data files', stats.data),
    runs.length > 0 && trans._n('%1 run', '%1 runs', runs.length)
  ];
  const text = counts.filter(Boolean).join(' · ');
  return (
    <span className="jp-mlws-Snapshot-counts" title={text}>
      {text}
    </span>
  );
}

/** Opens what the right button opens, for those who do not know of it. */
function openContextMenu(event: MouseEvent<HTMLElement>): void {
  const { left, bottom } = event.currentTarget.getBoundingClientRect();
  event.currentTarget.dispatchEvent(
    new window.MouseEvent('contextmenu', {
      bubbles: true,
      cancelable: true,
      clientX: left,
      clientY: bottom
    })
  );
}

function SnapshotActions(props: ISnapshotProps): JSX.Element {
  const { snapshot, actions, trans } = props;
  return (
    <div className="jp-mlws-Snapshot-actions">
      <button
        className="jp-mlws-RestoreButton jp-mlws-IconButton"
        title={trans.__('Restore…')}
        aria-label={trans.__('Restore “%1”…', snapshot.subject)}
        onClick={() => actions.restore(snapshot)}
      >
        <undoIcon.react tag="span" width="16px" />
      </button>
      <button
        className="jp-mlws-IconButton"
        title={trans.__('Compare with Current')}
        aria-label={trans.__('Compare “%1” with current', snapshot.subject)}
        onClick={() => actions.compare(snapshot)}
      >
        <compareIcon.react tag="span" width="16px" />
      </button>
      <button
        className="jp-mlws-IconButton"
        title={trans.__('Copy ID')}
        aria-label={trans.__('Copy ID of “%1”', snapshot.subject)}
        onClick={() => actions.copyId(snapshot)}
      >
        <copyIcon.react tag="span" width="16px" />
      </button>
      <button
        className="jp-mlws-MoreButton jp-mlws-IconButton"
        title={trans.__('More…')}
        aria-label={trans.__('More actions for “%1”', snapshot.subject)}
        aria-haspopup="menu"
        onClick={openContextMenu}
      >
        <ellipsesIcon.react tag="span" width="16px" />
      </button>
    </div>
  );
}

/** What a message says below its subject, without the trailers that name runs. */
function messageBody(message: string): string {
  const lines = message.split('\n').slice(1);
  return lines
    .filter(line => !line.startsWith('Mlws-'))
    .join('\n')
    .trim();
}

function Detail(
  props: ISnapshotProps & { detail: ISnapshotDetail }
): JSX.Element {
  const { snapshot, detail, actions, language, trans } = props;
  const body = messageBody(detail.message);
  return (
    <div className="jp-mlws-Snapshot-detail">
      {body && <p className="jp-mlws-Snapshot-body">{body}</p>}
      <ProofBadges proof={detail.proof} trans={trans} />{' '}
      <Button
        small={true}
        minimal={true}
        onClick={() => actions.verify(snapshot)}
      >
        {trans.__('Verify')}
      </Button>
      <ul>
        {detail.changes.map(change => {
          const Icon = kindIcons[change.kind].react;
          return (
            <li key={change.path}>
              <button
                className="jp-mlws-Row"
                title={`${change.path}: ${stateWord(change.state, trans)}`}
                onClick={() => actions.openChange(snapshot, change)}
              >
                <Icon tag="span" className="jp-mlws-Row-icon" width="16px" />
                <span className="jp-mlws-Row-name">{change.path}</span>
                <span
                  className="jp-mlws-ChangeState"
                  data-mlws-state={change.state}
                >
                  {stateLetters[change.state]}
                </span>
              </button>
            </li>
          );
        })}
        {detail.data.map(data => (
          <li
            key={`data ${data.path}`}
            className="jp-mlws-Row"
            title={data.md5 ?? undefined}
          >
            <dataIcon.react
              tag="span"
              className="jp-mlws-Row-icon"
              width="16px"
            />
            <span className="jp-mlws-Row-name">{data.path}</span>
            <span className="jp-mlws-Row-folder">
              {data.size === null ? '' : fileSize(data.size, language)}
            </span>
          </li>
        ))}
        {detail.runs.map(run => (
          <li key={`run ${run}`} className="jp-mlws-Row">
            <span className="jp-mlws-Row-name">{trans.__('Run %1', run)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function SnapshotItem(props: ISnapshotProps): JSX.Element {
  const { snapshot, row, detail, language, trans } = props;
  const open = detail !== undefined;
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <div
      className={`jp-mlws-Snapshot${snapshot.current ? ' jp-mod-current' : ''}`}
      data-mlws-snapshot={snapshot.id}
    >
      {row && <GraphCell row={row} current={snapshot.current} />}
      <button
        className="jp-mlws-Snapshot-head"
        data-mlws-row
        aria-expanded={open}
        onClick={() => props.onToggle(snapshot.id)}
      >
        <Caret.react tag="span" className="jp-mlws-Row-icon" width="16px" />
        <span className="jp-mlws-Snapshot-text">
          <span className="jp-mlws-Snapshot-subject">{snapshot.subject}</span>
          <span className="jp-mlws-Snapshot-facts">
            {snapshot.current && (
              <span className="jp-mlws-Badge jp-mlws-Current">
                {trans.__('current')}
              </span>
            )}
            {snapshot.refs.map(ref => (
              <span key={ref} className="jp-mlws-Badge">
                {ref}
              </span>
            ))}
            {snapshot.parents.length > 1 && (
              <span className="jp-mlws-Badge">{trans.__('merge')}</span>
            )}
            <code>{snapshot.short}</code>
            <span title={fullTime(snapshot.timestamp, language)}>
              {relativeTime(snapshot.timestamp, language)}
            </span>
            <span title={snapshot.author.email}>{snapshot.author.name}</span>
            <Counts snapshot={snapshot} trans={trans} />
          </span>
        </span>
      </button>
      <SnapshotActions {...props} />
      {detail === null && (
        <p className="jp-mlws-Hint">{trans.__('Loading…')}</p>
      )}
      {detail instanceof APIError && <Failure error={detail} trans={trans} />}
      {detail && !(detail instanceof APIError) && (
        <Detail {...props} detail={detail} />
      )}
    </div>
  );
}

/** What history is narrowed to. */
function Filters(props: {
  model: HistoryModel;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, trans } = props;
  const { q, author, path, all } = model.filter;
  const [more, setMore] = useState(false);
  const open = more || author !== '' || path !== '';
  return (
    <div className="jp-mlws-Filters" role="search">
      <span className="jp-mlws-Filters-row">
        <InputGroup
          className="jp-mlws-Filter"
          type="search"
          aria-label={trans.__('Filter snapshots')}
          placeholder={trans.__('Filter by message')}
          rightIcon="ui-components:search"
          value={q}
          onChange={event => model.narrow({ q: event.target.value })}
        />
        <button
          type="button"
          className="jp-mlws-FilterButton jp-mlws-IconButton"
          title={trans.__('Filter by author and file')}
          aria-label={trans.__('Filter by author and file')}
          aria-expanded={open}
          onClick={() => setMore(!more)}
        >
          <filterIcon.react tag="span" width="16px" />
        </button>
      </span>
      {open && (
        <>
          <InputGroup
            className="jp-mlws-FilterAuthor"
            type="search"
            aria-label={trans.__('Filter by author')}
            placeholder={trans.__('Author name or email')}
            value={author}
            onChange={event => model.narrow({ author: event.target.value })}
          />
          <InputGroup
            className="jp-mlws-FilterPath"
            type="search"
            aria-label={trans.__('Filter by file')}
            placeholder={trans.__('File or folder path')}
            value={path}
            onChange={event => model.narrow({ path: event.target.value })}
          />
        </>
      )}
      <label className="jp-mlws-AllBranches">
        <input
          type="checkbox"
          checked={all}
          onChange={event => model.narrow({ all: event.target.checked })}
        />
        {trans.__('All branches')}
      </label>
    </div>
  );
}

/** The list of snapshots. */
export class HistoryView extends LiveView<HistoryModel> {
  constructor(
    model: HistoryModel,
    private _actions: ISnapshotActions,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.id = 'jp-mlws-history';
    this.title.label = trans.__('History');
    this.addClass('jp-mlws-Section');
    this.addClass('jp-mlws-History');
  }

  protected body(): JSX.Element {
    const { model, trans } = this;
    const { graph } = model;
    const style = {
      '--jp-mlws-graph': `${graph ? graphWidth(graph) : 0}px`
    } as CSSProperties;
    return (
      <div style={style}>
        <Filters model={model} trans={trans} />
        {model.items.length === 0 && (
          <p className="jp-mlws-Hint">
            {model.isNarrowed
              ? trans.__('No matching snapshots.')
              : trans.__(
                  'No snapshots yet. A snapshot records code, data and runs together. Enter a ' +
                    'message above and commit.'
                )}
          </p>
        )}
        <LongList
          label={trans.__('Snapshots, newest first')}
          scroller={this.node}
          ids={model.items.map(snapshot => snapshot.id)}
          row={index => (
            <SnapshotItem
              snapshot={model.items[index]}
              row={graph?.[index] ?? null}
              detail={model.expanded.get(model.items[index].id)}
              actions={this._actions}
              language={this._language}
              trans={trans}
              onToggle={this._toggle}
            />
          )}
          onEnd={this._more}
        />
        {model.hasMore && (
          <Button small={true} onClick={this._more}>
            {trans.__('Show Older Snapshots')}
          </Button>
        )}
      </div>
    );
  }

  private _toggle = (id: string) => void this.model.toggle(id);
  private _more = () => void told(() => this.model.more());
}
