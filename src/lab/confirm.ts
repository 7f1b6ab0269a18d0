import { Dialog } from '@jupyterlab/apputils';

import { trans } from '../ui/locale';

/** Asks for a value by the form of a dialog; null if it was canceled. `focus`: a selector. */
export async function ask<T>(
  title: string,
  ok: string,
  body: Dialog.IBodyWidget<T>,
  focus = 'input'
): Promise<T | null> {
  const dialog = new Dialog({
    title,
    body,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: ok })
    ],
    focusNodeSelector: focus
  });
  const { button, value } = await dialog.launch();
  return button.accept ? value : null;
}

/** Asks the user to confirm an action; the default is to cancel it. */
export async function confirm(
  title: string,
  body: Dialog.Body<unknown>,
  ok: string
): Promise<boolean> {
  const dialog = new Dialog({
    title,
    body,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: ok })
    ],
    defaultButton: 0
  });
  return (await dialog.launch()).button.accept;
}
