import { LabIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import { expect, it } from 'vitest';

import { project, Wire } from '../__tests__/server';
import { ServerView } from '../ui/server';
import { SectionsPanel } from './sidebar';

const icon = new LabIcon({ name: 'mlws-test:icon', svgstr: '<svg></svg>' });

it('has the sections of the server without a trusted project, and the others with one', () => {
  const client = new Wire().client();
  const section = (id: string): ServerView =>
    new ServerView(client, () => <p>{id}</p>, {
      id,
      label: id,
      className: id
    });
  const panel = new SectionsPanel(client, {
    id: 'panel',
    label: 'Panel',
    icon,
    bar: section('bar'),
    welcome: new Widget(),
    look: () => Promise.resolve()
  });
  const titles = (): string[] =>
    [...panel.node.querySelectorAll('.jp-AccordionPanel-title')].map(
      one => one.textContent!
    );
  panel.addSection({
    panel: 'workspace',
    view: section('Runs'),
    rank: 1,
    folded: true
  });
  panel.addSection({
    panel: 'workspace',
    view: section('Containers'),
    ofServer: true
  });
  panel.addSection({ panel: 'workspace', view: section('Data'), rank: 2 });
  expect(titles()).toEqual(['Containers']);
  expect(panel.content.isHidden).toBe(false);
  client.project = project;
  expect(titles()).toEqual(['Runs', 'Data', 'Containers']);
  panel.restoreLayout({ sizes: {}, folded: { Data: true } });
  client.project = { ...project, id: 'other', trusted: false };
  expect(titles()).toEqual(['Containers']);
  client.project = project;
  const folded = (): boolean[] =>
    [...panel.node.querySelectorAll('.jp-AccordionPanel-title')].map(
      one => one.getAttribute('aria-expanded') === 'false'
    );
  expect(folded()).toEqual([true, true, false]);
  panel.dispose();
});
