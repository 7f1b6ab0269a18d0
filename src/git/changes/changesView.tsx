import { checkIcon } from '@jupyterlab/ui-components';
import { PathExt } from '@jupyterlab/coreutils';
import { useMemo } from 'react';

import type { MLWSClient } from '../../api/client';
import type {
  IIdentity,
  IChange,
  IGitStatus,
  IStaleNotebook
} from '../../api/models';
import { Button } from '../../ui/controls';
import { Failure } from '../../ui/errorBox';
import { listText } from '../../ui/format';
import { language, trans } from '../../ui/locale';
import { RowIcon } from '../../ui/rowParts';
import { Answer, ServerView, useGet } from '../../ui/server';
import { useValue, type State } from '../../ui/state';
import { ChangeLists, trackLabel, type IChangeActions } from './changeLists';
import {
  lastKey,
  readLast,
  type CommitDraft,
  type ICommitOptions
} from './commit';
import { Conflicts, type IMergeActions } from '../merge/conflicts';
import { groupChanges, type IChangeGroups } from './groups';
import type { ISelectedRows } from './selection';
import { ProofBadges } from '../history/snapshotParts';

/** Error code: files look like credentials. */
const CREDENTIALS = '30206';

/** Error code: git knows neither name nor address of the user. */
const NO_IDENTITY = '30205';

/** Error codes about files that may no longer exist: secrets, and files too large for git. */
const FILE_ERRORS: ReadonlySet<string> = new Set([CREDENTIALS, '30210']);

/** Error code: the number of new files suggests data. */
const TOO_MANY = '30221';

interface IChangesActions extends IChangeActions, IMergeActions {
  commit(options?: ICommitOptions): void;
  /** Sets git's identity, then commits. */
  commitAs(identity: IIdentity, options: ICommitOptions): void;
  pullData(changes: readonly IChange[]): void;
  newBranch(): void;
  switchBranch(): void;
  /** Restores the newest snapshot. */
  returnToHead(): void;
}

/** Lines up to which the commit box grows. */
const MAX_LINES = 8;

/** Notebooks that are judged before a commit. */
const MAX_NOTEBOOKS = 50;

/** Paths that a sentence names. */
const MAX_NAMES = 3;

function namesOf(changes: readonly IChange[]): string {
  const paths = changes.slice(0, MAX_NAMES).map(change => change.path);
  return listText(changes.length > MAX_NAMES ? [...paths, '…'] : paths);
}

interface IProps {
  client: MLWSClient;
  draft: CommitDraft;
  selected: State<ISelectedRows>;
  isTree: State<boolean>;
  actions: IChangesActions;
}

function CommitBox(props: {
  draft: CommitDraft;
  groups: IChangeGroups;
  onCommit: (options: ICommitOptions) => void;
}): JSX.Element {
  const { draft, groups } = props;
  const message = useValue(draft.message);
  const { busy } = useValue(draft.progress);
  const staged = groups.staged.length;
  const all = new Set(
    [...groups.staged, ...groups.rest]
      .filter(change => !change.too_large)
      .map(change => change.path)
  ).size;
  const label =
    staged > 0
      ? trans.__('Commit Staged (%1)', staged)
      : all > 0
        ? trans._n('Commit %1 Change', 'Commit %1 Changes', all)
        : trans.__('Commit');
  const commit = (form: HTMLFormElement, options: ICommitOptions) => {
    if (message.trim() === '') {
      focusMessage(form);
    } else {
      props.onCommit(options);
    }
  };
  return (
    <form
      className="jp-mlws-CommitForm"
      onSubmit={event => {
        event.preventDefault();
        commit(event.currentTarget, { staged: staged > 0 });
      }}
    >
      <textarea
        className="jp-mlws-CommitBox"
        aria-label={trans.__('Commit message')}
        placeholder={trans.__('Message (Ctrl+Enter to commit)')}
        rows={Math.min(message.split('\n').length, MAX_LINES)}
        value={message}
        onChange={event => (draft.message.value = event.target.value)}
      />
      {(all > 0 || message.trim() !== '') && (
        <div className="jp-mlws-ButtonRow">
          <button
            type="submit"
            className="jp-mlws-CommitButton jp-mod-styled jp-mod-accept"
            disabled={busy !== null}
            aria-busy={busy !== null}
            title={
              staged > 0
                ? trans.__('Commit staged changes')
                : trans.__(
                    'Save all documents and commit code, data and runs together'
                  )
            }
          >
            {busy ?? label}
          </button>
          {staged > 0 && groups.rest.length > 0 && busy === null && (
            <button
              type="button"
              className="jp-mlws-CommitAllButton jp-mod-styled"
              aria-label={trans.__('Commit All (%1)', all)}
              title={trans.__(
                'Save all documents and commit code, data and runs together'
              )}
              onClick={event => commit(event.currentTarget.form!, {})}
            >
              {trans.__('All (%1)', all)}
            </button>
          )}
        </div>
      )}
    </form>
  );
}

