import {
  checkIcon,
  copyIcon,
  deleteIcon,
  editIcon,
  undoIcon,
  type LabIcon
} from '@jupyterlab/ui-components';
import { Clipboard } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { useState, type ReactNode } from 'react';
import type { MLWSClient } from '../../api/client';
import { Button, Hint } from '../../ui/controls';
import { relativeTime } from '../../ui/format';
import { Group } from '../../ui/group';
import type {
  IBranch,
  IRemote,
  ISafetyCopy,
  IStash,
  ISubmoduleInfo,
  ITag,
  IWorktreeInfo
} from '../../api/models';
import { RowIcon } from '../../ui/rowParts';
import { Rows } from '../../ui/rows';
import { Answer, Failures, ServerView, useGet } from '../../ui/server';
import { REFS, type BranchActions } from './branchActions';
import { IconButton } from '../../ui/iconButton';
import { branchIcon, mergeIcon, pushIcon } from '../icons';
import type { RemoteActions } from '../remotes/remoteActions';
import { trans } from '../../ui/locale';

/** Maximum number of rows per group: thousands of tags would block the browser. */
const MAX_ROWS = 200;

/** Icon, label and action of a button of a row. */
type IRowButton = readonly [
  icon: LabIcon,
  label: string,
  act: () => Promise<unknown>,
  className?: string
];

/** Row with a main action, and further actions shown on hover or focus. */
function Row(props: {
  className: string;
  name: string;
  label: string;
  title: string;
  current?: boolean;
  facts: ReactNode;
  buttons: readonly IRowButton[];
  expanded?: boolean;
  /** Shown below the row. */
  details?: ReactNode;
  onClick?: () => void;
}): JSX.Element {
  const { current, onClick } = props;
  return (
    <li
      className={`jp-mlws-Ref ${props.className}`}
      data-mlws-ref={props.name}
      title={props.title}
    >
      <button
        type="button"
        className="jp-mlws-Row"
        data-mlws-row
        aria-label={props.label}
        aria-current={current}
        aria-expanded={props.expanded}
        onClick={onClick}
      >
        {current ? (
          <RowIcon icon={checkIcon} width="14px" />
        ) : (
          <span className="jp-mlws-Row-icon jp-mlws-Row-noIcon" />
        )}
        <span className="jp-mlws-Row-name">{props.name}</span>
        <span className="jp-mlws-Row-folder">{props.facts}</span>
      </button>
      <span className="jp-mlws-Row-buttons">
        {props.buttons.map(([icon, label, act, className]) => (
          <IconButton
            key={label}
            icon={icon}
            className={className}
            label={label}
            of={props.name}
            onClick={() => void act()}
          />
        ))}
      </span>
      {props.details}
    </li>
  );
}

function BranchRow(props: {
  branch: IBranch;
  actions: BranchActions;
}): JSX.Element {
  const { branch, actions } = props;
  const { name, remote, current, ahead, behind } = branch;
  const full = remote ? `${remote}/${name}` : name;
  const label = current
    ? trans.__('%1 (current branch)', full)
    : trans.__('Switch to %1', full);
  const age = relativeTime(branch.timestamp);
  return (
    <Row
      className={`jp-mlws-Branch${remote === null ? ' jp-mod-local' : ''}${current ? ' jp-mod-current' : ''}`}
      name={full}
      label={label}
      title={`${label}\n${branch.subject}\n${age}`}
      current={current}
      facts={
        <>
          {ahead ? ` ↑${ahead}` : ''}
          {behind ? ` ↓${behind}` : ''} {branch.subject}
        </>
      }
      onClick={() => void (current || actions.switchTo(branch))}
      buttons={
        current
          ? []
          : [
              [
                mergeIcon,
                trans.__('Merge into Current Branch'),
                () => actions.merge(full),
                'jp-mlws-MergeButton'
              ],
              ...(remote === null
                ? [
                    [
                      deleteIcon,
                      trans.__('Delete'),
                      () => actions.delete(branch)
                    ] as const
                  ]
                : [])
            ]
      }
    />
  );
}

function TagRow(props: {
  tag: ITag;
  actions: BranchActions;
  remotes: RemoteActions;
}): JSX.Element {
  const { tag, actions, remotes } = props;
  const label = trans.__('Switch to %1', tag.name);
  const age = relativeTime(tag.timestamp);
  return (
    <Row
      className="jp-mlws-Tag"
      name={tag.name}
      label={label}
      title={[tag.message, tag.subject, tag.tagger, age]
        .filter(Boolean)
        .join('\n')}
      facts={tag.message?.split('\n')[0] ?? tag.subject}
      onClick={() => void actions.switchToCommit(tag.name, tag.name)}
      buttons={[
        [pushIcon, trans.__('Push Tag'), () => remotes.pushTag(tag)],
        [deleteIcon, trans.__('Delete'), () => actions.deleteTag(tag)]
      ]}
    />
  );
}

