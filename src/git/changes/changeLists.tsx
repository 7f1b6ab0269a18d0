import {
  addIcon,
  caretDownIcon,
  caretRightIcon,
  LabIcon,
  listIcon,
  undoIcon
} from '@jupyterlab/ui-components';
import {
  useEffect,
  useState,
  type KeyboardEvent,
  type MouseEvent
} from 'react';

import type { ChangeState, IChange } from '../../api/models';
import { kindLabel, stateLabel } from '../../ui/changeLabels';
import { Button, Hint } from '../../ui/controls';
import { dataIcon, kindIcons } from '../../ui/fileIcons';
import { fileSize } from '../../ui/format';
import { IconButton } from '../../ui/iconButton';
import { trans } from '../../ui/locale';
import { RowParts, splitPath } from '../../ui/rowParts';
import { Rows } from '../../ui/rows';
import { toggled, useValue, type State } from '../../ui/state';
import { minusIcon, treeIcon } from '../icons';
import { isStageable, type IChangeGroups } from './groups';
import { listRows, type IListRow } from './listRows';
import {
  isSelected,
  NONE_SELECTED,
  selectRow,
  targetsOf,
  withoutGone,
  type Chosen,
  type ISelectedRows,
  type ITargets,
  type SelectionMode
} from './selection';
import type { Selection } from './stagingActions';

/** Rows drawn at once; a folder of ten thousand new files must not stop the browser. */
const MAX_ROWS = 300;
/** Pixels by which the content of a folder is indented. */
const INDENT = 12;

export interface IChangeActions {
  /** `staged`: compares the index instead of the working tree; `keep`: not as a preview. */
  openDiff(change: IChange, staged: boolean, keep: boolean): void;
  stage(selection: Selection): void;
  unstage(selection: Selection): void;
  discard(selection: Selection): void;
  /** Lets DVC keep files and folders. */
  track(paths: readonly string[]): void;
  /** Lets git ignore new files. */
  ignore(paths: readonly string[]): void;
}

interface IListProps {
  actions: IChangeActions;
  selected: State<ISelectedRows>;
  /** True if the files are shown in their folders. */
  isTree: State<boolean>;
}

/** The buttons of a row, which act on the selection if the row is in it. */
function RowButtons(props: {
  row: IListRow;
  staged: boolean;
  targets: ITargets;
  actions: IChangeActions;
}): JSX.Element {
  const { row, staged, targets, actions } = props;
  const { all, stageable, isNew } = targets;
  const of = row.path;
  const canTrack = row.change ? row.change.too_large : row.isNew;
  return (
    <span
      role="gridcell"
      className="jp-mlws-Row-buttons"
      onClick={event => event.stopPropagation()}
      onDoubleClick={event => event.stopPropagation()}
    >
      {!staged && (
        <IconButton
          icon={undoIcon}
          className="jp-mlws-DiscardButton"
          label={discardLabel(all.length)}
          of={of}
          tabIndex={-1}
          onClick={() => actions.discard({ paths: all })}
        />
      )}
      {!staged && canTrack && (
        <IconButton
          icon={dataIcon}
          className="jp-mlws-TrackButton"
          label={trackLabel(isNew.length)}
          of={of}
          tabIndex={-1}
          onClick={() => actions.track(isNew)}
        />
      )}
      {!staged && stageable.length > 0 && (
        <IconButton
          icon={addIcon}
          className="jp-mlws-StageButton"
          label={stageLabel(stageable.length)}
          of={of}
          tabIndex={-1}
          onClick={() => actions.stage({ paths: stageable })}
        />
      )}
      {staged && (
        <IconButton
          icon={minusIcon}
          className="jp-mlws-UnstageButton"
          label={unstageLabel(all.length)}
          of={of}
          tabIndex={-1}
          onClick={() => actions.unstage({ paths: all })}
        />
      )}
    </span>
  );
}

export function stageLabel(count: number): string {
  return count <= 1
    ? trans.__('Stage')
    : trans._n('Stage %1 File', 'Stage %1 Files', count);
}

export function unstageLabel(count: number): string {
  return count <= 1
    ? trans.__('Unstage')
    : trans._n('Unstage %1 File', 'Unstage %1 Files', count);
}

export function discardLabel(count: number): string {
  return count <= 1
    ? trans.__('Discard…')
    : trans._n('Discard %1 File…', 'Discard %1 Files…', count);
}

export function trackLabel(count: number): string {
  return count <= 1
    ? trans.__('Track as Data')
    : trans._n('Track %1 File as Data', 'Track %1 Files as Data', count);
}

export function ignoreLabel(count: number): string {
  return count <= 1
    ? trans.__('Add to .gitignore')
    : trans._n(
        'Add %1 File to .gitignore',
        'Add %1 Files to .gitignore',
        count
      );
}

