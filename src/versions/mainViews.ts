import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { Widget } from '@lumino/widgets';

import type { LiveModel } from '../live';
import { compareIcon } from './icons';

/** How many were made: each has an id of its own. */
let made = 0;

/** What a main-area view shows, and whether it may close. */
export interface IMainView {
  view: Widget;
  model: LiveModel | null;
  icon?: LabIcon;
  /** Asked before it closes by hand; without it nothing would be lost. */
  mayClose?: () => Promise<boolean>;
}

/** A tab that asks before it closes. */
class GuardedTab extends MainAreaWidget {
  constructor(
    content: Widget,
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

/** Main-area views by what they show; asking twice reveals the one that is open. */
export class MainViews {
  constructor(private _app: JupyterFrontEnd) {}

  show(key: string, make: () => IMainView): void {
    let widget = this._open.get(key);
    if (!widget) {
      const { view, model, icon = compareIcon, mayClose } = make();
      widget = new GuardedTab(view, mayClose);
      widget.id = `jp-mlws-view-${(made += 1)}`;
      widget.title.icon = icon;
      widget.title.closable = true;
      widget.toolbar.hide();
      widget.disposed.connect(() => {
        this._open.delete(key);
        model?.dispose();
      });
      this._open.set(key, widget);
      this._app.shell.add(widget, 'main');
      if (model) {
        model.active = true;
      }
    }
    this._app.shell.activateById(widget.id);
  }

  private _open = new Map<string, MainAreaWidget>();
}
