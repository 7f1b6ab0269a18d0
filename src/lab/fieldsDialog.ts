import type { Dialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import { ask } from './confirm';

interface IField {
  name: string;
  label: string;
  value?: string;
  placeholder?: string;
  /** Masked input, which browsers do not store. */
  secret?: boolean;
}

/** Labelled fields as the body of a dialog. */
export class FieldsForm
  extends Widget
  implements Dialog.IBodyWidget<Record<string, string>>
{
  constructor(fields: readonly IField[], notes: readonly string[] = []) {
    super();
    this.addClass('jp-mlws-FieldsForm');
    for (const field of fields) {
      this.node.appendChild(this._row(field));
    }
    for (const note of notes) {
      const hint = document.createElement('p');
      hint.className = 'jp-mlws-Hint';
      hint.textContent = note;
      this.node.appendChild(hint);
    }
  }

  getValue(): Record<string, string> {
    return Object.fromEntries(
      [...this._inputs].map(([name, input]) => [name, input.value])
    );
  }

  private _row(field: IField): HTMLElement {
    const label = document.createElement('label');
    const input = document.createElement('input');
    label.append(field.label, input);
    input.className = 'jp-mod-styled';
    input.type = field.secret ? 'password' : 'text';
    input.autocomplete = field.secret ? 'new-password' : 'off';
    input.spellcheck = false;
    input.name = field.name;
    input.value = field.value ?? '';
    input.placeholder = field.placeholder ?? '';
    this._inputs.set(field.name, input);
    return label;
  }

  private _inputs = new Map<string, HTMLInputElement>();
}

/** Asks for several values, which are trimmed; null if canceled. */
export async function askFields(
  title: string,
  ok: string,
  fields: readonly IField[],
  notes: readonly string[] = []
): Promise<Record<string, string> | null> {
  const answer = await ask(title, ok, new FieldsForm(fields, notes));
  return (
    answer &&
    Object.fromEntries(
      Object.entries(answer).map(([name, value]) => [name, value.trim()])
    )
  );
}
