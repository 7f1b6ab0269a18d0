import { closeIcon } from '@jupyterlab/ui-components';
import { useId, useState } from 'react';

import type { IRunColumns } from '../api/models';
import { Button, Hint, Select } from '../ui/controls';
import { IconButton } from '../ui/iconButton';
import { trans } from '../ui/locale';
import {
  ATTRIBUTES,
  FilterSyntaxError,
  formatFilter,
  KINDS,
  OPERATORS,
  parseFilter,
  type FilterKind,
  type ICondition
} from './filterText';

const EMPTY: ICondition = {
  kind: 'metrics',
  name: '',
  operator: '>=',
  value: ''
};

/** The fault of a filter, with its position; null for a valid one. */
export function filterFault(text: string): string | null {
  try {
    parseFilter(text);
    return null;
  } catch (error) {
    if (!(error instanceof FilterSyntaxError)) {
      throw error;
    }
    const reasons: Record<FilterSyntaxError['expected'], string> = {
      field: trans.__('a column such as metrics.accuracy is expected'),
      operator: trans.__('an operator such as = or >= is expected'),
      value: trans.__('a number, or text in quotes, is expected'),
      quote: trans.__('the quote has no end'),
      and: trans.__('conditions are joined by AND')
    };
    const before = text.slice(0, error.position).trimEnd();
    return before === ''
      ? trans.__('At the beginning: %1.', reasons[error.expected])
      : trans.__('After “%1”: %2.', before.slice(-30), reasons[error.expected]);
  }
}

/** Conditions as rows, which write the text of the filter. */
export function FilterForm(props: {
  text: string;
  columns: IRunColumns | undefined;
  onApply: (text: string) => void;
}): JSX.Element {
  const { text, columns, onApply } = props;
  const [conditions, setConditions] = useState<readonly ICondition[]>(() => {
    const existing = filterFault(text) === null ? parseFilter(text) : [];
    return existing.length > 0 ? existing : [EMPTY];
  });
  const id = useId();
  const kinds: Record<FilterKind, string> = {
    metrics: trans.__('Metric'),
    params: trans.__('Parameter'),
    tags: trans.__('Tag'),
    attributes: trans.__('Run')
  };
  const names: Record<FilterKind, readonly string[]> = {
    metrics: columns?.metrics ?? [],
    params: columns?.params ?? [],
    tags: columns?.tags ?? [],
    attributes: ATTRIBUTES
  };
  const set = (index: number, change: Partial<ICondition>) =>
    setConditions(
      conditions.map((one, at) => (at === index ? { ...one, ...change } : one))
    );
  const fault = filterFault(formatFilter(conditions));
  return (
    <div
      role="group"
      className="jp-mlws-FilterForm"
      aria-label={trans.__('Conditions')}
    >
      {conditions.map((one, index) => (
        <div key={index} className="jp-mlws-Tools">
          <span>{index > 0 ? trans.__('and') : trans.__('where')}</span>
          <Select
            aria-label={trans.__('Kind of column')}
            value={one.kind}
            options={KINDS.map(kind => [kind, kinds[kind]] as const)}
            onChange={kind =>
              set(index, {
                kind,
                name: '',
                operator: kind === 'metrics' ? '>=' : '='
              })
            }
          />
          <input
            className="jp-mod-styled"
            list={`${id}-${one.kind}`}
            aria-label={trans.__('Column')}
            placeholder={trans.__('Column')}
            value={one.name}
            onChange={event =>
              set(index, { name: event.target.value.replace(/[`"]/g, '') })
            }
          />
          <Select
            aria-label={trans.__('Operator')}
            value={one.operator}
            options={[...new Set([...OPERATORS, one.operator])].map(
              operator => [operator, operator] as const
            )}
            onChange={operator => set(index, { operator })}
          />
          {!one.operator.endsWith('NULL') && (
            <input
              className="jp-mod-styled"
              aria-label={trans.__('Value')}
              placeholder={trans.__('Value')}
              value={one.value}
              onChange={event => set(index, { value: event.target.value })}
            />
          )}
          <IconButton
            icon={closeIcon}
            label={trans.__('Remove Condition')}
            of={one.name}
            onClick={() =>
              setConditions(conditions.filter((_, at) => at !== index))
            }
          />
        </div>
      ))}
      {KINDS.map(kind => (
        <datalist key={kind} id={`${id}-${kind}`}>
          {names[kind].map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
      ))}
      {fault && <Hint role="status">{fault}</Hint>}
      <div className="jp-mlws-Tools">
        <Button
          type="button"
          onClick={() => setConditions([...conditions, EMPTY])}
        >
          {trans.__('Add Condition')}
        </Button>
        <Button
          type="button"
          disabled={fault !== null}
          onClick={() => onApply(formatFilter(conditions))}
        >
          {trans.__('Apply')}
        </Button>
      </div>
    </div>
  );
}
