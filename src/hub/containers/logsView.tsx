import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';

import { LogPanel } from './logPanel';
import type { LogsModel } from './logs';

/** A container's log in the main area; it owns its model. */
export class LogsView extends ReactWidget {
  constructor(
    private _model: LogsModel,
    private _label: string,
    private _trans: TranslationBundle
  ) {
    super();
    this.title.label = _label;
    this.addClass('jp-mlws-LogsView');
  }

  dispose(): void {
    this._model.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    return (
      <LogPanel model={this._model} label={this._label} trans={this._trans} />
    );
  }
}
