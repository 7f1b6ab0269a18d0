import { Button, checkIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { listText } from '../ui/format';
import { ChangeLists, type IChangeActions } from './changeLists';
import { Conflicts, type IMergeActions } from './conflicts';
import { groupChanges, type IChangeGroups } from './groups';
import { Failure } from '../ui/errorBox';
import { LiveView } from '../ui/liveView';
import type { IChange } from '../api/models';
import type { ChangesModel, ICommitOptions } from './changes';
import { ProofBadges } from './snapshotParts';

/** Code of the error that files look like credentials. */
const LOOKS_SECRET = '30206';

/** Code of the error that so many new files may be data. */
const MANY_FILES = '30221';

/** What the person can do here. */
export interface IChangesActions extends IChangeActions, IMergeActions {
  commit(options?: ICommitOptions): void;
  pullData(changes: readonly IChange[]): void;
  /** Restores the newest snapshot. */
  returnToHead(): void;
}

/** Paths that a sentence names. */
const NAMED = 3;

function namesOf(
  changes: readonly IChange[],
  trans: TranslationBundle
): string {
  const paths = changes.slice(0, NAMED).map(change => change.path);
  return listText(changes.length > NAMED ? [...paths, '…'] : paths, trans);
}

function CommitBox(props: {
  model: ChangesModel;
  groups: IChangeGroups;
  trans: TranslationBundle;
  onCommit: (options: ICommitOptions) => void;
}): JSX.Element {
  const { model, groups, trans } = props;
  const { message, canCommit } = model;
  const staged = groups.staged.length;
  const all = new Set(
    [...groups.staged, ...groups.rest].map(change => change.path)
  ).size;
  const label =
    staged > 0
      ? trans._n('Commit %1 Staged File', 'Commit %1 Staged Files', staged)
      : all > 0
        ? trans._n('Commit %1 Change', 'Commit %1 Changes', all)
        : trans.__('Commit');
  return (
    <form
      className="jp-mlws-CommitForm"
      onSubmit={event => {
        event.preventDefault();
        props.onCommit({ staged: staged > 0 });
      }}
    >
      <textarea
        className="jp-mlws-CommitBox"
        aria-label={trans.__('Commit message')}
        placeholder={trans.__('Message (Ctrl+Enter to commit)')}
        rows={Math.min(Math.max(message.split('\n').length, 2), 8)}
        value={message}
        onChange={event => (model.message = event.target.value)}
      />
      <button
        type="submit"
        className="jp-mlws-CommitButton jp-mod-styled jp-mod-accept"
        disabled={!canCommit}
        aria-busy={model.busy !== null}
        title={
          staged > 0
            ? trans.__('Commit staged changes')
            : trans.__(
                'Save all documents and commit code, data and runs together'
              )
        }
      >
        {model.busy ?? label}
      </button>
      {staged > 0 && groups.rest.length > 0 && (
        <button
          type="button"
          className="jp-mlws-CommitAllButton jp-mod-styled"
          disabled={!canCommit}
          onClick={() => props.onCommit({})}
        >
          {trans._n('Commit All (%1 File)', 'Commit All (%1 Files)', all)}
        </button>
      )}
    </form>
  );
}

function LastSnapshot(props: {
  model: ChangesModel;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { model, trans } = props;
  if (!model.last) {
    return null;
  }
  return (
    <div className="jp-mlws-LastSnapshot" role="status">
      <checkIcon.react tag="span" className="jp-mlws-Row-icon" width="14px" />
      <span className="jp-mlws-LastSnapshot-subject" title={model.last.subject}>
        {model.last.subject}
      </span>
      <code>{model.last.short}</code>
      <ProofBadges proof={model.last.proof} trans={trans} />
    </div>
  );
}

/** Changes, the commit box and the proof of the newest snapshot. */
export class ChangesView extends LiveView<ChangesModel> {
  constructor(
    model: ChangesModel,
    private _actions: IChangesActions,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.id = 'jp-mlws-changes';
    this.title.label = trans.__('Changes');
    this.addClass('jp-mlws-Section');
    this.addClass('jp-mlws-Changes');
  }

  /** Puts the cursor into the commit box. */
  focusMessage(): void {
    this.node.querySelector<HTMLTextAreaElement>('.jp-mlws-CommitBox')?.focus();
  }

  protected body(): JSX.Element {
    const { model, trans, _actions: actions } = this;
    const status = model.status!;
    const groups = groupChanges(status);
    const merging = status.operation === 'merge' && model.conflicts !== null;
    return (
      <>
        {!merging && (
          <CommitBox
            model={model}
            groups={groups}
            trans={trans}
            onCommit={options => actions.commit(options)}
          />
        )}
        {model.commitError && (
          <Failure error={model.commitError} trans={trans} />
        )}
        {model.commitError?.code === LOOKS_SECRET && (
          <Button
            small={true}
            onClick={() =>
              actions.commit({
                staged: groups.staged.length > 0,
                allowSecrets: true
              })
            }
          >
            {trans.__('Not Secrets, Commit Anyway')}
          </Button>
        )}
        {model.commitError?.code === MANY_FILES && (
          <Button
            small={true}
            onClick={() => actions.commit({ allowMany: true })}
          >
            {trans.__('Commit All to Git')}
          </Button>
        )}
        {model.warnings.map(warning => (
          <p key={warning} className="jp-mlws-Note" role="status">
            {warning}
          </p>
        ))}
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
        {status.restored && (
          <div className="jp-mlws-Note jp-mlws-Restored" role="status">
            <p>
              {trans.__(
                'Files restored from %1 “%2”. Commit to make this the latest snapshot.',
                status.restored.short,
                status.restored.subject
              )}
            </p>
            <Button
              small={true}
              className="jp-mlws-ReturnButton"
              onClick={() => actions.returnToHead()}
            >
              {trans.__('Return to %1', status.branch ?? 'HEAD')}
            </Button>
            <Button
              small={true}
              className="jp-mlws-KeepButton"
              onClick={() => {
                model.message = trans.__(
                  'Restore “%1”',
                  status.restored!.subject
                );
                this.focusMessage();
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
                namesOf(groups.notPulled, trans)
              )}
            </p>
            <Button
              small={true}
              className="jp-mlws-PullDataButton"
              onClick={() => actions.pullData(groups.notPulled)}
            >
              {trans.__('Pull Data')}
            </Button>
          </div>
        )}
        {status.operation && !merging && model.busy === null && (
          <p className="jp-mlws-Note" role="status">
            {trans.__('Git operation in progress: %1', status.operation)}
          </p>
        )}
        {model.conflicts && (
          <Conflicts
            conflicts={model.conflicts}
            merging={merging}
            actions={actions}
            trans={trans}
          />
        )}
        <ChangeLists
          groups={groups}
          actions={actions}
          language={this._language}
          trans={trans}
        />
        {!merging && <LastSnapshot model={model} trans={trans} />}
      </>
    );
  }
}
