import type { Contents } from '@jupyterlab/services';
import { useId } from 'react';

import type { MLWSClient } from '../../api/client';
import { createProject, ROOT_FOLDER } from '../../lab/projects';
import { trans } from '../../ui/locale';
import { askForm } from '../askForm';
import { createWorkflow } from './create';
import { templates, type ITemplate } from './gallery';
import { TemplateChoice } from './templateChoice';

interface INewWorkflow {
  name: string;
  /** Null for an empty workflow. */
  template: ITemplate | null;
}

/** Creates a workflow by a dialog; returns its path in JupyterLab, null if canceled. */
export async function newWorkflow(
  client: MLWSClient,
  contents: Contents.IManager
): Promise<string | null> {
  await client.loadProjects();
  const hasProject = client.project !== null;
  const choice = await askForWorkflow(templates(), hasProject);
  return choice && create(client, contents, choice);
}

/** Returns the new file's path in JupyterLab. Without a project, the current folder becomes one. */
async function create(
  client: MLWSClient,
  contents: Contents.IManager,
  { name, template }: INewWorkflow
): Promise<string> {
  if (!client.project) {
    await createProject(client, ROOT_FOLDER, 'empty');
  }
  const folder = client.project?.path ?? '';
  const home = folder === '.' ? '' : folder;
  if (!template) {
    return createWorkflow(contents, home, name);
  }
  const { nodes, edges } = template;
  const workflow = await client.post('/workflows', {
    name,
    nodes,
    edges
  });
  return home ? `${home}/${workflow.path}` : workflow.path;
}

/** Asks for a name and a template; null if canceled. */
async function askForWorkflow(
  gallery: readonly ITemplate[],
  hasProject: boolean
): Promise<INewWorkflow | null> {
  const choice = await askForm({
    title: trans.__('New Workflow'),
    ok: trans.__('Create'),
    value: { name: '', key: '' },
    fields: (value, change) => (
      <NewWorkflowFields
        gallery={gallery}
        hasProject={hasProject}
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
  choice: IChoice;
  change: (part: Partial<IChoice>) => void;
}): JSX.Element {
  const { gallery, hasProject, choice, change } = props;
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
      <TemplateChoice
        legend={trans.__('Start from')}
        templates={[empty, ...gallery]}
        value={choice.key}
        onChange={key => change({ key })}
      />
    </>
  );
}
