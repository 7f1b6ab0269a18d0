import { Button, checkIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useState } from 'react';

import { Failure } from '../failure';
import { fileSize } from '../format';
import { LiveView } from '../liveView';
import type { IChange, IGitStatus } from '../models';
import { Rows } from '../rows';
import type { ChangesModel } from './changes';
import { kindIcons } from './icons';
import { ProofBadges } from './proof';
import { kindWord, stateLetters, stateWord } from './words';

/** Code of the error that files look like credentials. */
const LOOKS_SECRET = '30206';

/** Rows drawn at once; a folder of ten thousand new files must not stop the browser. */
const DRAWN = 300;

/** What the person can do with a change. */
export interface IChangeActions {
  openDiff(change: IChange): void;
  /** `allowSecrets`: although files look like credentials. */
  commit(allowSecrets?: boolean): void;
}

function ChangeRow(props: {
  change: IChange;
  language: string;
  trans: TranslationBundle;
  onOpen: () => void;
}): JSX.Element {
  const { change, language, trans } = props;
  const Icon = kindIcons[change.kind].react;
  const slash = change.path.lastIndexOf('/');
  const told = `${change.path}: ${kindWord(change.kind, trans)}, ${stateWord(change.state, trans)}`;
  const moved = change.old_path ? trans.__('was %1', change.old_path) : '';
  const size = change.size === null ? '' : fileSize(change.size, language);
  return (
    <li>
      <button
        className="jp-mlws-Row jp-mlws-Change"
        data-mlws-row
        data-mlws-path={change.path}
        title={[told, moved, size].filter(Boolean).join('\n')}
        aria-label={told}
        onClick={props.onOpen}
      >
        <Icon tag="span" className="jp-mlws-Row-icon" width="16px" />
        <span className="jp-mlws-Row-name">{change.path.slice(slash + 1)}</span>
        <span className="jp-mlws-Row-folder">
          {change.path.slice(0, Math.max(slash, 0))}
        </span>
        <span className="jp-mlws-ChangeState" data-mlws-state={change.state}>
          {stateLetters[change.state]}
        </span>
      </button>
    </li>
  );
}

function commitLabel(changes: number, trans: TranslationBundle): string {
  return changes === 0
    ? trans.__('Commit')
    : trans._n('Commit %1 change', 'Commit %1 changes', changes);
}

function CommitBox(props: {
  message: string;
  busy: string | null;
  canCommit: boolean;
  changes: number;
  trans: TranslationBundle;
  onMessage: (message: string) => void;
  onCommit: () => void;
}): JSX.Element {
  const { trans, message } = props;
  return (
    <form
      className="jp-mlws-CommitForm"
      onSubmit={event => {
        event.preventDefault();
        props.onCommit();
      }}
    >
      <textarea
        className="jp-mlws-CommitBox"
        aria-label={trans.__('Message of the snapshot')}
        placeholder={trans.__('What did you change? (Ctrl+Enter commits)')}
        rows={Math.min(Math.max(message.split('\n').length, 2), 8)}
        value={message}
        onChange={event => props.onMessage(event.target.value)}
      />
      <button
        type="submit"
        className="jp-mlws-CommitButton jp-mod-styled jp-mod-accept"
        disabled={!props.canCommit}
        aria-busy={props.busy !== null}
        title={trans.__(
          'Save all documents and keep code, data and runs as one version'
        )}
      >
        {props.busy ?? commitLabel(props.changes, trans)}
      </button>
    </form>
  );
}

function ChangeList(props: {
  status: IGitStatus;
  language: string;
  trans: TranslationBundle;
  openDiff: (change: IChange) => void;
}): JSX.Element {
  const { status, trans } = props;
  const [all, setAll] = useState(false);
  const changes = all ? status.changes : status.changes.slice(0, DRAWN);
  if (changes.length === 0) {
    return (
      <p className="jp-mlws-Hint">
        {trans.__(
          'Everything is in a snapshot. Edit a file, change data or run a workflow, and what changed appears here.'
        )}
      </p>
    );
  }
  return (
    <>
      <Rows label={trans.__('Changed files')}>
        {changes.map(change => (
          <ChangeRow
            key={change.path}
            change={change}
            language={props.language}
            trans={trans}
            onOpen={() => props.openDiff(change)}
          />
        ))}
      </Rows>
      {changes.length < status.changes.length && (
        <Button small={true} onClick={() => setAll(true)}>
          {trans.__('Show all %1 changes', status.changes.length)}
        </Button>
      )}
    </>
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
    private _actions: IChangeActions,
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
    const { model, trans } = this;
    const status = model.status!;
    return (
      <>
        <CommitBox
          message={model.message}
          busy={model.busy}
          canCommit={model.canCommit}
          changes={status.changes.length}
          trans={trans}
          onMessage={message => (model.message = message)}
          onCommit={() => this._actions.commit()}
        />
        {model.commitError && (
          <Failure error={model.commitError} trans={trans} />
        )}
        {model.commitError?.code === LOOKS_SECRET && (
          <Button small={true} onClick={() => this._actions.commit(true)}>
            {trans.__('These are no secrets: commit')}
          </Button>
        )}
        {model.warnings.map(warning => (
          <p key={warning} className="jp-mlws-Note" role="status">
            {warning}
          </p>
        ))}
        <LastSnapshot model={model} trans={trans} />
        {status.operation && model.busy === null && (
          <p className="jp-mlws-Note" role="status">
            {trans.__('Begun and not finished in git: %1', status.operation)}
          </p>
        )}
        <ChangeList
          status={status}
          language={this._language}
          trans={trans}
          openDiff={change => this._actions.openDiff(change)}
        />
      </>
    );
  }
}