function StashRow(props: {
  stash: IStash;
  actions: BranchActions;
}): JSX.Element {
  const { stash, actions } = props;
  const [isOpen, setIsOpen] = useState(false);
  const files = trans._n('%1 file', '%1 files', stash.files.length);
  const age = relativeTime(stash.timestamp);
  return (
    <Row
      className="jp-mlws-Stash"
      name={stash.message}
      label={trans.__('Files of stash “%1”', stash.message)}
      title={[stash.branch, age].filter(Boolean).join('\n')}
      facts={`${files} · ${age}`}
      expanded={isOpen}
      details={
        isOpen && (
          <ul className="jp-mlws-Stash-files">
            {stash.files.map(file => (
              <li key={file}>{file}</li>
            ))}
          </ul>
        )
      }
      onClick={() => setIsOpen(!isOpen)}
      buttons={[
        [
          undoIcon,
          trans.__('Pop Stash'),
          () => actions.applyStash(stash, false),
          'jp-mlws-PopButton'
        ],
        [
          copyIcon,
          trans.__('Apply Stash (Keep It)'),
          () => actions.applyStash(stash, true),
          'jp-mlws-ApplyButton'
        ],
        [deleteIcon, trans.__('Delete'), () => actions.dropStash(stash)]
      ]}
    />
  );
}

/** A safety copy by the command that created it. */
export function copyLabel({ reason }: ISafetyCopy): string {
  const labels: Record<string, string> = {
    restore: trans.__('Before a restore'),
    discard: trans.__('Before a discard'),
    undo: trans.__('Undone commit'),
    amend: trans.__('Before an amend'),
    squash: trans.__('Before a squash'),
    rebase: trans.__('Before a rebase'),
    'merge --abort': trans.__('Before a merge abort'),
    'branch --delete': trans.__('Deleted branch'),
    'stash drop': trans.__('Deleted stash')
  };
  return labels[reason] ?? reason;
}

/** The branch of a safety copy, or the number of its files, and its age. */
export function copyFacts({ branch, files, timestamp }: ISafetyCopy): string {
  const content = branch ?? trans._n('%1 file', '%1 files', files.length);
  return `${content} · ${relativeTime(timestamp)}`;
}

function SafetyRow(props: {
  copy: ISafetyCopy;
  goBack: (copy: ISafetyCopy) => void;
}): JSX.Element {
  const { copy, goBack } = props;
  return (
    <Row
      className="jp-mlws-SafetyCopy"
      name={copyLabel(copy)}
      label={trans.__('Restore safety copy %1', copy.id.slice(0, 8))}
      title={copy.files.slice(0, 12).join('\n')}
      facts={copyFacts(copy)}
      onClick={() => goBack(copy)}
      buttons={[]}
    />
  );
}

function RemoteRow(props: {
  remote: IRemote;
  actions: RemoteActions;
}): JSX.Element {
  const { remote, actions } = props;
  return (
    <Row
      className="jp-mlws-Remote"
      name={remote.name}
      label={trans.__('Edit URL of %1', remote.name)}
      title={remote.url}
      facts={remote.url}
      onClick={() => void actions.edit(remote)}
      buttons={[
        [editIcon, trans.__('Edit URL'), () => actions.edit(remote)],
        [deleteIcon, trans.__('Remove'), () => actions.remove(remote)]
      ]}
    />
  );
}

function WorktreeRow({ worktree }: { worktree: IWorktreeInfo }): JSX.Element {
  const { path, branch, commit, current, locked, missing } = worktree;
  const facts = [
    branch ?? commit?.slice(0, 8),
    locked && trans.__('locked'),
    missing && trans.__('missing')
  ];
  return (
    <Row
      className="jp-mlws-Worktree"
      name={PathExt.basename(path)}
      label={trans.__('Copy path of %1', path)}
      title={path}
      current={current}
      facts={facts.filter(Boolean).join(' · ')}
      onClick={() => Clipboard.copyToSystem(path)}
      buttons={[]}
    />
  );
}

function SubmoduleRow(props: {
  submodule: ISubmoduleInfo;
  open: (path: string) => void;
}): JSX.Element {
  const { submodule, open } = props;
  const { path, url, commit, head } = submodule;
  const facts =
    head === null
      ? trans.__('not initialized')
      : head === commit
        ? commit.slice(0, 8)
        : trans.__('%1, recorded is %2', head.slice(0, 8), commit.slice(0, 8));
  return (
    <Row
      className="jp-mlws-Submodule"
      name={path}
      label={trans.__('Reveal %1 in the file browser', path)}
      title={`${path}\n${url}`}
      facts={facts}
      onClick={() => open(path)}
      buttons={[]}
    />
  );
}

