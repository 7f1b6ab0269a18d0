import type { ILabStatus } from '@jupyterlab/application';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';

import type { MLWSClient } from '../../api/client';
import type { MainViews } from '../../lab/mainArea';
import { trans } from '../../ui/locale';
import { State } from '../../ui/state';
import type { ICode } from '../actions';
import { mergeIcon } from '../icons';
import { guardUnsaved } from '../unsaved';
import { knownStatus } from '../changes/status';

function keyOf(path: string): string {
  return `conflict ${path}`;
}

/** Opens the views of conflicts; their code is loaded with the first of them. */
export function conflictOpener(
  client: MLWSClient,
  views: MainViews,
  { work, refs }: ICode,
  languages: IEditorLanguageRegistry | null,
  status: ILabStatus | null
): (path: string) => Promise<void> {
  const open = async (path: string) => {
    const { conflictView } = await import('./view');
    await views.show(keyOf(path), () => {
      const touched = new State(false);
      const mayClose = guardUnsaved(
        touched,
        status,
        trans.__('Your choices for “%1” will be lost.', path)
      );
      const view = conflictView({
        client,
        path,
        languages,
        touched,
        change: request => void work.change(request),
        onOpen: other => {
          void open(other);
          void views.close(keyOf(path));
        },
        onEnd: () => void views.close(keyOf(path)),
        onContinue: () =>
          void refs.advance(
            knownStatus(client)?.operation ?? 'merge',
            'continue'
          )
      });
      return { view, icon: mergeIcon, mayClose };
    });
  };
  return open;
}
