import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { useState } from 'react';

interface IForm<T> {
  /** What is there at first. */
  value: T;
  fields: (value: T, change: (part: Partial<T>) => void) => JSX.Element;
}

/** Asks for values in a dialog; null where it was called off. */
export async function askForm<T>({
  title,
  ok,
  ...form
}: IForm<T> & { title: string; ok: string }): Promise<T | null> {
  let { value } = form;
  const body = ReactWidget.create(
    <Form {...form} onChange={next => (value = next)} />
  );
  body.addClass('jp-mlws-NewWorkflow');
  const answer = await showDialog({
    title,
    body,
    focusNodeSelector: 'input',
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: ok })]
  });
  return answer.button.accept ? value : null;
}

function Form<T>(
  props: IForm<T> & { onChange: (value: T) => void }
): JSX.Element {
  const [value, setValue] = useState(props.value);
  return props.fields(value, part => {
    const next = { ...value, ...part };
    setValue(next);
    props.onChange(next);
  });
}