/** The description of a row for its tooltip and for screen readers, and its state. */
function describe(
  { path, change, changes }: IListRow,
  staged: boolean
): { label: string; title: string; state?: ChangeState } {
  if (!change) {
    const files = trans._n('%1 file', '%1 files', changes.length);
    const size = changes.reduce((sum, one) => sum + (one.size ?? 0), 0);
    const label = `${path}: ${files}, ${fileSize(size)}`;
    return { label, title: label };
  }
  const own: ChangeState =
    (staged ? change.index_state : change.worktree_state) ?? change.state;
  // Neither in the index nor in HEAD: git calls it untracked, not added.
  const state = !staged && change.state === 'untracked' ? 'untracked' : own;
  const label = `${path}: ${kindLabel(change.kind)}, ${stateLabel(state)}`;
  const moved = change.old_path
    ? trans.__('renamed from %1', change.old_path)
    : '';
  const size = change.size === null ? '' : fileSize(change.size);
  return {
    label,
    title: [label, moved, size].filter(Boolean).join('\n'),
    state
  };
}

function ChangeRow(props: {
  row: IListRow;
  staged: boolean;
  isTree: boolean;
  /** True for the row that the Tab key reaches. */
  isTabStop: boolean;
  selected: ISelectedRows;
  targets: ITargets;
  actions: IChangeActions;
  onSelect: (mode: SelectionMode) => void;
  /** Opens a file, or opens or closes a folder. */
  onOpen: (keep: boolean) => void;
}): JSX.Element {
  const { row, staged, isTree, selected, onSelect, onOpen } = props;
  const { path, change, name } = row;
  const isFolder = change === null;
  const isOwn = isSelected(selected, { path, staged });
  const { label, title, state } = describe(row, staged);
  const files = trans._n('%1 file', '%1 files', row.changes.length);
  const onKeyDown = (event: KeyboardEvent) => {
    const opens =
      event.key === 'Enter' ||
      (isFolder && event.key === (row.isOpen ? 'ArrowLeft' : 'ArrowRight'));
    if (event.target === event.currentTarget && opens) {
      event.preventDefault();
      onOpen(true);
    } else if (event.target === event.currentTarget && event.key === ' ') {
      event.preventDefault();
      onSelect('toggle');
    }
  };
  return (
    <li
      role="row"
      className="jp-mlws-Row jp-mlws-ChangeItem jp-mlws-Change"
      tabIndex={props.isTabStop ? 0 : -1}
      aria-level={row.depth + 1}
      aria-selected={isOwn}
      aria-expanded={isFolder ? row.isOpen : undefined}
      aria-label={label}
      title={title}
      data-mlws-row
      data-mlws-path={isFolder ? undefined : path}
      data-mlws-folder={isFolder ? path : undefined}
      data-mlws-staged={staged}
      data-mlws-change={state}
      data-mlws-new={row.isNew && !staged}
      style={{ paddingLeft: 4 + row.depth * INDENT }}
      onClick={event => {
        const mode = modeOf(event);
        onSelect(mode);
        if (mode === 'only') {
          onOpen(false);
        }
      }}
      onDoubleClick={() => {
        if (!isFolder) {
          onOpen(true);
        }
      }}
      onContextMenu={() => {
        if (!isOwn) {
          onSelect('only');
        }
      }}
      onKeyDown={onKeyDown}
    >
      <span role="gridcell" className="jp-mlws-Change-cell">
        <RowParts
          icon={
            change
              ? kindIcons[change.kind]
              : row.isOpen
                ? caretDownIcon
                : caretRightIcon
          }
          name={name}
          facts={isFolder ? files : isTree ? undefined : splitPath(path).facts}
          state={isFolder && row.isNew ? 'untracked' : state}
        />
      </span>
      <RowButtons
        row={row}
        staged={staged}
        targets={props.targets}
        actions={props.actions}
      />
    </li>
  );
}

function changesOf(rows: readonly IListRow[]): Chosen {
  return new Map(
    rows.map(({ path, change, changes }) => [path, change ? [change] : changes])
  );
}

function modeOf(event: MouseEvent): SelectionMode {
  return event.shiftKey
    ? 'range'
    : event.ctrlKey || event.metaKey
      ? 'toggle'
      : 'only';
}

const MOVES = new Set(['ArrowUp', 'ArrowDown', 'Home', 'End']);

