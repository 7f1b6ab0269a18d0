import type { ILabStatus } from '@jupyterlab/application';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import { agreed } from '../../lab/confirm';
import type { MLWSClient } from '../../api/client';
import type { IWorkspaceEvents } from '../../lab/tokens';
import type { MainViews } from '../../lab/mainArea';
import type { ICode } from '../actions';
import { mergeIcon } from '../icons';
import { ConflictModel, type Resolution } from './conflict';

/** Opens the views of conflicts; their code is loaded with the first of them. */
export function conflictOpener(
  client: MLWSClient,
  events: IWorkspaceEvents,
  views: MainViews,
  code: ICode,
  languages: IEditorLanguageRegistry | null,
  status: ILabStatus | null,
  trans: TranslationBundle
): (path: string) => Promise<void> {
  const open = async (path: string) => {
    const { ConflictView } = await import('./view');
    await views.show(`conflict ${path}`, () => {
      const model = new ConflictModel(client, events, path);
      warnOfLoss(model, status);
      const actions = {
        resolve: (resolution: Resolution) =>
          void code.work.change(() => model.resolve(resolution)),
        open: (other: string) => void open(other),
        continueMerge: () => void code.refs.continueMerge()
      };
      const view = new ConflictView(
        model,
        actions,
        languages,
        client.language,
        trans
      );
      view.title.label = trans.__('Resolve %1', path.split('/').pop() ?? path);
      view.title.caption = path;
      const mayClose = async () =>
        !model.touched ||
        agreed(
          trans.__('Discard the merge result?'),
          trans.__('Your choices for “%1” will be lost.', path),
          trans.__('Close'),
          trans
        );
      return { view, model, icon: mergeIcon, mayClose };
    });
  };
  return open;
}

/** The browser asks before it leaves the page while there is something to lose. */
function warnOfLoss(model: ConflictModel, status: ILabStatus | null): void {
  let mark: IDisposable | null = null;
  const heed = () => {
    if (model.touched && !mark) {
      mark = status?.setDirty() ?? null;
    } else if (!model.touched) {
      mark?.dispose();
      mark = null;
    }
  };
  model.stateChanged.connect(heed);
  model.disposed.connect(() => mark?.dispose());
}