function LastSnapshot(props: {
  client: MLWSClient;
  head: string | null;
}): JSX.Element | null {
  const { client, head } = props;
  const [path, query] = lastKey(head);
  const { data: last } = useGet(client, path, query, {
    queryFn: () => readLast(client),
    keepPrevious: true
  });
  if (!last) {
    return null;
  }
  return (
    <div className="jp-mlws-LastSnapshot" role="status">
      <RowIcon icon={checkIcon} width="14px" />
      <span className="jp-mlws-LastSnapshot-subject" title={last.subject}>
        {last.subject}
      </span>
      <code>{last.short}</code>
      <ProofBadges proof={last.proof} />
    </div>
  );
}

/** Changed notebooks whose outputs do not match their code. */
function StaleNotebooks(props: {
  client: MLWSClient;
  groups: IChangeGroups;
}): JSX.Element {
  const { client, groups } = props;
  const changed = new Set(
    [...groups.staged, ...groups.rest].map(change => change.path)
  );
  const folder = client.project?.path === '.' ? '' : client.project?.path;
  const paths = [...changed]
    .filter(path => path.endsWith('.ipynb'))
    .slice(0, MAX_NOTEBOOKS)
    .map(path => PathExt.join(folder ?? '', path));
  const { data } = useGet(
    client,
    '/stale-notebooks',
    { path: paths },
    { enabled: paths.length > 0, keepPrevious: true }
  );
  return (
    <>
      {(paths.length > 0 ? (data?.items ?? []) : []).map(stale => (
        <p key={stale.path} className="jp-mlws-Note" role="status">
          {staleText(stale)}
        </p>
      ))}
    </>
  );
}

function staleText({
  path,
  edited,
  out_of_order: reordered
}: IStaleNotebook): string {
  const numbers = (cells: readonly number[]) =>
    new Intl.ListFormat(language).format(cells.map(String));
  const name = PathExt.basename(path);
  const sentences = [
    edited.length > 0 &&
      trans._n(
        'Cell %3 of %2 was edited after it ran.',
        'Cells %3 of %2 were edited after they ran.',
        edited.length,
        name,
        numbers(edited)
      ),
    reordered.length > 0 &&
      trans._n(
        'Cell %3 of %2 ran before a cell above it.',
        'Cells %3 of %2 ran before a cell above them.',
        reordered.length,
        name,
        numbers(reordered)
      )
  ];
  return sentences.filter(Boolean).join(' ');
}

