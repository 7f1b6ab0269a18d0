import { projectOf, type IPlace, type MLWSClient } from '../api/client';
import type { IProjectInfo } from '../api/models';

/** The folder of the example project, below the server's root. */
export const EXAMPLE_FOLDER = 'mlws-example';
/** The server's root itself. */
export const ROOT_FOLDER = '.';

/** Creates a project in a folder of the server, and selects it. */
export async function createProject(
  client: MLWSClient,
  name: string,
  template: 'empty' | 'example'
): Promise<IProjectInfo> {
  const project = await client.post('/projects', { name, template });
  await client.show(project);
  return client.project ?? project;
}

/**
 * Returns the project of a file, and the file's path in it.
 *
 * Without any project, JupyterLab's folder becomes one.
 */
export async function placeInProject(
  client: MLWSClient,
  path: string
): Promise<IPlace> {
  if ((await client.loadProjects()).length === 0) {
    await createProject(client, ROOT_FOLDER, 'empty');
  }
  return projectOf(path, client.projects);
}
