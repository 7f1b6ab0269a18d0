import type { IOutput } from '@jupyterlab/nbformat';
import { KernelMessage, type Kernel } from '@jupyterlab/services';

import type { NotebookEvent } from '../api/models';

/** A message about the output of an execution, without the fields that say of which. */
type Output<E> = E extends { execution: string }
  ? Omit<E, 'seq' | 'execution' | 'request' | 'cell' | 'origin'>
  : never;

export type OutputEvent = Output<
  Exclude<NotebookEvent, { type: 'execution' | 'memory' }>
>;

type Hook = (
  message: KernelMessage.IIOPubMessage
) => boolean | PromiseLike<boolean>;

/**
 * Execution that a different page requested, as a future for an output area.
 *
 * The output area then handles outputs, updates, clears and requests for input as usual.
 */
export class ResumedExecution implements Kernel.IShellFuture<
  KernelMessage.IExecuteRequestMsg,
  KernelMessage.IExecuteReplyMsg
> {
  /** `answer`: sends the user's input to the running code. */
  constructor(
    /** The id of the kernel's request. */
    readonly id: string,
    private _session: string,
    source: string,
    private _answer: (value: string) => void
  ) {
    const content = { code: source };
    this.msg = KernelMessage.createMessage<KernelMessage.IExecuteRequestMsg>({
      ...this._options,
      channel: 'shell',
      msgType: 'execute_request',
      msgId: id,
      content
    });
  }

  readonly msg: KernelMessage.IExecuteRequestMsg;
  readonly done = new Promise<KernelMessage.IExecuteReplyMsg>(() => undefined);
  onReply: (message: KernelMessage.IExecuteReplyMsg) => void = () => undefined;
  onIOPub: (message: KernelMessage.IIOPubMessage) => void = () => undefined;
  onStdin: (message: KernelMessage.IStdinMessage) => void = () => undefined;

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.onIOPub = this.onStdin = () => undefined;
  }

  registerMessageHook(_: Hook): void {
    // Only outputs are received, and they are not blocked.
  }

  removeMessageHook(_: Hook): void {
    // None is registered.
  }

  sendInputReply(content: KernelMessage.IInputReplyMsg['content']): void {
    if (content.status === 'ok') {
      this._answer(content.value);
    }
  }

  /** Passes an output of the server to the output area. */
  receive(event: OutputEvent): void {
    switch (event.type) {
      case 'output': {
        const { output_type: kind, ...content } = event.output as IOutput;
        this._publish(
          kind as KernelMessage.IOPubMessageType,
          content,
          event.display_id
        );
        break;
      }
      case 'update': {
        const { data, metadata } = event.output;
        this._publish(
          'update_display_data',
          { data, metadata },
          event.display_id
        );
        break;
      }
      case 'clear':
        this._publish('clear_output', { wait: event.wait });
        break;
      case 'input': {
        const { prompt, password } = event;
        this.onStdin(
          KernelMessage.createMessage<KernelMessage.IInputRequestMsg>({
            ...this._options,
            channel: 'stdin',
            msgType: 'input_request',
            content: { prompt, password }
          })
        );
        break;
      }
    }
  }

  private _publish(
    msgType: KernelMessage.IOPubMessageType,
    content: object,
    display?: string
  ): void {
    const transient = display === undefined ? {} : { display_id: display };
    this.onIOPub(
      KernelMessage.createMessage({
        ...this._options,
        channel: 'iopub',
        msgType,
        content: { ...content, transient },
        parentHeader: this.msg.header
      } as KernelMessage.IOptions<KernelMessage.IDisplayDataMsg>)
    );
  }

  private get _options(): { session: string; username: string } {
    return { session: this._session, username: '' };
  }

  private _isDisposed = false;
}
