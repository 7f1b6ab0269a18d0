import type { TranslationBundle } from '@jupyterlab/translation';

import type { IComponent } from '../../api/models';
import type { ISchema } from '../document/schema';

/** The component as people read it: its words in their language, its names as they are. */
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

/** Titles of choices, translated. */
function withLabels(schema: ISchema, say: (text: string) => string): ISchema {
  const labels = schema['x-labels'];
  return labels ? { ...schema, 'x-labels': labels.map(say) } : schema;
}
