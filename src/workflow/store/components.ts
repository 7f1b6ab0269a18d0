import type { ICodePorts, IComponent } from '../../api/models';
import { trans } from '../../ui/locale';
import type { ISchema } from '../document/schema';
import type { ProjectClient } from './projectClient';

// gettext answers the empty string with the catalogue's header.
const say = (text: string) => (text ? trans.__(text) : text);

/** Translates a component's titles and descriptions, but not its names. */
export function translateComponent(component: IComponent): IComponent {
  const described = <T extends { description: string }>(port: T): T => ({
    ...port,
    description: say(port.description)
  });
  return {
    ...component,
    title: say(component.title),
    category: say(component.category),
    group: component.category,
    description: say(component.description),
    inputs: component.inputs.map(described),
    outputs: component.outputs.map(described),
    settings: { ...translateSettings(component.settings) }
  };
}

function translateSettings(schema: ISchema): ISchema {
  if (!schema.properties) {
    return schema;
  }
  const properties = Object.entries(schema.properties).map(
    ([name, property]): [string, ISchema] => {
      const { title, description, anyOf } = property;
      return [
        name,
        {
          ...withLabels(property),
          ...(title !== undefined && { title: say(title) }),
          ...(description !== undefined && { description: say(description) }),
          ...(anyOf && { anyOf: anyOf.map(withLabels) })
        }
      ];
    }
  );
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** Titles of choices and of the values of pairs, translated. */
function withLabels(schema: ISchema): ISchema {
  const labels = schema['x-labels'];
  const pairs = schema['x-pairs'];
  return {
    ...schema,
    ...(labels && { 'x-labels': labels.map(say) }),
    ...(pairs && {
      'x-pairs': {
        ...pairs,
        title: say(pairs.title),
        ...(pairs.labels && { labels: pairs.labels.map(say) })
      }
    })
  };
}

/** Name of the palette's entry for a new component of typed code; no function has it. */
export const PYTHON_CODE = ':python';

export function pythonCode(): IComponent {
  return {
    name: PYTHON_CODE,
    title: trans.__('Python code'),
    category: trans.__('Code'),
    group: 'Code',
    description: trans.__(
      'Runs Python code that you type in its settings: a function, as in a script'
    ),
    inputs: [
      {
        name: 'data',
        type: 'Table',
        required: true,
        multiple: false,
        description: ''
      }
    ],
    outputs: [
      { name: 'table', type: 'Table', extension: '.parquet', description: '' }
    ],
    settings: {},
    source: 'library',
    path: null,
    error: null,
    columns: null
  };
}

/** Requests about the code of components. */
export class CodeService {
  constructor(private _client: ProjectClient) {}

  /** Creates a component of the project, whose code is to be written. */
  async create(): Promise<IComponent> {
    return translateComponent(await this._client.post('/components'));
  }

  /** Checks the code of a component without running it, and changes its ports. */
  edit(name: string, text: string, ports?: ICodePorts) {
    const body = { name, text, ...(ports && { ports }) };
    return this._client.post('/components/code', body);
  }
}
