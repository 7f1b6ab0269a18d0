import { Notification } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';

import type { MLWSClient } from '../api/client';
import { documentPath } from '../lab/documents';
import { CANVAS_FACTORY } from '../lab/tokens';
import { trans } from '../ui/locale';

const MARK_ATTRIBUTE = 'data-mlws-tour-place';
/** Milliseconds for a view and the text to open before the place is marked. */
const OPEN_TIMEOUT = 30_000;

interface ITourOptions {
  client: MLWSClient;
  commands: CommandRegistry;
}

/**
 * A step: its text, and the element that it is about, which `reveal` brings into view.
 *
 * The first step changes nothing, since the tour starts by itself.
 */
interface IStep {
  text: string;
  place: string;
  reveal?: () => Promise<unknown>;
}

/** Shows the steps of the tour in order, from the step at `index`. */
export async function showTour(
  options: ITourOptions,
  index = 0
): Promise<void> {
  const steps = tourSteps(options);
  const { text, place, reveal } = steps[index];
  const isLast = index === steps.length - 1;
  // Notifications are cut after 140 characters.
  Notification.info(
    trans.__('Step %1 of %2: %3', index + 1, steps.length, text),
    {
      autoClose: false,
      actions: isLast
        ? [{ label: trans.__('Done'), callback: () => undefined }]
        : [
            {
              label: trans.__('Next Step'),
              displayType: 'accent',
              callback: () => void showTour(options, index + 1)
            },
            { label: trans.__('Skip Tour'), callback: () => undefined }
          ]
    }
  );
  await reveal?.();
  await markPlace(place);
}

function tourSteps({ client, commands }: ITourOptions): IStep[] {
  return [
    {
      text: trans.__(
        'This icon opens Source Control. The icon below it opens the workspace: workflows, runs and data.'
      ),
      place: '.lm-TabBar-tab[data-id="jp-mlws-source-control"]'
    },
    {
      text: trans.__(
        'Run starts a workflow. Only nodes whose code, data or settings changed run again.'
      ),
      place: '.jp-mlws-run',
      reveal: () => openWorkflow(client, commands)
    },
    {
      text: trans.__(
        'Select a node. This drawer shows its results, its log and earlier runs.'
      ),
      place: '.jp-mlws-Drawer',
      reveal: async () => {
        await openWorkflow(client, commands);
        const drawer = await visible('.jp-mlws-Drawer');
        drawer?.querySelector<HTMLElement>('[aria-expanded="false"]')?.click();
      }
    },
    {
      text: trans.__(
        'Commit saves code, data and models as one snapshot, which you can restore.'
      ),
      place: '.jp-mlws-CommitBox',
      reveal: () => commands.execute('mlws:open-source-control')
    },
    {
      text: trans.__(
        'In notebooks, use %load_ext jupyter_mlws and %mlws commit. This menu has help and this tour.'
      ),
      place: '#jp-MainMenu .lm-MenuBar-item:last-child'
    }
  ];
}

/** Opens a workflow of the project, unless a workflow is visible. */
async function openWorkflow(
  client: MLWSClient,
  commands: CommandRegistry
): Promise<void> {
  const { project } = client;
  const canvases = [...document.querySelectorAll('.jp-mlws-Canvas')];
  if (!project || canvases.some(one => one.checkVisibility())) {
    return;
  }
  const { items } = await client.get('/workflows');
  if (items.length > 0) {
    await commands.execute('docmanager:open', {
      path: documentPath(project, items[0].path),
      factory: CANVAS_FACTORY
    });
  }
}

/** Marks an element for a few seconds, as soon as it is there. */
async function markPlace(selector: string): Promise<void> {
  // At startup, JupyterLab shows notifications late.
  await visible('.Toastify__toast');
  const element = await visible(selector);
  // No class, which React would write over.
  element?.setAttribute(MARK_ATTRIBUTE, '');
  element?.addEventListener(
    'animationend',
    () => element.removeAttribute(MARK_ATTRIBUTE),
    { once: true }
  );
}

/** Waits for the first element outside of hidden tabs; null after a timeout. */
function visible(selector: string): Promise<HTMLElement | null> {
  const find = (): HTMLElement | undefined =>
    [...document.querySelectorAll<HTMLElement>(selector)].find(one =>
      one.checkVisibility()
    );
  return new Promise(resolve => {
    const stop = (element: HTMLElement | null): void => {
      observer.disconnect();
      clearTimeout(timer);
      resolve(element);
    };
    const look = (): void => {
      const element = find();
      if (element) {
        stop(element);
      }
    };
    const observer = new MutationObserver(look);
    const timer = setTimeout(() => stop(null), OPEN_TIMEOUT);
    observer.observe(document.body, {
      attributes: true,
      childList: true,
      subtree: true
    });
    look();
  });
}
