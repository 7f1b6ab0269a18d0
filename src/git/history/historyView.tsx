import {
  caretDownIcon,
  caretRightIcon,
  closeIcon,
  copyIcon,
  ellipsesIcon,
  filterIcon,
  InputGroup,
  undoIcon
} from '@jupyterlab/ui-components';
import {
  useCallback,
  useMemo,
  useState,
  type CSSProperties,
  type MouseEvent
} from 'react';
import type { MLWSClient, Query } from '../../api/client';
import type {
  ISnapshot,
  IVersionChange,
  ISnapshotDetail
} from '../../api/models';
import { readMore } from '../../api/pages';
import { notifyOnError } from '../../lab/notify';
import { compareIcon, dataIcon, kindIcons } from '../../ui/fileIcons';
import { fileSize, fullTime, relativeTime } from '../../ui/format';
import { Answer, ServerView, useGet } from '../../ui/server';
import { toggled, useValue, type State } from '../../ui/state';
import { IconButton } from '../../ui/iconButton';
import { LongList } from '../../ui/virtualList';
import { GraphCell, graphWidth } from './commitGraph';
import { queryOf, readHistory, type IHistoryFilter } from './history';
import { stateLabel } from '../../ui/changeLabels';
import { RowIcon, RowParts } from '../../ui/rowParts';
import { graphRows, type IGraphRow } from './lanes';
import { ProofBadges } from './snapshotParts';
import { trans } from '../../ui/locale';
import { Button, Check, Hint } from '../../ui/controls';

/** Operations on snapshots. */
interface ISnapshotActions {
  restore(snapshot: ISnapshot): void;
  compare(snapshot: ISnapshot): void;
  copyId(snapshot: ISnapshot): void;
  /** Verifies all objects of a snapshot. */
  verify(snapshot: ISnapshot): void;
  openChange(snapshot: ISnapshot, change: IVersionChange): void;
}

interface ISnapshotProps {
  client: MLWSClient;
  snapshot: ISnapshot;
  row: IGraphRow | null;
  isOpen: boolean;
  /** True for the row whose buttons the Tab key reaches. */
  isTabStop: boolean;
  actions: ISnapshotActions;
  onToggle: () => void;
}

function Counts(props: { snapshot: ISnapshot }): JSX.Element {
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

/** Opens the context menu by a visible button. */
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
  const { snapshot, actions } = props;
  const tabIndex = props.isTabStop ? 0 : -1;
  return (
    <div className="jp-mlws-Snapshot-actions">
      <IconButton
        className="jp-mlws-RestoreButton"
        icon={undoIcon}
        label={trans.__('Restore…')}
        tabIndex={tabIndex}
        aria-label={trans.__('Restore “%1”…', snapshot.subject)}
        onClick={() => actions.restore(snapshot)}
      />
      <IconButton
        icon={compareIcon}
        label={trans.__('Compare with Current')}
        tabIndex={tabIndex}
        aria-label={trans.__('Compare “%1” with current', snapshot.subject)}
        onClick={() => actions.compare(snapshot)}
      />
      <IconButton
        icon={copyIcon}
        label={trans.__('Copy ID')}
        tabIndex={tabIndex}
        aria-label={trans.__('Copy ID of “%1”', snapshot.subject)}
        onClick={() => actions.copyId(snapshot)}
      />
      <IconButton
        className="jp-mlws-MoreButton"
        icon={ellipsesIcon}
        label={trans.__('More…')}
        tabIndex={tabIndex}
        aria-label={trans.__('More actions for “%1”', snapshot.subject)}
        aria-haspopup="menu"
        onClick={openContextMenu}
      />
    </div>
  );
}

function Expanded(props: ISnapshotProps): JSX.Element {
  const { client, snapshot } = props;
  const path = `/snapshots/${snapshot.id}` as const;
  return (
    <Answer of={useGet(client, path)}>
      {detail => <Detail {...props} detail={detail} />}
    </Answer>
  );
}

