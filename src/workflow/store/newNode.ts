import type { IComponent } from '../../api/models';
import { compose, type Edit } from '../document/edits';
import { addNode } from '../document/nodes';
import type { ISchema } from '../document/schema';
import { setSetting } from '../document/variables';

/**
 * Adds a node of a component, with the values for new nodes; the code of a project's component is a
 * dependency.
 */
export function addComponentNode(
  { name, outputs, path, settings }: IComponent,
  id: string,
  at: [number, number]
): Edit {
  const schema: ISchema = settings;
  return compose(
    addNode({ id, component: name, outputs, deps: path ? [path] : [], at }),
    ...Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
      property['x-new'] === undefined
        ? []
        : [setSetting(id, [key], property['x-new'])]
    )
  );
}
