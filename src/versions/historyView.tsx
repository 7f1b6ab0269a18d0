import {
  Button,
  caretDownIcon,
  caretRightIcon,
  copyIcon,
  InputGroup,
  undoIcon
} from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { APIError } from '../api';
import { Failure } from '../failure';
import { fileSize, fullTime, relativeTime } from '../format';
import { LiveView } from '../liveView';
import type { ISnapshot, ISnapshotChange, ISnapshotDetail } from '../models';
import { Rows } from '../rows';
import type { HistoryModel } from './history';
import { compareIcon, dataIcon, kindIcons } from './icons';
import { ProofBadges } from './proof';
import { stateLetters, stateWord } from './words';

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
  detail: ISnapshotDetail | APIError | null | undefined;
  actions: ISnapshotActions;
  language: string;
  trans: TranslationBundle;
  onToggle: () => void;
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
  return (
    <span className="jp-mlws-Counts">{counts.filter(Boolean).join(' · ')}</span>
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
        title={trans.__('Compare with current')}
        aria-label={trans.__('Compare “%1” with current', snapshot.subject)}
        onClick={() => actions.compare(snapshot)}
      >
        <compareIcon.react tag="span" width="16px" />
      </button>
      <button
        className="jp-mlws-IconButton"
        title={trans.__('Copy id')}
        aria-label={trans.__('Copy id of “%1”', snapshot.subject)}
        onClick={() => actions.copyId(snapshot)}
      >
        <copyIcon.react tag="span" width="16px" />
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
  const { snapshot, detail, language, trans } = props;
  const open = detail !== undefined;
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <li
      className={`jp-mlws-Snapshot${snapshot.current ? ' jp-mod-current' : ''}`}
      data-mlws-snapshot={snapshot.id}
    >
      <button
        className="jp-mlws-Snapshot-head"
        data-mlws-row
        aria-expanded={open}
        onClick={props.onToggle}
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
            <code>{snapshot.short}</code>
            <span title={fullTime(snapshot.timestamp, language)}>
              {relativeTime(snapshot.timestamp, language)}
            </span>
            <span title={snapshot.author.email}>{snapshot.author.name}</span>
          </span>
          <Counts snapshot={snapshot} trans={trans} />
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
    </li>
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
    return (
      <>
        <InputGroup
          className="jp-mlws-Filter"
          type="search"
          aria-label={trans.__('Filter snapshots')}
          placeholder={trans.__('Filter by message')}
          rightIcon="ui-components:search"
          value={model.filter}
          onChange={event => (model.filter = event.target.value)}
        />
        {model.items.length === 0 && (
          <p className="jp-mlws-Hint">
            {model.filter
              ? trans.__('No snapshot has this in its message.')
              : trans.__(
                  'No snapshot yet. A snapshot keeps code, data and runs together as one version; write a message above and commit.'
                )}
          </p>
        )}
        <Rows label={trans.__('Snapshots, newest first')}>
          {model.items.map(snapshot => (
            <SnapshotItem
              key={snapshot.id}
              snapshot={snapshot}
              detail={model.expanded.get(snapshot.id)}
              actions={this._actions}
              language={this._language}
              trans={trans}
              onToggle={() => void model.toggle(snapshot.id)}
            />
          ))}
        </Rows>
        {model.hasMore && (
          <Button small={true} onClick={() => void model.more()}>
            {trans.__('Show older snapshots')}
          </Button>
        )}
      </>
    );
  }
}
