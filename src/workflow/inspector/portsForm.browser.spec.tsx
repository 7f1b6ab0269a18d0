import '@jupyterlab/theme-light-extension/style/variables.css';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, onTestFinished, test } from 'vitest';
import { commands, page } from 'vitest/browser';

import '../../../style/index.css';
import { accessFaults, css } from '../../__tests__/browser/canvas';
import { fake } from '../../__tests__/server';
import type { ICodePorts, IComponent } from '../../api/models';
import { CanvasContext, type ICanvasContext } from '../context';
import { PortsForm } from './portsForm';

const COMPONENT = fake<IComponent>({
  inputs: [{ name: 'data', type: 'Table' }],
  outputs: [{ name: 'table', type: 'Table' }],
  columns: null,
  settings: { properties: { rate: {} } }
});

/** The form of a component, which takes each change as the server does. */
function Form(props: { onChange: (ports: ICodePorts) => void }): JSX.Element {
  const [component, setComponent] = useState(COMPONENT);
  const onChange = (ports: ICodePorts): void => {
    props.onChange(ports);
    const { inputs, outputs, columns } = ports;
    const next = { inputs, outputs, columns: columns && { port: columns } };
    setComponent(fake<IComponent>({ ...COMPONENT, ...next }));
  };
  return (
    <PortsForm component={component} isDisabled={false} onChange={onChange} />
  );
}

/** Renders the form; returns its changes, newest last. */
function showForm(): ICodePorts[] {
  const changes: ICodePorts[] = [];
  const host = document.createElement('div');
  host.className = 'jp-mlws-Panel';
  document.body.append(host);
  const root = createRoot(host);
  onTestFinished(() => {
    root.unmount();
    host.remove();
  });
  root.render(
    <CanvasContext.Provider value={fake<ICanvasContext>({})}>
      <Form onChange={ports => changes.push(ports)} />
    </CanvasContext.Provider>
  );
  return changes;
}

function nameField(port: string): ReturnType<typeof css> {
  return page.getByLabelText(`Name of the port ${port}`, { exact: true });
}

test('ports are added with free names, renamed and removed', async () => {
  const changes = showForm();
  await page.getByRole('button', { name: 'Add Input' }).click();
  expect(changes.at(-1)?.inputs.at(-1)).toEqual({
    name: 'data_2',
    type: 'Table',
    previous: null
  });
  await nameField('data_2').fill('sizes');
  await commands.press('Enter');
  expect(changes.at(-1)?.inputs.at(-1)).toEqual({
    name: 'sizes',
    type: 'Table',
    previous: 'data_2'
  });
  await page
    .getByLabelText('Type of the port sizes', { exact: true })
    .selectOptions('Metrics');
  expect(changes.at(-1)?.inputs.at(-1)?.type).toBe('Metrics');
  // A single output stays.
  const remove = (port: string): ReturnType<typeof css> =>
    page.getByRole('button', { name: `Remove the port ${port}`, exact: true });
  await expect.element(remove('table')).not.toBeInTheDocument();
  await remove('sizes').click();
  expect(changes.at(-1)?.inputs.map(({ name }) => name)).toEqual(['data']);
  await expect.element(nameField('sizes')).not.toBeInTheDocument();
  expect(await accessFaults('.jp-mlws-Panel')).toEqual([]);
});

test.for([
  ['two words', 'Use letters, digits and _, and begin with a letter.'],
  ['table', '“table” is already in use.'],
  ['rate', '“rate” is already in use.']
])('a port cannot be named “%s”', async ([name, reason]) => {
  const changes = showForm();
  await nameField('data').fill(name);
  await expect
    .element(nameField('data'))
    .toHaveAttribute('aria-invalid', 'true');
  await expect.element(nameField('data')).toHaveAttribute('title', reason);
  await commands.press('Enter');
  await expect.element(nameField('data')).toHaveValue('data');
  expect(changes).toEqual([]);
});

test('the columns of an output may be those of an input', async () => {
  const changes = showForm();
  const columns = page.getByLabelText('Columns of the output');
  await columns.selectOptions('The same as those of data');
  expect(changes.at(-1)?.columns).toBe('data');
  await expect.element(columns).toHaveValue('data');
  await columns.selectOptions('Unknown before a run');
  expect(changes.at(-1)?.columns).toBeNull();
});