function ChangeGroup(
  props: IListProps & {
    title: string;
    changes: readonly IChange[];
    staged: boolean;
    /** Shows the switch between list and tree. */
    hasSwitch: boolean;
    all: { icon: LabIcon; label: string; onClick: () => void } | null;
  }
): JSX.Element {
  const { title, changes, staged, all, actions } = props;
  const selected = useValue(props.selected);
  const isTree = useValue(props.isTree);
  const [everything, setEverything] = useState(false);
  const [folders, setFolders] = useState<ReadonlySet<string>>(new Set());
  const rows = listRows(changes, isTree, folders);
  const visible = everything ? rows : rows.slice(0, MAX_ROWS);
  const order = visible.map(one => one.path);
  const count = selected.staged === staged ? selected.paths.size : 0;
  const ofSelection = targetsOf(
    changesOf(rows.filter(row => isSelected(selected, { ...row, staged })))
  );
  const select = (path: string, mode: SelectionMode) => {
    const row = { path, staged };
    props.selected.value = selectRow(props.selected.value, row, mode, order);
  };
  useEffect(() => {
    if (selected.staged === staged) {
      props.selected.value = withoutGone(selected, new Set(order));
    }
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const { activeElement } = document;
    const data = activeElement instanceof HTMLElement && activeElement.dataset;
    const path = data ? (data.mlwsPath ?? data.mlwsFolder) : undefined;
    if (MOVES.has(event.key) && path !== undefined) {
      // The list has moved the focus.
      select(path, event.shiftKey ? 'range' : 'only');
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      const paths = new Set(order);
      props.selected.value = { staged, paths, anchor: path ?? order[0] };
    } else if (event.key === 'Escape') {
      props.selected.value = NONE_SELECTED;
    }
  };
  const isAnchored = count > 0 && order.includes(selected.anchor ?? '');
  const tabStop = isAnchored ? selected.anchor : order[0];
  return (
    <section
      className="jp-mlws-ChangeGroup"
      data-mlws-staged={staged}
      onKeyDown={onKeyDown}
    >
      <header>
        <h4>{title}</h4>
        <span className="jp-mlws-Group-count" role="status">
          {count > 1
            ? trans.__('%1 of %2 selected', count, changes.length)
            : changes.length}
        </span>
        {props.hasSwitch && (
          <IconButton
            icon={isTree ? listIcon : treeIcon}
            label={isTree ? trans.__('View as List') : trans.__('View as Tree')}
            onClick={() => (props.isTree.value = !isTree)}
            className="jp-mlws-TreeButton"
          />
        )}
        {all && (
          <IconButton
            icon={all.icon}
            label={all.label}
            onClick={all.onClick}
            className="jp-mlws-AllButton"
          />
        )}
      </header>
      <Rows label={title} role="treegrid" aria-multiselectable={true}>
        {visible.map(row => (
          <ChangeRow
            key={row.path}
            row={row}
            staged={staged}
            isTree={isTree}
            isTabStop={row.path === tabStop}
            selected={selected}
            targets={
              isSelected(selected, { path: row.path, staged })
                ? ofSelection
                : targetsOf(changesOf([row]))
            }
            actions={actions}
            onSelect={mode => select(row.path, mode)}
            onOpen={keep =>
              row.change
                ? actions.openDiff(row.change, staged, keep)
                : setFolders(toggled(folders, row.path))
            }
          />
        ))}
      </Rows>
      {visible.length < rows.length && (
        <Button onClick={() => setEverything(true)}>
          {trans.__('Show All %1 Changes', changes.length)}
        </Button>
      )}
    </section>
  );
}

/** Lists of staged and unstaged changes. */
export function ChangeLists(
  props: IListProps & { groups: IChangeGroups }
): JSX.Element {
  const { groups, actions } = props;
  const { staged, rest, conflicts } = groups;
  if (staged.length + rest.length + conflicts.length === 0) {
    return (
      <Hint>
        {trans.__(
          'No changes. Edits to code, data and workflows will appear here.'
        )}
      </Hint>
    );
  }
  const stageable = rest.filter(isStageable).map(change => change.path);
  return (
    <>
      {staged.length > 0 && (
        <ChangeGroup
          {...props}
          title={trans.__('Staged')}
          changes={staged}
          staged={true}
          hasSwitch={true}
          all={{
            icon: minusIcon,
            label: trans.__('Unstage All Changes'),
            onClick: () => actions.unstage({ all: true })
          }}
        />
      )}
      {rest.length > 0 && (
        <ChangeGroup
          {...props}
          title={
            staged.length > 0 ? trans.__('Not staged') : trans.__('Changes')
          }
          changes={rest}
          staged={false}
          hasSwitch={staged.length === 0}
          all={
            stageable.length > 0
              ? {
                  icon: addIcon,
                  label: trans.__('Stage All Changes'),
                  onClick: () => actions.stage({ paths: stageable })
                }
              : null
          }
        />
      )}
    </>
  );
}
