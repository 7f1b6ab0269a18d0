import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useId, useState } from 'react';

import type { ITemplate } from './gallery';

export interface INewWorkflow {
  name: string;
  /** Null for an empty one. */
  template: ITemplate | null;
}

/** Asks for a name and what to begin with; null where it was called off. */
export async function askForWorkflow(
  gallery: readonly ITemplate[],
  hasProject: boolean,
  trans: TranslationBundle
): Promise<INewWorkflow | null> {
  const body = new NewWorkflowBody(gallery, hasProject, trans);
  const answer = await showDialog({
    title: trans.__('New Workflow'),
    body,
    focusNodeSelector: 'input',
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Create') })
    ]
  });
  return answer.button.accept ? answer.value : null;
}

class NewWorkflowBody
  extends ReactWidget
  implements Dialog.IBodyWidget<INewWorkflow>
{
  constructor(
    private _gallery: readonly ITemplate[],
    private _hasProject: boolean,
    private _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlws-NewWorkflow');
  }

  getValue(): INewWorkflow {
    const { name, key } = this._choice;
    const template = this._gallery.find(one => one.key === key) ?? null;
    const title =
      name.trim() || (template?.title ?? this._trans.__('Workflow'));
    return { name: title, template };
  }

  protected render(): JSX.Element {
    return (
      <NewWorkflowForm
        gallery={this._gallery}
        hasProject={this._hasProject}
        trans={this._trans}
        onChange={choice => {
          this._choice = choice;
        }}
      />
    );
  }

  private _choice = { name: '', key: '' };
}

function NewWorkflowForm(props: {
  gallery: readonly ITemplate[];
  hasProject: boolean;
  trans: TranslationBundle;
  onChange: (choice: { name: string; key: string }) => void;
}): JSX.Element {
  const { gallery, hasProject, trans } = props;
  const [choice, setChoice] = useState({ name: '', key: '' });
  const id = useId();
  const change = (part: Partial<typeof choice>): void => {
    const next = { ...choice, ...part };
    setChoice(next);
    props.onChange(next);
  };
  const empty = {
    key: '',
    title: trans.__('Blank'),
    description: trans.__('Start with an empty canvas')
  };
  return (
    <>
      {!hasProject && (
        <p>
          {trans.__(
            'This folder will become a project: a git repository with DVC. Existing ' +
              'files are not changed.'
          )}
        </p>
      )}
      <label htmlFor={id}>{trans.__('Name')}</label>
      <input
        id={id}
        className="jp-mod-styled"
        placeholder={trans.__('For example “Churn model”')}
        value={choice.name}
        onChange={event => change({ name: event.target.value })}
      />
      <fieldset>
        <legend>{trans.__('Start from')}</legend>
        {[empty, ...gallery].map(({ key, title, description }) => (
          <label key={key} className="jp-mlws-NewWorkflow-choice">
            <input
              type="radio"
              name={id}
              value={key}
              checked={choice.key === key}
              onChange={() => change({ key })}
            />
            <span>
              <strong>{title}</strong>
              <br />
              {description}
            </span>
          </label>
        ))}
      </fieldset>
    </>
  );
}
