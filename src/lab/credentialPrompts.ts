import { Dialog } from '@jupyterlab/apputils';
import type { IDisposable } from '@lumino/disposable';
import { APIError, IEventStream, MLWSClient } from '../api/client';
import type { IOperation, Data } from '../api/models';
import { notifyOnError } from './notify';
import { FieldsForm } from './fieldsDialog';
import { trans } from '../ui/locale';

/** Error code: the prompt is closed, or was answered by another client. */
const PROMPT_CLOSED = '30259';

/** A question on the screen. */
interface IAsked {
  prompt: string;
  dialog: Dialog<Record<string, string>>;
}

/**
 * Shows the prompts of operations, mostly for credentials, as dialogs.
 *
 * Any client may have started the operation: a view, a second window, a program over REST. An
 * answer is sent to the operation and not stored; prompts that were answered elsewhere are closed.
 */
export class CredentialPrompts implements IDisposable {
  constructor(private _client: MLWSClient) {
    this._stream = _client.stream('/operations/status');
    this._stream.message.connect(this._onEvent, this);
  }

  get isDisposed(): boolean {
    return this._stream.isDisposed;
  }

  dispose(): void {
    this._stream.dispose();
    for (const id of [...this._asked.keys()]) {
      this._close(id);
    }
  }

  private _onEvent(
    _: IEventStream,
    event: Data<'get', '/operations/status'>
  ): void {
    if (event.type === 'operation') {
      this._heed(event);
    } else {
      // Prompts opened before the connection, or while it was lost.
      void notifyOnError(() => this._lookUp());
    }
  }

  private async _lookUp(): Promise<void> {
    const { items } = await this._client.get('/operations');
    const going = new Map(items.map(operation => [operation.id, operation]));
    for (const id of [...this._asked.keys()]) {
      if (!going.has(id)) {
        this._close(id);
      }
    }
    items.forEach(operation => this._heed(operation));
  }

  private _heed(operation: IOperation): void {
    const { id, question } = operation;
    const prompt = operation.state === 'WAITING' ? question?.prompt : undefined;
    if (this._asked.get(id)?.prompt === prompt) {
      return;
    }
    this._close(id);
    if (prompt !== undefined) {
      void notifyOnError(() => this._ask(operation));
    }
  }

  private async _ask(operation: IOperation): Promise<void> {
    const { id, kind, question } = operation;
    const { prompt, secret } = question!;
    const dialog = new Dialog({
      title: trans.__('%1 needs input', operationLabel(kind)),
      body: new FieldsForm(
        [{ name: 'answer', label: prompt, secret }],
        [
          trans.__(
            'Used for this operation only and not stored. To avoid this prompt, set up a ' +
              'git credential helper or an SSH agent.'
          )
        ]
      ),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Continue') })
      ],
      focusNodeSelector: 'input'
    });
    dialog.addClass('jp-mlws-Question');
    this._asked.set(id, { prompt, dialog });
    const answer = await dialog.launch();
    if (this._asked.get(id)?.dialog !== dialog) {
      return; // answered or ended elsewhere
    }
    this._asked.delete(id);
    if (!answer.button.accept) {
      await this._client.post(`/operations/${id}/cancel`);
      return;
    }
    try {
      const value = answer.value?.answer ?? '';
      await this._client.post(`/operations/${id}/answer`, { value });
    } catch (error) {
      if (!(error instanceof APIError && error.code === PROMPT_CLOSED)) {
        throw error;
      }
    }
  }

  private _close(id: string): void {
    const question = this._asked.get(id);
    this._asked.delete(id);
    question?.dialog.reject();
  }

  private _stream: IEventStream<Data<'get', '/operations/status'>>;
  private _asked = new Map<string, IAsked>();
}

/** Returns the name of a kind of operation. */
function operationLabel(kind: string): string {
  const labels: Record<string, string> = {
    push: trans.__('Push'),
    pull: trans.__('Pull'),
    fetch: trans.__('Fetch'),
    clone: trans.__('Clone'),
    checkout: trans.__('Checkout'),
    merge: trans.__('Merge'),
    rollback: trans.__('Revert'),
    stash: trans.__('Stash'),
    restore: trans.__('Restore')
  };
  return labels[kind] ?? kind;
}