/** Error and warnings of the newest commit. */
function Outcome(
  props: IProps & { hasStaged: boolean; changes: readonly IChange[] }
): JSX.Element {
  const { draft, actions, hasStaged, changes } = props;
  const { error, warnings } = useValue(draft.progress);
  const files = FILE_ERRORS.has(error?.code ?? '')
    ? ((error?.details.paths ?? []) as string[])
    : [];
  const paths = files.filter(path => changes.some(one => one.path === path));
  // Errors about files disappear with their files.
  const failure = files.length > 0 && paths.length === 0 ? null : error;
  const ways = failure?.code === CREDENTIALS && (
    <>
      <Button
        onClick={() =>
          hasStaged
            ? actions.unstage({ paths })
            : actions.commit({ leaveOut: paths })
        }
      >
        {hasStaged ? trans.__('Unstage') : trans.__('Leave Out')}
      </Button>
      <IgnoreButton {...props} paths={paths} />
      <Button
        onClick={() =>
          actions.commit({ staged: hasStaged, allowSecrets: true })
        }
      >
        {trans.__('Not Secrets, Commit Anyway')}
      </Button>
    </>
  );
  const many = failure?.code === TOO_MANY && (
    <>
      <span>
        {trans.__(
          'Track folders of data, or ignore them, in their context menu below.'
        )}
      </span>
      <Button onClick={() => actions.commit({ allowMany: true })}>
        {trans.__('Commit All to Git')}
      </Button>
    </>
  );
  const identity = failure?.code === NO_IDENTITY && (
    <IdentityForm
      onSubmit={who => actions.commitAs(who, { staged: hasStaged })}
    />
  );
  return (
    <>
      {failure && (
        <Failure error={failure} actions={ways || many || identity} />
      )}
      {warnings.map(warning => (
        <p key={warning} className="jp-mlws-Note" role="status">
          {warning}
        </p>
      ))}
    </>
  );
}

/** Form for the user's name and address. */
function IdentityForm(props: {
  onSubmit: (identity: IIdentity) => void;
}): JSX.Element {
  return (
    <form
      className="jp-mlws-IdentityForm"
      onSubmit={event => {
        event.preventDefault();
        const fields = new FormData(event.currentTarget);
        props.onSubmit({
          name: String(fields.get('name')).trim(),
          email: String(fields.get('email')).trim()
        });
      }}
    >
      <label>
        {trans.__('Your name')}
        <input
          className="jp-mod-styled"
          name="name"
          autoComplete="name"
          required
          pattern="[^<>]*[^<>\s][^<>]*"
        />
      </label>
      <label>
        {trans.__('Your email address')}
        <input
          className="jp-mod-styled"
          name="email"
          autoComplete="email"
          required
          pattern="[^<>\s]+@[^<>\s]+"
        />
      </label>
      <button type="submit" className="jp-mod-styled jp-mod-accept">
        {trans.__('Save and Commit')}
      </button>
    </form>
  );
}

interface IFilesProps extends IProps {
  changes: readonly IChange[];
  paths: readonly string[];
}

/** Lets git ignore new files. */
function IgnoreButton(props: IFilesProps): JSX.Element | null {
  const { changes, actions } = props;
  const isNew = (path: string): boolean =>
    changes.some(
      one =>
        one.path === path &&
        (one.state === 'untracked' || one.state === 'added')
    );
  const paths = props.paths.filter(isNew);
  return paths.length === 0 ? null : (
    <Button title={paths.join('\n')} onClick={() => actions.ignore(paths)}>
      {trans._n('Ignore File', 'Ignore Files', paths.length)}
    </Button>
  );
}

/** New files that are too large for git, with their actions. */
function LargeFiles(
  props: IProps & { changes: readonly IChange[] }
): JSX.Element | null {
  const { actions } = props;
  const large = props.changes.filter(one => one.too_large);
  const paths = large.map(one => one.path);
  return large.length === 0 ? null : (
    <div className="jp-mlws-Note jp-mlws-LargeFiles" role="status">
      <p>
        {trans._n(
          '%2 is too large for git. It is left out of commits.',
          '%1 files are too large for git. They are left out of commits: %2',
          large.length,
          namesOf(large)
        )}
      </p>
      <div className="jp-mlws-Failure-actions">
        <Button title={paths.join('\n')} onClick={() => actions.track(paths)}>
          {trackLabel(paths.length)}
        </Button>
        <IgnoreButton {...props} paths={paths} />
      </div>
    </div>
  );
}

/** Pending merge or other operation. */
function PendingOperation(props: IProps & { status: IGitStatus }): JSX.Element {
  const { client, status, actions } = props;
  // Conflicts of an earlier merge are stale.
  const conflicts = useGet(client, '/git/conflicts', {}, { gcTime: 0 });
  return (
    <Answer of={conflicts}>
      {data => (
        <Conflicts
          conflicts={data}
          operation={status.operation}
          ways={status.actions}
          actions={actions}
        />
      )}
    </Answer>
  );
}