/** Collapsible group with the number of its items and a button that adds an item. */
function ListGroup<T>(props: {
  name: string;
  title: string;
  items: readonly T[];
  row: (item: T) => JSX.Element;
  open?: boolean;
  add?: { label: string; onClick: () => void };
}): JSX.Element {
  const { title, items } = props;
  return (
    <Group {...props} facts={String(items.length)}>
      <Rows label={title}>{items.slice(0, MAX_ROWS).map(props.row)}</Rows>
      {items.length > MAX_ROWS && (
        <Hint>
          {trans._n(
            '%1 more item is not shown.',
            '%1 more items are not shown.',
            items.length - MAX_ROWS
          )}
        </Hint>
      )}
    </Group>
  );
}

interface IProps {
  client: MLWSClient;
  actions: BranchActions;
  remotes: RemoteActions;
  /** Asks whether to restore a safety copy. */
  goBack: (copy: ISafetyCopy) => void;
  /** Shows a folder of the project in the file browser. */
  reveal: (path: string) => void;
  onCompare: () => void;
}

/** Branches, tags, stashes and remotes, with their actions. */
function Branches(props: IProps): JSX.Element {
  const { client, actions, remotes, goBack, reveal } = props;
  const branches = useGet(client, '/git/branches');
  const tags = useGet(client, '/git/tags');
  const stashes = useGet(client, '/git/stashes');
  const safety = useGet(client, '/git/safety');
  const addresses = useGet(client, '/git/remotes');
  const worktrees = useGet(client, '/git/worktrees').data?.items ?? [];
  const submodules = useGet(client, '/git/submodules').data?.items ?? [];
  return (
    <Answer of={branches}>
      {({ items }) => (
        <>
          <Failures of={[tags, stashes, safety, addresses]} />
          <div className="jp-mlws-Branches-buttons">
            <Button
              className="jp-mlws-NewBranchButton"
              onClick={() => void actions.create()}
            >
              <branchIcon.react tag="span" width="14px" />
              {trans.__('New Branch…')}
            </Button>
            <Button
              className="jp-mlws-StashButton"
              onClick={() => void actions.stash()}
            >
              {trans.__('Stash Changes…')}
            </Button>
            <Button
              className="jp-mlws-CompareRefsButton"
              onClick={props.onCompare}
            >
              {trans.__('Compare…')}
            </Button>
          </div>
          <ListGroup
            name="local"
            title={trans.__('Branches')}
            items={items.filter(({ remote }) => remote === null)}
            open={true}
            row={branch => (
              <BranchRow key={branch.name} branch={branch} actions={actions} />
            )}
          />
          <ListGroup
            name="remote"
            title={trans.__('Remote branches')}
            items={items.filter(({ remote }) => remote !== null)}
            row={branch => (
              <BranchRow
                key={`${branch.remote}/${branch.name}`}
                branch={branch}
                actions={actions}
              />
            )}
          />
          <ListGroup
            name="tags"
            title={trans.__('Tags')}
            items={tags.data?.items ?? []}
            add={{
              label: trans.__('New Tag…'),
              onClick: () => void actions.createTag()
            }}
            row={tag => (
              <TagRow
                key={tag.name}
                tag={tag}
                actions={actions}
                remotes={remotes}
              />
            )}
          />
          <ListGroup
            name="stashes"
            title={trans.__('Stashes')}
            items={stashes.data?.items ?? []}
            row={stash => (
              <StashRow key={stash.id} stash={stash} actions={actions} />
            )}
          />
          <ListGroup
            name="safety"
            title={trans.__('Safety copies')}
            items={safety.data?.items ?? []}
            row={copy => (
              <SafetyRow key={copy.id} copy={copy} goBack={goBack} />
            )}
          />
          <ListGroup
            name="remotes"
            title={trans.__('Remotes')}
            items={addresses.data?.items ?? []}
            add={{
              label: trans.__('Add Remote…'),
              onClick: () => void remotes.edit()
            }}
            row={remote => (
              <RemoteRow key={remote.name} remote={remote} actions={remotes} />
            )}
          />
          {worktrees.length > 1 && (
            <ListGroup
              name="worktrees"
              title={trans.__('Worktrees')}
              items={worktrees}
              row={one => <WorktreeRow key={one.path} worktree={one} />}
            />
          )}
          {submodules.length > 0 && (
            <ListGroup
              name="submodules"
              title={trans.__('Submodules')}
              items={submodules}
              row={one => (
                <SubmoduleRow key={one.path} submodule={one} open={reveal} />
              )}
            />
          )}
        </>
      )}
    </Answer>
  );
}

/** The section of branches, tags, stashes and remotes. */
export function branchesView(props: IProps): ServerView {
  return new ServerView(props.client, () => <Branches {...props} />, {
    id: 'jp-mlws-branches',
    label: trans.__('Branches'),
    className: 'jp-mlws-Section jp-mlws-Branches',
    help: 'reference-versions',
    paths: REFS
  });
}
