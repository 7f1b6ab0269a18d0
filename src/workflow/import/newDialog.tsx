import type { TranslationBundle } from '@jupyterlab/translation';
import { useId } from 'react';

import { askForm } from '../askForm';
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
  const choice = await askForm({
    title: trans.__('New Workflow'),
    ok: trans.__('Create'),
    value: { name: '', key: '' },
    fields: (value, change) => (
      <NewWorkflowFields
        gallery={gallery}
        hasProject={hasProject}
        trans={trans}
        choice={value}
        change={change}
      />
    )
  });
  if (!choice) {
    return null;
  }
  const template = gallery.find(one => one.key === choice.key) ?? null;
  const name = choice.name.trim() || (template?.title ?? trans.__('Workflow'));
  return { name, template };
}

interface IChoice {
  name: string;
  key: string;
}

function NewWorkflowFields(props: {
  gallery: readonly ITemplate[];
  hasProject: boolean;
  trans: TranslationBundle;
  choice: IChoice;
  change: (part: Partial<IChoice>) => void;
}): JSX.Element {
  const { gallery, hasProject, trans, choice, change } = props;
  const id = useId();
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
