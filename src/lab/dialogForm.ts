import { ReactWidget } from '@jupyterlab/apputils';

/** Form in a JupyterLab dialog; its values are the dialog's result. */
export abstract class DialogForm<T> extends ReactWidget {
  constructor() {
    super();
    this.addClass('jp-mlws-DialogForm');
  }

  abstract getValue(): T;
}
