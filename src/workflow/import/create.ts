import type { Contents } from '@jupyterlab/services';

import { print } from '../document/scalars';

/** The name of a workflow's folder: readable, and fit for every file system. */
export function slugOf(name: string): string {
  const slug = name
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return slug || 'workflow';
}

/** The text of a workflow without nodes. */
export function newWorkflowText(name: string): string {
  return `vars:\n  - workflow: {name: ${print(name)}}\nstages: {}\n`;
}

/** Creates `workflows/<slug>/dvc.yaml` in the project's folder; returns its path. */
export async function createWorkflow(
  contents: Contents.IManager,
  projectFolder: string,
  name: string
): Promise<string> {
  const prefix = projectFolder ? `${projectFolder}/` : '';
  const home = `${prefix}workflows`;
  const names = await namesIn(contents, projectFolder, home);
  const base = slugOf(name);
  let slug = base;
  for (let number = 2; names.has(slug); number += 1) {
    slug = `${base}-${number}`;
  }
  await contents.save(`${home}/${slug}`, { type: 'directory', format: 'json' });
  const path = `${home}/${slug}/dvc.yaml`;
  const content = newWorkflowText(name);
  await contents.save(path, { type: 'file', format: 'text', content });
  return path;
}

/** Names of the workflows' folders; creates their parent folder if missing. */
async function namesIn(
  contents: Contents.IManager,
  projectFolder: string,
  home: string
): Promise<Set<string>> {
  const root = await contents.get(projectFolder, { content: true });
  const entries: Contents.IModel[] = root.content;
  if (!entries.some(entry => entry.name === 'workflows')) {
    await contents.save(home, { type: 'directory', format: 'json' });
    return new Set();
  }
  const listing = await contents.get(home, { content: true });
  return new Set(
    (listing.content as Contents.IModel[]).map(entry => entry.name)
  );
}
