import type { TranslationBundle } from '@jupyterlab/translation';

import type { IComponent } from '../../api/models';

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
    description: say(component.description),
    inputs: component.inputs.map(described),
    outputs: component.outputs.map(described),
    settings: translateSettings(component.settings, say)
  };
}

function translateSettings(schema: any, say: (text: string) => string): any {
  const properties: Record<string, any> = {};
  for (const [name, property] of Object.entries<any>(
    schema?.properties ?? {}
  )) {
    properties[name] = withLabels({ ...property }, say);
    for (const words of ['title', 'description']) {
      if (typeof property[words] === 'string') {
        properties[name][words] = say(property[words]);
      }
    }
    if (property.anyOf) {
      properties[name].anyOf = property.anyOf.map((choice: any) =>
        withLabels({ ...choice }, say)
      );
    }
  }
  return schema?.properties ? { ...schema, properties } : schema;
}

/** Titles of choices, translated. */
function withLabels(schema: any, say: (text: string) => string): any {
  const labels: string[] | undefined = schema['x-labels'];
  return labels ? { ...schema, 'x-labels': labels.map(say) } : schema;
}
