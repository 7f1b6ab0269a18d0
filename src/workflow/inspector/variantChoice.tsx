import { useState, type ReactNode } from 'react';

import { trans } from '../../ui/locale';
import { useCurrentRun } from '../hooks';

/** Select field for a variant of a sweep's node. */
export function VariantChoice(props: {
  node: string;
  children: (id: string, status: string | undefined) => ReactNode;
}): JSX.Element {
  const { states } = useCurrentRun();
  const { node, children } = props;
  const variants = [...states.keys()].filter(id => id.startsWith(`${node}@`));
  const [choice, setChoice] = useState<string | null>(null);
  if (variants.length === 0) {
    return <>{children(node, states.get(node)?.status)}</>;
  }
  const id =
    choice !== null && variants.includes(choice) ? choice : variants[0];
  return (
    <>
      <select
        className="jp-mod-styled"
        aria-label={trans.__('Variant')}
        value={id}
        onChange={event => setChoice(event.target.value)}
      >
        {variants.map(variant => (
          <option key={variant} value={variant}>
            {variant.slice(node.length + 1)}
          </option>
        ))}
      </select>
      {children(id, states.get(id)?.status)}
    </>
  );
}
