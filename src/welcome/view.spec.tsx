import type { IDocumentManager } from '@jupyterlab/docmanager';
import { CommandRegistry } from '@lumino/commands';
import { expect, it, vi } from 'vitest';

import { fake, project, show, Wire } from '../__tests__/server';
import { WelcomeView } from './view';

it('says only of a folder without a project that it has none', async () => {
  const client = new Wire().client();
  client.project = null;
  const view = new WelcomeView({
    client,
    manager: fake<IDocumentManager>({}),
    commands: new CommandRegistry(),
    isShown: () => true,
    setShown: async () => undefined
  });
  const node = await show(view);
  await vi.waitFor(() =>
    expect(node.textContent).toContain('This folder has no project yet.')
  );
  client.project = project;
  await vi.waitFor(() => expect(node.textContent).not.toContain('no project'));
  expect(node.textContent).toContain('Choose how to begin');
  view.dispose();
});
