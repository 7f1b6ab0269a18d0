import {
  Dialog,
  Notification,
  showDialog,
  type ISessionContext
} from '@jupyterlab/apputils';

import type {
  IEnvironmentUse,
  IProjectEnvironment,
  IProjectEnvironmentDetail
} from '../api/models';
import { confirm } from '../lab/confirm';
import { notifyOnError } from '../lab/notify';
import type { IMLWSClient } from '../lab/tokens';
import { OperationTracker } from '../operations/tracker';
import { listText } from '../ui/format';
import { trans } from '../ui/locale';
import { State } from '../ui/state';
import { askEnvironment, askPackages, ROOT } from './forms';

/** The place of the operation that creates an environment. */
export const NEW = '';
/** Tools whose definitions are changed by commands. */
export const TOOLS_THAT_ADD: readonly string[] = ['uv', 'pixi'];
/** Lines of output that are shown. */
const MAX_LINES = 200;

export function environmentPath(name: string) {
  return `/envs/${encodeURIComponent(name)}` as const;
}

/** Actions of the section in other parts of the lab. */
export interface IEnvironmentHost {
  openFile(path: string): void;
  openUse(use: IEnvironmentUse): void;
  newNotebook(environment: IProjectEnvironment): void;
  /** Lists the kernels again. */
  refreshKernels(): Promise<void>;
}

/** Actions of the section of environments. */
export class EnvironmentActions {
  constructor(
    private _client: IMLWSClient,
    readonly host: IEnvironmentHost,
    /** The names of the environments whose details are shown. */
    readonly expanded: State<ReadonlySet<string>>
  ) {
    this.operations = new OperationTracker(_client);
    this.operations.changed.connect(this._readLine, this);
  }

  /** Operations by the name of their environment, or by `NEW`. */
  readonly operations: OperationTracker;
  /** Output of the programs of running operations, by the same names. */
  readonly output = new State<ReadonlyMap<string, readonly string[]>>(
    new Map()
  );

  /** Asks for a new environment and creates it; `name` is suggested. */
  async create(name: string): Promise<void> {
    await notifyOnError(() =>
      askEnvironment(name, async request => {
        const started = await this._client.post('/envs', request);
        const label = trans.__('Creating %1', request.name);
        void this._run(NEW, label, () => Promise.resolve(started)).then(
          created => {
            if (created) {
              const { value } = this.expanded;
              this.expanded.value = new Set([...value, created.name]);
            }
          }
        );
      })
    );
  }

  /** Asks for packages and adds them. */
  add({ name }: IProjectEnvironment): void {
    void notifyOnError(() =>
      askPackages(name, async packages => {
        const path = `${environmentPath(name)}/add` as const;
        const operation = await this._client.post(path, { packages });
        const label = trans.__('Adding %1', listText(packages));
        void this._run(name, label, () => Promise.resolve(operation));
      })
    );
  }

  /** Adds what a kernel needs; resolves to true when it is installed. */
  async addKernel(name: string): Promise<boolean> {
    const packages = ['ipykernel'];
    const path = `${environmentPath(name)}/add` as const;
    const result = await this._run(
      name,
      trans.__('Adding %1', packages[0]),
      () => this._client.post(path, { packages })
    );
    return result !== null;
  }

  /**
   * Asks to add ipykernel to the environment whose kernel a notebook has chosen and cannot start
   * without; then starts it.
   */
  async offerKernel(context: ISessionContext, kernel: string): Promise<void> {
    // At once: Jupyter would start it again and again.
    await context.shutdown();
    const { items } = await this._client.get('/envs');
    const environment = items.find(one => one.kernel === kernel);
    if (!environment || context.isDisposed) {
      return;
    }
    const { name, tool, files } = environment;
    const canAdd = TOOLS_THAT_ADD.includes(tool);
    const reason = trans.__(
      'The environment “%1” has no ipykernel, and its Python is of another version than that of JupyterLab.',
      name
    );
    const { button } = await showDialog({
      title: trans.__('Kernel Needs ipykernel'),
      body: canAdd
        ? reason
        : `${reason} ${trans.__('Add it to %1, then install the environment.', files[0])}`,
      buttons: [
        Dialog.cancelButton({
          label: canAdd ? trans.__('Cancel') : trans.__('Close')
        }),
        ...(canAdd
          ? [Dialog.okButton({ label: trans.__('Add ipykernel') })]
          : [])
      ]
    });
    if (button.accept && (await this.addKernel(name)) && !context.isDisposed) {
      await context.changeKernel({ name: kernel });
    }
  }

  remove(name: string, used: string): void {
    const path = `${environmentPath(name)}/remove` as const;
    void this._run(name, trans.__('Removing %1', used), () =>
      this._client.post(path, { packages: [used] })
    );
  }

  lock({ name }: IProjectEnvironment): void {
    void this._run(name, trans.__('Locking %1', name), () =>
      this._client.post(`${environmentPath(name)}/lock`)
    );
  }

  install({ name }: IProjectEnvironment): void {
    void this._run(name, trans.__('Installing %1', name), () =>
      this._client.post(`${environmentPath(name)}/sync`)
    );
  }

  delete(environment: IProjectEnvironmentDetail): void {
    const { name, prefix, files, lock, used_by: uses } = environment;
    const fileNames = listText([...files, ...(lock ? [lock] : [])]);
    const what =
      name === ROOT
        ? trans.__(
            'Deletes what is installed in %1. %2 stay.',
            prefix,
            fileNames
          )
        : trans.__(
            'Deletes the folder envs/%1 with all of its files: %2. Files that are committed can be restored.',
            name,
            fileNames
          );
    void notifyOnError(async () => {
      const isMeant = await confirm(
        trans.__('Delete environment “%1”?', name),
        uses.length > 0
          ? `${what} ${trans.__('It is used by %1.', listText(uses.map(use => use.name)))}`
          : what,
        trans.__('Delete')
      );
      if (!isMeant) {
        return;
      }
      const { paths } = await this._client.delete(environmentPath(name));
      Notification.success(trans.__('Deleted %1.', listText(paths)), {
        autoClose: 5000
      });
      await this._refresh();
    });
  }

  private async _run<T>(
    place: string,
    label: string,
    start: Parameters<typeof this.operations.run<T>>[2]
  ): Promise<T | null> {
    const result = await this.operations.run(place, label, start);
    const output = new Map(this.output.value);
    output.delete(place);
    this.output.value = output;
    await this._refresh();
    return result;
  }

  private async _refresh(): Promise<void> {
    await this._client.refresh('/envs');
    await this.host.refreshKernels();
  }

  private _readLine(tracker: OperationTracker, place: string): void {
    const tracked = tracker.get(place);
    const line = tracked?.operation?.message;
    const before = this.output.value.get(place) ?? [];
    if (
      line &&
      tracked.state === 'running' &&
      line !== before[before.length - 1]
    ) {
      const lines = [...before, line].slice(-MAX_LINES);
      this.output.value = new Map([...this.output.value, [place, lines]]);
    }
  }
}
