import { projectOf, type IPlace, type MLWSClient } from '../api/client';
import type { IProjectInfo } from '../api/models';

/** The folder of the example project, below the server's root. */
export const EXAMPLE_FOLDER = 'mlws-example';
/** The server's root itself. */
export const ROOT_FOLDER = '.';

/** Makes a project in a folder of the server, and shows it. */
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
 * Returns the project of a file of the lab, and the file's path in it.
 *
 * The lab's folder becomes a project where there is none at all.
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
