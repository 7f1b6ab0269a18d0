import { Dialog } from '@jupyterlab/apputils';

import { trans } from '../ui/locale';

/** Asks the user to confirm an action; the default is to cancel it. */
export async function confirm(
  title: string,
  body: string,
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
