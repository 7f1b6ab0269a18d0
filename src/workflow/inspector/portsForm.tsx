import { useId, useState } from 'react';

import type { ICodePorts, IComponent } from '../../api/models';
import { Button } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { PORT_TYPES } from '../document/ports';
import { RemoveButton } from './removeButton';

type Port = ICodePorts['inputs'][number];
type Side = 'inputs' | 'outputs';

const NAME = /^[A-Za-z_]\w*$/;

/** The inputs and outputs of a component's code, and the columns of its output tables. */
export function PortsForm(props: {
  component: IComponent;
  isDisabled: boolean;
  onChange: (ports: ICodePorts) => void;
}): JSX.Element {
  const { component, isDisabled, onChange } = props;
  const id = useId();
  const listOf = (side: Side): Port[] =>
    component[side].map(({ name, type }) => ({
      name,
      type: type as Port['type'],
      previous: name
    }));
  const ports: ICodePorts = {
    inputs: listOf('inputs'),
    outputs: listOf('outputs'),
    columns: component.columns?.port ?? null
  };
  const names = [...ports.inputs, ...ports.outputs].map(({ name }) => name);
  const settings = Object.keys(
    (component.settings.properties as object | undefined) ?? {}
  );
  const set = (side: Side, index: number, port: Port): void =>
    onChange({
      ...ports,
      [side]: ports[side].map((one, at) => (at === index ? port : one))
    });
  const add = (side: Side): void => {
    const type = 'Table';
    const stem = side === 'inputs' ? 'data' : 'table';
    let name = stem;
    for (let count = 2; [...names, ...settings].includes(name); count += 1) {
      name = `${stem}_${count}`;
    }
    onChange({
      ...ports,
      [side]: [...ports[side], { name, type, previous: null }]
    });
  };
  const tables = ports.inputs.filter(({ type }) => type === 'Table');
  const list = (side: Side, title: string, addLabel: string): JSX.Element => (
    <div role="group" aria-label={title} className="jp-mlws-Ports">
      <h5>{title}</h5>
      {ports[side].map((port, index) => (
        <PortRow
          key={port.name}
          port={port}
          reserved={[...names, ...settings].filter(name => name !== port.name)}
          isDisabled={isDisabled}
          onChange={next => set(side, index, next)}
          onRemove={
            side === 'outputs' && ports.outputs.length === 1
              ? null
              : () =>
                  onChange({
                    ...ports,
                    [side]: ports[side].filter((_, at) => at !== index)
                  })
          }
        />
      ))}
      <Button disabled={isDisabled} onClick={() => add(side)}>
        {addLabel}
      </Button>
    </div>
  );
  return (
    <>
      {list('inputs', trans.__('Inputs of the code'), trans.__('Add Input'))}
      {list('outputs', trans.__('Outputs of the code'), trans.__('Add Output'))}
      {tables.length > 0 &&
        ports.outputs.some(({ type }) => type === 'Table') && (
          <div className="jp-mlws-Field">
            <label htmlFor={id}>{trans.__('Columns of the output')}</label>
            <select
              id={id}
              className="jp-mod-styled"
              disabled={isDisabled}
              value={ports.columns ?? ''}
              onChange={({ target }) =>
                onChange({ ...ports, columns: target.value || null })
              }
            >
              <option value="">{trans.__('Unknown before a run')}</option>
              {tables.map(({ name }) => (
                <option key={name} value={name}>
                  {trans.__('The same as those of %1', name)}
                </option>
              ))}
            </select>
          </div>
        )}
    </>
  );
}

function PortRow(props: {
  port: Port;
  /** Names used by ports and settings. */
  reserved: readonly string[];
  isDisabled: boolean;
  onChange: (port: Port) => void;
  onRemove: (() => void) | null;
}): JSX.Element {
  const { port, reserved, isDisabled, onChange, onRemove } = props;
  const [draft, setDraft] = useState(port.name);
  const fault = !NAME.test(draft)
    ? trans.__('Use letters, digits and _, and begin with a letter.')
    : reserved.includes(draft)
      ? trans.__('“%1” is already in use.', draft)
      : null;
  const commit = (): void => {
    if (fault !== null) {
      setDraft(port.name);
    } else if (draft !== port.name) {
      onChange({ ...port, name: draft });
    }
  };
  return (
    <div className="jp-mlws-Ports-row">
      <input
        className="jp-mod-styled"
        aria-label={trans.__('Name of the port %1', port.name)}
        aria-invalid={fault !== null}
        title={fault ?? undefined}
        disabled={isDisabled}
        value={draft}
        onChange={({ target }) => setDraft(target.value)}
        onBlur={commit}
        onKeyDown={event => event.key === 'Enter' && commit()}
      />
      <select
        className="jp-mod-styled"
        aria-label={trans.__('Type of the port %1', port.name)}
        disabled={isDisabled}
        value={port.type}
        onChange={({ target }) =>
          onChange({ ...port, type: target.value as Port['type'] })
        }
      >
        {PORT_TYPES.map(type => (
          <option key={type}>{type}</option>
        ))}
      </select>
      {onRemove && (
        <RemoveButton
          label={trans.__('Remove the port %1', port.name)}
          onClick={onRemove}
        />
      )}
    </div>
  );
}
