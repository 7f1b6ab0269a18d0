import type { JupyterFrontEnd } from '@jupyterlab/application';

import { CANVAS_FACTORY, type IMLWSClient } from '../lab/tokens';
import { documentPath, OpenDocuments } from '../lab/documents';
import type { ILineageNode } from '../api/models';
import { trans } from '../ui/locale';
import type { ILineageActions } from './view';

/** Opens the items of the graph in JupyterLab. */
export class LineageActions implements ILineageActions {
  constructor(
    private _app: JupyterFrontEnd,
    private _client: IMLWSClient,
    private _documents: OpenDocuments
  ) {}

  openLabel(node: ILineageNode): string | null {
    const labels: Record<ILineageNode['kind'], string | null> = {
      snapshot: trans.__('Compare with Current'),
      run: trans.__('Open Run'),
      dataset: trans.__('Open'),
      model: trans.__('Open Model'),
      node: trans.__('Open Workflow'),
      params: null
    };
    return labels[node.kind];
  }

  open(node: ILineageNode): void {
    const { project } = this._client;
    const { facts } = node;
    const run = (command: string, args: object) =>
      void this._app.commands.execute(command, { ...args });
    switch (node.kind) {
      case 'snapshot':
        return run('mlws:compare-snapshot', { id: facts.commit });
      case 'run':
        return run('mlws:open-run', { run: facts.id });
      case 'model':
        return run('mlws:open-model', { name: facts.name });
      case 'dataset':
        return project
          ? run('filebrowser:open-path', {
              path: documentPath(project, String(facts.path))
            })
          : undefined;
      case 'node':
        return project
          ? void this._documents.open(
              project,
              String(facts.workflow),
              CANVAS_FACTORY
            )
          : undefined;
      case 'params':
        return undefined;
    }
  }
}
