import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

/** Labelled fields in a dialog of the lab; their values are the dialog's answer. */
export abstract class DialogForm<T> extends ReactWidget {
  constructor(protected readonly trans: TranslationBundle) {
    super();
    this.addClass('jp-mlws-DialogForm');
  }

  abstract getValue(): T;
}
