import { ReactWidget } from '@jupyterlab/ui-components';

import { CompareContent, ICompareProps } from './compareContent';

/** The comparison of runs as a main-area view. */
export class CompareView extends ReactWidget {
  constructor(private _props: ICompareProps) {
    super();
    this.addClass('jp-mlws-View');
    this.addClass('jp-mlws-Compare');
  }

  protected render(): JSX.Element {
    return <CompareContent {...this._props} />;
  }
}
