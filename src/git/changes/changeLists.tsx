import {
  addIcon,
  caretDownIcon,
  caretRightIcon,
  LabIcon,
  undoIcon
} from '@jupyterlab/ui-components';
import { useState } from 'react';

import { Button, Hint } from '../../ui/controls';
import { fileSize } from '../../ui/format';
import type { ChangeState, IChange } from '../../api/models';
import { Rows } from '../../ui/rows';
import { dataIcon, kindIcons } from '../../ui/fileIcons';
import { kindLabel, stateLabel } from '../../ui/changeLabels';
import { RowParts, splitPath } from '../../ui/rowParts';
import { byFolder, type IFullFolder, isFolder } from './folders';
import type { IChangeGroups } from './groups';
import { IconButton } from '../../ui/iconButton';
import { trans } from '../../ui/locale';
import { toggled } from '../../ui/state';
import { minusIcon } from '../icons';
import { type Selection, isStageable } from './stagingActions';

/** Rows drawn at once; a folder of ten thousand new files must not stop the browser. */
const MAX_ROWS = 300;

export interface IChangeActions {
  /** `staged`: compares the index instead of the working tree. */
  openDiff(change: IChange, staged: boolean): void;
  stage(selection: Selection): void;
  unstage(selection: Selection): void;
  discard(selection: Selection): void;
  /** Lets DVC keep a file or a folder. */
  track(path: string): void;
  /** Lets git ignore new files. */
  ignore(paths: readonly string[]): void;
}

interface IListProps {
  actions: IChangeActions;
}

function ChangeRow(
  props: IListProps & { change: IChange; staged: boolean }
): JSX.Element {
  const { change, staged, actions } = props;
  const { path } = change;
  const state: ChangeState =
    (staged ? change.index_state : change.worktree_state) ?? change.state;
  // Neither in the index nor in HEAD: git calls it untracked, not added.
  const display = !staged && change.state === 'untracked' ? 'untracked' : state;
  const label = `${path}: ${kindLabel(change.kind)}, ${stateLabel(display)}`;
  const moved = change.old_path
    ? trans.__('renamed from %1', change.old_path)
    : '';
  const size = change.size === null ? '' : fileSize(change.size);
  const selection = { paths: [path] };
  return (
    <li className="jp-mlws-ChangeItem">
      <button
        type="button"
        className="jp-mlws-Row jp-mlws-Change"
        data-mlws-row
        data-mlws-path={path}
        data-mlws-staged={staged}
        data-mlws-new={display === 'untracked'}
        title={[label, moved, size].filter(Boolean).join('\n')}
        aria-label={label}
        onClick={() => actions.openDiff(change, staged)}
      >
        <RowParts
          icon={kindIcons[change.kind]}
          {...splitPath(path)}
          state={display}
        />
      </button>
      <span className="jp-mlws-Row-buttons">
        {!staged && (
          <IconButton
            icon={undoIcon}
            className="jp-mlws-DiscardButton"
            label={trans.__('Discard…')}
            of={path}
            onClick={() => actions.discard(selection)}
          />
        )}
        {change.too_large && (
          <IconButton
            icon={dataIcon}
            className="jp-mlws-TrackButton"
            label={trans.__('Track as Data')}
            of={path}
            onClick={() => actions.track(path)}
          />
        )}
        {!staged && isStageable(change) && (
          <IconButton
            icon={addIcon}
            className="jp-mlws-StageButton"
            label={trans.__('Stage')}
            of={path}
            onClick={() => actions.stage(selection)}
          />
        )}
        {staged && (
          <IconButton
            icon={minusIcon}
            className="jp-mlws-UnstageButton"
            label={trans.__('Unstage')}
            of={path}
            onClick={() => actions.unstage(selection)}
          />
        )}
      </span>
    </li>
  );
}

function FolderRow(
  props: IListProps & {
    full: IFullFolder;
    isOpen: boolean;
    onToggle: () => void;
  }
): JSX.Element {
  const { full, isOpen, onToggle, actions } = props;
  const path = full.folder.slice(0, -1);
  const files = trans._n('%1 file', '%1 files', full.changes.length);
  const size = full.changes.reduce((sum, one) => sum + (one.size ?? 0), 0);
  const label = `${path}: ${files}, ${fileSize(size)}`;
  return (
    <li className="jp-mlws-ChangeItem">
      <button
        type="button"
        className="jp-mlws-Row jp-mlws-Change"
        data-mlws-row
        data-mlws-folder={path}
        aria-expanded={isOpen}
        title={label}
        aria-label={label}
        onClick={onToggle}
      >
        <RowParts
          icon={isOpen ? caretDownIcon : caretRightIcon}
          name={`${splitPath(path).name}/`}
          facts={files}
          state="untracked"
        />
      </button>
      <span className="jp-mlws-Row-buttons">
        <IconButton
          icon={dataIcon}
          className="jp-mlws-TrackButton"
          label={trans.__('Track as Data')}
          of={path}
          onClick={() => actions.track(path)}
        />
        <IconButton
          icon={addIcon}
          className="jp-mlws-StageButton"
          label={trans.__('Stage')}
          of={path}
          onClick={() => actions.stage({ paths: [path] })}
        />
      </span>
    </li>
  );
}

function ChangeGroup(
  props: IListProps & {
    title: string;
    changes: readonly IChange[];
    staged: boolean;
    all: { icon: LabIcon; label: string; onClick: () => void } | null;
  }
): JSX.Element {
  const { title, changes, staged, all } = props;
  const [everything, setEverything] = useState(false);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const entries = (staged ? changes : byFolder(changes)).flatMap(entry =>
    isFolder(entry) && open.has(entry.folder)
      ? [entry, ...entry.changes]
      : [entry]
  );
  const visible = everything ? entries : entries.slice(0, MAX_ROWS);
  return (
    <section className="jp-mlws-ChangeGroup" data-mlws-staged={staged}>
      <header>
        <h4>{title}</h4>
        <span className="jp-mlws-Group-count">{changes.length}</span>
        {all && (
          <IconButton
            icon={all.icon}
            label={all.label}
            onClick={all.onClick}
            className="jp-mlws-AllButton"
          />
        )}
      </header>
      <Rows label={title}>
        {visible.map(entry =>
          isFolder(entry) ? (
            <FolderRow
              key={entry.folder}
              full={entry}
              isOpen={open.has(entry.folder)}
              onToggle={() => setOpen(toggled(open, entry.folder))}
              actions={props.actions}
            />
          ) : (
            <ChangeRow
              key={entry.path}
              change={entry}
              staged={staged}
              actions={props.actions}
            />
          )
        )}
      </Rows>
      {visible.length < entries.length && (
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