function Changes(props: IProps & { status: IGitStatus }): JSX.Element {
  const { client, draft, actions, status } = props;
  const { restored } = status;
  const groups = useMemo(() => groupChanges(status), [status]);
  // A running operation that holds the project's lock has no actions, and finishes automatically.
  const waits = status.actions.length > 0;
  return (
    <>
      {!waits && (
        <CommitBox
          draft={draft}
          groups={groups}
          onCommit={options => actions.commit(options)}
        />
      )}
      <LargeFiles {...props} changes={status.changes} />
      <StaleNotebooks client={client} groups={groups} />
      <Outcome
        {...props}
        changes={status.changes}
        hasStaged={groups.staged.length > 0}
      />
      {status.outbox.length > 0 && (
        <p className="jp-mlws-Note" role="status">
          {trans._n(
            'The data of %1 snapshot has not been pushed yet. It will be pushed ' +
              'automatically when its remote can be reached.',
            'The data of %1 snapshots has not been pushed yet. It will be pushed ' +
              'automatically when its remote can be reached.',
            status.outbox.length
          )}
        </p>
      )}
      {status.head !== null && status.branch === null && !waits && (
        <div className="jp-mlws-Note jp-mlws-Detached" role="status">
          <p>
            {trans.__(
              'No branch is checked out: HEAD is at %1, and new commits belong to no branch.',
              status.head.slice(0, 8)
            )}
          </p>
          <Button onClick={() => actions.newBranch()}>
            {trans.__('New Branch…')}
          </Button>
          <Button onClick={() => actions.switchBranch()}>
            {trans.__('Switch to Branch…')}
          </Button>
        </div>
      )}
      {restored && (
        <div className="jp-mlws-Note jp-mlws-Restored" role="status">
          <p>
            {trans.__(
              'Files restored from %1 “%2”. Commit to make this the latest snapshot.',
              restored.short,
              restored.subject
            )}
          </p>
          <Button
            className="jp-mlws-ReturnButton"
            onClick={() => actions.returnToHead()}
          >
            {trans.__('Return to %1', status.branch ?? 'HEAD')}
          </Button>
          <Button
            className="jp-mlws-KeepButton"
            onClick={event => {
              draft.message.value = trans.__('Restore “%1”', restored.subject);
              focusMessage(event.currentTarget.closest('.jp-mlws-Changes')!);
            }}
          >
            {trans.__('Keep as New Snapshot')}
          </Button>
        </div>
      )}
      {groups.notPulled.length > 0 && (
        <div className="jp-mlws-Note" role="status">
          <p title={groups.notPulled.map(one => one.path).join('\n')}>
            {trans._n(
              '%1 dataset has not been pulled yet: %2',
              '%1 datasets have not been pulled yet: %2',
              groups.notPulled.length,
              namesOf(groups.notPulled)
            )}
          </p>
          <Button
            className="jp-mlws-PullDataButton"
            onClick={() => actions.pullData(groups.notPulled)}
          >
            {trans.__('Pull Data')}
          </Button>
        </div>
      )}
      {(waits || groups.conflicts.length > 0) && (
        <PendingOperation {...props} />
      )}
      <ChangeLists {...props} groups={groups} />
      {!waits && <LastSnapshot client={client} head={status.head} />}
    </>
  );
}

function Section(props: IProps): JSX.Element {
  const { client } = props;
  const status = useGet(client, '/git/status');
  return (
    <Answer of={status}>{data => <Changes {...props} status={data} />}</Answer>
  );
}

/** Puts the cursor into the commit box of a view. */
export function focusMessage(node: Element): void {
  node.querySelector<HTMLTextAreaElement>('.jp-mlws-CommitBox')?.focus();
}

/** The section of changes, the commit box and the proof of the newest snapshot. */
export function changesView(props: IProps): ServerView {
  return new ServerView(props.client, () => <Section {...props} />, {
    id: 'jp-mlws-changes',
    label: trans.__('Changes'),
    className: 'jp-mlws-Section jp-mlws-Changes',
    help: 'reference-versions',
    paths: ['/git/status', '/git/conflicts']
  });
}
