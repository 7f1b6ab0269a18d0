import type {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type {
  ReadonlyPartialJSONObject,
  ReadonlyPartialJSONValue
} from '@lumino/coreutils';
import type { Message } from '@lumino/messaging';
import { DockPanel, type Widget } from '@lumino/widgets';

import { compareIcon } from '../ui/fileIcons';
import { describeArgs } from './describeArgs';
import type { ViewToolbars } from './viewToolbar';

/** Opens a view that was open before the page was loaded again. */
const REOPEN_COMMAND = 'mlws:reopen-view';
const MLWS_COMMAND = /^mlws:/;

/** Class of the tab of a preview. */
const PREVIEW = 'jp-mlws-mod-preview';

/** Number of views so far, for their ids. */
let count = 0;

export interface IMainView {
  view: Widget;
  icon?: LabIcon;
  /** The name of a toolbar, for the actions of an `IActingView`. */
  toolbar?: string;
  /** Position of its tab; beside the other tabs by default. */
  mode?: 'split-right';
  /** Returns false to keep the view open when the user closes it. */
  mayClose?: () => Promise<boolean>;
}

/** The command that opens a view. */
export interface IViewCommand {
  id: string;
  args?: ReadonlyPartialJSONObject;
}

/** Tab that asks for confirmation before it closes. */
class GuardedTab extends MainAreaWidget {
  constructor(
    content: Widget,
    readonly key: string,
    readonly command: IViewCommand | null,
    private _mayClose?: () => Promise<boolean>
  ) {
    super({ content });
  }

  protected onCloseRequest(message: Message): void {
    void (this._mayClose?.() ?? Promise.resolve(true)).then(may => {
      if (may) {
        super.onCloseRequest(message);
      }
    });
  }
}

/**
 * The views of the main area by key; showing a key again reveals its open view.
 *
 * Views with a command are restored with JupyterLab's layout.
 */
export class MainViews {
  constructor(
    private _app: JupyterFrontEnd,
    private _labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    readonly toolbars: ViewToolbars
  ) {
    _app.commands.addCommand(REOPEN_COMMAND, {
      describedBy: describeArgs({
        id: { type: 'string' },
        args: { type: 'object' }
      }),
      execute: async args => {
        const { id, args: own } = args as Partial<IViewCommand>;
        if (typeof id === 'string' && MLWS_COMMAND.test(id)) {
          await _app.commands.execute(id, own);
        }
      }
    });
    void restorer?.restore(this._tracker, {
      command: REOPEN_COMMAND,
      args: ({ command }) => ({
        id: command?.id,
        args: command?.args as ReadonlyPartialJSONValue
      }),
      // Without a name it is not restored.
      name: ({ key, command }) => (command ? key : '')
    });
  }

  /**
   * Shows a view, whose code `make` may load; `command` opens it again.
   *
   * A preview is replaced by the next one, unless it was kept by a double click or an edit.
   */
  async show(
    key: string,
    make: () => IMainView | Promise<IMainView>,
    command: IViewCommand | null = null,
    isPreview = false
  ): Promise<void> {
    let opening = this._open.get(key);
    if (!opening) {
      opening = this._add(key, make, command, isPreview);
      this._open.set(key, opening);
      opening.catch(() => this._open.delete(key));
    }
    const widget = await opening;
    if (isPreview && widget.parent instanceof DockPanel) {
      // The focus stays in the list, for the arrow keys.
      widget.parent.selectWidget(widget);
      return;
    }
    this._keep(widget);
    this._app.shell.activateById(widget.id);
  }

  /** Closes a view, if it is open. */
  async close(key: string): Promise<void> {
    (await this._open.get(key))?.close();
  }

  private _keep(widget: GuardedTab): void {
    if (widget === this._preview) {
      this._preview = null;
      widget.title.className = '';
    }
  }

  /** Makes a view the preview, in the place of the one before. */
  private _startPreview(widget: GuardedTab): void {
    this._preview?.dispose();
    this._preview = widget;
    widget.title.className = PREVIEW;
    const keep = () => this._keep(widget);
    widget.node.addEventListener('input', keep);
    widget.node.addEventListener('dblclick', keep);
    const onDoubleClick = (event: MouseEvent) => {
      const tab = (event.target as Element).closest<HTMLElement>(
        '.lm-TabBar-tab'
      );
      if (tab?.dataset.id === widget.id) {
        keep();
      }
    };
    document.addEventListener('dblclick', onDoubleClick);
    widget.disposed.connect(() => {
      document.removeEventListener('dblclick', onDoubleClick);
      keep();
    });
  }

  private async _add(
    key: string,
    make: () => IMainView | Promise<IMainView>,
    command: IViewCommand | null,
    isPreview: boolean
  ): Promise<GuardedTab> {
    const { shell } = this._app;
    const { view, icon = compareIcon, mode, mayClose, toolbar } = await make();
    const widget = new GuardedTab(view, key, command, mayClose);
    widget.id = `jp-mlws-view-${(count += 1)}`;
    widget.title.icon = icon;
    widget.title.closable = true;
    widget.toolbar.hide();
    if (toolbar) {
      this.toolbars.fill(toolbar, widget);
    }
    widget.disposed.connect(() => this._open.delete(key));
    const before = isPreview ? this._preview : null;
    shell.add(
      widget,
      'main',
      before
        ? { ref: before.id, mode: 'tab-after', activate: false }
        : { mode, activate: !isPreview }
    );
    // JupyterLab attaches widgets that are added before it restores its layout later.
    if (!this._labShell && !widget.parent) {
      // The main area of Notebook 7 accepts only the document of its page; its right area opens
      // when a widget in it is activated.
      shell.add(widget, 'right');
    }
    void this._tracker.add(widget);
    if (isPreview) {
      this._startPreview(widget);
    }
    return widget;
  }

  private _preview: GuardedTab | null = null;
  private _open = new Map<string, Promise<GuardedTab>>();
  private _tracker = new WidgetTracker<GuardedTab>({
    namespace: 'mlws-views'
  });
}
