import type { ICodePorts, IComponent } from '../../api/models';
import { EXTENSIONS } from '../document/ports';
import type { IGraphNode } from './graph';

/** Path of the code that a node runs, from the project's root; null if it has none. */
export function codePath({ component, stage }: IGraphNode): string | null {
  return component?.source === 'project' && component.path
    ? component.path
    : component
      ? null
      : (stage.deps.find(
          ({ raw }) => stage.component && /^components\/\w+\.py$/.test(raw)
        )?.raw ?? null);
}

/** Returns a component with new ports, until the server has parsed its code again. */
export function withPorts(
  component: IComponent,
  { inputs, outputs, columns }: ICodePorts
): IComponent {
  return {
    ...component,
    inputs: inputs.map(({ name, type, previous }) => ({
      required: true,
      multiple: false,
      description: '',
      ...component.inputs.find(port => port.name === previous),
      name,
      type
    })),
    outputs: outputs.map(({ name, type, previous }) => ({
      description: '',
      ...component.outputs.find(port => port.name === previous),
      name,
      type,
      extension: EXTENSIONS[type]
    })),
    columns: columns
      ? { add: {}, drop: [], ...component.columns, port: columns }
      : null
  };
}
