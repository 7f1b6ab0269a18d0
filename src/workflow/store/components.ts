import type { TranslationBundle } from '@jupyterlab/translation';

import type { MLWSClient } from '../../api/client';
import type { ICodePorts, IComponent } from '../../api/models';
import type { ISchema } from '../document/schema';

/** Translates a component's titles and descriptions, but not its names. */
export function translateComponent(
  component: IComponent,
  trans: TranslationBundle
): IComponent {
  const say = (text: string) => (text ? trans.__(text) : text);
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
    settings: { ...translateSettings(component.settings, say) }
  };
}

function translateSettings(
  schema: ISchema,
  say: (text: string) => string
): ISchema {
  if (!schema.properties) {
    return schema;
  }
  const properties = Object.entries(schema.properties).map(
    ([name, property]): [string, ISchema] => {
      const { title, description, anyOf } = property;
      return [
        name,
        {
          ...withLabels(property, say),
          ...(title !== undefined && { title: say(title) }),
          ...(description !== undefined && { description: say(description) }),
          ...(anyOf && { anyOf: anyOf.map(choice => withLabels(choice, say)) })
        }
      ];
    }
  );
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** Titles of choices and of the values of pairs, translated. */
function withLabels(schema: ISchema, say: (text: string) => string): ISchema {
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

export function pythonCode(trans: TranslationBundle): IComponent {
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
  constructor(
    private _client: MLWSClient,
    private _query: { project: string | undefined }
  ) {}

  /** Creates a component of the project, whose code is to be written. */
  async create(): Promise<IComponent> {
    const { trans } = this._client;
    const component = await this._client.post(
      '/components',
      undefined,
      this._query
    );
    return translateComponent(component, trans);
  }

  /** Checks the code of a component without running it, and changes its ports. */
  edit(name: string, text: string, ports?: ICodePorts) {
    const body = { name, text, ...(ports && { ports }) };
    return this._client.post('/components/code', body, this._query);
  }
}
