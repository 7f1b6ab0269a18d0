import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { useState } from 'react';

/** Second dialog; resolves to its values, or null. */
type Aside<T> = () => Promise<Partial<T> | null>;

interface IForm<T> {
  /** Initial value. */
  value: T;
  fields: (
    value: T,
    change: (part: Partial<T>) => void,
    /** Closes the form while a second dialog is open, then shows it again with its values. */
    ask: (aside: Aside<T>) => void
  ) => JSX.Element;
}

/** Asks for values in a dialog; null if canceled. */
export async function askForm<T>({
  title,
  ok,
  ...form
}: IForm<T> & { title: string; ok: string }): Promise<T | null> {
  let { value } = form;
  // JupyterLab shows dialogs one after the other: a second one would wait for the first to close.
  for (;;) {
    const asides: Aside<T>[] = [];
    const body = ReactWidget.create(
      <Form
        fields={form.fields}
        value={value}
        onChange={next => (value = next)}
        onAsk={aside => {
          asides.push(aside);
          dialog.reject();
        }}
      />
    );
    body.addClass('jp-mlws-NewWorkflow');
    const dialog = new Dialog({
      title,
      body,
      focusNodeSelector: 'input',
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: ok })]
    });
    const { button } = await dialog.launch();
    if (asides.length === 0) {
      return button.accept ? value : null;
    }
    value = { ...value, ...(await asides[0]()) };
  }
}

function Form<T>(
  props: IForm<T> & {
    onChange: (value: T) => void;
    onAsk: (aside: Aside<T>) => void;
  }
): JSX.Element {
  const [value, setValue] = useState(props.value);
  const change = (part: Partial<T>): void => {
    const next = { ...value, ...part };
    setValue(next);
    props.onChange(next);
  };
  return props.fields(value, change, props.onAsk);
}
