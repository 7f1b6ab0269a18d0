import { ReactWidget } from '@jupyterlab/apputils';

/** Labelled fields in a dialog of the lab; their values are the dialog's answer. */
export abstract class DialogForm<T> extends ReactWidget {
  constructor() {
    super();
    this.addClass('jp-mlws-DialogForm');
  }

  abstract getValue(): T;
}
