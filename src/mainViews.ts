import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';

import type { LiveModel } from './live';
import { compareIcon } from './versions/icons';

/** Views of the main area that were opened so far; each has an id of its own. */
let made = 0;

/** Main-area views by what they show; asking twice reveals the one that is open. */
export class MainViews {
  constructor(private _app: JupyterFrontEnd) {}

  show(
    key: string,
    make: () => { view: Widget; model: LiveModel | null; icon?: LabIcon }
  ): void {
    let widget = this._open.get(key);
    if (!widget) {
      const { view, model, icon } = make();
      widget = new MainAreaWidget({ content: view });
      widget.id = `jp-mlws-view-${(made += 1)}`;
      widget.title.icon = icon ?? compareIcon;
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