function Detail(
  props: ISnapshotProps & { detail: ISnapshotDetail }
): JSX.Element {
  const { snapshot, detail, actions } = props;
  // Without the trailers that name runs.
  const body = detail.message
    .split('\n')
    .slice(1)
    .filter(line => !line.startsWith('Mlws-'))
    .join('\n')
    .trim();
  return (
    <div className="jp-mlws-Snapshot-detail">
      {body && <p className="jp-mlws-Snapshot-body">{body}</p>}
      <ProofBadges proof={detail.proof} />{' '}
      <Button minimal onClick={() => actions.verify(snapshot)}>
        {trans.__('Verify')}
      </Button>
      <ul>
        {detail.changes.map(change => (
          <li key={change.path}>
            <button
              className="jp-mlws-Row"
              title={`${change.path}: ${stateLabel(change.state)}`}
              onClick={() => actions.openChange(snapshot, change)}
            >
              <RowParts
                icon={kindIcons[change.kind]}
                name={change.path}
                state={change.state}
              />
            </button>
          </li>
        ))}
        {detail.data.map(data => (
          <li
            key={`data ${data.path}`}
            className="jp-mlws-Row"
            title={data.md5 ?? undefined}
          >
            <RowParts
              icon={dataIcon}
              name={data.path}
              facts={data.size === null ? '' : fileSize(data.size)}
            />
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
  const { snapshot, row, isOpen, isTabStop } = props;
  return (
    <div
      className={`jp-mlws-Snapshot${snapshot.current ? ' jp-mod-current' : ''}`}
      data-mlws-snapshot={snapshot.id}
    >
      {row && <GraphCell row={row} current={snapshot.current} />}
      <button
        className="jp-mlws-Snapshot-head"
        data-mlws-row
        tabIndex={isTabStop ? 0 : -1}
        aria-expanded={isOpen}
        onClick={props.onToggle}
      >
        <RowIcon icon={isOpen ? caretDownIcon : caretRightIcon} />
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
            <span title={fullTime(snapshot.timestamp)}>
              {relativeTime(snapshot.timestamp)}
            </span>
            <span title={snapshot.author.email}>{snapshot.author.name}</span>
            <Counts snapshot={snapshot} />
          </span>
        </span>
      </button>
      <SnapshotActions {...props} />
      {isOpen && <Expanded {...props} />}
    </div>
  );
}

function Filters(props: { filter: State<IHistoryFilter> }): JSX.Element {
  const { filter } = props;
  const { q, author, path, all } = useValue(filter);
  const narrow = (change: Partial<IHistoryFilter>) =>
    (filter.value = { ...filter.value, ...change });
  const [more, setMore] = useState(false);
  const open = more || author !== '';
  if (path !== '' && !more) {
    return (
      <div className="jp-mlws-Filters">
        <span className="jp-mlws-Chip" title={path}>
          <span className="jp-mlws-Chip-text">
            {trans.__('History of %1', path)}
          </span>
          <IconButton
            icon={closeIcon}
            className="jp-mlws-Chip-close"
            label={trans.__('Show All Snapshots')}
            onClick={() => narrow({ path: '' })}
          />
        </span>
      </div>
    );
  }
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
          onChange={event => narrow({ q: event.target.value })}
        />
        <IconButton
          className="jp-mlws-FilterButton"
          icon={filterIcon}
          label={trans.__('Filter by author and file')}
          aria-expanded={open}
          onClick={() => setMore(!more)}
        />
      </span>
      {open && (
        <>
          <InputGroup
            className="jp-mlws-FilterAuthor"
            type="search"
            aria-label={trans.__('Filter by author')}
            placeholder={trans.__('Author name or email')}
            value={author}
            onChange={event => narrow({ author: event.target.value })}
          />
          <InputGroup
            className="jp-mlws-FilterPath"
            type="search"
            aria-label={trans.__('Filter by file')}
            placeholder={trans.__('File or folder path')}
            value={path}
            onChange={event => narrow({ path: event.target.value })}
          />
        </>
      )}
      <Check
        className="jp-mlws-AllBranches"
        checked={all}
        onChange={all => narrow({ all })}
      >
        {trans.__('All branches')}
      </Check>
    </div>
  );
}

interface IProps {
  client: MLWSClient;
  filter: State<IHistoryFilter>;
  actions: ISnapshotActions;
}

function History(props: IProps & { scroller: HTMLElement }): JSX.Element {
  const { client, actions, scroller } = props;
  const filter = useValue(props.filter);
  const answer = useGet(client, '/snapshots', queryOf(filter), {
    queryFn: ({ queryKey }) => readHistory(client, queryKey[1] as Query),
    keepPrevious: true
  });
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const isNarrowed = [filter.q, filter.author, filter.path].some(Boolean);
  const snapshots = answer.data?.items;
  // A filter removes commits between those shown.
  const graph = useMemo(
    () => (snapshots && !isNarrowed ? graphRows(snapshots) : null),
    [snapshots, isNarrowed]
  );
  const style = {
    '--jp-mlws-graph': `${graph ? graphWidth(graph) : 0}px`
  } as CSSProperties;
  const more = useCallback(
    () =>
      void notifyOnError(() =>
        readMore(client, '/snapshots', queryOf(filter), 'items')
      ),
    [client, filter]
  );
  return (
    <Answer of={answer}>
      {({ items, next_cursor }) => (
        <div style={style}>
          <Filters filter={props.filter} />
          {items.length === 0 && (
            <Hint>
              {filter.path !== '' && filter.q === '' && filter.author === ''
                ? trans.__(
                    'No snapshot has this file yet. Commit it to start its history.'
                  )
                : isNarrowed
                  ? trans.__('No matching snapshots.')
                  : trans.__(
                      'No snapshots yet. A snapshot records code, data and runs together. Enter a ' +
                        'message above and commit.'
                    )}
            </Hint>
          )}
          <LongList
            label={trans.__('Snapshots, newest first')}
            scroller={scroller}
            ids={items.map(({ id }) => id)}
            row={(index, isTabStop) => (
              <SnapshotItem
                client={client}
                snapshot={items[index]}
                row={graph?.[index] ?? null}
                isOpen={expanded.has(items[index].id)}
                isTabStop={isTabStop}
                actions={actions}
                onToggle={() =>
                  setExpanded(now => toggled(now, items[index].id))
                }
              />
            )}
            onEnd={more}
          />
          {next_cursor !== null && (
            <Button onClick={more}>{trans.__('Show Older Snapshots')}</Button>
          )}
        </div>
      )}
    </Answer>
  );
}

/** The section of the snapshots, newest first, as far as they were asked for. */
export function historyView(props: IProps): ServerView {
  const view: ServerView = new ServerView(
    props.client,
    () => <History {...props} scroller={view.node} />,
    {
      id: 'jp-mlws-history',
      label: trans.__('History'),
      className: 'jp-mlws-Section jp-mlws-History',
      help: 'reference-versions',
      paths: ['/snapshots']
    }
  );
  return view;
}
